//! Common parts of all actions: the role that they need, a preview that changes nothing, and a performance that is
//! recorded.

use serde::Serialize;

use crate::error::Error;
use crate::installation::Opened;
use crate::reason::Reason;
use crate::role::{Actor, Permit, Role};

/// An action that a user can take. Its fields are its arguments, in types that cannot hold a wrong value.
///
/// `At` is what it works on: the open state, or, for work on files and repositories and where there is no state yet, the
/// [`crate::Installation`] on this machine.
pub trait Action<At = Opened> {
    /// Its word, by which [`crate::ACTIONS`] lists it.
    const NAME: &'static str;
    /// Role that is needed.
    const ROLE: Role;
    /// True when a reason is required.
    const NEEDS_REASON: bool = false;
    /// Result of the action.
    type Done;

    /// Preview of the action, after the role was checked.
    fn look(&self, at: &At, permit: &Permit<'_>) -> Result<Preview, Error>;

    /// Performance of the action, after the role was checked.
    fn act(&self, at: &At, permit: &Permit<'_>) -> Result<Self::Done, Error>;

    /// Lists the changes that the action would make. Nothing is changed.
    ///
    /// # Errors
    ///
    /// The actor's role may not do it, something that is named does not exist, or the state cannot be read.
    fn preview(&self, at: &At, actor: &Actor) -> Result<Preview, Error> {
        let permit = actor.permit(Self::NAME, Self::ROLE, None)?;
        self.look(at, &permit)
    }

    /// Performs the action, and records the actor and the reason in the same transaction. An action on many rows works
    /// in chunks, each with its own entries.
    ///
    /// # Errors
    ///
    /// The actor's role may not do it, a reason is missing that it needs, something that is named does not exist, or the
    /// state cannot be written.
    fn perform(&self, at: &At, actor: &Actor, reason: Option<&Reason>) -> Result<Self::Done, Error> {
        let permit = actor.permit(Self::NAME, Self::ROLE, reason)?;
        if Self::NEEDS_REASON && reason.is_none() {
            return Err(Error::Usage(format!("{} needs a reason", Self::NAME)));
        }
        self.act(at, &permit)
    }
}

/// Changes that an action would make.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The changes.
    pub changes: Vec<Change>,
}

/// Something that an action would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Kind of the thing that changes.
    pub kind: Kind,
    /// Name of the thing.
    pub subject: String,
    /// Number of the things.
    pub number: u64,
    /// Present value, where it is known.
    pub before: Option<String>,
    /// Value afterwards.
    pub after: Option<String>,
}

/// Kind of thing that an action changes.
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
    /// Baseline of a figure.
    Norm,
    /// A setting.
    Setting,
    /// A host.
    Host,
    /// Rows of a table, by its name.
    Rows,
    /// The logs of a day.
    LogDay,
    /// A counter that differs from its rows.
    Number,
    /// An archive.
    Archive,
    /// A suite of an archive.
    Suite,
    /// A remote, by its name.
    Remote,
    /// Findings of a code.
    Finding,
    /// A ref on a remote, as `PACKAGE on REMOTE: REF`.
    RemoteRef,
    /// A file or folder, by its path.
    Path,
    /// The state, by the name of its database.
    State,
    /// A channel of notifications.
    Channel,
    /// Account of a user.
    Account,
}

impl Preview {
    /// Preview of these changes.
    pub(crate) fn of(changes: impl IntoIterator<Item = Change>) -> Preview {
        Preview { changes: changes.into_iter().collect() }
    }

    /// Number of changes.
    pub fn count(&self) -> usize {
        self.changes.len()
    }

    /// True when nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The subjects of a kind.
    pub fn subjects(&self, kind: Kind) -> Vec<&str> {
        self.changes.iter().filter(|it| it.kind == kind).map(|it| it.subject.as_str()).collect()
    }

    /// Number of changes of a kind and a subject.
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
