//! The rows of repositories that hosts have only as caches: the primary copy is on a remote.

use super::ends::{self, There};
use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::queue;
use crate::job::transition::lock_leased;
use crate::values;
use crate::words::{Lane, Tasks};

/// The row of a package's repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cached {
    /// The host that published it last.
    pub host: String,
    /// Fingerprint of the refs that were read back last; `None` if the state of the remote is unknown.
    pub done: Option<String>,
    /// Fingerprint of the refs that an attempt was about to publish.
    pub begun: Option<String>,
    /// The trusted part of the remote's refs, sealed.
    pub record: String,
}

/// The refs that were read back, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Name of the host.
    pub host: String,
    /// Name of the remote.
    pub remote: String,
    /// Result of reading the remote.
    pub there: There,
    /// The trusted part of the remote's refs, sealed.
    pub record: String,
}

/// The row of a package's repository.
///
/// # Errors
/// Errors of the database.
pub fn get(tx: &mut Tx<'_>, package: i64) -> Result<Option<Cached>, StateError> {
    let sql = "SELECT host, done, begun, record FROM repository WHERE package_id = ?1";
    Ok(tx.first(sql, values![package])?.map(|row| Cached {
        host: row.text(0),
        done: row.opt_text(1),
        begun: row.opt_text(2),
        record: row.text(3),
    }))
}

/// Fingerprint of a package's refs that were read back last, by the package's name.
///
/// # Errors
/// Errors of the database.
pub fn done_of(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StateError> {
    let sql = "SELECT r.done FROM repository r JOIN package p ON p.id = r.package_id WHERE p.name = ?1";
    Ok(tx.first(sql, values![name])?.and_then(|row| row.opt_text(0)))
}

/// The remote that has the repositories; `None` if the hosts have them themselves.
///
/// # Errors
/// Errors of the database.
pub fn remote(tx: &mut Tx<'_>) -> Result<Option<String>, StateError> {
    meta::get(tx, meta::CACHE_OF)
}

/// Records the refs that an attempt is about to publish: from here on, these values on the remote
/// count as the importer's.
///
/// # Errors
/// [`StateError::LeaseLost`] if the attempt has lost its lease: then it must publish nothing.
pub fn begin(
    tx: &mut Tx<'_>,
    package: i64,
    attempt: i64,
    host: &str,
    fingerprint: &str,
    record: &str,
) -> Result<(), StateError> {
    if lock_leased(tx, package, attempt)?.is_none() {
        return Err(StateError::LeaseLost(attempt));
    }
    tx.execute(
        "INSERT INTO repository (package_id, host, begun, record) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (package_id) DO UPDATE
         SET begun = excluded.begun, record = excluded.record",
        values![package, host, fingerprint, record],
    )?;
    Ok(())
}

/// Records the refs that were read back; the caller holds the lease.
///
/// # Errors
/// Errors of the database.
pub fn done(tx: &mut Tx<'_>, package: i64, done: &Done) -> Result<(), StateError> {
    tx.execute(
        "INSERT INTO repository (package_id, host, done, record) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (package_id) DO UPDATE
         SET host = excluded.host, done = excluded.done, begun = NULL, record = excluded.record",
        values![package, &done.host, &done.there.here, &done.record],
    )?;
    ends::note(tx, package, &done.remote, &done.there)
}

/// Records that the remote has lost refs that were read back there: the next import compares all of them, and restores
/// them.
///
/// # Errors
/// Errors of the database.
pub fn doubt(tx: &mut Tx<'_>, package: i64, lane: Lane) -> Result<(), StateError> {
    tx.execute("UPDATE repository SET done = NULL, begun = NULL WHERE package_id = ?1", values![package])?;
    queue::enqueue(tx, package, lane, Tasks::IMPORT)
}

/// Registers a host with repositories as a cache: its key has to be that of the other hosts. The first host sets it,
/// and has everything that was imported before checked on the remote.
///
/// # Errors
/// [`StateError::Refused`] if the key is another.
pub fn enter(tx: &mut Tx<'_>, remote: &str, key: &str) -> Result<(), StateError> {
    match meta::get(tx, meta::KEY)? {
        Some(known) if known != key => {
            return Err(StateError::Refused(
                "the installation's key (package-import-key in the root) is another than that of the hosts that work with this \
                 state: copy it from one of them, with its owner and mode"
                    .into(),
            ));
        }
        Some(_) => {}
        None => meta::set(tx, meta::KEY, key)?,
    }
    match meta::get(tx, meta::CACHE_OF)? {
        Some(known) if known == remote => return Ok(()),
        Some(known) => {
            return Err(StateError::Refused(format!(
                "the repositories of this state are on remote {known}, and [repos] of this host says {remote}"
            )));
        }
        None => meta::set(tx, meta::CACHE_OF, remote)?,
    }
    tx.execute("UPDATE remote SET filled = 0 WHERE name = ?1 AND followed IS NOT NULL", values![remote])?;
    Ok(())
}

/// Checks that a host with permanent repositories may work with this state.
///
/// # Errors
/// [`StateError::Refused`] if other hosts have them as a cache: the imports of this host would be on no
/// remote.
pub fn enter_with_repositories(tx: &mut Tx<'_>) -> Result<(), StateError> {
    match meta::get(tx, meta::CACHE_OF)? {
        None => Ok(()),
        Some(remote) => Err(StateError::Refused(format!(
            "the repositories of this state are on remote {remote}, and hosts have them as a cache: set [repos] mode = \"cache\" \
             in config.toml (docs/scaling.md)"
        ))),
    }
}
