//! A plan of repair: what was found, what would be done, and what became of it.

use axum::extract::Path;
use axum::http::StatusCode;
use maud::{Markup, html};
use operations::questions::{PlanBegin, RepairStep};

use super::plans::states;
use super::{Page, Part, act, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{bytes, clean, count, grouped, short, time};

/// Findings and steps of a package that are shown.
const FINDINGS: usize = 20;
const STEPS: usize = 100;
/// Steps of all packages that are shown.
const ALL_STEPS: usize = 300;

/// Shows it.
pub async fn page(asked: Asked, Path(id): Path<String>) -> Result<Page, Problem> {
    asked.private()?;
    let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("there is no plan {id:?}"));
    let number: i64 = id.parse().map_err(|_| unknown())?;
    let answer = asked.app.reader.plan(number).await?;
    let it = &*answer.value;
    let mut shown = vec![Part::live("facts", facts(&asked, it))];
    if act::may(&asked) {
        shown.push(Part::still("acts", acts(&asked, it)));
    }
    shown.push(Part::live("packages", packages(&asked, it)));
    Ok(Page::of(format!("Plan {number}"), &answer, shown))
}

fn number_of(it: &PlanBegin, wanted: &[&str]) -> i64 {
    it.packages.iter().filter(|(state, _)| wanted.contains(&state.as_str())).map(|(_, number)| number).sum()
}

fn facts(asked: &Asked, it: &PlanBegin) -> Markup {
    let plan = &it.shown.plan;
    let summary = it.shown.summary();
    let all: i64 = it.packages.iter().map(|(_, number)| number).sum();
    let mut facts = vec![
        ("kind", html! { (clean(&plan.kind)) }),
        ("made", html! { (time(plan.made)) " by " (clean(&plan.by)) }),
        ("packages", states(&it.packages)),
    ];
    if let Some(undone) = plan.undoes {
        let link = parts::to(asked, "plans", &undone.to_string());
        facts.push(("takes back", html! { a href=(link) { "plan " (undone) } }));
    }
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let signs = [
        ("+", "create", summary.create),
        ("~", "move forward", summary.forward),
        (">", "set aside", summary.aside),
        ("!", "replace what others may have", summary.replace),
    ];
    html! {
        (parts::facts(&facts))
        p {
            strong { (count(number(summary.steps()), "step")) }
            @for (sign, word, some) in signs.iter().filter(|(_, _, some)| *some > 0) { " \u{b7} " span.code { (sign) } " " (grouped(number(*some))) " " (word) }
            @if summary.for_good > 0 { " \u{b7} " strong { (grouped(number(summary.for_good))) " cannot be undone" } }
            @if summary.imports > 0 { " \u{b7} " (count(number(summary.imports), "version")) " imported again" }
            @if summary.bytes > 0 { " \u{b7} " (bytes(number(summary.bytes))) " fetched" }
        }
        (parts::more(it.shown.parts.len(), all))
        @if number_of(it, &["asked", "wanted"]) > 0 { p.dim { "A worker with the repository does what was asked for; this page shows it then." } }
    }
}

fn acts(asked: &Asked, it: &PlanBegin) -> Markup {
    let id = it.shown.plan.id.to_string();
    let ready = number_of(it, &["planned", "stale", "failed"]);
    let applied = number_of(it, &["applied"]);
    html! {
        @if ready > 0 || applied > 0 {
            h2 { "Do something" }
            div.acts {
                @if ready > 1 {
                    (act::button(asked, "repair-apply", &id, &format!("Carry out for all {}", grouped(ready)), &act::field("canary", "first", "5")))
                } @else if ready == 1 {
                    (act::button(asked, "repair-apply", &id, "Carry out", &html! {}))
                }
                @if applied > 0 { (act::button(asked, "repair-undo", &id, "Plan to take it back", &html! {})) }
            }
        }
    }
}

fn packages(asked: &Asked, it: &PlanBegin) -> Markup {
    let mut left = ALL_STEPS;
    let mut shown = Vec::new();
    for (part, plan) in &it.shown.parts {
        let steps = plan.steps.len().min(STEPS).min(left);
        left -= steps;
        shown.push((part, plan, steps));
    }
    html! {
        @for (part, plan, steps) in &shown {
            h2 { (parts::package(asked, &part.package)) " " (parts::state(&part.state)) }
            p.dim {
                (time(part.changed)) " by " (clean(&part.by))
                @if let Some(reason) = &part.reason { " " q { (short(reason, 300)) } }
            }
            @if let Some(note) = &part.note { p.cause { (short(note, 1000)) } }
            @if !plan.findings.is_empty() {
                ul {
                    @for finding in plan.findings.iter().take(FINDINGS) {
                        li { span.code { (finding.code.as_str()) } " " (clean(&finding.subject)) ": " (short(&finding.message, 300)) }
                    }
                    @if plan.findings.len() > FINDINGS { li.dim { "and " (plan.findings.len() - FINDINGS) " more findings" } }
                }
            }
            @if *steps > 0 { (table(plan.steps.iter().take(*steps), &part.package)) }
            @if plan.steps.len() > *steps { p.dim { "and " (count(i64::try_from(plan.steps.len() - steps).unwrap_or(i64::MAX), "step")) " more: " span.code { "package-import repair show" } " has all" } }
        }
    }
}

fn table<'a>(steps: impl Iterator<Item = &'a RepairStep>, package: &str) -> Markup {
    let value = |value: &Option<String>| match value {
        Some(value) => html! { span.code { (id(value)) } },
        None => html! { span.dim { "nothing" } },
    };
    let rows = html! {
        @for step in steps {
            tr {
                td { span.code { (step.mark.sign()) } " " (step.mark.as_str()) }
                td.wide { (clean(&step.subject)) }
                td { (value(&step.before)) }
                td { (value(&step.after)) }
                td.wide {
                    (short(&step.reason, 200))
                    @if !step.reversible { " " strong { "Cannot be undone." } }
                    @if step.imports > 0 { " " (count(i64::try_from(step.imports).unwrap_or(i64::MAX), "version")) " imported again." }
                }
            }
        }
    };
    parts::table(&format!("Steps for {}", clean(package)), &["Step", "What", "Is", "Becomes", "Why"], &rows)
}

/// An object by the beginning of its id; any other text as it is.
fn id(value: &str) -> String {
    let is_id = value.len() >= 40 && value.chars().all(|c| c.is_ascii_hexdigit());
    if is_id { value.chars().take(12).collect() } else { short(value, 80) }
}
