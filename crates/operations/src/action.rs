//! What every action has: who may, a preview that changes nothing, and a performance that is on record.

use serde::Serialize;

use crate::error::Error;
use crate::installation::Opened;
use crate::reason::Reason;
use crate::role::{Actor, Permit, Role};

/// What a person can have done. Its fields are its arguments, in types that cannot hold a wrong value.
pub trait Action {
    /// Its word, by which [`crate::ACTIONS`] lists it.
    const NAME: &'static str;
    /// Who may.
    const ROLE: Role;
    /// Whether it is done only with a reason.
    const NEEDS_REASON: bool = false;
    /// What was done.
    type Done;

    /// What [`Action::preview`] says, once the role was looked at.
    fn look(&self, at: &Opened, permit: &Permit<'_>) -> Result<Preview, Error>;

    /// What [`Action::perform`] does, once the role was looked at.
    fn act(&self, at: &Opened, permit: &Permit<'_>) -> Result<Self::Done, Error>;

    /// Says what would change. Nothing is changed.
    ///
    /// # Errors
    ///
    /// The actor's role may not do it, something that is named does not exist, or the state cannot be read.
    fn preview(&self, at: &Opened, actor: &Actor) -> Result<Preview, Error> {
        let permit = actor.permit(Self::NAME, Self::ROLE, None)?;
        self.look(at, &permit)
    }

    /// Does it, and records who did it and why in the same transaction. What touches many rows goes in chunks, each with its
    /// own entries.
    ///
    /// # Errors
    ///
    /// The actor's role may not do it, a reason is missing that it needs, something that is named does not exist, or the
    /// state cannot be written.
    fn perform(&self, at: &Opened, actor: &Actor, reason: Option<&Reason>) -> Result<Self::Done, Error> {
        let permit = actor.permit(Self::NAME, Self::ROLE, reason)?;
        if Self::NEEDS_REASON && reason.is_none() {
            return Err(Error::Usage(format!("{} needs a reason", Self::NAME)));
        }
        self.act(at, &permit)
    }
}

/// What an action would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Each change.
    pub changes: Vec<Change>,
}

/// Something that an action would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What kind of thing it is.
    pub kind: Kind,
    /// Its name.
    pub subject: String,
    /// How many of it.
    pub number: u64,
    /// What it is now, where that is known.
    pub before: Option<String>,
    /// What it would be.
    pub after: Option<String>,
}

/// What an action changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A source package, by its name.
    Package,
    /// A publication, by package and version.
    Publication,
    /// A collision, by its number.
    Collision,
    /// A signature, by its short id.
    Signature,
    /// What is normal for a figure.
    Norm,
    /// A setting.
    Setting,
    /// A host.
    Host,
    /// Rows of a table, by its name.
    Rows,
    /// The logs of a day.
    LogDay,
    /// A number that is kept and not what the rows say.
    Number,
    /// An archive.
    Archive,
    /// A suite of an archive.
    Suite,
    /// A remote, by its name.
    Remote,
    /// Findings of a code.
    Finding,
}

impl Preview {
    /// Of changes.
    pub(crate) fn of(changes: impl IntoIterator<Item = Change>) -> Preview {
        Preview { changes: changes.into_iter().collect() }
    }

    /// How many changes there are.
    pub fn count(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The subjects of a kind.
    pub fn subjects(&self, kind: Kind) -> Vec<&str> {
        self.changes.iter().filter(|it| it.kind == kind).map(|it| it.subject.as_str()).collect()
    }

    /// How many of a kind there are of a subject.
    pub fn number(&self, kind: Kind, subject: &str) -> u64 {
        self.changes.iter().filter(|it| it.kind == kind && it.subject == subject).map(|it| it.number).sum()
    }
}

impl Change {
    /// Of one thing that becomes something.
    pub(crate) fn new(kind: Kind, subject: impl Into<String>) -> Change {
        Change { kind, subject: subject.into(), number: 1, before: None, after: None }
    }

    pub(crate) fn before(self, before: impl Into<Option<String>>) -> Change {
        Change { before: before.into(), ..self }
    }

    pub(crate) fn after(self, after: impl Into<Option<String>>) -> Change {
        Change { after: after.into(), ..self }
    }

    pub(crate) fn number_of(self, number: u64) -> Change {
        Change { number, ..self }
    }
}
