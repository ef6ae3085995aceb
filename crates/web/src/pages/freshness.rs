//! Freshness: how long branches take from the publication, and which packages lack something.

use maud::{Markup, html};
use operations::questions::Freshness;
use state::read::freshness::Behind;

use super::{Page, Part, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{clean, count, grouped, since, span, time, until};
use crate::veil::Veil;

/// Shows it.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    let answer = asked.reader().freshness(asked.then).await?;
    let veil = Veil::of(&asked).await?;
    let it = &*answer.value;
    let parts = vec![Part::live("figures", figures(it)), Part::live("behind", behind(&asked, &veil, it))];
    Ok(Page::of("Freshness", &answer, parts))
}

fn figures(it: &Freshness) -> Markup {
    let seconds = |seconds: i64| span(seconds.saturating_mul(1000));
    html! {
        h2 { "From publication to branch" }
        @match &it.figures {
            None => p { "Nothing was measured yet: a run does that each hour and when it ends." },
            Some(figures) => {
                (parts::facts(&[
                    ("median", html! { (seconds(figures.p50)) }),
                    ("95 of 100", html! { (seconds(figures.p95)) }),
                    ("worst", html! { (seconds(figures.worst)) }),
                    ("failing or held", html! { (grouped(figures.failing)) @if figures.failing > 0 { ", the oldest for " (seconds(figures.failing_worst)) } }),
                    ("in bulk", html! { (grouped(figures.rescans)) @if figures.rescans > 0 { ", 95 of 100 within " (seconds(figures.rescan_p95)) } }),
                ]))
                p.dim { (count(figures.measured, "publication")) " of seven days, sample of " (time(figures.at)) }
            }
        }
    }
}

fn behind(asked: &Asked, veil: &Veil, it: &Freshness) -> Markup {
    let rows = html! { @for one in &it.packages { (row(asked, veil, it.now, one)) } };
    html! {
        h2 { "Packages behind" }
        @if it.packages.is_empty() {
            p { "None: every branch has what is published." }
        } @else {
            p { (count(it.behind, "package")) }
            (parts::table("Packages behind", &["Package", "Lacks", "Published", "Why", "Next"], &rows))
            (parts::more(it.packages.len(), it.behind))
        }
    }
}

fn row(asked: &Asked, veil: &Veil, now: i64, one: &Behind) -> Markup {
    let first = one.lacks.first();
    let more = i64::try_from(one.lacks.len().saturating_sub(1)).unwrap_or(0);
    html! {
        tr {
            td { (parts::package(asked, &one.package)) }
            td {
                @if let Some(lacking) = first { (clean(&lacking.version)) " in " (clean(&lacking.place)) }
                @if more > 0 { " " span.dim { "and " (count(more, "other")) } }
            }
            td { @if let Some(lacking) = first { (since(now, lacking.published)) } }
            td.wide { (parts::why(veil, one)) }
            td { @if let Some(next) = one.next { (until(now, next)) } }
        }
    }
}
