//! Versions that a repository has although the state did not know: a backup's repositories are younger than its state.

use crate::error::StateError;
use crate::tx::Tx;
use crate::values;
use crate::words::{Lane, Tasks};
use crate::{events, queue};

/// A version as a repository has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The distro.
    pub distro: String,
    /// The version.
    pub version: String,
    /// The commit, patches unapplied.
    pub commit: String,
    /// Its tree.
    pub tree: String,
    /// The commit with patches applied.
    pub applied: Option<String>,
    /// The tag.
    pub tag: String,
    /// The rules by which it was made.
    pub rules: i64,
}

/// Records what is not on record, at most 100 at a time. The package is put into the lane `verify`: its publications are
/// not settled here, because a version may be wanted in a suite whose branch does not have it yet. Returns how many were
/// new.
pub fn record(
    tx: &mut Tx<'_>,
    package: &str,
    versions: &[Known],
    importer: &str,
) -> Result<usize, StateError> {
    let now = tx.now()?;
    let id = queue::package_id(tx, package)?;
    let mut new = 0;
    for known in versions {
        new += tx.execute(
            "INSERT INTO version (package_id, distro, version, commit_id, tree_id, applied_id, tag, rules, importer,
                imported)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
            values![
                id,
                &known.distro,
                &known.version,
                &known.commit,
                &known.tree,
                known.applied.as_deref(),
                &known.tag,
                known.rules,
                importer,
                now
            ],
        )?;
    }
    if new > 0 {
        queue::enqueue(tx, id, Lane::Verify, Tasks::IMPORT)?;
        let after = format!("{new} versions that its repository has");
        events::record(tx, "package-import", "reconcile", package, None, None, Some(&after))?;
    }
    Ok(usize::try_from(new).unwrap_or(0))
}
