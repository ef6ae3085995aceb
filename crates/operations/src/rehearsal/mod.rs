//! Plays a bad night against a throw-away copy of an installation's state, in simulated time: what `status`, the checks and
//! messages would have said, so that a team can train. Repositories are not touched, nothing is fetched and nothing is sent:
//! what happens to imports is decided by the script. Checks are the installed programs, asked about the copy; messages come out
//! of the copy's outbox, by the channels and times of the configuration.

mod checks;
mod crier;
mod player;
mod scenarios;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use source_package::words;
use state::open::Location;
use state::{Store, transfer};

use crate::error::Error;
use crate::installation::Opened;
use crate::questions::IncidentShown;
use crier::Crier;

pub use checks::Checks;
pub use player::play;
pub use scenarios::{Beat, Night, night};

words! {
    /// The scenarios of rehearsals.
    Scenario {
        /// A mirror is out of reach for an hour and a half.
        Outage = "outage",
        /// The disk of the repositories is full.
        FullDisk = "full-disk",
        /// A release with a fault: packages begin to fail, and mend after the next one.
        BadRelease = "bad-release",
        /// Somebody pushes to many branches at once.
        CollisionWave = "collision-wave",
        /// The database is damaged.
        DamagedDatabase = "damaged-database",
    }
}

/// The sources of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Voice {
    /// The script: what happens.
    Script,
    /// `status`.
    Status,
    /// A check: its name, and the line that it prints.
    Check,
    /// A message: its channel and subject, then the lines of it.
    Message,
    /// A person of the script, by a command.
    Person,
}

/// Something that is said at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Time, in milliseconds since 1970, by the simulated clock.
    pub at: i64,
    /// By whom.
    pub voice: Voice,
    /// The text.
    pub text: String,
}

/// A rehearsal that is over.
#[derive(Debug, Serialize)]
pub struct Rehearsed {
    /// Everything that was said.
    pub lines: Vec<Line>,
    /// The incidents of that night.
    pub incidents: Vec<IncidentShown>,
}

/// Rehearses a scenario on a copy of the state in `folder`, which is the caller's to remove. Each line is told as it is said.
pub fn rehearse(
    at: &Opened,
    scenario: Scenario,
    folder: &Path,
    checks: &Checks,
    told: &mut dyn FnMut(&Line),
) -> Result<Rehearsed, Error> {
    let file = folder.join("state.db");
    transfer::copy_to_file(&at.store, &file)?;
    let location = Location::Sqlite(file.clone());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let clock = Arc::new(AtomicI64::new(i64::try_from(now).unwrap_or(i64::MAX)));
    let store = location.connect(false)?.with_clock(Arc::clone(&clock));
    store.migrate()?;
    transfer::complete(&store)?;
    if scenario == Scenario::DamagedDatabase {
        drop(store);
        return damaged(&file, &location, checks, told);
    }
    let copy = Opened { root: folder.to_owned(), config: at.config.clone(), store };
    play(&copy, &clock, &night(scenario), checks, told)
}

/// Plays the scenario of a database with a missing part.
fn damaged(
    file: &Path,
    location: &Location,
    checks: &Checks,
    told: &mut dyn FnMut(&Line),
) -> Result<Rehearsed, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mut crier = Crier::new(told);
    crier.say(now, Voice::Script, "a part of state.db is overwritten".into());
    let failed = |error| Error::File { what: format!("cannot rehearse in {}", file.display()), error };
    let mut content = bounded::file::read(file, u64::MAX).map_err(failed)?;
    // The first page names the tables; everything behind it holds them.
    content.iter_mut().skip(100).step_by(7).for_each(|byte| *byte ^= 0x5a);
    fs::write(file, content).map_err(failed)?;
    let status = location.open().map(drop).map_or_else(|error| error.to_string(), |()| "nothing".into());
    crier.say(now, Voice::Status, format!("Error: {status}"));
    checks.ask(file, now).into_iter().for_each(|answer| crier.answered(now, answer));
    let silent = "nothing is sent: what is to be told stands in the database; the checks tell of it";
    crier.say(now, Voice::Message, silent.into());
    for step in [
        "stop the service, or take the line of runs out of the crontab, and wait until nothing runs",
        "cp -a ROOT ROOT.damaged; rm ROOT/state.db*",
        "package-import restore --state-only BACKUP: versions that are in the repositories are put on record again",
        "package-import status; then start the service again",
    ] {
        crier.say(now, Voice::Person, step.into());
    }
    Ok(Rehearsed { lines: crier.lines, incidents: Vec::new() })
}

/// The state of a copy, for whoever plays a night of their own.
pub fn store_of(location: &Location, clock: &Arc<AtomicI64>) -> Result<Store, Error> {
    Ok(location.open_or_make()?.with_clock(Arc::clone(clock)))
}
