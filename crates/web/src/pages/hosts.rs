//! Hosts: whether they live, what they do, and what keeps them from it.

use maud::html;

use super::{Page, Part, parts};
use crate::problem::Problem;
use crate::router::Asked;
use crate::shown::{ago, clean, short, span, time};

/// Shows them.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    asked.private()?;
    let answer = asked.app.reader.hosts().await?;
    let found = &*answer.value;
    let hosts = html! {
        @for host in &found.hosts {
            tr {
                td { (clean(&host.host)) }
                td { (parts::state(&host.life)) @if let Some(since) = host.since { " since " (time(since)) } }
                td { (parts::state(&host.state)) @if let Some(reason) = &host.reason { " " q { (short(reason, 200)) } } }
                td { (ago(found.now, host.heartbeat)) }
                td { @if host.service { "service" } @else { "runs" } }
                td.number { (host.running) }
                td.wide { @if let Some(trouble) = &host.trouble { (short(trouble, 300)) } }
            }
        }
    };
    let running = html! {
        @for it in &found.running {
            tr {
                td { (clean(&it.host)) }
                td { (parts::package(&asked, &it.package)) }
                td { (clean(&it.lane)) }
                td { (span(found.now - it.started)) }
                td { @if let Some(usual) = it.usual_ms { (span(usual)) } }
            }
        }
    };
    let shown = vec![
        Part::live("hosts", html! {
            @if found.hosts.is_empty() {
                p { "No host has worked here yet." }
            } @else {
                (parts::table("Hosts", &["Host", "Life", "State", "Last seen", "Kind", "Jobs", "Trouble"], &hosts))
            }
        }),
        Part::live("running", html! {
            h2 { "What they do" }
            @if found.running.is_empty() { p { "Nothing runs." } } @else {
                (parts::table("Running jobs", &["Host", "Package", "Lane", "For", "Usually"], &running))
            }
        }),
    ];
    Ok(Page::of("Hosts", &answer, shown))
}
