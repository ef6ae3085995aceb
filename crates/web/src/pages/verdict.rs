//! State of the installation in words: one for the whole, and a list of things to look at, worst first.

use maud::{Markup, html};
use state::read::status::Status;
use state::read::verdicts::Verdict;

use super::parts;
use crate::asked::Asked;
use crate::questions::Front;
use crate::shown::{ago, clean, count, grouped, time, verb};
use crate::veil::Veil;

/// Severity of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is as it should be.
    Well,
    /// There is no verdict.
    Unknown,
    /// An operator should look at it.
    Look,
    /// An operator should look at it now.
    Alarm,
}

/// Something to look at.
pub struct Item {
    /// Severity of the item.
    pub level: Level,
    /// Text of the item.
    pub text: Markup,
}

/// Without a heartbeat for longer, figures are those of a dead installation: 36 hours, as for the checks.
const DEAD: i64 = 36 * 3_600_000;

impl Level {
    /// The headline of the whole.
    pub fn headline(self) -> &'static str {
        match self {
            Level::Well => "All is as it normally is",
            Level::Unknown => "It is not known whether all is well",
            Level::Look => "Something needs a look",
            Level::Alarm => "Alarm",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Level::Well => "good",
            Level::Unknown => "plain",
            Level::Look => "odd",
            Level::Alarm => "bad",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Level::Well => "well",
            Level::Unknown => "unknown",
            Level::Look => "look",
            Level::Alarm => "alarm",
        }
    }
}

/// The worst of the items.
pub fn worst(items: &[Item]) -> Level {
    items.iter().map(|item| item.level).max().unwrap_or(Level::Well)
}

/// Things to look at, worst first.
pub fn items(asked: &Asked, veil: &Veil, front: &Front) -> Vec<Item> {
    let mut items = Vec::new();
    let mut add = |level: Level, text: Markup| items.push(Item { level, text });
    said(&mut add, asked, veil, &front.verdicts);
    let status = &front.status;
    reach(&mut add, veil, status);
    people(&mut add, asked, veil, status);
    machines(&mut add, veil, status);
    items.sort_by_key(|item| std::cmp::Reverse(item.level));
    items
}

/// Items of the baseline.
fn said(add: &mut impl FnMut(Level, Markup), asked: &Asked, veil: &Veil, verdicts: &[Verdict]) {
    if verdicts.is_empty() && asked.then.is_none() {
        add(Level::Unknown, html! { "Nothing is known yet of what is normal: runs learn it, hour by hour." });
    }
    for verdict in verdicts {
        let level = match verdict.state.as_str() {
            "OK" => continue,
            "CRITICAL" => Level::Alarm,
            "WARNING" => Level::Look,
            _ => Level::Unknown,
        };
        let text = veil.text(&verdict.text);
        add(
            level,
            match verdict.figure.strip_prefix("signature:") {
                Some(short) => html! { "Signature " (parts::signature(asked, short)) ": " (text) },
                None => html! { (text) },
            },
        );
    }
}

/// Items of outages.
fn reach(add: &mut impl FnMut(Level, Markup), veil: &Veil, status: &Status) {
    for outage in &status.outages {
        let word = if outage.dependency.starts_with("disk:") { "is full" } else { "is out of reach" };
        add(
            Level::Alarm,
            html! {
                strong { (veil.text(&outage.dependency)) } " " (word) " since " (time(outage.since)) " (" (ago(status.now, outage.since)) "): "
                (count(outage.parked, "job")) " parked"
                @if let Some(cause) = &outage.cause { ". " (veil.short(cause, 200)) }
            },
        );
    }
    for suite in status.suites.iter().filter(|suite| !matches!(suite.verdict, "ok" | "remarks")) {
        let why = suite.error.as_deref().or(suite.remarks.last().map(String::as_str)).unwrap_or_default();
        add(
            Level::Look,
            html! {
                "Archive " (clean(&suite.archive)) ", suite " (clean(&suite.suite)) ": " (parts::state(suite.verdict)) " " (veil.short(why, 200))
            },
        );
    }
}

