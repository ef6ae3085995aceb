use std::io::Write;

use anyhow::Error;
use serde::Serialize;
use state::events::{self, Event};
use state::operate;
use state::read::package::{self, Attempt};

use super::{Installation, audit};
use crate::exit;
use crate::screen::{self, Table, print, print_json, table};
use crate::time::{at, took};
use crate::words;

/// The attempts of a package, newest first, and what operators did with it
#[derive(clap::Args)]
pub struct Arguments {
    /// The source package
    package: String,

    /// At most so many
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    package: &'a str,
    attempts: Vec<Attempt>,
    events: Vec<Event>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let limit = i64::from(arguments.limit);
    let answer = installation.state()?.read(|tx| {
        let id = operate::known(tx, &arguments.package)?;
        Ok(Answer {
            package: &arguments.package,
            attempts: package::history(tx, id, limit)?,
            events: events::list(tx, Some(&arguments.package), limit)?,
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
