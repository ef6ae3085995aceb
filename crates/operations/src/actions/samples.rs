//! Removing hourly figures that a wrong clock has left.

use state::samples::{self, Dropped};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::moment::Moment;
use crate::role::{Permit, Role};

/// Drops the samples and verdicts at and after a time; the norm is learned again from the others. On record:
/// `samples-drop`, one entry.
#[derive(Clone, Copy, Debug)]
pub struct DropSamples {
    /// From the hour on that begins at this time or later.
    pub after: Moment,
}

impl Action for DropSamples {
    const NAME: &'static str = "samples-drop";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    type Done = Dropped;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let found = samples::dropped_after(&at.store, self.after.0.0)?;
        let rows = |table: &str, number| Change::new(Kind::Rows, table).number_of(number);
        Ok(Preview::of([rows("sample", found.samples), rows("verdict", found.verdicts)]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Dropped, Error> {
        Ok(samples::drop_after(&at.store, self.after.0.0, permit.by())?)
    }
}
