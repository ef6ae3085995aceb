//! Facts of the state about a package that its repository lacks: listed versions that are neither imported nor queued,
//! the last known refs of remotes.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::queue;
use crate::publication::rows::LOCAL;
use crate::publishing::{PublishLane, asked};
use crate::values;
use crate::words::{Lane, Tasks};

/// A version that an index lists, and that is neither imported nor failing nor waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The archive.
    pub archive: String,
    /// Distro and suite.
    pub branch: String,
    /// The version.
    pub version: String,
    /// True if it was marked as no longer available.
    pub is_gone: bool,
}

/// The refs that were read back from a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct There {
    /// The remote.
    pub remote: String,
    /// The fingerprint of what was to be there; none if it was never published.
    pub here: Option<String>,
    /// The fingerprint of what was read back.
    pub there: Option<String>,
    /// True if publishing is requested already.
    pub is_asked: bool,
    /// Refs that somebody else moved there.
    pub foreign: i64,
}

/// The recorded facts of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// Listed versions that are neither imported nor queued.
    pub listed: Vec<Listed>,
    /// The refs that were read back from remotes.
    pub remotes: Vec<There>,
    /// True if the package is held.
    pub is_held: bool,
}

/// Reads it.
///
/// # Errors
/// The database.
pub fn read(tx: &mut Tx<'_>, package: i64) -> Result<Witness, StateError> {
    let held = tx.first("SELECT held FROM package WHERE id = ?1", values![package])?;
    let is_held = held.is_some_and(|row| row.flag(0));
    let sql = "SELECT 1 FROM job WHERE package_id = ?1 AND ((tasks & 1) = 1 OR (more & 1) = 1)
        UNION ALL SELECT 1 FROM failure WHERE package_id = ?1
        UNION ALL SELECT 1 FROM wait WHERE package_id = ?1 LIMIT 1";
    let is_known = is_held || tx.first(sql, values![package])?.is_some();
    let sql = "SELECT archive, distro, suite, version, CASE WHEN gone IS NULL THEN 0 ELSE 1 END FROM publication
        WHERE package_id = ?1 AND done IS NULL AND unlisted IS NULL AND suite <> '' AND archive <> ?2 ORDER BY id";
    let rows = tx.query(sql, values![package, LOCAL])?;
    let listed = rows.iter().map(|row| Listed {
        archive: row.text(0),
        branch: format!("{}/{}", row.text(1), row.text(2)),
        version: row.text(3),
        is_gone: row.flag(4),
    });
    let listed = listed.filter(|it| it.is_gone || !is_known).collect();
    let sql = "SELECT r.name, u.here, u.there, u.state, u.foreign_refs FROM publish u JOIN remote r ON r.id = u.remote_id
        WHERE u.package_id = ?1 AND r.followed IS NOT NULL ORDER BY r.name";
    let rows = tx.query(sql, values![package])?;
    let there = rows.iter().map(|row| There {
        remote: row.text(0),
        here: row.opt_text(1),
        there: row.opt_text(2),
        is_asked: row.text(3) != "done",
        foreign: row.int(4),
    });
    Ok(Witness { listed, remotes: there.collect(), is_held })
}

/// A version of an archive, and its files as they were listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Distro and suite, a space, and the version.
    pub subject: String,
    /// True if it was imported.
    pub is_imported: bool,
    /// Its files, as text.
    pub files: String,
}

/// The files that archives have of a package, by version.
///
/// # Errors
/// The database.
pub fn fetched(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Fetched>, StateError> {
    let sql =
        "SELECT distro, suite, version, CASE WHEN done IS NULL THEN 0 ELSE 1 END, files FROM publication
        WHERE package_id = ?1 AND archive <> ?2 ORDER BY id";
    let rows = tx.query(sql, values![package, LOCAL])?;
    let fetched = rows.iter().map(|row| Fetched {
        subject: format!("{}/{} {}", row.text(0), row.text(1), row.text(2)),
        is_imported: row.flag(3),
        files: row.text(4),
    });
    Ok(fetched.collect())
}

/// The reason why the refs of a package must not be replaced: others have them. Facts from any time count, also of remotes that
/// are followed no more.
///
/// # Errors
/// The database.
pub fn elsewhere(tx: &mut Tx<'_>, package: i64) -> Result<Option<String>, StateError> {
    let sql = "SELECT r.name FROM publish u JOIN remote r ON r.id = u.remote_id WHERE u.package_id = ?1
        AND (u.published IS NOT NULL OR u.here IS NOT NULL OR u.there IS NOT NULL OR u.run_id IS NOT NULL)
        ORDER BY r.name LIMIT 1";
    if let Some(row) = tx.first(sql, values![package])? {
        return Ok(Some(format!("it is published on {}", row.text(0))));
    }
    let sql = "SELECT name FROM foreign_ref WHERE package_id = ?1 ORDER BY name LIMIT 1";
    if let Some(row) = tx.first(sql, values![package])? {
        return Ok(Some(format!("{} in its repository is of somebody else", row.text(0))));
    }
    let sql = "SELECT 1 FROM collision WHERE package_id = ?1 LIMIT 1";
    let has_met = tx.first(sql, values![package])?.is_some();
    Ok(has_met.then(|| "somebody else has pushed to its repository".to_owned()))
}

/// Puts what is listed into the queue, also what was marked as one that is not to be had any more.
///
/// # Errors
/// The database.
pub fn queue(tx: &mut Tx<'_>, package: i64) -> Result<(), StateError> {
    tx.execute(
        "UPDATE publication SET gone = NULL WHERE package_id = ?1 AND done IS NULL AND unlisted IS NULL AND suite <> ''
            AND archive <> ?2",
        values![package, LOCAL],
    )?;
    queue::enqueue(tx, package, Lane::Operator, Tasks::IMPORT)
}

/// Has everything of a package imported again: its repository is gone.
///
/// # Errors
/// The database.
pub fn import_all(tx: &mut Tx<'_>, package: i64) -> Result<(), StateError> {
    tx.execute(
        "UPDATE publication SET done = NULL WHERE package_id = ?1 AND done IS NOT NULL AND gone IS NULL",
        values![package],
    )?;
    queue::enqueue(tx, package, Lane::Operator, Tasks::IMPORT)
}

/// Asks for a package on a remote.
///
/// # Errors
/// The database.
pub fn publish(tx: &mut Tx<'_>, package: i64, remote: &str) -> Result<(), StateError> {
    match tx.first("SELECT id FROM remote WHERE name = ?1 AND followed IS NOT NULL", values![remote])? {
        Some(row) => asked::ask(tx, package, Some(&[row.int(0)]), PublishLane::Operator),
        None => Ok(()),
    }
}
