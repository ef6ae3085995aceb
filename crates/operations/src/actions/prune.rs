//! Retention on request.

use std::collections::BTreeMap;
use std::time::Duration;

use importer::queue::logs;
use state::events;
use state::retention::{self, Position, Rule};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::role::{Permit, Role};

/// Removes old attempts, runs, logs and events; each package and signature keeps its newest ones. On record: `prune`,
/// one entry, if rows went; it is written at the end, when their number is known. If a pass is killed, the rows that it
/// has removed are those that runs remove by themselves.
#[derive(Clone, Copy, Debug)]
pub struct Prune {
    /// The age of attempts, runs and logs.
    pub days: Days,
    /// The age of events.
    pub event_days: Days,
}

/// A number of days, from 1 to 36,499.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(i64);

impl Days {
    /// The most that there can be.
    pub const MOST: i64 = 36_499;

    /// A number of days.
    ///
    /// # Errors
    ///
    /// The number is not positive, or is more than a century.
    pub fn new(days: i64) -> Result<Days, Error> {
        if (1..=Days::MOST).contains(&days) {
            return Ok(Days(days));
        }
        Err(Error::Usage(format!("{days} is no number of days from 1 to {}", Days::MOST)))
    }

    fn milliseconds(self) -> i64 {
        self.0 * 86_400_000
    }
}

/// Rows that were removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Rows, by the table.
    pub rows: BTreeMap<&'static str, usize>,
    /// Days whose logs went, as `2026-11-24`.
    pub log_days: Vec<String>,
}

impl Prune {
    fn rule(&self) -> Rule {
        let (attempts, events) = (self.days.milliseconds(), self.event_days.milliseconds());
        Rule { attempts, runs: attempts, repairs: attempts, events, ..Rule::default() }
    }

    fn logs(&self, at: &Opened, is_only_a_look: bool) -> Result<Vec<String>, Error> {
        let age = Duration::from_secs(u64::try_from(self.days.0).unwrap_or(0) * 86_400);
        logs::prune(&at.root, &logs::day_before(age), is_only_a_look)
            .map_err(|error| Error::File { what: "cannot prune the logs".into(), error })
    }
}

impl Action for Prune {
    const NAME: &'static str = "prune";
    const ROLE: Role = Role::Operate;
    type Done = Pruned;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let (rule, mut position) = (self.rule(), Position::default());
        let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
        while let Some(step) = at.store.read(|tx| retention::look(tx, &rule, &mut position))? {
            *rows.entry(step.table).or_default() += step.forgotten;
        }
        let rows =
            rows.into_iter().map(|(table, number)| Change::new(Kind::Rows, table).number_of(number as u64));
        let days = self.logs(at, true)?.into_iter().map(|day| Change::new(Kind::LogDay, day));
        Ok(Preview::of(rows.chain(days)))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Pruned, Error> {
        let (rule, by) = (self.rule(), permit.by());
        let mut rows = BTreeMap::new();
        while let Some(step) = at.store.write(|tx| retention::next(tx, &rule))? {
            *rows.entry(step.table).or_default() += step.forgotten;
        }
        if rows.values().any(|count| *count > 0) {
            let after = format!("{rows:?}");
            at.store
                .write(|tx| events::record(tx, by.actor, "prune", "state", by.reason, None, Some(&after)))?;
        }
        Ok(Pruned { rows, log_days: self.logs(at, false)? })
    }
}
