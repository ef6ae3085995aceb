//! Refs of ours that somebody else made or moved.

use importer::inspect;
use packaging_repo::collision::Kind;
use packaging_repo::collision::difference::{Difference, Side};
use serde::Serialize;
use serde_json::{Value, json};
use state::StateError;
use state::operate;
use state::publication::collisions::{self, Collision, Filter};

use crate::error::Error;
use crate::installation::Opened;

/// Filter for collisions.
#[derive(Clone, Debug)]
pub struct CollisionsWanted<'a> {
    /// Only those of this package.
    pub package: Option<&'a str>,
    /// Only those of this kind.
    pub kind: Option<Kind>,
    /// Those that have ended, too.
    pub all: bool,
    /// Largest number of collisions.
    pub limit: u32,
}

/// Collisions of repositories.
#[derive(Clone, Debug, Serialize)]
pub struct Collisions {
    /// The collisions.
    pub collisions: Vec<Collision>,
}

/// Those that wait for a person's decision, oldest first; with all of them the newest first.
///
/// # Errors
/// There is no such package, or the state cannot be read.
pub fn collisions(at: &Opened, wanted: &CollisionsWanted<'_>) -> Result<Collisions, Error> {
    let filter = Filter {
        package: wanted.package,
        kind: wanted.kind.map(Kind::as_str),
        all: wanted.all,
        limit: i64::from(wanted.limit),
    };
    let collisions = at.store.read(|tx| {
        if let Some(package) = filter.package {
            operate::known(tx, package)?;
        }
        collisions::list(tx, &filter)
    })?;
    Ok(Collisions { collisions })
}

/// One collision, and the changes that would be lost.
pub struct CollisionShown {
    /// The collision.
    pub collision: Collision,
    /// Difference between the version without and with the foreign changes; `None` for a ref that was removed. Or the
    /// reason why it cannot be shown.
    pub difference: Result<Option<Difference>, String>,
}

/// One collision by its number.
///
/// # Errors
/// There is no such collision, or the state cannot be read.
pub fn collision(at: &Opened, id: i64) -> Result<CollisionShown, Error> {
    let collision = find(at, id)?;
    let difference = match collision.theirs {
        Some(_) => inspect::difference(&at.root, &collision).map(Some).map_err(|error| error.to_string()),
        None => Ok(None),
    };
    Ok(CollisionShown { collision, difference })
}

/// A row by its number.
pub(crate) fn find(at: &Opened, id: i64) -> Result<Collision, Error> {
    let unknown =
        || StateError::Unknown(format!("there is no collision {id}; `package-import collisions` lists them"));
    Ok(at.store.read(|tx| collisions::get(tx, id))?.ok_or_else(unknown)?)
}

impl CollisionShown {
    /// The answer as JSON.
    pub fn json(&self) -> Value {
        let (difference, error) = match &self.difference {
            Ok(found) => (found.as_ref().map(of_difference), None),
            Err(error) => (None, Some(error)),
        };
        json!({ "collision": self.collision, "difference": difference, "error": error })
    }
}

fn of_difference(difference: &Difference) -> Value {
    let side = |side: &Side| json!({ "what": side.what, "tree": side.tree.map(|id| id.to_string()) });
    let files: Vec<_> = (difference.files.iter())
        .map(|file| {
            json!({
                "path": String::from_utf8_lossy(&file.path), "what": file.what, "remark": file.remark,
                "lines": String::from_utf8_lossy(&file.lines),
            })
        })
        .collect();
    json!({ "from": side(&difference.from), "to": side(&difference.to), "files": files })
}
