use std::io::{self, Write};

use anyhow::Error;
use importer::inspect::Shown;
use operations::LookBack;
use operations::in_cache::Copy;
use operations::questions;
use state::read::package::Package;
use state::waits::NEVER;
use state::words::Lane;

use super::{Installation, history, remotes};
use crate::exit;
use crate::screen::{self, count, paragraph, plain, print, print_json, short, table, title};
use crate::time::{ago, at, until};
use crate::way_on;

/// Everything about a package: how its imports went, what to do, and what its repository has
///
/// Result: never, current, retrying, failing, wedged. Work: none, queued, running, parked, retrying. A version is late if
/// it came after its successor: it has its tag, and no branch leads to it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The source package
    package: String,
    /// As it was at a time: 08:32, 'yesterday 08:32', '2h ago', '2026-11-24 08:32' (UTC)
    #[arg(long, value_name = "TIME")]
    at: Option<LookBack>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 300;

/// Foreign refs that are shown.
const FOREIGN: usize = 20;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let name = &arguments.package;
    let answer = match arguments.at {
        Some(at) => questions::show_at(installation, name, at)?,
        None => questions::show(installation, name)?,
    };
    let unreadable = answer.unreadable.as_deref();
    if arguments.json {
        print_json(&answer.json())?;
        return Ok(said(name, unreadable));
    }
    screen::page();
    screen::as_of(arguments.at)?;
    if let Some((now, package)) = &answer.state {
        show_facts(*now, package)?;
    }
    copy(name, answer.copy)?;
    if let Some(shown) = &answer.repository {
        versions(shown)?;
    }
    Ok(said(name, unreadable))
}

/// Prints why the repository cannot be shown.
fn said(name: &str, unreadable: Option<&str>) -> u8 {
    let Some(cause) = unreadable else { return exit::DONE };
    eprintln!("its repository cannot be read: {}; `package-import verify {name}` says more", plain(cause));
    exit::SOME_FAILED
}

fn show_facts(now: i64, package: &Package) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let held = if package.held.is_some() { ", held" } else { "" };
    let head = format!("{}: {}, work: {}{held}", package.package, package.result, package.work);
    writeln!(stdout, "{}", title(&head))?;
    if let Some(held) = &package.held {
        let until = held.until.map_or("until it is released".into(), |until| format!("until {}", at(until)));
        let line = format!("held by {} {until}: {}", held.by, short(&held.reason, LONGEST));
        writeln!(stdout, "{}", paragraph(2, &line))?;
    }
    if let Some(failure) = &package.failure {
        let version = failure.version.as_ref().map_or(String::new(), |version| format!(", {version}"));
        writeln!(
            stdout,
            "  fails since {} ({}), {}{version}",
            at(failure.since),
            ago(now, failure.since),
            count(failure.attempts, "attempt")
        )?;
        let cause = format!("{}/{}: {}", failure.stage, failure.code, short(&failure.message, LONGEST));
        writeln!(stdout, "{}", paragraph(2, &cause))?;
        writeln!(stdout, "  signature {}", failure.signature)?;
    }
    if let Some(success) = package.last_success {
        writeln!(stdout, "  last success {} ({})", at(success), ago(now, success))?;
    }
    lineage(now, package, &mut stdout)?;
    match (&package.waits_for, package.place, package.due) {
        (Some(dependency), ..) => writeln!(stdout, "  waits for {dependency}, and resumes automatically")?,
        (None, Some(_), _) if package.lane.as_deref() == Some(Lane::Maintain.as_str()) => {
            writeln!(stdout, "  its repository is repacked when nothing else is to be done")?;
        }
        (None, Some(place), _) => {
            writeln!(
                stdout,
                "  number {place} in the queue, lane {}",
                package.lane.as_deref().unwrap_or("none")
            )?;
        }
        (None, None, Some(due)) if package.held.is_none() => {
            let word = if package.wait.is_some() { "looked at again" } else { "tried again" };
            writeln!(stdout, "  {word} {} ({})", at(due), until(now, due))?
        }
        (None, None, _) => {}
    }
    for it in &package.remotes {
        writeln!(stdout, "{}", paragraph(2, &remotes::of_package(now, it)))?;
    }
    for it in &package.collisions {
        let line = super::collisions::line(it);
        writeln!(stdout, "{}", paragraph(2, &format!("{} ({})", line, ago(now, it.since))))?;
    }
    for it in &package.findings {
        let line = format!("{}: {}: {}", it.code, it.subject, short(&it.message, LONGEST));
        writeln!(stdout, "{}", paragraph(2, &format!("{line} ({})", ago(now, it.since))))?;
    }
    for missing in &package.missing {
        let (version, place) = (&missing.version, &missing.place);
        writeln!(stdout, "  not imported: {version} in {place}, seen {}", ago(now, missing.first_seen))?;
    }
    print(&history::attempts(&package.attempts))?;
    hints(package)
}

