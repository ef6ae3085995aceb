//! A signature: its facts, its beginning, its packages, and the decisions about it.

use axum::extract::Path;
use maud::html;
use operations::codes;

use super::{Page, Part, act, chart, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::questions::Cause;
use crate::shown::{clean, count, since};
use crate::veil::Veil;

/// Shows the signature.
pub async fn page(asked: Asked, Path(id): Path<String>) -> Result<Page, Problem> {
    let answer = asked.reader().cause(id, asked.then).await?;
    let veil = Veil::of(&asked).await?;
    let cause = &*answer.value;
    let mut shown = vec![Part::live("facts", facts(&veil, cause))];
    if !cause.samples.is_empty() {
        shown.push(Part::live("trend", trend(cause)));
    }
    if act::may(&asked) {
        shown.push(Part::still("acts", acts(&asked, cause)));
    }
    shown.push(Part::live(
        "packages",
        html! {
            h2 { "Packages" }
            @if cause.packages.is_empty() {
                p { "Nothing fails with it now." }
            } @else {
                (parts::failing(&asked, cause.now, &cause.packages))
                (parts::more(cause.packages.len(), cause.group.packages))
            }
        },
    ));
    if !veil.is_on() {
        shown.push(Part::live("events", html! {
            h2 { "What was decided" }
            @if cause.events.is_empty() { p { "Nothing is on record." } } @else { (parts::events(&cause.events)) }
        }));
    }
    Ok(Page::of(format!("Signature {}", cause.group.signature), &answer, shown))
}

fn facts(veil: &Veil, cause: &Cause) -> maud::Markup {
    let group = &cause.group;
    let mut facts = vec![
        ("packages", html! { (count(group.packages, "package")) }),
        ("class", html! { (clean(&group.class)) " " span.dim { (class(&group.class)) } }),
        ("since", html! { (since(cause.now, group.since)) }),
        ("last seen", html! { (since(cause.now, group.last)) }),
        ("policy", html! { (group.policy.as_deref().map_or("none".to_owned(), clean)) }),
    ];
    if !veil.is_on() {
        facts.extend(group.note.as_deref().map(|note| ("note", html! { (clean(note)) })));
        facts.extend(group.bug.as_deref().map(|bug| ("reported", parts::outside(bug))));
    }
    facts.extend(
        cause
            .verdict
            .as_ref()
            .map(|it| ("as normal", html! { (parts::state(&it.state)) " " (veil.text(&it.text)) })),
    );
    html! {
        p.cause { span.code { (clean(&group.stage)) "/" (clean(&group.code)) } " " (veil.text(&group.text)) }
        @for it in codes::of(Some(&group.stage), &group.code).into_iter().take(1) {
            p { (it.meaning) ". " @if !it.advice.is_empty() { strong { "What to do: " } (it.advice) "." } }
        }
        (parts::facts(&facts))
    }
}

fn acts(asked: &Asked, cause: &Cause) -> maud::Markup {
    let short = &cause.group.signature;
    let policy = html! {
        label { "Policy " select name="policy" { @for word in ["retry", "fail", "hold", "none"] { option { (word) } } } }
    };
    html! {
        h2 { "Do something" }
        div.acts {
            @if cause.group.packages > 0 {
                (act::button(asked, "retry-signature", short, &format!("Try all {} again", cause.group.packages), &act::field("canary", "first", "5")))
            }
            (act::button(asked, "suppress", short, "Do not count", &act::field("until", "until", "3d")))
            (act::button(asked, "unsuppress", short, "Count again", &html! {}))
            (act::button(asked, "policy", short, "Decide", &policy))
        }
    }
}

/// Meaning of a class for the next try.
fn class(class: &str) -> &'static str {
    match class {
        "transient" => "passes by itself: tried again soon",
        "permanent" => "does not pass by itself: tried again rarely",
        "infrastructure" => "not the package's: the machine or the archive",
        _ => "not known whether it passes by itself",
    }
}

fn trend(cause: &Cause) -> maud::Markup {
    let normal =
        cause.verdict.as_ref().and_then(|it| it.detail.get("normal")).and_then(serde_json::Value::as_f64);
    let chart = chart::Chart {
        name: "signature",
        title: "Packages with this signature by the hour",
        unit: "packages",
        now: cause.now,
        samples: cause.samples.iter().map(|it| (it.hour, it.value)).collect(),
        normal: normal.map(|normal| (normal, 0.0)),
        warning: None,
        critical: None,
        bands: Vec::new(),
    };
    html! { h2 { "Trend" } (chart.draw()) }
}
