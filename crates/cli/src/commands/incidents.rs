use std::io::Write;
use std::time::Duration;

use anyhow::Error;
use operations::questions::{self, Incident};

use super::Installation;
use crate::exit;
use crate::screen::{self, print, print_json, table};
use crate::time::{at, span};

/// Incidents, the newest first: outages, surges, removals, waves of collisions, alerts
///
/// Nobody declares them: they are recognised by what is on record. What another one explains is part of that one.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import incidents\n  package-import incidents --since 12h --json"
)]
pub struct Arguments {
    /// That lasted within this time: 12h, 30d
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = humantime::parse_duration)]
    since: Duration,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let answer = questions::incidents(&installation.open()?, Some(arguments.since))?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    let Some(newest) = answer.incidents.first() else {
        writeln!(screen::stdout(), "no incident since {}", at(answer.since))?;
        return Ok(exit::DONE);
    };
    screen::page();
    let mut rows = table(&["INCIDENT", "BEGAN", "LASTED", "PACKAGES", "BACK", "LATEST", "WHAT"]);
    for it in &answer.incidents {
        rows.add_row([
            &it.id,
            &at(it.began),
            &lasted(it, answer.now),
            &it.packages.to_string(),
            &it.back.to_string(),
            &it.late.worst.map_or(String::new(), span),
            &it.title(),
        ]);
    }
    print(&rows)?;
    writeln!(screen::stdout(), "Next:\n  package-import incident show {}", newest.id)?;
    Ok(exit::DONE)
}

/// How long it lasted; one that does not end yet says so.
fn lasted(it: &Incident, now: i64) -> String {
    it.ended.map_or_else(|| format!("{}, lasts", span(now - it.began)), |ended| span(ended - it.began))
}
