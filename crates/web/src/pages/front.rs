//! The front page: the state of the installation, with links to the other pages.

use maud::{Markup, html};
use state::read::verdicts::Verdict;

use super::{Page, Part, act, chart, parts, verdict};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::questions::Front;
use crate::shown::{ago, clean, count, grouped, since, span, time, until, verb};
use crate::veil::Veil;

/// Shows the front page.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    let answer = asked.reader().front(asked.then).await?;
    let veil = Veil::of(&asked).await?;
    let front = &*answer.value;
    let items = verdict::items(&asked, &veil, front);
    let mut worst = verdict::worst(&items);
    if answer.away.is_some() {
        worst = worst.max(verdict::Level::Unknown);
    }
    let parts = vec![
        Part::live("verdict", said(front, &items)),
        Part::live("baseline", baseline(&asked, &veil, front)),
        Part::live("failures", failures(&asked, &veil, front)),
        Part::live("runs", running(&asked, &veil, front)).narrow(),
        Part::live("queue", queue(&asked, front)).narrow(),
        Part::live("freshness", freshness(&asked, front)).narrow(),
        Part::live("archives", archives(&asked, front)).narrow(),
    ];
    Ok(Page::of(worst.headline(), &answer, parts))
}

fn said(front: &Front, items: &[verdict::Item]) -> Markup {
    let status = &front.status;
    html! {
        p.figures {
            strong { (grouped(status.failing)) } " of " (count(status.packages, "package")) " " (verb(status.failing, "fail"))
            " \u{b7} " strong { (grouped(status.new_failures)) } " new in 24 h"
            " \u{b7} " (grouped(status.retrying)) " retrying"
            " \u{b7} " (grouped(status.wedged)) " wedged"
            " \u{b7} " (grouped(status.held.0)) " held"
        }
        (verdict::list(items))
    }
}

fn baseline(asked: &Asked, veil: &Veil, front: &Front) -> Markup {
    let found = front.verdicts.iter().find(|it| it.figure == "failing");
    html! {
        h2 { "Failing packages, as normal" }
        @match found {
            Some(verdict) => p { (veil.text(&verdict.text)) " " span.dim { "(" (ago(front.status.now, verdict.at)) ")" } },
            None if asked.then.is_some() => p { "No alert is on record until then." },
            None => p { "Nothing was said about it yet." },
        }
        @if !front.samples.is_empty() { (figure(veil, front, found)) }
        @if act::may(asked) && found.is_some_and(|it| it.state != "OK") {
            div.acts { (act::button(asked, "baseline-accept", "failing", "Take today's level for normal", &html! {})) }
        }
    }
}

fn figure(veil: &Veil, front: &Front, found: Option<&Verdict>) -> Markup {
    let judged = found.map(|it| it.detail.get("stock").unwrap_or(&it.detail));
    let number = |name: &str| judged.and_then(|it| it.get(name)).and_then(serde_json::Value::as_f64);
    let bands = front.outages.iter().map(|band| chart::Band {
        what: veil.text(&band.what),
        from: band.from,
        to: band.to,
    });
    chart::Chart {
        name: "failing",
        title: "Failing packages by the hour, the last two weeks",
        unit: "packages",
        now: front.status.now,
        samples: front.samples.iter().map(|it| (it.hour, it.value)).collect(),
        normal: number("normal").map(|normal| (normal, number("spread").unwrap_or(0.0))),
        warning: found.and_then(|it| it.warning),
        critical: found.and_then(|it| it.critical),
        bands: bands.collect(),
    }
    .draw()
}

fn failures(asked: &Asked, veil: &Veil, front: &Front) -> Markup {
    let status = &front.status;
    html! {
        h2 { "Failures by signature" }
        @if status.top.is_empty() {
            p { "Nothing fails." }
        } @else {
            (parts::groups(asked, veil, &status.top))
            p { a href=(parts::menu(asked, "/failures")) { "All failures" } }
        }
    }
}

