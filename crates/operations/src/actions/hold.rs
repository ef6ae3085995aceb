//! Taking packages out of the queue, and letting them go.

use state::{events, hold};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::moment::Until;
use crate::packages::Names;
use crate::role::{Permit, Role};

/// Takes packages out of the queue. On record: `hold`, an entry for each package.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Packages to hold.
    pub packages: Names,
    /// Time at which the hold ends by itself.
    pub until: Option<Until>,
}

/// Lets held packages go: back into the queue, if they have something to do. On record: `release`, an entry for each package
/// that was held.
#[derive(Clone, Debug)]
pub struct Release {
    /// Packages to release.
    pub packages: Names,
}

/// Result of releasing a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// Name of the package.
    pub package: String,
    /// It was held until now.
    pub was_held: bool,
}

impl Hold {
    fn end(&self) -> Option<String> {
        self.until.map(|until| format!("until {until}"))
    }
}

fn held(by: &hold::Hold) -> String {
    format!("held by {}: {}", by.by, by.reason)
}

impl Action for Hold {
    const NAME: &'static str = "hold";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    type Done = Vec<String>;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let packages = self.packages.known(&at.store)?;
        let changes = at.store.read(|tx| {
            let one = |(id, name): &(i64, String)| {
                let before = hold::of_package(tx, *id)?.as_ref().map(held);
                let after = self.end().map_or("held".to_owned(), |end| format!("held {end}"));
                Ok(Change::new(Kind::Package, name).before(before).after(after))
            };
            packages.iter().map(one).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Preview::of(changes))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Vec<String>, Error> {
        let (by, after) = (permit.by(), self.end());
        let packages = self.packages.known(&at.store)?;
        for (id, name) in &packages {
            at.store.write(|tx| {
                let until = self.until.map(|until| until.at().0);
                hold::hold(tx, *id, by.actor, by.reason.unwrap_or_default(), until)?;
                events::record(tx, by.actor, "hold", name, by.reason, None, after.as_deref())
            })?;
        }
        Ok(packages.into_iter().map(|(_, name)| name).collect())
    }
}

impl Action for Release {
    const NAME: &'static str = "release";
    const ROLE: Role = Role::Operate;
    type Done = Vec<Released>;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let packages = self.packages.known(&at.store)?;
        let changes = at.store.read(|tx| {
            let mut changes = Vec::new();
            for (id, name) in &packages {
                let before = hold::of_package(tx, *id)?;
                let change =
                    |by| Change::new(Kind::Package, name).before(held(by)).after("released".to_owned());
                changes.extend(before.as_ref().map(change));
            }
            Ok(changes)
        })?;
        Ok(Preview::of(changes))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Vec<Released>, Error> {
        let by = permit.by();
        let packages = self.packages.known(&at.store)?;
        let one = |(id, name): (i64, String)| {
            let was_held = at.store.write(|tx| {
                let was_held = hold::release(tx, id)?;
                if was_held {
                    events::record(tx, by.actor, "release", &name, by.reason, None, None)?;
                }
                Ok(was_held)
            })?;
            Ok(Released { package: name, was_held })
        };
        packages.into_iter().map(one).collect()
    }
}
