//! What the checks ask the state: every statement over the views `check_v1_...` stands here, once.
//!
//! Each is a handful of counters, the first row of an index, or rows that are few by their nature (archives, hosts,
//! running jobs). None counts, groups or sorts what grows with the installation or its history.

mod archives;
mod failures;
mod fleet;
mod queue;

pub use archives::{SuiteVerdict, Waits, left_out, suite_verdicts, waits};
pub use failures::{
    Collision, ForeignRef, LiveCounts, Signature, Suppression, VerdictRow, Wedged, collisions, foreign_refs,
    live, newest_message, suppressions, verdict, verdict_value, wedged, wedged_suppressed, worst_signatures,
};
pub use fleet::{
    Host, Progress, Run, Running, abandoned, hosts, is_known, last_run, open_runs, progress, recent_runs,
    running,
};
pub use queue::{
    Channel, Lane, Outage, Remote, Suite, attempts_since, channels, explain, lanes, last_attempt, level,
    outages, remotes, suites, warn_of_samples_ahead,
};

use std::collections::BTreeMap;

use crate::database::Database;
use crate::trouble::Trouble;

/// What the state says about itself. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The number of the schema.
    pub schema: Option<i64>,
    /// When it was made.
    pub created: Option<i64>,
    /// When everything that was asked for had been done for the first time.
    pub filled: Option<i64>,
    /// When the last good backup was taken.
    pub last_backup: Option<i64>,
    /// What the importer found when it examined the database: `ok`, or what is wrong.
    pub integrity: Option<String>,
    /// When that was.
    pub integrity_at: Option<i64>,
}

/// What the state says about itself, if it is the one in use and has seen a run.
pub fn facts(database: &mut Database<'_>) -> Result<Facts, Trouble> {
    let facts = facts_before_any_run(database)?;
    match last_run(database)? {
        Some(_) => Ok(facts),
        None => Err(no_run()),
    }
}

/// What to do where nothing has run yet.
pub fn no_run() -> Trouble {
    Trouble::no_data("no run yet: start package-import run, by cron or as a service (docs/operations.md)")
}

/// What the state says about itself, if it is the one in use. For a check that sees by itself whether there was a run.
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

/// The counters that the importer keeps. One that nothing has changed yet is 0.
#[derive(Clone, Debug, Default)]
pub struct Counters(BTreeMap<String, i64>);

impl Counters {
    /// Whether the importer keeps one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// One of them.
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
