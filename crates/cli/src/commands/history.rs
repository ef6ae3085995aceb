use std::io::Write;

use anyhow::Error;
use clap::Subcommand;
use serde::Serialize;
use state::events::{self, Event};
use state::read::package::{self, Attempt};
use state::words::{Lane, Tasks};
use state::{histories, operate, queue};

use super::{Installation, actor, audit};
use crate::exit::{self, Usage};
use crate::screen::{self, Table, count, print, print_json, table};
use crate::time::{at, took};
use crate::words;

/// The attempts of a package, newest first, and what operators did with it
///
/// `history ask` has the histories of archives asked again for old versions.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  package-import history hello\n  package-import history ask hello\n  package-import history ask"
)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// The source package
    #[arg(required = true)]
    package: Option<String>,

    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    Ask(Ask),
}

/// Ask the histories of archives again, and import what was missing as late versions
///
/// For packages whose history did not know them, or could not deliver all that it lists. Each is queued; what comes gets
/// its commit and its tag.
#[derive(clap::Args)]
struct Ask {
    /// Source packages [default: all of which a version was left out]
    packages: Vec<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    package: &'a str,
    attempts: Vec<Attempt>,
    events: Vec<Event>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let Some(package) = &arguments.package else {
        return match &arguments.verb {
            Some(Verb::Ask(verb)) => ask(installation, verb),
            None => Err(Usage("give a package, or `ask`".into()).into()),
        };
    };
    let limit = i64::from(arguments.limit);
    let answer = installation.state()?.read(|tx| {
        let id = operate::known(tx, package)?;
        Ok(Answer {
            package,
            attempts: package::history(tx, id, limit)?,
            events: events::list(tx, Some(package), limit)?,
        })
    })?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    print(&attempts(&answer.attempts))?;
    for event in &answer.events {
        writeln!(screen::stdout(), "{}", audit::line(event))?;
    }
    Ok(exit::DONE)
}

fn ask(installation: &Installation, verb: &Ask) -> Result<u8, Error> {
    let config = installation.config()?;
    let archives: Vec<&str> = (config.archives.iter().filter(|archive| archive.history.is_some()))
        .map(|archive| archive.name.as_str())
        .collect();
    if archives.is_empty() {
        return Err(Usage("no archive of config.toml has a [archives.history]".into()).into());
    }
    let store = installation.state()?;
    let mut asked = 0;
    for archive in archives {
        let packages = match verb.packages.is_empty() {
            true => store.read(|tx| histories::incomplete(tx, archive))?,
            false => verb.packages.clone(),
        };
        for name in packages {
            let left_out = store.write(|tx| {
                let id = operate::known(tx, &name)?;
                let left_out = histories::ask_again(tx, id, archive)?;
                queue::enqueue(tx, id, Lane::Operator, Tasks::IMPORT)?;
                let what = format!("the history of {archive}");
                events::record(tx, &actor(), "history-ask", &name, None, None, Some(&what))?;
                Ok(left_out)
            })?;
            asked += 1;
            let versions = count(left_out, "version");
            writeln!(
                screen::stdout(),
                "{name}: the history of {archive} is asked again; {versions} had been left out"
            )?;
        }
    }
    if asked == 0 {
        writeln!(screen::stdout(), "of no package is it known that its history lacks something")?;
    }
    Ok(exit::DONE)
}

/// Attempts as a table.
pub fn attempts(attempts: &[Attempt]) -> Table {
    let mut rows = table(&["ATTEMPT", "BEGAN", "TOOK", "OUTCOME", "CAUSE"]).cut(2);
    for attempt in attempts {
        let took = attempt.wall_ms.map_or(String::new(), took);
        let outcome = attempt.outcome.as_deref().map_or("running", words::attempt_outcome);
        let cause = match (&attempt.stage, &attempt.code) {
            (Some(stage), Some(code)) => {
                format!("{stage}/{code}: {}", attempt.message.as_deref().unwrap_or_default())
            }
            _ => String::new(),
        };
        rows.add_row([&attempt.id.to_string(), &at(attempt.started), &took, outcome, &cause]);
    }
    rows
}
