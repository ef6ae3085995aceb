//! Keeping a known problem from alerting.

use baseline::time::Millis;
use state::operate;

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Opened;
use crate::moment::Until;
use crate::role::{Permit, Role};

/// Keeps the failures with a signature, or of a package, from being counted by the checks, until a time. On record:
/// `suppress`, one entry.
#[derive(Clone, Debug)]
pub struct Suppress {
    /// The short id of a signature, or a source package. It is a signature if there is one of that id.
    pub subject: String,
    /// Time at which it counts again.
    pub until: Until,
}

/// Ends a suppression before its time. On record: `unsuppress`, one entry.
#[derive(Clone, Debug)]
pub struct Unsuppress {
    /// The short id of a signature, or a source package.
    pub subject: String,
}

fn kind(word: &str) -> Kind {
    if word == "signature" { Kind::Signature } else { Kind::Package }
}

fn until(end: Millis) -> String {
    format!("suppressed until {end}")
}

impl Action for Suppress {
    const NAME: &'static str = "suppress";
    const ROLE: Role = Role::Operate;
    const NEEDS_REASON: bool = true;
    /// Kind of the subject: `signature` or `package`.
    type Done = &'static str;

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let (word, before) = at.store.read(|tx| {
            Ok((operate::suppressible(tx, &self.subject)?, operate::suppression(tx, &self.subject)?))
        })?;
        let change = Change::new(kind(word), &self.subject)
            .before(before.map(|(_, end)| until(Millis(end))))
            .after(until(self.until.at()));
        Ok(Preview::of([change]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<&'static str, Error> {
        let until = self.until.at().0;
        Ok(at.store.write(|tx| operate::suppress(tx, &self.subject, until, permit.by()))?)
    }
}

impl Action for Unsuppress {
    const NAME: &'static str = "unsuppress";
    const ROLE: Role = Role::Operate;
    type Done = ();

    fn look(&self, at: &Opened, _: &Permit<'_>) -> Result<Preview, Error> {
        let before = at.store.read(|tx| operate::suppression(tx, &self.subject))?;
        let (word, end) = before.ok_or_else(|| operate::not_suppressed(&self.subject))?;
        let change =
            Change::new(kind(&word), &self.subject).before(until(Millis(end))).after("counts".to_owned());
        Ok(Preview::of([change]))
    }

    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<(), Error> {
        Ok(at.store.write(|tx| operate::unsuppress(tx, &self.subject, permit.by()))?)
    }
}
