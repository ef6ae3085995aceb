//! Collisions: somebody else has made or moved a ref of ours. The foreign content is compared with ours; nothing of it
//! is lost, and none of its claims is trusted.

mod ancestry;
mod lines;
mod noise;
mod standing;
mod tree;
mod triage;

mod branches;
mod decide;
pub mod difference;
mod judge;

use std::fmt;
use std::str::FromStr;

use crate::ObjectId;
use crate::refs::Edit;
use crate::refs::packed::find_conflict;
use crate::refs::refname::ASIDE;
use crate::view::View;
pub use ancestry::leads_to;
pub(crate) use branches::shown_version;
pub use decide::Decision;
pub(crate) use decide::TAGS_ASIDE;
pub use judge::judge;
pub use standing::Standing;

/// Kind of a collision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Another object with the same content: nothing to do.
    Adopted,
    /// All changes of the foreign ref are in the version.
    Contained,
    /// The remaining changes have no meaning: applied or unapplied patches, generated files, line ends.
    Noise,
    /// Changes that the version lacks and that can be merged.
    Unmerged,
    /// Changes that the version has otherwise.
    Conflict,
    /// A tag under one of the importer's names with other content.
    TagDiffers,
    /// A branch or tag that was removed, set back or replaced.
    Rewritten,
    /// A ref at a path where a folder of the importer's refs has to be.
    Blocked,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 8] = [
        Kind::Adopted,
        Kind::Contained,
        Kind::Noise,
        Kind::Unmerged,
        Kind::Conflict,
        Kind::TagDiffers,
        Kind::Rewritten,
        Kind::Blocked,
    ];

    /// The kind as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Adopted => "adopted",
            Kind::Contained => "contained",
            Kind::Noise => "noise",
            Kind::Unmerged => "unmerged",
            Kind::Conflict => "conflict",
            Kind::TagDiffers => "tag-differs",
            Kind::Rewritten => "rewritten",
            Kind::Blocked => "blocked",
        }
    }

    /// True when a person has to decide about it.
    pub fn waits(self) -> bool {
        matches!(self, Kind::Unmerged | Kind::Conflict | Kind::TagDiffers | Kind::Blocked)
    }

    /// Message for operators.
    pub fn message(self) -> &'static str {
        match self {
            Kind::Adopted => "somebody else made it with the content of ours: adopted",
            Kind::Contained => "somebody else made it; the version has all its changes",
            Kind::Noise => {
                "somebody else made it; what it has of its own means nothing (patches, generated files)"
            }
            Kind::Unmerged => "somebody else made it, with changes that the version has not",
            Kind::Conflict => "somebody else made it, with changes to what the version changes, too",
            Kind::TagDiffers => "somebody else made this tag, with other content than ours",
            Kind::Rewritten => "somebody else removed it, set it back or replaced it",
            Kind::Blocked => "somebody else made it where a folder of the importer's refs has to be",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Kind, String> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| format!("{word:?} is none of {}", Kind::ALL.map(Kind::as_str).join(", ")))
    }
}

/// The most paths that are named for one collision.
const PATHS: usize = 50;

/// A foreign ref: created or moved by somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// The full name of the ref.
    pub name: String,
    /// Kind of the collision.
    pub kind: Kind,
    /// Author that the foreign object names, which proves nothing.
    pub who: Option<String>,
    /// Time that the foreign object gives, in seconds since 1970.
    pub made: Option<i64>,
    /// Object that the importer had put the ref to.
    pub ours: Option<ObjectId>,
    /// Object that the ref was found at.
    pub theirs: Option<ObjectId>,
    /// Some of the files concerned, if they are known.
    pub paths: Vec<String>,
    /// The ref under which theirs was set aside.
    pub aside: Option<String>,
    /// The branch that has the version and their change.
    pub offer: Option<String>,
}

/// A ref that is in the way; nothing more is known about it.
pub fn blocked(name: &str) -> Collision {
    branches::blank(name.to_owned(), Kind::Blocked)
}

/// Foreign refs that block edits, because one ref's name cannot lie inside of another's; each with the ref that is
/// needed.
pub fn blocking(edits: &[Edit], view: &View) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for edit in edits {
        if let Some(name) = find_conflict(&edit.name, &view.before)
            && view.get(&name).is_none()
            && !view.is_removed(&name)
        {
            found.push((name, edit.name.clone()));
        }
    }
    found
}

/// Paths in a form for people, at most as many as are named.
fn shown<'p>(paths: impl Iterator<Item = &'p [u8]>) -> Vec<String> {
    paths.take(PATHS).map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

/// The branch that a set-aside ref belongs to: `refs/heads/collisions/debian/sid/0123456789ab` is one of
/// `refs/heads/debian/sid`. Those that are offered are none.
pub(crate) fn branch_of_aside(name: &str) -> Option<(String, &str)> {
    let (branch, id) = name.strip_prefix(ASIDE)?.rsplit_once('/')?;
    let is_id = id.len() >= 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| (format!("refs/heads/{branch}"), id))
}
