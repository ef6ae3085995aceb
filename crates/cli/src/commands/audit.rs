use anyhow::Error;
use serde::Serialize;
use state::events::{self, Event};

use super::Installation;
use crate::exit;
use crate::screen::{print, print_json, short, table};
use crate::time::at;

/// Who did what, when and why, newest first
#[derive(clap::Args)]
pub struct Arguments {
    /// Only this package, signature, host or setting
    subject: Option<String>,

    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer {
    events: Vec<Event>,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let limit = i64::from(arguments.limit);
    let events = installation.state()?.read(|tx| events::list(tx, arguments.subject.as_deref(), limit))?;
    if arguments.json {
        print_json(&Answer { events })?;
        return Ok(exit::DONE);
    }
    let mut rows = table(&["WHEN", "WHO", "WHAT", "TO WHAT", "WAS", "IS", "WHY"]);
    for event in &events {
        let text = |field: &Option<String>| short(field.as_deref().unwrap_or_default(), 60);
        rows.add_row([
            &at(event.at),
            &event.actor,
            &event.action,
            &short(&event.subject, 40),
            &text(&event.before),
            &text(&event.after),
            &text(&event.reason),
        ]);
    }
    print(&rows)?;
    Ok(exit::DONE)
}
