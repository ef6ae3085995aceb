use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Error;
use operations::actions::prune::{Days, Prune, Pruned};
use operations::{Action, Kind, Preview};
use state::retention::TABLES;

use super::{Installation, caller};
use crate::exit;
use crate::screen;

/// Forget what is old: attempts, events, samples, runs, logs
///
/// Of each package the newest four attempts stay, of each signature the newest failure, however old. Publications and
/// versions are never forgotten. Runs do this by themselves, a little at a time; it can be interrupted, and resumes.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  package-import prune --dry-run --days 30")]
pub struct Arguments {
    /// Attempts, runs and logs younger than this many days stay
    #[arg(long, default_value = "90", value_parser = clap::value_parser!(i64).range(1..36500))]
    days: i64,

    /// Events younger than this many days stay
    #[arg(long, default_value = "731", value_parser = clap::value_parser!(i64).range(1..36500))]
    event_days: i64,

    /// Say what would be forgotten, and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let action = Prune { days: Days::new(arguments.days)?, event_days: Days::new(arguments.event_days)? };
    let at = installation.open()?;
    let Pruned { rows, log_days } = if arguments.dry_run {
        foreseen(&action.preview(&at, &caller())?)
    } else {
        action.perform(&at, &caller(), None)?
    };
    if arguments.json {
        let object = serde_json::json!({
            "done": !arguments.dry_run, "rows": rows, "log_days": log_days,
        });
        screen::print_json(&object)?;
        return Ok(exit::DONE);
    }
    let verb = if arguments.dry_run { "would be forgotten" } else { "forgotten" };
    let mut stdout = screen::stdout();
    for table in TABLES {
        writeln!(stdout, "{table}: {} {verb}", rows.get(table).copied().unwrap_or(0))?;
    }
    writeln!(stdout, "logs: {} days {verb}", log_days.len())?;
    Ok(exit::DONE)
}

/// Preview in the form of a result.
fn foreseen(preview: &Preview) -> Pruned {
    let number = |table| usize::try_from(preview.number(Kind::Rows, table)).unwrap_or(usize::MAX);
    let rows: BTreeMap<_, _> = TABLES.iter().map(|table| (*table, number(table))).collect();
    Pruned { rows, log_days: preview.subjects(Kind::LogDay).into_iter().map(str::to_owned).collect() }
}
