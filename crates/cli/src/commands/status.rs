use std::io::{self, Write};

use anyhow::Error;
use importer::sandbox::Wall;
use operations::LookBack;
use operations::questions;
use state::read::hosts::Host;
use state::read::status::Status;

use super::archives::{stale, waiting};
use super::{Installation, remotes};
use crate::exit;
use crate::screen::{self, alarm, count, good, paragraph, print, print_json, short, table, title};
use crate::time::{ago, at, until};
use crate::{watch, words};

mod next;

use next::next;

/// What is wrong, since when, and what to do: everything on one screen
#[derive(clap::Args)]
pub struct Arguments {
    /// As it was at a time: 08:32, 'yesterday 08:32', '2h ago', '2026-11-24 08:32' (UTC)
    #[arg(long, value_name = "TIME")]
    at: Option<LookBack>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// Show it again every 2 seconds, until Ctrl-C
    #[arg(long, conflicts_with_all = ["json", "at"])]
    watch: bool,
}

/// Largest number of characters of an operator's text.
const LONGEST: usize = 200;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    watch::shown(arguments.watch, || once(installation, arguments))
}

fn once(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let status = questions::status(&installation.open_at(arguments.at)?)?;
    if arguments.json {
        print_json(&status)?;
        return Ok(exit::DONE);
    }
    if !arguments.watch {
        screen::page();
    }
    screen::as_of(arguments.at)?;
    locks(&status)?;
    clock(&status)?;
    outages(&status)?;
    place(&status)?;
    failures(&status)?;
    archives(&status)?;
    collisions(&status)?;
    findings(&status)?;
    foreign(&status)?;
    queue(&status)?;
    remotes::summary(status.now, &status.remotes)?;
    channels(&status)?;
    hosts(&status)?;
    next(&status)?;
    Ok(exit::DONE)
}

fn locks(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    for held in &status.locks {
        let waiting =
            held.waiting.as_deref().map_or(String::new(), |waiting| format!("; {waiting} waits for it"));
        writeln!(stdout, "{}", alarm(&paragraph(0, &format!("LOCK: {held}{waiting}"))))?;
    }
    Ok(())
}

/// Prints recorded times in the future.
fn clock(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    for ahead in &status.ahead {
        let head = format!("CLOCK: {} is dated {}", ahead.what, at(ahead.at));
        writeln!(stdout, "{} ({}): it is not believed", alarm(&head), ago(status.now, ahead.at))?;
    }
    Ok(())
}

fn outages(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    for outage in &status.outages {
        let state = words::unusable(&outage.dependency);
        let head = format!("OUTAGE: {} {state} since {}", outage.dependency, at(outage.since));
        writeln!(stdout, "{} ({})", alarm(&head), ago(status.now, outage.since))?;
        let next =
            outage.next_probe.map_or(String::new(), |next| format!(", the next {}", until(status.now, next)));
        writeln!(
            stdout,
            "  {} parked; {}{next}",
            count(outage.parked, "job"),
            count(outage.probes, "probe")
        )?;
        if let Some(cause) = &outage.cause {
            writeln!(stdout, "{}", paragraph(2, &short(cause, LONGEST)))?;
        }
    }
    Ok(())
}

/// Problems of the installation's folder on this machine.
fn place(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    for disk in &status.place.disks {
        writeln!(stdout, "{}", alarm(&paragraph(0, &format!("DISK: {disk}"))))?;
    }
    if status.place.lost > 0 {
        let names = status.place.lost_packages.join(", ");
        let more = status.place.lost - status.place.lost_packages.len() as i64;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!(
            "LOST: the repositories of {} are not there: {names}{more}",
            count(status.place.lost, "package")
        );
        writeln!(stdout, "{}", alarm(&paragraph(0, &line)))?;
    }
    Ok(())
}

fn failures(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let (head, rest) = headline(status);
    let mark = if status.failing > 0 {
        alarm
    } else if is_well(status) {
        good
    } else {
        title
    };
    writeln!(stdout, "{}{rest}", mark(&head))?;
    if !status.top.is_empty() {
        let mut rows = table(&["SIGNATURE", "PACKAGES", "SINCE", "CAUSE"]).cut(1);
        for group in &status.top {
            let cause = format!("{}/{}: {}", group.stage, group.code, group.text);
            let count = group.packages.to_string();
            rows.add_row([&group.signature, &count, &at(group.since), &cause]);
        }
        print(&rows)?;
    }
    let mut stdout = screen::stdout();
    let (held, failing) = status.held;
    if held > 0 {
        writeln!(stdout, "{} held, {failing} of them failing", count(held, "package"))?;
    }
    for suppressed in &status.suppressed {
        let (kind, subject) = (&suppressed.kind, &suppressed.subject);
        let reason = short(&suppressed.reason, LONGEST);
        let line = format!("{kind} {subject} suppressed until {}: {reason}", at(suppressed.until));
        writeln!(stdout, "{}", paragraph(0, &line))?;
    }
    Ok(())
}

