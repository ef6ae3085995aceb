use std::io::Write;

use anyhow::Error;
use operations::questions;
use state::events::Event;

use super::Installation;
use crate::exit;
use crate::screen::{self, paragraph, print_json, short};
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

/// Texts are cut to so many characters.
const LONGEST: usize = 200;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let answer = questions::audit(&installation.open()?, arguments.subject.as_deref(), arguments.limit)?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    if answer.events.is_empty() {
        writeln!(screen::stdout(), "nothing is on record")?;
    }
    answer.events.iter().try_for_each(|event| writeln!(screen::stdout(), "{}", line(event)))?;
    Ok(exit::DONE)
}

/// Ends of suppressions are on record as milliseconds.
fn readable(after: &str) -> String {
    let end = after.strip_prefix("until ").and_then(|end| end.parse().ok());
    end.map_or_else(|| after.to_owned(), |end| format!("until {}", at(end)))
}

/// An entry as lines: what was done, and below it why.
pub fn line(event: &Event) -> String {
    let after = event.after.as_deref().map(readable);
    let change = match (&event.before, &after) {
        (Some(before), Some(after)) => format!(": {before} -> {after}"),
        (Some(before), None) => format!(": was {before}"),
        (None, Some(after)) => format!(": {after}"),
        (None, None) => String::new(),
    };
    let (actor, action, subject) = (&event.actor, &event.action, short(&event.subject, LONGEST));
    let what =
        paragraph(0, &format!("{}  {actor}  {action} {subject}{}", at(event.at), short(&change, LONGEST)));
    match &event.reason {
        Some(reason) => format!("{what}\n{}", paragraph(4, &short(reason, LONGEST))),
        None => what,
    }
}
