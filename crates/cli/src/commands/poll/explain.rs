//! Prints what `poll --explain` finds.

use std::io::{self, Write};

use anyhow::Error;
use importer::polling::explain::{Explained, Said, SuiteSays};
use state::read::explain::Recorded;

use crate::exit;
use crate::screen::{self, paragraph, print_json, short, title};
use crate::time::{ago, at, until};

/// Largest number of characters of a text.
const LONGEST: usize = 600;

/// Number of characters of a hash that are shown.
const HASH: usize = 12;

pub fn run(explained: &Explained, json: bool) -> Result<u8, Error> {
    if json {
        print_json(explained)?;
    } else {
        print(explained)?;
    }
    let all_well = explained.suites.iter().all(|suite| suite.error.is_none());
    Ok(if all_well { exit::DONE } else { exit::SOME_FAILED })
}

fn print(explained: &Explained) -> io::Result<()> {
    let mut stdout = screen::stdout();
    let now = explained.now;
    let state = explained.state.as_ref().map_or("not on record", |state| state.state.as_str());
    writeln!(stdout, "{}", title(&format!("{}: {state}", explained.package)))?;
    writeln!(stdout, "{}", paragraph(2, &format!("next: {}", short(&explained.next, LONGEST))))?;
    if let Some(next) = explained.state.as_ref().and_then(|state| state.next) {
        writeln!(stdout, "  at {} ({})", at(next), until(now, next))?;
    }
    if !explained.similar.is_empty() {
        writeln!(stdout, "  on record are: {}", explained.similar.join(", "))?;
    }
    for suite in &explained.suites {
        suite_says(now, suite, &mut stdout)?;
    }
    if explained.others.is_empty() {
        return Ok(());
    }
    writeln!(stdout, "on record beside those")?;
    explained.others.iter().try_for_each(|row| other(now, row, &mut stdout))
}

fn suite_says(now: i64, suite: &SuiteSays, out: &mut impl Write) -> io::Result<()> {
    let branch = suite.branch.as_ref().map_or(String::new(), |branch| format!(" ({branch})"));
    let dated =
        suite.index.map_or("no index with a date".to_owned(), |date| format!("index {}", ago(now, date)));
    let which = match (suite.asked, suite.error.is_some()) {
        (true, _) => "asked now",
        (false, true) => "not to be had now: as accepted last",
        (false, false) => "as accepted last",
    };
    writeln!(
        out,
        "{}",
        paragraph(0, &format!("{} {}{branch}, {dated}, {which}", suite.archive, suite.suite))
    )?;
    if let Some(error) = &suite.error {
        writeln!(out, "{}", paragraph(2, &short(error, LONGEST)))?;
    }
    if suite.publications.is_empty() {
        writeln!(out, "  not listed")?;
    }
    suite.publications.iter().try_for_each(|said| publication(said, out))
}

fn publication(said: &Said, out: &mut impl Write) -> io::Result<()> {
    let (listed, component) = (if said.listed { "" } else { "not listed: " }, part(&said.component));
    let version = if said.version.is_empty() { "a stanza" } else { &said.version };
    let place = place(&said.path, &said.content);
    writeln!(out, "{}", paragraph(2, &format!("{listed}{version}{component}{place}")))?;
    writeln!(out, "{}", paragraph(4, &short(&said.why, LONGEST)))
}

fn other(now: i64, row: &Recorded, out: &mut impl Write) -> io::Result<()> {
    let from = match row.branch.as_str() {
        "" => format!("{}, an old version of {}", row.distro, row.archive),
        branch => format!("{}/{branch} of {}", row.distro, row.archive),
    };
    let (seen, place) = (ago(now, row.first_seen), place(&row.path, &row.content));
    let line = format!("{} in {from}{}{place}, seen {seen}", row.version, part(&row.component));
    writeln!(out, "{}", paragraph(2, &line))?;
    writeln!(out, "{}", paragraph(4, &short(&row.why, LONGEST)))
}

fn part(component: &str) -> String {
    if component.is_empty() { String::new() } else { format!(", {component}") }
}

fn place(path: &str, content: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let (kind, sum) = content.split_once(':').unwrap_or(("", content));
    let kind = if kind.is_empty() { String::new() } else { format!("{kind}:") };
    let sum: String = sum.chars().take(HASH).collect();
    format!(", {path}, content {kind}{sum}")
}
