//! Keeping known findings from being counted.

use baseline::time::Millis;
use source_package::finding::Finding;
use state::operate;
use state::repair::mutes;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::moment::Until;
use crate::packages::Known;
use crate::role::{Permit, Role};

/// Keeps findings of a code from being counted until a time; with more of them than now it ends at once. On record: `mute`, one
/// entry.
#[derive(Clone, Debug)]
pub struct Mute {
    /// The code.
    pub code: Finding,
    /// Of one package only.
    pub package: Option<String>,
    /// When they count again.
    pub until: Until,
}

/// Lets findings count again before their time. On record: `unmute`, one entry.
#[derive(Clone, Debug)]
pub struct Unmute {
    /// The code.
    pub code: Finding,
    /// Of one package only.
    pub package: Option<String>,
}

fn package(at: &Opened, name: Option<&str>) -> Result<Option<Known>, Error> {
    let Some(name) = name else { return Ok(None) };
    Ok(Some((at.store.read(|tx| operate::known(tx, name))?, name.to_owned())))
}

fn of(package: &Option<Known>) -> Option<(i64, &str)> {
    package.as_ref().map(|(id, name)| (*id, name.as_str()))
}

impl Action for Mute {
    const NAME: &'static str = "mute";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    /// How many findings it is for.
    type Done = i64;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let package = package(at, self.package.as_deref())?;
        let id = package.map(|(id, _)| id);
        let number = at.store.read(|tx| mutes::count(tx, self.code.as_str(), id))?;
        let change = Change::new(Kind::Finding, self.code.as_str())
            .number_of(u64::try_from(number).unwrap_or(0))
            .after(format!("muted until {}", self.until.at()));
        Ok(Preview::of([change]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<i64, Error> {
        let package = package(at, self.package.as_deref())?;
        let until = self.until.at().0;
        Ok(at.store.write(|tx| mutes::mute(tx, self.code.as_str(), of(&package), until, permit.by()))?)
    }
}

impl Action for Unmute {
    const NAME: &'static str = "unmute";
    const ROLE: Role = Role::Operate;
    type Done = ();

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let all = at.store.read(mutes::list)?;
        let found = all.iter().find(|it| it.code == self.code.as_str() && it.package == self.package);
        let found = found.ok_or_else(|| not_muted(self.code))?;
        let change = Change::new(Kind::Finding, self.code.as_str())
            .before(format!("muted until {}", Millis(found.until)))
            .after("counts".to_owned());
        Ok(Preview::of([change]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<(), Error> {
        let package = package(at, self.package.as_deref())?;
        let ended = at.store.write(|tx| mutes::unmute(tx, self.code.as_str(), of(&package), permit.by()))?;
        if ended { Ok(()) } else { Err(not_muted(self.code)) }
    }
}

fn not_muted(code: Finding) -> Error {
    Error::NotFound(format!("{code} is not muted; `package-import mute` lists what is"))
}
