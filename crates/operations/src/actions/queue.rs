//! Having packages imported again, or next.

use std::num::NonZeroUsize;

use serde::Serialize;
use state::operate;
use state::words::{Lane, Tasks};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::packages::{Failing, Imported, Known, Names};
use crate::role::{Permit, Role};

/// Retries failing packages now; held ones are skipped. On record: `retry`, one entry for all, if there are any.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Packages to retry.
    pub which: Failing,
    /// Number of packages that are tried first, before all others if those do better; `None` for all at once.
    pub canary: Option<NonZeroUsize>,
}

/// Result of a retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// Number for [`crate::questions::batch`], which has the results; `None` if there were no packages.
    pub batch: Option<i64>,
    /// Names of the packages.
    pub packages: Vec<String>,
}

/// Imports packages again although they are imported: missing versions are added, in lane rescan. On record: `requeue`,
/// an entry for each package.
#[derive(Clone, Debug)]
pub struct Requeue {
    /// Packages to import again.
    pub which: Imported,
}

/// Imports packages next. On record: `prioritize`, an entry for each package.
#[derive(Clone, Debug)]
pub struct Prioritize {
    /// Packages to import next.
    pub packages: Names,
}

fn into_lane(packages: Vec<Known>, lane: Lane) -> Preview {
    Preview::of(
        packages
            .into_iter()
            .map(|(_, name)| Change::new(Kind::Package, name).after(format!("queued in lane {lane}"))),
    )
}

impl Retry {
    fn known(&self, at: &Opened) -> Result<Vec<Known>, Error> {
        Ok(operate::select(&at.store, &self.which.selection())?)
    }

    /// Packages that are named are few: they go first.
    fn lane(&self) -> Lane {
        if matches!(self.which, Failing::Names(_)) { Lane::Operator } else { Lane::Retry }
    }
}

impl Action for Retry {
    const NAME: &'static str = "retry";
    const ROLE: Role = Role::Operate;
    type Done = Retried;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        Ok(into_lane(self.known(at)?, self.lane()))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Retried, Error> {
        let known = self.known(at)?;
        let batch = if known.is_empty() {
            None
        } else {
            let describe = self.which.selection().describe();
            let canary = self.canary.map_or(0, NonZeroUsize::get);
            Some(operate::retry(&at.store, &known, &describe, canary, self.lane(), permit.by())?)
        };
        Ok(Retried { batch, packages: known.into_iter().map(|(_, name)| name).collect() })
    }
}

impl Action for Requeue {
    const NAME: &'static str = "requeue";
    const ROLE: Role = Role::Operate;
    type Done = usize;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        Ok(into_lane(self.which.known(&at.store)?, Lane::Rescan))
    }

    /// Returns how many packages they are.
    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<usize, Error> {
        let known = self.which.known(&at.store)?;
        operate::requeue(&at.store, &known, permit.by())?;
        Ok(known.len())
    }
}

impl Action for Prioritize {
    const NAME: &'static str = "prioritize";
    const ROLE: Role = Role::Operate;
    type Done = usize;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        Ok(into_lane(self.packages.known(&at.store)?, Lane::Operator))
    }

    /// Returns how many packages they are.
    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<usize, Error> {
        let known = self.packages.known(&at.store)?;
        operate::enqueue_all(&at.store, &known, Lane::Operator, Tasks::IMPORT, ("prioritize", permit.by()))?;
        Ok(known.len())
    }
}
