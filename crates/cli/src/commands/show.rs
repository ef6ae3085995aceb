use std::io::{self, Write};

use anyhow::{Error, bail};
use importer::inspect::{InspectError, Shown};
use packaging_repo::collision::Collision;
use state::operate;
use state::read::package::{self, Package};
use state::waits::NEVER;
use state::words::Lane;

use super::{Installation, history};
use crate::exit;
use crate::screen::{self, count, paragraph, plain, print, print_json, short, table, title};
use crate::time::{ago, at, until};

/// Everything about a package: how its imports went, what to do, and what its repository has
///
/// Result: never, current, retrying, failing, wedged. Work: none, queued, running, parked, retrying. A version is late if
/// it came after its successor: it has its tag, and no branch leads to it.
#[derive(clap::Args)]
pub struct Arguments {
    /// The source package
    package: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Texts are cut to so many characters.
const LONGEST: usize = 300;

/// Foreign refs that are shown.
const FOREIGN: usize = 20;

/// Attempts that are shown.
const ATTEMPTS: i64 = 5;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let name = &arguments.package;
    let state = facts(installation, name)?;
    let mut unreadable = None;
    let repository = match importer::inspect::show(&installation.root, name) {
        Ok(shown) => Some(shown),
        Err(InspectError::Repository(packaging_repo::Error::NoRepository(_))) if state.is_some() => None,
        Err(error) if state.is_none() => {
            bail!(unknown(installation, name).unwrap_or_else(|| error.to_string()))
        }
        // What the state knows is worth most when the repository is damaged.
        Err(error) => {
            unreadable = Some(error.to_string());
            None
        }
    };
    if arguments.json {
        print_json(&json(name, state.as_ref().map(|(_, package)| package), repository.as_ref()))?;
        return Ok(said(name, unreadable.as_deref()));
    }
    if let Some((now, package)) = &state {
        show_facts(*now, package)?;
    }
    if let Some(shown) = &repository {
        versions(shown)?;
    }
    Ok(said(name, unreadable.as_deref()))
}

/// Says why the repository cannot be shown, if it cannot.
fn said(name: &str, unreadable: Option<&str>) -> u8 {
    let Some(cause) = unreadable else { return exit::DONE };
    eprintln!("its repository cannot be read: {}; `package-import verify {name}` says more", plain(cause));
    exit::SOME_FAILED
}

/// What the state knows; a root without one has only repositories.
fn facts(installation: &Installation, name: &str) -> Result<Option<(i64, Package)>, Error> {
    let Some(store) = installation.state_if_any()? else { return Ok(None) };
    let (now, package) = store.read(|tx| Ok((tx.now()?, package::read(tx, name, ATTEMPTS)?)))?;
    Ok(package.map(|package| (now, package)))
}

/// A better word for a package that nobody knows.
fn unknown(installation: &Installation, name: &str) -> Option<String> {
    let store = installation.state_if_any().ok()??;
    store.read(|tx| operate::known(tx, name)).err().map(|error| error.to_string())
}

fn json(name: &str, state: Option<&Package>, shown: Option<&Shown>) -> serde_json::Value {
    let versions = shown.map(|shown| {
        let entries = shown.versions.iter().map(|entry| {
            serde_json::json!({
                "distro": entry.distro, "version": entry.version, "tag": entry.tag,
                "dsc_sha256": entry.dsc_sha256, "commit": entry.commit.to_string(),
                "applied_commit": entry.applied.map(|id| id.to_string()),
                "branches": entry.branches, "late": entry.late,
            })
        });
        entries.collect::<Vec<_>>()
    });
    serde_json::json!({
        "package": name, "state": state, "repository": shown.map(|shown| &shown.repository),
        "head": shown.map(|shown| &shown.head), "versions": versions.unwrap_or_default(),
        "foreign": shown.map(foreign_json).unwrap_or_default(),
    })
}

fn foreign_json(shown: &Shown) -> Vec<serde_json::Value> {
    let text = |id: Option<packaging_repo::ObjectId>| id.map(|id| id.to_string());
    let one = |(it, judged): (&packaging_repo::foreign::Foreign, &Option<Collision>)| {
        serde_json::json!({
            "ref": it.name, "kind": it.kind.as_str(), "ours": text(it.ours), "theirs": text(it.theirs),
            "content": judged.as_ref().map(|it| it.kind.as_str()),
        })
    };
    shown.foreign.iter().zip(&shown.judged).map(one).collect()
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
        let version = failure.version.as_deref().unwrap_or("unknown version");
        writeln!(
            stdout,
            "  fails since {} ({}), {}, {version}",
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
    for it in &package.collisions {
        let line = super::collisions::line(it);
        writeln!(stdout, "{}", paragraph(2, &format!("{} ({})", line, ago(now, it.since))))?;
    }
    for missing in &package.missing {
        let (version, place) = (&missing.version, &missing.place);
        writeln!(stdout, "  not imported: {version} in {place}, seen {}", ago(now, missing.first_seen))?;
    }
    print(&history::attempts(&package.attempts))?;
    hints(package)
}

/// What it waits for, what it went on without, and where its old versions come from.
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

/// What to type next.
fn hints(package: &Package) -> io::Result<()> {
    let name = &package.package;
    let mut stdout = screen::stdout();
    if package.held.is_some() {
        writeln!(stdout, "Next:\n  package-import release {name}")?;
    } else if let Some(failure) = &package.failure {
        writeln!(stdout, "Next:")?;
        writeln!(stdout, "  package-import log {name}")?;
        writeln!(stdout, "  package-import retry {name}")?;
        writeln!(stdout, "  package-import failures --signature {}", failure.signature)?;
        writeln!(stdout, "  package-import hold {name} --reason WHY --until 3d")?;
    }
    writeln!(stdout)
}

/// Refs that somebody else made, moved or removed: nothing in them is believed.
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
