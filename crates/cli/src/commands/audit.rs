use std::io::{self, Write};

use anyhow::Error;
use operations::Past;
use operations::questions::{self, AuditWanted};
use state::events::{Event, Wanted};

use super::Installation;
use crate::exit;
use crate::screen::{self, paragraph, print_json, short};
use crate::time::at;

/// Who did what, when and why, newest first
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  package-import audit --since 12h\n  package-import audit --actor olga --action hold\n  package-import audit hello"
)]
pub struct Arguments {
    /// Only this package, signature, host or setting
    subject: Option<String>,

    /// By this person: olga at any host, or olga@host1
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,

    /// Of this kind: hold, retry, set ...
    #[arg(long)]
    action: Option<String>,

    /// That happened since then: 2h ago, on a day or at a time
    #[arg(long, value_name = "TIME")]
    since: Option<Past>,

    /// That happened before
    #[arg(long, value_name = "TIME")]
    until: Option<Past>,

    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Largest number of characters of a text.
const LONGEST: usize = 200;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let entries = Wanted {
        subject: arguments.subject.clone(),
        actor: arguments.actor.clone(),
        action: arguments.action.clone(),
        since: arguments.since.map(|it| it.0),
        until: arguments.until.map(|it| it.0),
    };
    let is_narrowed = entries != Wanted::default();
    let answer =
        questions::audit_of(&installation.open()?, &AuditWanted { entries, limit: arguments.limit })?;
    if arguments.json {
        print_json(&answer)?;
        return Ok(exit::DONE);
    }
    screen::page();
    if answer.events.is_empty() {
        writeln!(
            screen::stdout(),
            "{}",
            if is_narrowed { "no entry matches" } else { "nothing is on record" }
        )?;
    }
    answer.events.iter().try_for_each(|event| writeln!(screen::stdout(), "{}", line(event)))?;
    older(answer.more, arguments.limit)?;
    Ok(exit::DONE)
}

/// Tells that older entries are not listed, and how to list them.
pub fn older(more: bool, limit: u32) -> io::Result<()> {
    match more {
        true => {
            writeln!(screen::stdout(), "there are older ones (--limit {})", limit.saturating_mul(10).max(10))
        }
        false => Ok(()),
    }
}

/// Ends of suppressions are on record as milliseconds.
fn readable(after: &str) -> String {
    let end = after.strip_prefix("until ").and_then(|end| end.parse().ok());
    end.map_or_else(|| after.to_owned(), |end| format!("until {}", at(end)))
}

/// Lines of an entry: the action, and below it the reason.
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
