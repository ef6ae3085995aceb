use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::Error;
use importer::queue::logs;
use state::retention::{self, Position, Rule, TABLES};
use state::{Store, events};

use super::{Installation, actor};
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

const DAY: i64 = 86_400_000;

pub fn run(installation: &Installation, arguments: &Arguments) -> Result<u8, Error> {
    let store = installation.state()?;
    let rule = Rule {
        attempts: arguments.days * DAY,
        runs: arguments.days * DAY,
        events: arguments.event_days * DAY,
        ..Rule::default()
    };
    let forgotten = if arguments.dry_run { look(&store, &rule)? } else { prune(&store, &rule)? };
    let seconds = u64::try_from(arguments.days).unwrap_or(0) * 86400;
    let day = logs::day_before(Duration::from_secs(seconds));
    let logs = logs::prune(&installation.root, &day, arguments.dry_run)?;
    if arguments.json {
        let object = serde_json::json!({
            "done": !arguments.dry_run, "rows": forgotten, "log_days": logs,
        });
        screen::print_json(&object)?;
        return Ok(exit::DONE);
    }
    let verb = if arguments.dry_run { "would be forgotten" } else { "forgotten" };
    let mut stdout = screen::stdout();
    for table in TABLES {
        writeln!(stdout, "{table}: {} {verb}", forgotten.get(table).copied().unwrap_or(0))?;
    }
    writeln!(stdout, "logs: {} days {verb}", logs.len())?;
    Ok(exit::DONE)
}

type Forgotten = BTreeMap<&'static str, usize>;

fn look(store: &Store, rule: &Rule) -> Result<Forgotten, Error> {
    let (mut position, mut forgotten) = (Position::default(), Forgotten::new());
    while let Some(step) = store.read(|tx| retention::look(tx, rule, &mut position))? {
        *forgotten.entry(step.table).or_default() += step.forgotten;
    }
    Ok(forgotten)
}

fn prune(store: &Store, rule: &Rule) -> Result<Forgotten, Error> {
    let mut forgotten = Forgotten::new();
    while let Some(step) = store.write(|tx| retention::next(tx, rule))? {
        *forgotten.entry(step.table).or_default() += step.forgotten;
    }
    if forgotten.values().any(|count| *count > 0) {
        let after = format!("{forgotten:?}");
        store.write(|tx| events::record(tx, &actor(), "prune", "state", None, None, Some(&after)))?;
    }
    Ok(forgotten)
}