/// Line about all suites, and one for each suite with a problem.
fn archives(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    if status.suites.is_empty() {
        return Ok(());
    }
    let bad: Vec<_> =
        status.suites.iter().filter(|suite| !matches!(suite.verdict, "ok" | "remarks")).collect();
    let remarks: usize = status.suites.iter().map(|suite| suite.remarks.len()).sum();
    let oldest = status.suites.iter().filter_map(|suite| suite.polled).min();
    let oldest = oldest.map_or(String::new(), |at| format!(", the oldest poll {}", ago(status.now, at)));
    let remarks = match remarks {
        0 => String::new(),
        some => format!(", {} (package-import archives)", count(some as i64, "remark")),
    };
    let head = title(&format!("Archives: {}", count(status.suites.len() as i64, "suite")));
    writeln!(stdout, "{head}{oldest}{remarks}")?;
    for suite in bad.iter().take(5) {
        let stale = stale(suite, status.now).filter(|_| suite.verdict == "stale");
        let said = suite.error.as_deref().or(stale.as_deref());
        let why = said.or(suite.remarks.last().map(String::as_str)).unwrap_or_default();
        let line = format!("{} {}: {}: {}", suite.archive, suite.suite, suite.verdict, short(why, LONGEST));
        writeln!(stdout, "{}", paragraph(2, &line))?;
    }
    if bad.len() > 5 {
        writeln!(stdout, "  and {} more (package-import archives)", bad.len() - 5)?;
    }
    status.waits.iter().try_for_each(|wait| writeln!(stdout, "  {}", waiting(wait, status.now)))
}

/// Prints the number of refs that somebody else made, moved or removed. They are not trusted; an operator should find
/// out why they are there.
fn foreign(status: &Status) -> io::Result<()> {
    let foreign = &status.foreign;
    let (Some(package), Some(since)) = (&foreign.oldest, foreign.since) else { return Ok(()) };
    let head = format!("{} of repositories are not the importer's", count(foreign.refs, "ref"));
    let line =
        format!("in {}; the oldest in {package} since {}", count(foreign.packages, "package"), at(since));
    writeln!(screen::stdout(), "{}: {line} ({})", title(&head), ago(status.now, since))
}

/// Refs of ours that somebody else made or moved, and that wait for a decision.
fn collisions(status: &Status) -> io::Result<()> {
    let collisions = &status.collisions;
    let (Some(package), Some(since)) = (&collisions.oldest, collisions.since) else { return Ok(()) };
    let verb = if collisions.collisions == 1 { "waits" } else { "wait" };
    let head = format!("{} {verb} for a decision", count(collisions.collisions, "collision"));
    let line =
        format!("in {}; the oldest in {package} since {}", count(collisions.packages, "package"), at(since));
    writeln!(screen::stdout(), "{}: {line} ({})", title(&head), ago(status.now, since))
}

/// Findings of repositories, the kinds with most packages first.
fn findings(status: &Status) -> io::Result<()> {
    let counted = status.findings.iter().filter(|it| it.packages > it.muted);
    let each: Vec<String> =
        counted.clone().take(4).map(|it| format!("{} {}", it.packages - it.muted, it.code)).collect();
    let Some(since) = counted.clone().map(|it| it.since).min() else { return Ok(()) };
    let more = counted.count() - each.len();
    let more = if more > 0 { format!(" and {more} more kinds") } else { String::new() };
    let muted: i64 = status.findings.iter().map(|it| it.muted).sum();
    let muted = if muted > 0 { format!("; {muted} muted") } else { String::new() };
    let line = format!("{}{more}{muted}; since {} ({})", each.join(", "), at(since), ago(status.now, since));
    writeln!(screen::stdout(), "{}: {line}", title("repositories are damaged"))
}

/// Headline and figures: the number of failing packages, or that all is well.
fn headline(status: &Status) -> (String, String) {
    let figures = [status.retrying, status.wedged, status.new_failures];
    let rest = format!(": {} retrying, {} wedged, {} new in 24 h", figures[0], figures[1], figures[2]);
    match (status.failing, status.packages) {
        (0, 0) => ("no packages yet".to_owned(), String::new()),
        (0, packages) if is_well(status) => {
            (format!("all is well: none of {} fails", count(packages, "package")), String::new())
        }
        (0, packages) => (format!("none of {} fails", count(packages, "package")), rest),
        (failing, packages) => (format!("{failing} of {packages} packages fail"), rest),
    }
}

