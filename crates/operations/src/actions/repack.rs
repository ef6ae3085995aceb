//! Repacking of repositories.

use importer::inspect::{self, Effort, InspectError};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Installation;
use crate::role::{Permit, Role};

/// Repacks repositories with deltas. Content and refs stay the same. On record: nothing.
pub struct Repack<'a> {
    /// The packages; all that have a repository by default.
    pub packages: Vec<String>,
    /// Amount of work.
    pub effort: Effort,
    /// Called for each package that could not be repacked; the others are.
    pub failed: &'a dyn Fn(&str, &InspectError),
}

impl Action<Installation> for Repack<'_> {
    const NAME: &'static str = "repack";
    const ROLE: Role = Role::Admin;
    /// Number of packages that could not be repacked.
    type Done = usize;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let packages = at.with_repository(&self.packages)?;
        Ok(Preview::of(
            packages.iter().map(|name| Change::new(Kind::Package, name).after("repacked".to_owned())),
        ))
    }

    fn act(&self, at: &Installation, _: &Permit<'_>) -> Result<usize, Error> {
        let packages = at.with_repository(&self.packages)?;
        let limits = at.config()?.limits;
        let mut failed = 0;
        for package in &packages {
            if let Err(error) = inspect::repack(&at.root, package, self.effort, &limits) {
                failed += 1;
                (self.failed)(package, &error);
            }
        }
        Ok(failed)
    }
}
