use std::io::Write;

use anyhow::{Error, bail};
use clap::Subcommand;
use serde::Serialize;
use state::operate::{self, By, Decision};
use state::policy::Retries;
use state::read::failures::{self, Filter, Group};
use state::reclassify;
use state::words::Policy;

use super::{Installation, actor};
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
        note: Option<String>,
        /// Where it is reported
        #[arg(long, value_name = "URL")]
        bug: Option<String>,
    },
}

#[derive(Serialize)]
struct Answer {
    signatures: Vec<Group>,
}

/// Texts are cut to so many characters.
const LONGEST: usize = 300;

/// As many signatures are listed.
const LISTED: i64 = 1000;

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
            if policy.is_some() && note.is_none() {
                return Err(Usage("a policy needs its reason: --note".into()).into());
            }
            if policy.is_none() && note.is_none() && bug.is_none() {
                return Err(Usage("nothing is decided: give --policy, --note or --bug".into()).into());
            }
            let decision = Decision { policy, note: note.as_deref(), bug: bug.as_deref() };
            set(installation, id, &decision)
        }
    }
}

fn list(installation: &Installation, json: bool) -> Result<u8, Error> {
    let signatures = installation.state()?.read(|tx| failures::groups(tx, &Filter::default(), LISTED))?;
    if json {
        print_json(&Answer { signatures })?;
        return Ok(exit::DONE);
    }
    let mut rows = table(&["SIGNATURE", "PACKAGES", "CLASS", "POLICY", "CAUSE"]).cut(3);
    for group in &signatures {
        let cause = format!("{}/{}: {}", group.stage, group.code, group.text);
        let policy = group.policy.clone().unwrap_or_default();
        rows.add_row([&group.signature, &group.packages.to_string(), &group.class, &policy, &cause]);
    }
    print(&rows)?;
    Ok(exit::DONE)
}

fn show(installation: &Installation, id: &str, json: bool) -> Result<u8, Error> {
    let Some(group) = installation.state()?.read(|tx| failures::signature(tx, id))? else {
        bail!("there is no signature {id}; `package-import signature list` lists them");
    };
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

fn set(installation: &Installation, id: &str, decision: &Decision<'_>) -> Result<u8, Error> {
    let store = installation.state()?;
    let actor = actor();
    let by = By { actor: &actor, reason: decision.note };
    let signature = store.write(|tx| operate::decide(tx, id, decision, by))?;
    let changed = match decision.policy {
        Some(_) => reclassify::signature(&store, signature, &Retries::default())?,
        None => 0,
    };
    let changed = count(changed, "failure");
    writeln!(screen::stdout(), "{id}: noted; {changed} judged differently now")?;
    Ok(exit::DONE)
}