/// Items that wait for a person.
fn people(add: &mut impl FnMut(Level, Markup), asked: &Asked, veil: &Veil, status: &Status) {
    if status.wedged > 0 {
        add(
            Level::Look,
            html! { (count(status.wedged, "package")) " " (verb(status.wedged, "wait")) " for a decision of a person (wedged)" },
        );
    }
    let collisions = &status.collisions;
    if collisions.collisions > 0 {
        let number = count(collisions.collisions, "collision");
        add(
            Level::Look,
            html! {
                @if veil.is_on() { (number) } @else { a href={ (asked.app.prefix.as_str()) "/collisions" } { (number) } }
                " " (verb(collisions.collisions, "wait")) " for a decision, in " (count(collisions.packages, "package"))
            },
        );
    }
    // Findings of a past time are not kept.
    let found: Vec<_> = status.findings.iter().filter(|_| asked.then.is_none()).collect();
    let open: i64 = found.iter().map(|it| (it.packages - it.muted).max(0)).sum();
    if open > 0 {
        let codes: Vec<&str> = found.iter().map(|it| it.code.as_str()).take(3).collect();
        add(
            Level::Look,
            html! {
                "Something is wrong with "
                @if veil.is_on() { "repositories" } @else { a href=(parts::menu(asked, "/plans")) { "repositories" } }
                ": " (clean(&codes.join(", "))) @if found.len() > 3 { ", ..." }
            },
        );
    }
    let foreign = &status.foreign;
    if foreign.refs > 0 {
        add(
            Level::Look,
            html! {
                (count(foreign.refs, "ref")) " in " (count(foreign.packages, "repository").replace("repositorys", "repositories"))
                " were made, moved or removed by somebody else"
                @if let Some(package) = &foreign.oldest { ", the oldest in " (parts::package(asked, package)) }
            },
        );
    }
    for it in &status.suppressed {
        let reason = if veil.is_on() { String::new() } else { crate::shown::short(&it.reason, 200) };
        add(
            Level::Well,
            html! { (clean(&it.kind)) " " (clean(&it.subject)) " does not count until " (time(it.until)) " " (reason) },
        );
    }
}

/// Items of hosts and clocks.
fn machines(add: &mut impl FnMut(Level, Markup), veil: &Veil, status: &Status) {
    let newest = status.hosts.iter().map(|host| host.heartbeat).max();
    match newest {
        None => add(Level::Unknown, html! { "No host has worked here yet." }),
        Some(newest) if status.now.saturating_sub(newest) > DEAD => add(
            Level::Alarm,
            html! {
                "No host was heard of since " (time(newest)) " (" (ago(status.now, newest)) "): all figures are as old"
            },
        ),
        Some(_) => {}
    }
    for ahead in &status.ahead {
        add(
            Level::Look,
            html! { (veil.text(&ahead.what)) " is dated " (time(ahead.at)) ", which is still to come: a clock is wrong" },
        );
    }
    if veil.is_on() {
        let bad = status.hosts.iter().filter(|host| is_bad(&host.life)).count();
        if bad > 0 {
            add(
                Level::Look,
                html! { (grouped(i64::try_from(bad).unwrap_or(0))) " of " (status.hosts.len()) " hosts do not get on" },
            );
        }
        return;
    }
    for host in status.hosts.iter().filter(|host| is_bad(&host.life)) {
        let since = host.since.unwrap_or(host.heartbeat);
        add(
            Level::Look,
            html! {
                "Host " strong { (clean(&host.host)) } " is " (parts::state(&host.life)) " since " (time(since))
                @if let Some(trouble) = &host.trouble { ": " (crate::shown::short(trouble, 200)) }
            },
        );
    }
}

fn is_bad(life: &str) -> bool {
    matches!(life, "silent" | "stalled" | "troubled")
}

/// The list of items.
pub fn list(items: &[Item]) -> Markup {
    html! {
        @if !items.is_empty() {
            ul.items {
                @for item in items {
                    li.(item.level.class()) { span.state.(item.level.class()) { (item.level.word()) } " " (item.text) }
                }
            }
        }
    }
}
