//! Records versions that are in the repository now.

use super::Finished;
use super::job::lock_job;
use crate::error::StateError;
use crate::tx::Tx;
use crate::values;

/// A version that is in the repository now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The publication that asked for it.
    pub publication: i64,
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
}

/// Records versions that are in the repository now, some at a time; only the holder of the lease may.
pub fn record_versions(
    tx: &mut Tx<'_>,
    finished: &Finished,
    versions: &[Done],
    rules: i64,
) -> Result<(), StateError> {
    let now = tx.now()?;
    if lock_job(tx, finished)?.is_none() {
        return Err(StateError::LeaseLost(finished.attempt));
    }
    for done in versions {
        tx.execute(
            "UPDATE publication SET done = ?2 WHERE id = ?1 AND done IS NULL",
            values![done.publication, now],
        )?;
        tx.execute(
            "INSERT INTO version (package_id, distro, version, commit_id, tree_id, applied_id, tag, rules, importer,
                imported)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
            values![
                finished.package_id,
                &done.distro,
                &done.version,
                &done.commit,
                &done.tree,
                done.applied.as_deref(),
                &done.tag,
                rules,
                &finished.importer,
                now
            ],
        )?;
    }
    Ok(())
}