fn running(asked: &Asked, veil: &Veil, front: &Front) -> Markup {
    let (now, status) = (front.status.now, &front.status);
    let rows = html! {
        @for it in front.running.iter().take(10) {
            tr {
                td { (parts::package(asked, &it.package)) }
                @if !veil.is_on() { td { (clean(&it.host)) } }
                td { (span(now.saturating_sub(it.started))) }
                td { @if let Some(usual) = it.usual_ms { "usually " (span(usual)) } }
            }
        }
    };
    let heads: &[&str] = if veil.is_on() { &["Package", "For", ""] } else { &["Package", "Host", "For", ""] };
    html! {
        h2 { "What runs" }
        p { (count(status.running, "job")) " " (verb(status.running, "run")) ", " (grouped(status.parked)) " parked" }
        @if !front.running.is_empty() { (parts::table("Jobs that run", heads, &rows)) }
        @if let Some(run) = &status.last_run {
            p.dim { "The last run ended " (time(run.ended)) " (" (clean(&run.outcome)) ")" @if !veil.is_on() { " on " (clean(&run.host)) } }
        }
    }
}

fn queue(asked: &Asked, front: &Front) -> Markup {
    let (now, status) = (front.status.now, &front.status);
    let waiting: i64 = status.queue.iter().map(|lane| lane.waiting).sum();
    let rows = html! {
        @for lane in status.queue.iter().filter(|lane| lane.waiting > 0) {
            tr {
                td { (clean(&lane.lane)) }
                td.number { (grouped(lane.waiting)) }
                td { @if let Some(oldest) = lane.oldest { (ago(now, oldest)) } }
            }
        }
    };
    html! {
        h2 { a href=(parts::menu(asked, "/queue")) { "Queue" } }
        p {
            (count(waiting, "job")) " " (verb(waiting, "wait"))
            @if let Some(left) = front.pace.left.filter(|_| waiting > 0) { ", done " (until(now, now.saturating_add(left))) " at the pace of the last hour" }
        }
        @if waiting > 0 { (parts::table("Lanes", &["Lane", "Jobs", "Oldest"], &rows)) }
    }
}

fn freshness(asked: &Asked, front: &Front) -> Markup {
    html! {
        h2 { a href=(parts::menu(asked, "/freshness")) { "From publication to branch" } }
        @match &front.freshness {
            None => p { "There is no sample yet." },
            Some(it) => {
                (parts::facts(&[
                    ("median", html! { (span(it.p50.saturating_mul(1000))) }),
                    ("95 of 100", html! { (span(it.p95.saturating_mul(1000))) }),
                    ("worst", html! { (span(it.worst.saturating_mul(1000))) }),
                    ("packages behind", html! { (grouped(it.behind)) }),
                ]))
                p.dim { (count(it.measured, "publication")) " of seven days, sample of " (time(it.at)) }
            }
        }
    }
}

fn archives(asked: &Asked, front: &Front) -> Markup {
    let (now, status) = (front.status.now, &front.status);
    let oldest = status.suites.iter().filter_map(|suite| suite.polled).min();
    let remarks: usize = status.suites.iter().map(|suite| suite.remarks.len()).sum();
    html! {
        h2 { a href=(parts::menu(asked, "/archives")) { "Archives" } }
        p {
            (count(i64::try_from(status.suites.len()).unwrap_or(0), "suite"))
            @if remarks > 0 { ", " (count(i64::try_from(remarks).unwrap_or(0), "remark")) }
        }
        @if let Some(oldest) = oldest { p { "Oldest poll: " (since(now, oldest)) } }
        @for wait in &status.waits { p { (count(wait.packages, "package")) " " (verb(wait.packages, "wait")) " for " (wait_for(&wait.kind)) } }
    }
}

/// Thing that packages with a kind of wait need.
pub fn wait_for(kind: &str) -> &'static str {
    match kind {
        "history" => "old versions",
        "base" => "the version that they are built on",
        "pool" => "a file that is listed and on no mirror",
        _ => "something",
    }
}
