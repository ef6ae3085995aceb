//! Archives: the last successful poll of each suite, with its remarks.

use maud::html;

use super::front::wait_for;
use super::{Page, Part, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{clean, count, grouped, since, span, verb};
use crate::veil::Veil;

/// Shows the archives.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    let answer = asked.reader().archives(asked.then).await?;
    let veil = Veil::of(&asked).await?;
    let found = &*answer.value;
    let rows = html! {
        @for suite in &found.suites {
            tr {
                td { (clean(&suite.archive)) " " strong { (clean(&suite.suite)) } }
                td { (parts::state(suite.verdict)) }
                td { (suite.branch.as_deref().map(clean).unwrap_or_default()) }
                td { @if let Some(polled) = suite.polled { (since(found.now, polled)) } @else { "never" } }
                td { @if let Some(index) = suite.index { (since(found.now, index)) } }
                td.number { @if let Some(listed) = suite.listed { (grouped(listed)) } }
                td { (span(suite.every)) }
                td.wide {
                    @if let Some(error) = &suite.error { p { (veil.short(error, 300)) } }
                    @if suite.withheld > 0 { p { (grouped(suite.withheld)) " removals are not believed yet" } }
                    @for remark in suite.remarks.iter().take(10) { p { (veil.short(remark, 300)) } }
                }
            }
        }
    };
    let html = html! {
        @if found.suites.is_empty() {
            p { "No archive is followed: [[archives]] in config.toml." }
        } @else {
            (parts::table("Suites", &["Suite", "Verdict", "Branch", "Last good poll", "Index of", "Listed", "Every", "Remarks"], &rows))
        }
        @for wait in &found.waits { p { (count(wait.packages, "package")) " " (verb(wait.packages, "wait")) " for " (wait_for(&wait.kind)) "." } }
    };
    Ok(Page::of("Archives", &answer, vec![Part::live("suites", html)]))
}
