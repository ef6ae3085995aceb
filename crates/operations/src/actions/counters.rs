//! Correction of counters that differ from their rows.

use state::StateError;
use state::counters::{self, Difference};
use state::driver::sqlite;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::role::{Permit, Role};

/// Counts every counter again from the rows, and corrects those that differ. On record: `repair-counter`, an entry for
/// each number.
#[derive(Clone, Copy, Debug)]
pub struct RepairCounters;

/// Refuses a database file that is damaged: its numbers prove nothing.
pub(crate) fn check_file(at: &Opened) -> Result<(), Error> {
    match at.store.path() {
        Some(path) => Ok(sqlite::check_file(&path).map_err(StateError::from)?),
        None => Ok(()),
    }
}

impl Action for RepairCounters {
    const NAME: &'static str = "repair-counters";
    const ROLE: Role = Role::Operate;
    /// Counters that were mended.
    type Done = Vec<Difference>;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let change = |it: Difference| {
            Change::new(Kind::Number, it.place.to_string())
                .before(it.kept.to_string())
                .after(it.counted.to_string())
        };
        Ok(Preview::of(at.store.read(counters::verify)?.into_iter().map(change)))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Vec<Difference>, Error> {
        check_file(at)?;
        let mut repaired = Vec::new();
        loop {
            let some = at.store.write(|tx| counters::repair(tx, permit.by().actor))?;
            if some.is_empty() {
                return Ok(repaired);
            }
            repaired.extend(some);
        }
    }
}
