use std::io::Write;

use anyhow::Error;
use clap::Subcommand;
use operations::actions::signature::Decide;
use operations::{Action, Reason, questions};
use state::words::Policy;

use super::{Installation, caller};
use crate::exit::{self, Usage};
use crate::screen::{self, count, paragraph, print, print_json, short, table};
use crate::time::at;

/// What failures have in common, and what is decided about it
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All signatures that something fails with
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// One signature
    Show {
        /// Its short id
        id: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Decide about a signature; failures that have it are judged again
    Set {
        /// Its short id
        id: String,
        /// retry: as if it were transient; fail: as if it were permanent; hold: take packages out of the queue; none
        #[arg(long)]
        policy: Option<String>,
        /// What is known of it; required with --policy
        #[arg(long)]
        note: Option<Reason>,
        /// Where it is reported
        #[arg(long, value_name = "URL")]
        bug: Option<String>,
    },
}

/// Largest number of characters of a text.
const LONGEST: usize = 300;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    match &arguments.command {
        Command::List { json } => list(installation, *json),
        Command::Show { id, json } => show(installation, id, *json),
        Command::Set { id, policy, note, bug } => {
            let policy = match policy.as_deref() {
                None => None,
                Some("none") => Some(None),
                Some(word) => {
                    Some(Some(word.parse::<Policy>().map_err(|error| Usage(format!("{error}, none")))?))
                }
            };
            set(installation, &Decide::new(id, policy, note.clone(), bug.clone())?)
        }
    }
}

fn list(installation: &Installation, json: bool) -> Result<u8, Error> {
    let answer = questions::signatures(&installation.open()?)?;
    if json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    screen::page();
    let mut rows = table(&["SIGNATURE", "PACKAGES", "CLASS", "POLICY", "CAUSE"]).cut(3);
    for group in &answer.signatures {
        let cause = format!("{}/{}: {}", group.stage, group.code, group.text);
        let policy = group.policy.clone().unwrap_or_default();
        rows.add_row([&group.signature, &group.packages.to_string(), &group.class, &policy, &cause]);
    }
    print(&rows)?;
    Ok(exit::DONE)
}

fn show(installation: &Installation, id: &str, json: bool) -> Result<u8, Error> {
    let group = questions::signature(&installation.open()?, id)?;
    if json {
        print_json(&group)?;
        return Ok(exit::DONE);
    }
    let mut stdout = screen::stdout();
    writeln!(stdout, "{}: {}/{}, {}", group.signature, group.stage, group.code, group.class)?;
    writeln!(stdout, "{}", paragraph(2, &short(&group.text, LONGEST)))?;
    let packages = count(group.packages, "package");
    writeln!(stdout, "  {packages}; seen from {} to {}", at(group.since), at(group.last))?;
    for (what, text) in [("policy", &group.policy), ("note", &group.note), ("bug", &group.bug)] {
        if let Some(text) = text {
            writeln!(stdout, "{}", paragraph(2, &format!("{what}: {}", short(text, LONGEST))))?;
        }
    }
    Ok(exit::DONE)
}

fn set(installation: &Installation, action: &Decide) -> Result<u8, Error> {
    let changed = count(action.perform(&installation.open()?, &caller(), None)?, "failure");
    writeln!(screen::stdout(), "{}: noted; {changed} judged differently now", action.signature())?;
    Ok(exit::DONE)
}
