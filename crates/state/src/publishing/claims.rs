//! Claims of rows to publish. A claim lasts as long as its run.

use super::row::{Publish, PublishLane, PublishState, lock_free, update};
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// A claimed row: one package to publish on one remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Row of the package.
    pub package_id: i64,
    /// Name of the package.
    pub package: String,
    /// Row of the remote.
    pub remote: i64,
    /// Lane of the row.
    pub lane: PublishLane,
    /// Number of requests at the time of the claim.
    pub wanted: i64,
    /// Unix milliseconds since which something is unpublished.
    pub entered: i64,
    /// Fingerprint of the wanted refs when everything was last there; `None` if something was missing.
    pub here: Option<String>,
}

/// Claims the next of a remote, or this package of it.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn claim(tx: &mut Tx<'_>, run: i64, remote: i64, only: Option<i64>) -> Result<Option<Claim>, StateError> {
    let free = "state = 'pending' AND remote_id = ?1
        AND NOT EXISTS (SELECT 1 FROM package p WHERE p.id = publish.package_id AND p.held = 1)";
    let mut rows = match only {
        Some(package) => lock_free(tx, &format!("{free} AND package_id = ?2"), values![remote, package])?,
        None => {
            lock_free(tx, &format!("{free} ORDER BY lane, entered, package_id LIMIT 1"), values![remote])?
        }
    };
    let Some(row) = rows.pop() else { return Ok(None) };
    let after = Publish {
        state: PublishState::Running,
        claimed: row.wanted,
        run: Some(run),
        due: None,
        ..row.clone()
    };
    update(tx, &row, &after)?;
    let name = tx.first("SELECT name FROM package WHERE id = ?1", values![row.package])?;
    let is_whole = row.code.is_none() && row.foreign == 0 && row.refused == 0;
    Ok(Some(Claim {
        package_id: row.package,
        package: name.map(|row| row.text(0)).unwrap_or_default(),
        remote,
        lane: row.lane,
        wanted: row.wanted,
        entered: row.entered,
        here: row.here.filter(|_| is_whole),
    }))
}

/// True when a row of a remote can be claimed.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn is_claimable(tx: &mut Tx<'_>, remote: i64) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM publish u JOIN package p ON p.id = u.package_id AND p.held = 0
        WHERE u.state = 'pending' AND u.remote_id = ?1 LIMIT 1";
    Ok(tx.first(sql, values![remote])?.is_some())
}

/// Milliseconds without a heartbeat after which a run is over; if it comes back, its end is reported to it.
pub(super) const SILENCE: i64 = 600_000;

/// Takes back what runs that are over have left, some at a time. Returns how many.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn take_back(tx: &mut Tx<'_>, at_most: i64) -> Result<usize, StateError> {
    let condition =
        "state = 'running' AND run_id IN (SELECT id FROM run WHERE ended IS NOT NULL OR heartbeat < ?2)
        ORDER BY package_id, remote_id LIMIT ?1";
    let heard = tx.now()? - SILENCE;
    let rows = lock_free(tx, condition, values![at_most, heard])?;
    for row in &rows {
        update(tx, row, &Publish { state: PublishState::Pending, run: None, ..row.clone() })?;
    }
    Ok(rows.len())
}
