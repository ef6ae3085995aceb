use std::io::{self, Write};

use anyhow::Error;
use state::read::status::{self, Status};

use super::Installation;
use crate::exit;
use crate::screen::{count, paragraph, print, print_json, short, table, title};
use crate::time::{ago, at};

/// What is wrong, since when, and what to do: everything on one screen
#[derive(clap::Args)]
pub struct Arguments {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Texts of people are cut to so many characters.
const LONGEST: usize = 200;

/// As many are tried first where more fail with one signature.
const CANARY: i64 = 5;

/// Signatures on the screen.
const TOP: i64 = 5;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let store = installation.state()?;
    let mut status = store.read(|tx| status::read(tx, TOP))?;
    status.locks = status::locks(&store)?;
    if arguments.json {
        print_json(&status)?;
        return Ok(exit::DONE);
    }
    locks(&status)?;
    outages(&status)?;
    failures(&status)?;
    foreign(&status)?;
    queue(&status)?;
    hosts(&status)?;
    next(&status)?;
    Ok(exit::DONE)
}

fn locks(status: &Status) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for held in &status.locks {
        let waiting =
            held.waiting.as_deref().map_or(String::new(), |waiting| format!("; {waiting} waits for it"));
        writeln!(stdout, "{}", title(&paragraph(0, &format!("LOCK: {held}{waiting}"))))?;
    }
    Ok(())
}

fn outages(status: &Status) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for outage in &status.outages {
        let head = format!("OUTAGE: {} out of reach since {}", outage.dependency, at(outage.since));
        writeln!(stdout, "{} ({})", title(&head), ago(status.now, outage.since))?;
        let next =
            outage.next_probe.map_or(String::new(), |next| format!(", the next {}", ago(status.now, next)));
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

fn failures(status: &Status) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let head = format!("{} of {} packages fail", status.failing, status.packages);
    writeln!(
        stdout,
        "{}: {} retrying, {} wedged, {} new in 24 h",
        title(&head),
        status.retrying,
        status.wedged,
        status.new_failures
    )?;
    drop(stdout);
    if !status.top.is_empty() {
        let mut rows = table(&["SIGNATURE", "PACKAGES", "SINCE", "CAUSE"]).cut(1);
        for group in &status.top {
            let cause = format!("{}/{}: {}", group.stage, group.code, group.text);
            let count = group.packages.to_string();
            rows.add_row([&group.signature, &count, &at(group.since), &cause]);
        }
        print(&rows)?;
    }
    let mut stdout = io::stdout().lock();
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

/// Refs that somebody else made, moved or removed. Nothing of them is believed; somebody should know why they are there.
fn foreign(status: &Status) -> io::Result<()> {
    let foreign = &status.foreign;
    let (Some(package), Some(since)) = (&foreign.oldest, foreign.since) else { return Ok(()) };
    let head = format!("{} of repositories are not the importer's", count(foreign.refs, "ref"));
    let line =
        format!("in {}; the oldest in {package} since {}", count(foreign.packages, "package"), at(since));
    writeln!(io::stdout(), "{}: {line} ({})", title(&head), ago(status.now, since))
}

fn queue(status: &Status) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
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

/// A host that has something to do and was not heard of for longer is silent, in milliseconds.
const SILENT: i64 = 120_000;

fn hosts(status: &Status) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for host in &status.hosts {
        let heard = ago(status.now, host.heartbeat);
        if host.state != "online" {
            let reason = short(host.reason.as_deref().unwrap_or("no reason given"), LONGEST);
            writeln!(stdout, "{}", paragraph(0, &format!("Host {} is {}: {reason}", host.host, host.state)))?;
        } else if (host.runs > 0 || host.service) && status.now - host.heartbeat > SILENT {
            writeln!(stdout, "{}", title(&format!("Host {} is silent: last heard of {heard}", host.host)))?;
        }
    }
    if let Some(run) = &status.last_run {
        let note = short(run.note.as_deref().unwrap_or_default(), 60);
        let ended = ago(status.now, run.ended);
        let line = format!("Last run: {}, {ended}, {}: {note}", run.host, run.outcome);
        writeln!(stdout, "{}", paragraph(0, line.trim_end_matches(": ")))?;
    }
    Ok(())
}

/// What to type next.
fn next(status: &Status) -> io::Result<()> {
    let mut hints = Vec::new();
    if let Some(outage) = status.outages.first() {
        hints.push(format!("look at {} itself: jobs come back by themselves", outage.dependency));
    }
    if let Some(group) = status.top.first() {
        hints.push(format!("package-import failures --signature {}", group.signature));
        let canary = if group.packages > CANARY { format!(" --canary {CANARY}") } else { String::new() };
        hints.push(format!("package-import retry --signature {}{canary}", group.signature));
    }
    if let Some(package) = &status.foreign.oldest {
        hints.push(format!("package-import show {package}"));
    }
    if status.wedged > 0 {
        hints.push("package-import failures --state wedged".into());
    }
    let mut stdout = io::stdout().lock();
    if !hints.is_empty() {
        writeln!(stdout, "Next:")?;
    }
    hints.iter().try_for_each(|hint| writeln!(stdout, "  {hint}"))
}
