//! Hosts: whether they are alive, their jobs, and their errors of recording.

use maud::html;

use super::{Page, Part, act, parts};
use crate::asked::Asked;
use crate::problem::Problem;
use crate::shown::{ago, clean, short, span, time};

/// Shows the hosts.
pub async fn page(asked: Asked) -> Result<Page, Problem> {
    asked.private()?;
    let answer = asked.reader().hosts(asked.then).await?;
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
                @if act::may(&asked) {
                    td {
                        @match host.state.as_str() {
                            "online" => (act::button(&asked, "quiesce", &host.host, "Pause", &html! {})),
                            _ => (act::button(&asked, "resume", &host.host, "Go on", &html! {})),
                        }
                    }
                }
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
                td { (span(found.now.saturating_sub(it.started))) }
                td { @if let Some(usual) = it.usual_ms { (span(usual)) } }
            }
        }
    };
    let heads: &[&str] = match act::may(&asked) {
        true => &["Host", "Life", "State", "Last seen", "Kind", "Jobs", "Do", "Trouble"],
        false => &["Host", "Life", "State", "Last seen", "Kind", "Jobs", "Trouble"],
    };
    let shown = vec![
        Part::live(
            "hosts",
            html! {
                @if found.hosts.is_empty() {
                    p { "No host has worked here yet." }
                } @else {
                    (parts::table("Hosts", heads, &hosts))
                }
            },
        ),
        Part::live(
            "running",
            html! {
                h2 { "What they do" }
                @if found.running.is_empty() { p { "Nothing runs." } } @else {
                    (parts::table("Running jobs", &["Host", "Package", "Lane", "For", "Usually"], &running))
                }
            },
        ),
    ];
    Ok(Page::of("Hosts", &answer, shown))
}
