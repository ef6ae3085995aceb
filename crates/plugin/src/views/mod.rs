//! Statements of the checks: all statements over the views `check_v1_...` are here, each once.
//!
//! Each is a handful of counters, the first row of an index, or rows that are few by their nature (archives, hosts,
//! running jobs). None counts, groups or sorts rows whose number grows with the installation or its history.

mod archives;
mod failures;
mod fleet;
mod queue;

pub use archives::{SuiteVerdict, Waits, left_out, suite_verdicts, waits};
pub use failures::{
    Collision, Damaged, ForeignRef, LiveCounts, Signature, Suppression, VerdictRow, Wedged, collisions,
    damaged, foreign_refs, live, newest_message, suppressions, verdict, verdict_value, wedged,
    wedged_suppressed, worst_signatures,
};
pub use fleet::{
    Host, Progress, Run, Running, abandoned, hosts, is_known, last_run, open_runs, progress, recent_runs,
    running,
};
pub use queue::{
    Channel, Lane, Outage, REMOTE, Remote, Suite, all_outages, attempts_since, channels, explain, lanes,
    last_attempt, level, outages, remotes, suites, warn_of_samples_ahead,
};

use std::collections::BTreeMap;

use crate::database::Database;
use crate::trouble::Trouble;

/// Facts about the state itself. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The number of the schema.
    pub schema: Option<i64>,
    /// Time at which it was created.
    pub created: Option<i64>,
    /// Time at which the queue was empty for the first time.
    pub filled: Option<i64>,
    /// Time of the last good backup.
    pub last_backup: Option<i64>,
    /// Result of the last examination of the database: `ok`, or a description of the damage.
    pub integrity: Option<String>,
    /// Time of the last examination.
    pub integrity_at: Option<i64>,
}

/// Facts about the state itself.
///
/// # Errors
/// [`Trouble::NoData`] when it is not the state in use, or when no run has begun yet.
pub fn facts(database: &mut Database<'_>) -> Result<Facts, Trouble> {
    let facts = facts_before_any_run(database)?;
    match last_run(database)? {
        Some(_) => Ok(facts),
        None => Err(no_run()),
    }
}

/// Trouble and advice where nothing has run yet.
pub fn no_run() -> Trouble {
    Trouble::no_data("no run yet: start package-import run, by cron or as a service (docs/operations.md)")
}

/// Facts about the state itself, for a check that handles the case of no run.
///
/// # Errors
/// [`Trouble::NoData`] when it is not the state in use.
pub fn facts_before_any_run(database: &mut Database<'_>) -> Result<Facts, Trouble> {
    let mut facts = Facts::default();
    for row in database.rows("SELECT name, value FROM check_v1_state", &[])? {
        let (name, value) = (row.text(0)?, row.text(1)?);
        let number = value.parse().ok();
        match name {
            "moved_to" => {
                return Err(Trouble::unusable(format!(
                    "this state has moved to {value}: set [checks] state to it"
                )));
            }
            "schema" => facts.schema = number,
            "created" => facts.created = number,
            "filled" => facts.filled = number,
            "last_backup" => facts.last_backup = number,
            "integrity" => facts.integrity = Some(value.to_owned()),
            "integrity_at" => facts.integrity_at = number,
            _ => {}
        }
    }
    Ok(facts)
}

/// The counters that the importer keeps. A counter that was never changed is 0.
#[derive(Clone, Debug, Default)]
pub struct Counters(BTreeMap<String, i64>);

impl Counters {
    /// True when the importer keeps a counter of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Value of a counter; 0 if there is none of this name.
    pub fn get(&self, name: &str) -> i64 {
        self.0.get(name).copied().unwrap_or(0)
    }
}

/// All counters; there are about twenty.
pub fn counters(database: &mut Database<'_>) -> Result<Counters, Trouble> {
    let rows = database.rows("SELECT name, value FROM check_v1_counters", &[])?;
    let pairs = rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.integer(1)?)));
    Ok(Counters(pairs.collect::<Result<_, Trouble>>()?))
}
