//! The queue: its length, its age, the next jobs, and the expected end.

use maud::{Markup, html};
use operations::questions::Queue;

use super::front::wait_for;
use super::{Page, Part, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{ago, clean, count, grouped, span, time, until};
use crate::veil::Veil;

/// Shows the queue.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    let answer = asked.reader().queue(asked.then).await?;
    let veil = Veil::of(&asked).await?;
    let queue = &*answer.value;
    let parts = vec![
        Part::live("lanes", lanes(queue)),
        Part::live("running", running(&asked, &veil, queue)),
        Part::live("next", next(&asked, queue)),
        Part::live("waits", waits(&asked, &veil, queue)),
    ];
    Ok(Page::of("Queue", &answer, parts))
}

fn lanes(queue: &Queue) -> Markup {
    let now = queue.now;
    let later = &queue.later;
    let waiting: i64 = queue.lanes.iter().map(|lane| lane.waiting).sum();
    let rows = html! {
        @for lane in &queue.lanes {
            tr {
                td { (clean(&lane.lane)) }
                td.number { (grouped(lane.waiting)) }
                td { @if let Some(oldest) = lane.oldest { (ago(now, oldest)) } }
            }
        }
    };
    html! {
        p.figures {
            strong { (grouped(waiting)) } " wait \u{b7} " (grouped(later.parked)) " parked \u{b7} " (grouped(later.retrying))
            " tried again later \u{b7} " (grouped(later.held)) " held"
        }
        p {
            @match queue.pace.per_hour {
                Some(pace) => { (grouped(pace)) " jobs an hour lately" },
                None => "Nothing was done in the last hour",
            }
            @if let Some(left) = queue.pace.left.filter(|_| waiting > 0) { "; done " (until(now, now.saturating_add(left))) " at that pace" }
            @if let Some(next) = later.next_retry { "; the next retry " (until(now, next)) }
            "."
        }
        (parts::table("Lanes", &["Lane", "Jobs", "Oldest"], &rows))
    }
}

fn running(asked: &Asked, veil: &Veil, queue: &Queue) -> Markup {
    let rows = html! {
        @for it in &queue.running {
            tr {
                td { (parts::package(asked, &it.package)) }
                td { (clean(&it.lane)) }
                @if !veil.is_on() { td { (clean(&it.host)) } }
                td { (span(queue.now.saturating_sub(it.started))) }
                td { @if let Some(usual) = it.usual_ms { (span(usual)) } }
            }
        }
    };
    let heads: &[&str] = if veil.is_on() {
        &["Package", "Lane", "For", "Usually"]
    } else {
        &["Package", "Lane", "Host", "For", "Usually"]
    };
    html! {
        h2 { "Running" }
        @if queue.running.is_empty() { p { "Nothing runs." } } @else { (parts::table("Running jobs", heads, &rows)) }
    }
}

fn next(asked: &Asked, queue: &Queue) -> Markup {
    let rows = html! {
        @for it in &queue.next {
            tr {
                td.number { (grouped(it.place)) }
                td { (parts::package(asked, &it.package)) }
                td { (clean(&it.lane)) }
                td { (ago(queue.now, it.entered)) }
            }
        }
    };
    let waiting: i64 = queue.lanes.iter().map(|lane| lane.waiting).sum();
    html! {
        h2 { "Next" }
        @if queue.next.is_empty() {
            p { "Nothing waits." }
        } @else {
            (parts::table("Next jobs", &["Place", "Package", "Lane", "Queued"], &rows))
            (parts::more(queue.next.len(), waiting))
        }
    }
}

fn waits(asked: &Asked, veil: &Veil, queue: &Queue) -> Markup {
    let rows = html! {
        @for it in &queue.waits {
            tr {
                td { (parts::package(asked, &it.package)) }
                td.wide { (wait_for(&it.kind)) ": " (veil.short(&it.reason, 200)) }
                td { (ago(queue.now, it.since)) }
                td { @if it.until != state::waits::NEVER { (time(it.until)) } }
            }
        }
    };
    html! {
        @if !queue.waits.is_empty() {
            h2 { "Waiting for something" }
            p { (count(i64::try_from(queue.waits.len()).unwrap_or(0), "package")) }
            (parts::table("Packages that wait for something", &["Package", "For", "Since", "Goes on without it"], &rows))
        }
    }
}