/// True when nothing on this screen needs attention.
fn is_well(status: &Status) -> bool {
    let all_figures = [status.retrying, status.wedged, status.new_failures, status.held.0, status.parked];
    all_figures.iter().all(|figure| *figure == 0)
        && status.outages.is_empty()
        && status.locks.is_empty()
        && status.place.disks.is_empty()
        && status.place.lost == 0
        && status.suites.iter().all(|suite| matches!(suite.verdict, "ok" | "remarks"))
        && !status.waits.iter().any(|wait| wait.kind == "pool")
        && status.suppressed.is_empty()
        && status.foreign.refs == 0
        && status.remotes.iter().all(|it| it.state == "open" && it.failing + it.foreign + it.refused == 0)
        && status.collisions.collisions == 0
        && status.channels.iter().all(|it| it.failing.is_none())
        && status.findings.iter().all(|it| it.packages == it.muted)
        && status.hosts.iter().all(|host| host.state == "online" && gets_on(host))
}

/// True when a host makes progress, or has nothing to do.
fn gets_on(host: &Host) -> bool {
    matches!(host.life.as_str(), "alive" | "away")
}

fn queue(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let waiting: i64 = status.queue.iter().map(|lane| lane.waiting).sum();
    let head =
        title(&format!("Queue: {waiting} waiting, {} running, {} parked", status.running, status.parked));
    writeln!(stdout, "{head}")?;
    for lane in status.queue.iter().filter(|lane| lane.waiting > 0) {
        let oldest =
            lane.oldest.map_or(String::new(), |oldest| format!(", the oldest {}", ago(status.now, oldest)));
        writeln!(stdout, "  {}: {}{oldest}", lane.lane, lane.waiting)?;
    }
    Ok(())
}

/// Channels that do not take what they are told.
fn channels(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    for it in &status.channels {
        let Some(failing) = it.failing else { continue };
        let head = format!("Messages do not get to {} ({}) since {}", it.channel, it.kind, at(failing));
        let next = it.retry.map_or(String::new(), |retry| format!(", the next {}", until(status.now, retry)));
        writeln!(stdout, "{} ({})", alarm(&head), ago(status.now, failing))?;
        writeln!(stdout, "  {}{next}", count(it.failures, "try").replace("trys", "tries"))?;
        if let Some(error) = &it.error {
            writeln!(stdout, "{}", paragraph(2, &short(error, LONGEST)))?;
        }
    }
    Ok(())
}

fn hosts(status: &Status) -> io::Result<()> {
    let mut stdout = screen::stdout();
    for host in &status.hosts {
        let heard = ago(status.now, host.heartbeat);
        if host.state != "online" {
            let reason = short(host.reason.as_deref().unwrap_or("no reason given"), LONGEST);
            writeln!(stdout, "{}", paragraph(0, &format!("Host {} is {}: {reason}", host.host, host.state)))?;
            continue;
        }
        let since = host.since.map_or(String::new(), |since| format!(", since {}", at(since)));
        let head = match host.life.as_str() {
            "silent" => format!("Host {} is silent: last seen {heard}", host.host),
            "stalled" => format!("Host {} has work and gets nothing done{since}", host.host),
            "troubled" => format!("Host {} has trouble{since}", host.host),
            _ => continue,
        };
        writeln!(stdout, "{}", title(&head))?;
        if let Some(trouble) = &host.trouble {
            writeln!(stdout, "{}", paragraph(2, &short(trouble, LONGEST * 2)))?;
        }
    }
    for lacking in &status.unwalled {
        let known = lacking.walls.iter().filter_map(|name| Wall::from_word(name));
        for wall in known {
            let line =
                format!("Wall missing on {} ({}): {}", lacking.host, wall.as_str(), wall.consequence());
            writeln!(stdout, "{}", paragraph(0, &line))?;
        }
    }
    if let Some(run) = &status.last_run {
        let note = short(run.note.as_deref().unwrap_or_default(), 60);
        let ended = ago(status.now, run.ended);
        let line = format!("Last run: {}, {ended}, {}: {note}", run.host, words::run_outcome(&run.outcome));
        writeln!(stdout, "{}", paragraph(0, line.trim_end_matches(": ")))?;
    }
    Ok(())
}
