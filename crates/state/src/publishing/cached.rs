//! What is on record of repositories that hosts have as caches only: the truth is on a remote.

use super::ends::{self, There};
use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::queue;
use crate::job::transition::lock_leased;
use crate::values;
use crate::words::{Lane, Tasks};

/// What is on record of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cached {
    /// The host that has published it last.
    pub host: String,
    /// Fingerprint of what was read back last; nothing if it is not known what the remote has.
    pub done: Option<String>,
    /// Of what an attempt was about to publish.
    pub begun: Option<String>,
    /// What may be believed of the remote, sealed.
    pub record: String,
}

/// What was read back, to be put on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The host.
    pub host: String,
    /// The remote.
    pub remote: String,
    /// What is there.
    pub there: There,
    /// What may be believed of the remote, sealed.
    pub record: String,
}

/// What is on record of a package's repository.
///
/// # Errors
/// The database.
pub fn get(tx: &mut Tx<'_>, package: i64) -> Result<Option<Cached>, StateError> {
    let sql = "SELECT host, done, begun, record FROM repository WHERE package_id = ?1";
    Ok(tx.first(sql, values![package])?.map(|row| Cached {
        host: row.text(0),
        done: row.opt_text(1),
        begun: row.opt_text(2),
        record: row.text(3),
    }))
}

/// Fingerprint of what was read back last of a package, by name.
///
/// # Errors
/// The database.
pub fn done_of(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StateError> {
    let sql = "SELECT r.done FROM repository r JOIN package p ON p.id = r.package_id WHERE p.name = ?1";
    Ok(tx.first(sql, values![name])?.and_then(|row| row.opt_text(0)))
}

/// Notes what an attempt is about to publish: from here on, what is found of it on the remote is ours.
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

/// Puts on record what was read back; whoever calls this holds the lease.
///
/// # Errors
/// The database.
pub fn done(tx: &mut Tx<'_>, package: i64, done: &Done) -> Result<(), StateError> {
    tx.execute(
        "INSERT INTO repository (package_id, host, done, record) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (package_id) DO UPDATE
         SET host = excluded.host, done = excluded.done, begun = NULL, record = excluded.record",
        values![package, &done.host, &done.there.here, &done.record],
    )?;
    ends::note(tx, package, &done.remote, &done.there)
}

/// The remote does not have what was read back there: whoever has the package next looks at all of it, and brings it back.
///
/// # Errors
/// The database.
pub fn doubt(tx: &mut Tx<'_>, package: i64, lane: Lane) -> Result<(), StateError> {
    tx.execute("UPDATE repository SET done = NULL, begun = NULL WHERE package_id = ?1", values![package])?;
    queue::enqueue(tx, package, lane, Tasks::IMPORT)
}

/// Has a host that keeps repositories as a cache work with this state: its key has to be that of the others. The first one
/// decides, and has all that was imported before looked at on the remote.
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

/// Has a host that keeps repositories for good work with this state.
///
/// # Errors
/// [`StateError::Refused`] if other hosts have them as a cache: what this one imported would be on no remote.
pub fn enter_with_repositories(tx: &mut Tx<'_>) -> Result<(), StateError> {
    match meta::get(tx, meta::CACHE_OF)? {
        None => Ok(()),
        Some(remote) => Err(StateError::Refused(format!(
            "the repositories of this state are on remote {remote}, and hosts have them as a cache: set [repos] mode = \"cache\" \
             in config.toml (docs/scaling.md)"
        ))),
    }
}
