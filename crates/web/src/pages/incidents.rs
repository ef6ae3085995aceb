//! Incidents: what went wrong beyond single packages; one of them from its beginning to its end.

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use operations::questions::{Entry, Heading, Incident, IncidentShown};

use super::{Page, Part, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{ago, clean, count, grouped, lines, span, time};
use crate::veil::Veil;

/// Days that are looked back, if nothing else is said, and at most.
const DAYS: (u64, u64) = (30, 400);
/// Incidents that are listed, and entries of a timeline.
const LISTED: usize = 100;
const ENTRIES: usize = 300;

/// Shows those of the last days.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    let days = match asked.query.get("days").map(|it| it.trim()).filter(|it| !it.is_empty()) {
        None => DAYS.0,
        Some(text) => {
            let days = text.parse().ok().filter(|days| (1..=DAYS.1).contains(days));
            days.ok_or_else(|| Problem::usage(format!("days: a number from 1 to {}", DAYS.1)))?
        }
    };
    let answer = asked.app.past.incidents(days).await?;
    let veil = Veil::of(&asked).await?;
    let it = &*answer.value;
    let rows = html! { @for one in it.incidents.iter().take(LISTED) { (row(&asked, &veil, it.now, one)) } };
    let form = html! {
        form.filter action={ (asked.app.prefix.as_str()) "/incidents" } {
            label for="days" { "Of the last days" }
            input id="days" name="days" type="number" min="1" max=(DAYS.1) value=(days);
            button { "Show" }
        }
    };
    let list = html! {
        @if it.incidents.is_empty() {
            p { "Nothing went wrong beyond single packages since " (time(it.since)) "." }
        } @else {
            (parts::table("Incidents, the newest first", &["What", "State", "Began", "Lasted", "Packages", "Well again", "Latest"], &rows))
            (parts::more(it.incidents.len().min(LISTED), i64::try_from(it.incidents.len()).unwrap_or(i64::MAX)))
        }
    };
    Ok(Page::of("Incidents", &answer, vec![Part::still("of", form), Part::live("incidents", list)]))
}

fn row(asked: &Asked, veil: &Veil, now: i64, it: &Incident) -> Markup {
    html! {
        tr {
            td.wide { a href=(parts::to(asked, "incidents", &it.id)) { (veil.short(&it.title(), 160)) } }
            td { (parts::state(if it.ended.is_some() { "over" } else { "lasts" })) }
            td { (time(it.began)) }
            td { (span(it.ended.unwrap_or(now).saturating_sub(it.began))) }
            td.number { (grouped(it.packages)) }
            td.number { (grouped(it.back)) }
            td { @if let Some(worst) = it.late.worst { (span(worst)) } }
        }
    }
}

/// Shows one.
pub async fn one(asked: Asked, Path(id): Path<String>) -> Result<Page, Problem> {
    let answer = asked.app.past.incident(id).await?;
    let veil = Veil::of(&asked).await?;
    let shown = &*answer.value;
    let mut parts = vec![Part::live("facts", facts(&asked, &veil, shown))];
    if !shown.incident.explains.is_empty() {
        parts.push(Part::live("explains", explains(&veil, &shown.incident)));
    }
    parts.push(Part::live("timeline", timeline(&asked, &veil, shown)));
    Ok(Page::of(veil.short(&shown.incident.title(), 160), &answer, parts))
}

fn facts(asked: &Asked, veil: &Veil, shown: &IncidentShown) -> Markup {
    let it = &shown.incident;
    let mut facts = vec![
        ("state", parts::state(if it.ended.is_some() { "over" } else { "lasts" })),
        ("kind", html! { (it.kind.as_str()) }),
        ("began", html! { (time(it.began)) " " span.dim { "(" (ago(shown.now, it.began)) ")" } }),
        (
            "ended",
            match it.ended {
                Some(ended) => html! { (time(ended)) ", after " (span(ended.saturating_sub(it.began))) },
                None => html! { "not yet, after " (span(shown.now.saturating_sub(it.began))) },
            },
        ),
        ("packages hit", html! { (grouped(it.packages)) }),
        (
            "well again",
            html! { (grouped(it.back)) @if let Some(at) = it.back_at { ", the last " (time(at)) } },
        ),
    ];
    if let (Some(median), Some(worst)) = (it.late.median, it.late.worst) {
        facts.push((
            "late",
            html! {
                "half of them " (span(median)) " at most, the latest " (span(worst))
                @if let Some(package) = &it.late.worst_package { " (" (parts::package(asked, package)) ")" }
            },
        ));
    }
    let more = it.packages.saturating_sub(i64::try_from(it.examples.len()).unwrap_or(0));
    html! {
        @if let Some(cause) = &it.cause { p.cause { (veil.short(cause, 1000)) } }
        (parts::facts(&facts))
        @if it.kind == operations::questions::IncidentKind::Surge { p { "The cause: signature " (parts::signature(asked, &it.subject)) } }
        @if !it.examples.is_empty() {
            p {
                "Hit first: "
                @for (place, name) in it.examples.iter().enumerate() { @if place > 0 { ", " } (parts::package(asked, name)) }
                @if more > 0 { " and " (count(more, "other")) }
            }
        }
        @if !veil.is_on() {
            p { a href={ (parts::to(asked, "incidents", &it.id)) "/markdown" } { "As Markdown, the first draft of a post-mortem" } }
        }
    }
}

fn explains(veil: &Veil, it: &Incident) -> Markup {
    let rows = html! {
        @for part in it.explains.iter().take(LISTED) {
            tr {
                td { (time(part.began)) }
                td { @match part.ended { Some(ended) => (time(ended)), None => "lasts" } }
                td { (part.kind.as_str()) }
                td.wide { (veil.short(&part.text, 300)) }
            }
        }
    };
    html! {
        h2 { "What it explains" }
        (parts::table("What this incident explains", &["From", "To", "Kind", "What"], &rows))
    }
}

fn timeline(asked: &Asked, veil: &Veil, shown: &IncidentShown) -> Markup {
    // Actions of operators, and their reasons, are not public.
    let entries: Vec<&Entry> =
        shown.timeline.iter().filter(|entry| !veil.is_on() || entry.kind != Heading::Done).collect();
    let rows = html! {
        @for entry in entries.iter().take(ENTRIES) {
            tr {
                td { (time(entry.at)) }
                td { (parts::state(entry.kind.as_str())) }
                td.wide { @if let Some(who) = &entry.who { strong { (clean(who)) } ": " } (veil.short(&entry.text, 400)) }
            }
        }
    };
    html! {
        h2 { "Timeline" }
        (parts::table("Timeline", &["When", "What", ""], &rows))
        (parts::more(entries.len().min(ENTRIES), i64::try_from(entries.len()).unwrap_or(i64::MAX)))
        @if !veil.is_on() && shown.incident.ended.is_some() {
            p { a href=(parts::at(&format!("{}/", asked.app.prefix.as_str()), Some(shown.incident.began))) { "How it was when it began" } }
        }
    }
}

/// One as Markdown: the same as `incident show --markdown`.
pub async fn markdown(asked: Asked, Path(id): Path<String>) -> Result<Response, Problem> {
    asked.private()?;
    let answer = asked.app.past.incident(id).await?;
    // As plain text, which every browser shows and none runs.
    let builder = Response::builder().header("content-type", "text/plain; charset=utf-8");
    Ok(builder.body(Body::from(lines(&answer.value.markdown()))).unwrap_or_default())
}
