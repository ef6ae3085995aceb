//! A package: its state, the reason, and the actions on it.

use axum::extract::Path;
use maud::{Markup, html};
use state::read::versions::Version;

use super::{Page, Part, act, parts, plans};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::questions::Facts;
use crate::shown::{bytes, clean, since, time, took, until};
use crate::veil::Veil;

/// An unlimited wait has a date far in the future.
const NEVER: i64 = state::waits::NEVER;

/// Findings that are shown.
const FINDINGS: usize = 20;

/// Shows the package.
pub async fn page(asked: Asked, Path(name): Path<String>) -> Result<Page, Problem> {
    let answer = asked.reader().package(name, asked.then).await?;
    let veil = Veil::of(&asked).await?;
    let it = &*answer.value;
    let mut shown = vec![
        Part::live("facts", facts(&asked, &veil, it)),
        Part::still("acts", acts(&asked, it)),
        Part::live("missing", missing(it)),
        Part::live("findings", findings(&asked, &veil, it)),
        Part::live("attempts", attempts(&asked, &veil, it)),
        Part::live("versions", versions(&asked, it)),
    ];
    if !veil.is_on() {
        shown.push(Part::live("events", html! {
            h2 { "What was done" }
            @if it.events.is_empty() { p { "Nothing is on record." } } @else { (parts::events(&it.events)) }
        }));
    }
    Ok(Page::of(it.package.package.clone(), &answer, shown))
}

fn facts(asked: &Asked, veil: &Veil, it: &Facts) -> Markup {
    let (now, package) = (it.now, &it.package);
    let mut facts = vec![
        ("result", parts::state(&package.result)),
        (
            "work",
            html! { (parts::state(&package.work)) @if let Some(lane) = &package.lane { " in lane " (clean(lane)) } },
        ),
    ];
    facts.extend(package.place.map(|place| ("place in the queue", html! { (place) })));
    facts.extend(package.due.map(|due| ("next try", html! { (time(due)) " (" (until(now, due)) ")" })));
    facts.extend(package.waits_for.as_deref().map(|it| ("parked on", html! { (veil.text(it)) })));
    if let Some(wait) = &package.wait {
        facts.push((
            "waits for",
            html! {
                (veil.text(&wait.reason))
                @if wait.until != NEVER { ", goes on without it " (time(wait.until)) }
            },
        ));
    }
    facts.extend(package.last_success.map(|at| ("last success", since(now, at))));
    if let Some(held) = &package.held {
        facts.push((
            "held",
            html! {
                @if !veil.is_on() { "by " (clean(&held.by)) ": " (clean(&held.reason)) ", " }
                "since " (time(held.since))
                @if let Some(until) = held.until { ", until " (time(until)) }
            },
        ));
    }
    if let Some(behind) = it.freshness.as_ref().filter(|it| it.state == "behind") {
        facts.push(("behind, because", html! { (parts::why(veil, behind)) }));
    }
    html! {
        @if let Some(failure) = &package.failure {
            p.cause {
                "Fails since " (since(now, failure.since)) " with " (parts::signature(asked, &failure.signature)) ": "
                span.code { (clean(&failure.stage)) "/" (clean(&failure.code)) } " " (veil.short(&failure.message, 1000))
            }
        }
        (parts::facts(&facts))
        @for foreign in package.foreign.iter().take(20) {
            p { (parts::state("foreign")) " ref " span.code { (clean(&foreign.name)) } " is not the importer's, since " (time(foreign.since)) }
        }
        @for it in &package.went_on { p.dim { (time(it.at)) " " (veil.short(&it.what, 300)) } }
    }
}

fn acts(asked: &Asked, it: &Facts) -> Markup {
    let name = &it.package.package;
    let button = |action: &str, label: &str| act::button(asked, action, name, label, &html! {});
    html! {
        @if act::may(asked) {
            h2 { "Do something" }
            div.acts {
                @if it.package.failure.is_some() { (button("retry", "Try again")) }
                @if it.package.held.is_some() {
                    (button("release", "Release"))
                } @else {
                    (act::button(asked, "hold", name, "Hold", &act::field("until", "until", "")))
                }
                (button("prioritize", "Do next"))
                (button("requeue", "Look at again"))
                (button("repair-plan", "Plan a repair"))
                (act::button(asked, "suppress", name, "Do not count", &act::field("until", "until", "3d")))
                (button("unsuppress", "Count again"))
            }
        }
    }
}

