use std::io::{self, Write};

use anyhow::Error;
use operations::questions::{self, Archives};
use state::read::archives::{SuiteVerdict, Waits};

use super::Installation;
use crate::exit;
use crate::screen::{self, count, paragraph, print, print_json, short, table};
use crate::time::{ago, at, span};

/// What each suite's last poll came to: how old its index is, what is odd, what fails
///
/// Verdicts: ok; remarks (something is odd, listed below the table); stale (its lists have been as they are for longer
/// than `stale_after`, or than they ever were: is the mirror still updated?); withheld (more than a tenth was listed no
/// more at once: it is marked when another index agrees, or by `poll ARCHIVE --accept-removals`); failing (the last accepted
/// index goes on to count); never (no poll has worked yet).
///
/// Exit code 0, whatever the verdicts are: check_import_archive alerts.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  package-import archives\n  package-import archives debian --json")]
pub struct Arguments {
    /// Archives of config.toml [default: all]
    archives: Vec<String>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 400;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let answer = questions::archives(&installation.open()?, &arguments.archives)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    if answer.suites.is_empty() {
        writeln!(screen::stdout(), "no suite is followed; `package-import poll` looks at config.toml")?;
        return Ok(exit::DONE);
    }
    let mut rows = table(&["ARCHIVE", "SUITE", "POLLED", "INDEX", "LISTED", "VERDICT"]);
    for suite in &answer.suites {
        let time = |moment: Option<i64>| moment.map_or("never".to_owned(), |moment| ago(answer.now, moment));
        let index = suite.index.map_or(String::new(), |date| ago(answer.now, date));
        let listed = suite.listed.map_or(String::new(), |listed| listed.to_string());
        rows.add_row([&suite.archive, &suite.suite, &time(suite.polled), &index, &listed, suite.verdict]);
    }
    print(&rows)?;
    details(&answer)?;
    Ok(exit::DONE)
}

fn details(answer: &Archives) -> io::Result<()> {
    let mut stdout = screen::stdout();
    for suite in &answer.suites {
        let name = format!("{} {}", suite.archive, suite.suite);
        if let (Some(error), Some(failed)) = (&suite.error, suite.failed) {
            let line = format!("{name}: failed {}: {}", ago(answer.now, failed), short(error, LONGEST));
            writeln!(stdout, "{}", paragraph(0, &line))?;
        }
        for remark in &suite.remarks {
            writeln!(stdout, "{}", paragraph(0, &format!("{name}: {}", short(remark, LONGEST))))?;
        }
        if let Some(line) = stale(suite, answer.now) {
            writeln!(stdout, "{}", paragraph(0, &format!("{name}: {line}")))?;
        }
        if let Some(since) = suite.withheld_since {
            writeln!(stdout, "{name}: {} removals withheld since {}", suite.withheld, at(since))?;
        }
    }
    answer.waits.iter().try_for_each(|wait| writeln!(stdout, "{}", waiting(wait, answer.now)))?;
    match answer.left_out {
        0 => Ok(()),
        some => {
            let more = if some < 1000 { "" } else { " or more" };
            let line = format!(
                "{}{more} without all old versions that its history lists or should have; `package-import history ask` \
                 asks again",
                count(some, "package")
            );
            writeln!(stdout, "{}", paragraph(0, &line))
        }
    }
}

/// Remark about a suite whose content is too old.
pub fn stale(suite: &SuiteVerdict, now: i64) -> Option<String> {
    let (content, limit) = (suite.content?, suite.stale_after?);
    let line = format!(
        "its lists are as they were {} (limit {}): is the mirror still updated? `stale_after` in config.toml sets the limit",
        ago(now, content),
        span(limit)
    );
    (now - content > limit).then_some(line)
}

/// Line about packages that wait.
pub fn waiting(wait: &Waits, now: i64) -> String {
    let what = match wait.kind.as_str() {
        "history" if wait.packages == 1 => "its old versions",
        "history" => "their old versions",
        "base" if wait.packages == 1 => "the version that one of its versions is built on",
        "base" => "the version that one of theirs is built on",
        _ => "a file that is listed and on no mirror",
    };
    let verb = if wait.packages == 1 { "waits" } else { "wait" };
    let since = wait.oldest.map_or(String::new(), |oldest| format!(", the first since {}", ago(now, oldest)));
    format!("{} {verb} for {what}{since}", count(wait.packages, "package"))
}
