//! Requests for publishing on remotes: after an import, by an operator, or because a remote is new.

use super::claims::SILENCE;
use super::row::{Publish, PublishLane, PublishState, insert, lock, lock_free, update};
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// Asks for a package on all remotes that are followed, or on those of these numbers.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn ask(tx: &mut Tx<'_>, package: i64, only: Option<&[i64]>, lane: PublishLane) -> Result<(), StateError> {
    let remotes = tx.query("SELECT id FROM remote WHERE followed IS NOT NULL ORDER BY id", &[])?;
    let mut ids: Vec<i64> = remotes.iter().map(|row| row.int(0)).collect();
    ids.retain(|id| only.is_none_or(|only| only.contains(id)));
    for remote in ids {
        ask_one(tx, package, remote, lane)?;
    }
    Ok(())
}

fn ask_one(tx: &mut Tx<'_>, package: i64, remote: i64, lane: PublishLane) -> Result<(), StateError> {
    let now = tx.now()?;
    loop {
        if insert(tx, &Publish::new(package, remote, lane, now))? {
            return Ok(());
        }
        if let Some(row) = lock(tx, "package_id = ?1 AND remote_id = ?2", values![package, remote])?.pop() {
            return update(tx, &row, &asked_again(&row, lane, now));
        }
    }
}

/// Row after another request: an unpublished package keeps its age; one that is running is published again afterwards.
fn asked_again(row: &Publish, lane: PublishLane, now: i64) -> Publish {
    let row = row.clone();
    let is_news = !row.is_unpublished() && lane != PublishLane::Look;
    let entered = if is_news { now } else { row.entered };
    let lane = if row.state == PublishState::Done { lane } else { row.lane.min(lane) };
    let state =
        if row.state == PublishState::Running { PublishState::Running } else { PublishState::Pending };
    let due = if state == PublishState::Running { row.due } else { None };
    Publish { wanted: row.wanted + 1, lane, state, entered, due, ..row }
}

/// Asks for all packages on remotes that are new, some at a time. Returns whether there is more to do.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn fill(tx: &mut Tx<'_>, at_most: i64) -> Result<bool, StateError> {
    let sql = "SELECT id, filled FROM remote WHERE followed IS NOT NULL AND filled IS NOT NULL ORDER BY id LIMIT 1 @LOCK_SKIP";
    let Some(row) = tx.first(sql, &[])? else { return Ok(false) };
    let (remote, from) = (row.int(0), row.int(1));
    let sql = "SELECT id FROM package WHERE id > ?1 AND last_success IS NOT NULL ORDER BY id LIMIT ?2";
    let packages: Vec<i64> = tx.query(sql, values![from, at_most])?.iter().map(|row| row.int(0)).collect();
    for package in &packages {
        ask_one(tx, *package, remote, PublishLane::Bulk)?;
        // Recorded results may be those of another address.
        for row in lock(tx, "package_id = ?1 AND remote_id = ?2", values![*package, remote])? {
            update(tx, &row, &Publish { here: None, there: None, published: None, ..row.clone() })?;
        }
    }
    let last = packages.last().copied();
    tx.execute("UPDATE remote SET filled = ?2 WHERE id = ?1", values![remote, last])?;
    Ok(true)
}

/// Brings back rows that are due for a retry or a look, some at a time. Returns their number.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn wake(tx: &mut Tx<'_>, at_most: i64) -> Result<usize, StateError> {
    let now = tx.now()?;
    let condition = "state IN ('retrying', 'done') AND due <= ?1 ORDER BY due LIMIT ?2";
    let rows = lock_free(tx, condition, values![now, at_most])?;
    for row in &rows {
        let is_look = row.state == PublishState::Done;
        let (lane, entered) = if is_look { (PublishLane::Look, now) } else { (row.lane, row.entered) };
        let after = Publish { state: PublishState::Pending, due: None, lane, entered, ..row.clone() };
        update(tx, row, &after)?;
    }
    Ok(rows.len())
}

/// True when there are packages to ask for on a new remote, or rows whose time has come.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn is_due(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    let now = tx.now()?;
    let sql = "SELECT EXISTS (SELECT 1 FROM remote WHERE followed IS NOT NULL AND filled IS NOT NULL),
        EXISTS (SELECT 1 FROM publish WHERE state IN ('retrying', 'done') AND due <= ?1),
        EXISTS (SELECT 1 FROM publish u JOIN run r ON r.id = u.run_id WHERE u.state = 'running'
            AND (r.ended IS NOT NULL OR r.heartbeat < ?2))";
    Ok(tx
        .first(sql, values![now, now - SILENCE])?
        .is_some_and(|row| row.flag(0) || row.flag(1) || row.flag(2)))
}

/// True when a package is being published on a remote right now.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn is_running(tx: &mut Tx<'_>, package: i64, remote: &str) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM publish u JOIN remote r ON r.id = u.remote_id
        WHERE u.package_id = ?1 AND r.name = ?2 AND u.state = 'running'";
    Ok(tx.first(sql, values![package, remote])?.is_some())
}
