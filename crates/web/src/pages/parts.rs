//! Parts that several pages share: links, words for states, tables.

use baseline::time::Millis;
use maud::{Markup, html};
use state::events::Event;
use state::read::failures::{Failing, Group};
use state::read::freshness::Behind;

use crate::asked::Asked;
use crate::shown::{clean, grouped, since, stamp, time, until};
use crate::then;
use crate::veil::Veil;

/// Text as a part of a path.
fn escaped(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~+".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// A link to another page, with `rest` behind the prefix.
pub fn to(asked: &Asked, folder: &str, name: &str) -> String {
    let path = format!("{}/{folder}/{}", asked.app.prefix.as_str(), escaped(name));
    at(&path, asked.then.filter(|_| matches!(folder, "packages" | "signatures")))
}

/// A link to a page of the menu, at the same time.
pub fn menu(asked: &Asked, path: &str) -> String {
    at(&format!("{}{path}", asked.app.prefix.as_str()), asked.then.filter(|_| then::is_possible(path)))
}

/// A path with the time that is looked back to.
pub fn at(path: &str, then: Option<i64>) -> String {
    then.map_or_else(|| path.to_owned(), |then| format!("{path}?at={}", stamp(then)))
}

/// Reason why a package is behind, as far as it is public.
pub fn why(veil: &Veil, behind: &Behind) -> String {
    let why = behind.why.as_deref().unwrap_or_default();
    if veil.is_on() && why == "held" {
        return "held".to_owned();
    }
    veil.short(behind.reason.as_deref().unwrap_or(why), 300)
}

/// A package, as a link.
pub fn package(asked: &Asked, name: &str) -> Markup {
    html! { a href=(to(asked, "packages", name)) { (clean(name)) } }
}

/// A signature's short id, as a link.
pub fn signature(asked: &Asked, short: &str) -> Markup {
    html! { a.id href=(to(asked, "signatures", short)) { (clean(short)) } }
}

/// A state as a word with a mark that is recognisable without colour.
pub fn state(word: &str) -> Markup {
    let class = match word {
        "current" | "ok" | "OK" | "alive" | "imported" | "online" | "closed" | "applied" | "over"
        | "back" => "good",
        "failing" | "wedged" | "CRITICAL" | "silent" | "failed" | "lost" => "bad",
        "retrying" | "WARNING" | "stalled" | "troubled" | "never" | "withheld" | "held" | "parked"
        | "quiescing" | "offline" | "stale" | "lasts" | "alerted" | "behind" => "odd",
        _ => "plain",
    };
    html! { span.state.(class) { (clean(word)) } }
}

/// Remark about rows that are cut off.
pub fn more(shown: usize, all: i64) -> Markup {
    let shown = i64::try_from(shown).unwrap_or(i64::MAX);
    html! { @if all > shown { p.dim { "The first " (grouped(shown)) " of " (grouped(all)) "." } } }
}

/// A table in a frame of its own, which scrolls sideways in a narrow window and is reachable by keyboard.
pub fn table(caption: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption.hidden { (caption) }
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// Causes of failures, as a table.
pub fn groups(asked: &Asked, veil: &Veil, groups: &[Group]) -> Markup {
    let rows = html! {
        @for group in groups {
            tr {
                td.number { (grouped(group.packages)) }
                td { (signature(asked, &group.signature)) }
                td.wide {
                    span.code { (clean(&group.stage)) "/" (clean(&group.code)) } " " (veil.short(&group.text, 160))
                    @if let Some(policy) = &group.policy { " " span.tag { "policy " (clean(policy)) } }
                }
                td { (time(group.since)) }
                td { (clean(&group.class)) }
            }
        }
    };
    table("Failures by signature", &["Packages", "Signature", "Cause", "Since", "Class"], &rows)
}

/// Packages that fail, as a table.
pub fn failing(asked: &Asked, now: i64, packages: &[Failing]) -> Markup {
    let rows = html! {
        @for it in packages {
            tr {
                td { (package(asked, &it.package)) }
                td { (state(&it.state)) @if it.held { " " (state("held")) } }
                td { (it.version.as_deref().map(clean).unwrap_or_default()) }
                td { (since(now, it.since)) }
                td.number { (grouped(it.attempts)) }
                td { @match it.due { Some(due) if !it.held => (until(now, due)), _ => "" } }
            }
        }
    };
    table("Packages that fail", &["Package", "State", "Version", "Since", "Attempts", "Next try"], &rows)
}

/// Entries of the audit trail, as a table. Not public.
pub fn events(events: &[Event]) -> Markup {
    let rows = html! {
        @for event in events {
            tr {
                td { (time(event.at)) }
                td { (clean(&event.actor)) }
                td { (clean(&event.action)) }
                td { (clean(&event.subject)) }
                td.wide { (change(event)) @if let Some(reason) = &event.reason { " " q { (crate::shown::short(reason, 300)) } } }
            }
        }
    };
    table("What was done", &["When", "Who", "What", "To what", "Change and reason"], &rows)
}

/// Ends of suppressions are recorded in milliseconds.
fn readable(text: &str) -> String {
    let end = text.strip_prefix("until ").and_then(|end| end.parse().ok());
    crate::shown::short(&end.map_or_else(|| text.to_owned(), |end| format!("until {}", Millis(end))), 200)
}

fn change(event: &Event) -> String {
    match (event.before.as_deref().map(readable), event.after.as_deref().map(readable)) {
        (Some(before), Some(after)) => format!("{before} \u{2192} {after}"),
        (Some(before), None) => format!("was {before}"),
        (None, Some(after)) => after,
        (None, None) => String::new(),
    }
}

/// A text that may be an address: a link if it is a web address, and nothing that a browser would run.
pub fn outside(text: &str) -> Markup {
    let is_address = ["https://", "http://"].iter().any(|start| text.starts_with(start));
    html! {
        @if is_address { a href=(clean(text)) rel="noreferrer noopener" { (clean(text)) } } @else { (clean(text)) }
    }
}

/// Names and values, as a list.
pub fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts { @for (name, fact) in facts { div { dt { (name) } dd { (fact) } } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_a_path() {
        assert_eq!(escaped("libstdc++6"), "libstdc++6");
        assert_eq!(escaped("../a?b#c\"<"), "..%2Fa%3Fb%23c%22%3C");
    }
}