/// Findings of its repository and plans to mend them; collisions.
fn findings(asked: &Asked, veil: &Veil, it: &Facts) -> Markup {
    // Past findings and past refs of remotes are not kept.
    if asked.then.is_some() {
        return html! {};
    }
    let package = &it.package;
    let rows = html! {
        @for one in package.findings.iter().take(FINDINGS) {
            tr {
                td { span.code title=(plans::meaning(&one.code)) { (clean(&one.code)) } }
                td.wide { (veil.short(&one.subject, 200)) }
                td.wide { (veil.short(&one.message, 300)) }
                td { (since(it.now, one.since)) }
            }
        }
    };
    html! {
        @if !package.findings.is_empty() {
            h2 { "What is wrong with its repository" }
            (parts::table("Findings", &["Finding", "Where", "What", "Since"], &rows))
            (parts::more(package.findings.len().min(FINDINGS), i64::try_from(package.findings.len()).unwrap_or(0)))
        }
        @if !veil.is_on() && !it.plans.is_empty() {
            h2 { "Plans of repair" }
            (parts::table("Plans of repair", &["Plan", "State", "Changed", "By", "Note"], &plan_rows(asked, it)))
        }
        @if !veil.is_on() && !package.collisions.is_empty() {
            h2 { "Refs that others have moved" }
            (super::collisions::table(asked, it.now, "Collisions", &package.collisions.iter().collect::<Vec<_>>()))
        }
    }
}

fn plan_rows(asked: &Asked, it: &Facts) -> Markup {
    html! {
        @for (plan, part) in &it.plans {
            tr {
                td { a href=(parts::to(asked, "plans", &plan.id.to_string())) { (plan.id) " " (clean(&plan.kind)) } }
                td { (parts::state(&part.state)) }
                td { (time(part.changed)) }
                td { (clean(&part.by)) }
                td.wide { (part.note.as_deref().map(|it| crate::shown::short(it, 200)).unwrap_or_default()) }
            }
        }
    }
}

fn missing(it: &Facts) -> Markup {
    let now = it.now;
    let rows = html! {
        @for one in &it.package.missing {
            tr {
                td { (clean(&one.version)) }
                td { (clean(&one.place)) }
                td { (since(now, one.first_seen)) }
                td.number { (one.tries) }
            }
        }
    };
    html! {
        h2 { "Published and not imported" }
        @if it.package.missing.is_empty() {
            p { "Nothing: everything that is listed is imported." }
        } @else {
            (parts::table("Published and not imported", &["Version", "Where", "First seen", "Tries"], &rows))
        }
    }
}

fn attempts(asked: &Asked, veil: &Veil, it: &Facts) -> Markup {
    let rows = html! {
        @for one in &it.package.attempts {
            tr {
                td { (time(one.started)) }
                td { (one.outcome.as_deref().map_or_else(|| parts::state("running"), parts::state)) }
                @if !veil.is_on() { td { (clean(&one.host)) } }
                td { @if let Some(ms) = one.wall_ms { (took(ms)) } @if let Some(peak) = one.peak_rss { ", " (bytes(peak)) } }
                td.wide {
                    @if let (Some(stage), Some(code)) = (&one.stage, &one.code) { span.code { (clean(stage)) "/" (clean(code)) } " " }
                    @if let Some(message) = &one.message { (veil.short(message, 160)) }
                }
                @if !veil.is_on() { td { a href={ (asked.app.prefix.as_str()) "/attempts/" (one.id) "/log" } { "log" span.hidden { " of attempt " (one.id) } } } }
            }
        }
    };
    let all: &[&str] = &["When", "Outcome", "Host", "Cost", "Why", "Log"];
    let public: &[&str] = &["When", "Outcome", "Cost", "Why"];
    html! {
        h2 { "Attempts" }
        @if it.package.attempts.is_empty() {
            p { "It was never tried." }
        } @else {
            (parts::table("Attempts", if veil.is_on() { public } else { all }, &rows))
        }
    }
}

fn versions(asked: &Asked, it: &Facts) -> Markup {
    let rows = html! {
        @for one in &it.versions {
            tr {
                td { (clean(&one.version)) }
                td { (clean(&one.distro)) }
                td { (commit(asked, &it.package.package, one)) }
                td { (clean(&one.tag)) }
                td { (time(one.imported)) }
            }
        }
    };
    html! {
        h2 { "Versions" }
        @if it.versions.is_empty() {
            p { "None is imported." }
        } @else {
            (parts::table("Versions", &["Version", "Distro", "Commit", "Tag", "Imported"], &rows))
        }
    }
}

/// A commit, as a link if the configuration has an address for commits.
fn commit(asked: &Asked, package: &str, version: &Version) -> Markup {
    let short: String = clean(&version.commit).chars().take(12).collect();
    let is_id = version.commit.chars().all(|c| c.is_ascii_hexdigit());
    match asked.app.gate.web.commit_url.as_deref().filter(|_| is_id) {
        Some(url) => {
            let address = url.replace("{package}", package).replace("{commit}", &version.commit);
            html! { a.code href=(address) rel="noreferrer noopener" { (short) } }
        }
        None => html! { span.code { (short) } },
    }
}