/// Prints waits, ended waits, and the requests for old versions.
fn lineage(now: i64, package: &Package, out: &mut impl Write) -> io::Result<()> {
    if let Some(wait) = package.wait.as_ref().filter(|_| package.work != "none") {
        let end = match wait.until {
            NEVER => String::new(),
            end => format!("; goes on without at {} ({})", at(end), until(now, end)),
        };
        let line = format!("waits for {}{end}", wait.reason);
        writeln!(out, "{}", paragraph(2, &line))?;
    }
    for went_on in &package.went_on {
        writeln!(out, "{}", paragraph(2, &format!("{} {}", at(went_on.at), short(&went_on.what, LONGEST))))?;
    }
    for asked in &package.history {
        let left_out = match asked.left_out {
            0 => String::new(),
            some => format!(", {} left out", count(some, "version")),
        };
        let note = asked.note.as_ref().map_or(String::new(), |note| format!(": {}", short(note, LONGEST)));
        let line =
            format!("history of {}: {}{left_out}{note}", asked.archive, count(asked.versions, "version"));
        writeln!(out, "{}", paragraph(2, &line))?;
    }
    Ok(())
}

/// Prints the commands to type next.
fn hints(package: &Package) -> io::Result<()> {
    let name = &package.package;
    let mut stdout = screen::stdout();
    if package.held.is_some() {
        writeln!(stdout, "Next:\n  package-import release {name}")?;
    } else if let Some(failure) = &package.failure {
        writeln!(stdout, "Next:")?;
        writeln!(stdout, "  package-import log {name}")?;
        let again = || format!("package-import retry {name}");
        writeln!(stdout, "  {}", way_on::of(&failure.code, name).unwrap_or_else(again))?;
        writeln!(stdout, "  package-import failures --signature {}", failure.signature)?;
        writeln!(stdout, "  package-import hold {name} --reason WHY --until 3d")?;
    }
    let is_named = package.held.is_none()
        && package.failure.as_ref().is_some_and(|failure| way_on::of(&failure.code, name).is_some());
    if !package.findings.is_empty() && !is_named {
        let head = if package.held.is_none() && package.failure.is_none() { "Next:\n" } else { "" };
        writeln!(stdout, "{head}  package-import repair plan {name}")?;
    }
    writeln!(stdout)
}

/// Prints refs that somebody else made, moved or removed, whose content is not trusted.
fn foreign(shown: &Shown) -> io::Result<()> {
    let mut stdout = screen::stdout();
    if !shown.has_record {
        let line = "no record yet: refs are shown as they are, and the next import puts on record what the state confirms";
        writeln!(stdout, "{}", paragraph(2, line))?;
    }
    if shown.foreign.is_empty() {
        return Ok(());
    }
    let some = i64::try_from(shown.foreign.len()).unwrap_or(i64::MAX);
    writeln!(stdout, "{}", title(&format!("{} not of the importer:", count(some, "ref"))))?;
    for (it, judged) in shown.foreign.iter().zip(&shown.judged).take(FOREIGN) {
        if let Some(judged) = judged {
            writeln!(stdout, "{}", paragraph(2, &format!("{}: {}", it.name, judged.kind.message())))?;
            continue;
        }
        let ours = it.ours.map_or(String::new(), |id| format!("; an import had put it to {id}"));
        writeln!(stdout, "{}", paragraph(2, &format!("{}: {}{ours}", it.name, it.kind.message())))?;
    }
    if shown.foreign.len() > FOREIGN {
        writeln!(stdout, "  and {} more; --json lists all", shown.foreign.len() - FOREIGN)?;
    }
    Ok(())
}

/// Prints that what is here is not what the remote has, if repositories are a cache.
fn copy(name: &str, copy: Option<Copy>) -> io::Result<()> {
    let what = match copy {
        Some(Copy::Absent) => "its repository is on the remote, and not in the cache of this machine",
        Some(Copy::Other) => {
            "its repository is on the remote; what follows is the cache of this machine, which is not what the remote has"
        }
        Some(Copy::Current) | None => return Ok(()),
    };
    let line = format!("{what}: `package-import verify {name}` brings it here");
    writeln!(screen::stdout(), "{}", paragraph(0, &line))
}

fn versions(shown: &Shown) -> io::Result<()> {
    writeln!(screen::stdout(), "{}", shown.repository.display())?;
    foreign(shown)?;
    if shown.versions.is_empty() {
        writeln!(screen::stdout(), "no version is imported yet")?;
        return Ok(());
    }
    writeln!(screen::stdout(), "HEAD: {}\n", shown.head)?;
    let mut rows = table(&["TAG", "COMMIT", "APPLIED", "BRANCHES"]);
    for entry in &shown.versions {
        let applied =
            entry.applied.map_or_else(|| "not applied".to_owned(), |id| id.to_hex_with_len(10).to_string());
        let branches = if entry.late { "late".to_owned() } else { entry.branches.join(" ") };
        rows.add_row([entry.tag.clone(), entry.commit.to_hex_with_len(10).to_string(), applied, branches]);
    }
    print(&rows)
}
