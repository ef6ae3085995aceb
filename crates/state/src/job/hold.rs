//! Holding packages: out of the queue, with a reason and, if wanted, an end.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::transition::{self, Transition};
use crate::values;
use crate::words::JobState;

/// Holds a package. It stays out of the queue, and its failure out of what alerts.
pub fn hold(
    tx: &mut Tx<'_>,
    package: i64,
    actor: &str,
    reason: &str,
    until: Option<i64>,
) -> Result<bool, StateError> {
    let now = tx.now()?;
    tx.touch(package);
    let changed = set(tx, package, true)?;
    tx.execute(
        "UPDATE package SET held_until = ?2, held_by = ?3, held_reason = ?4, held_at = ?5 WHERE id = ?1",
        values![package, until, actor, reason, now],
    )?;
    Ok(changed)
}

/// Holds a package because the policy of its failure's signature says so. A hold that an operator made stays as it is.
pub(crate) fn by_policy(tx: &mut Tx<'_>, package: i64) -> Result<(), StateError> {
    let held = tx.first("SELECT held FROM package WHERE id = ?1", values![package])?;
    if held.is_some_and(|row| row.flag(0)) {
        return Ok(());
    }
    hold(tx, package, "policy", "the policy of its signature is to hold", None).map(drop)
}

/// Hold of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Name of the package.
    pub package: String,
    /// Actor who holds it.
    pub by: String,
    /// Reason of the hold.
    pub reason: String,
}

/// The hold of a package, if it is held.
pub fn of_package(tx: &mut Tx<'_>, package: i64) -> Result<Option<Hold>, StateError> {
    let sql = "SELECT name, held_by, held_reason FROM package WHERE id = ?1 AND held = 1";
    let row = tx.first(sql, values![package])?;
    Ok(row.map(|row| Hold { package: row.text(0), by: row.text(1), reason: row.text(2) }))
}

/// Lets a package go.
pub fn release(tx: &mut Tx<'_>, package: i64) -> Result<bool, StateError> {
    tx.touch(package);
    let changed = set(tx, package, false)?;
    tx.execute(
        "UPDATE package SET held_until = NULL, held_by = NULL, held_reason = NULL, held_at = NULL WHERE id = ?1",
        values![package],
    )?;
    Ok(changed)
}

/// Moves the counters of a package from one side to the other.
fn set(tx: &mut Tx<'_>, package: i64, held: bool) -> Result<bool, StateError> {
    let job = transition::lock(tx, package)?;
    let row = tx.first("SELECT held FROM package WHERE id = ?1 @LOCK", values![package])?;
    if row.is_none_or(|row| row.flag(0) == held) {
        return Ok(false);
    }
    let failure =
        tx.first("SELECT signature_id, state FROM failure WHERE package_id = ?1", values![package])?;
    let is_parked = job.as_ref().is_some_and(|job| job.state == JobState::Parked);
    let count = |tx: &mut Tx<'_>, by: i64| -> Result<(), StateError> {
        let Some(row) = &failure else { return Ok(()) };
        crate::failure::current::count_failure(tx, package, row.int(0), &row.text(1), by)?;
        if is_parked { crate::failure::current::count_parked(tx, package, by) } else { Ok(()) }
    };
    count(tx, -1)?;
    tx.execute("UPDATE package SET held = ?2 WHERE id = ?1", values![package, held])?;
    count(tx, 1)?;
    tx.counter("held", if held { 1 } else { -1 });
    if held {
        crate::job::retry_batch::leave_out(tx, package)?;
    }
    if let Some(job) = job {
        transition::apply(tx, &job, if held { Transition::Hold } else { Transition::Release })?;
    }
    Ok(true)
}

/// Each that is let go writes four rows, and no transaction writes more than 200.
const EXPIRED: i64 = 40;

/// Lets go whatever was held until now, some at a time. Returns the names.
pub fn expire(tx: &mut Tx<'_>, at_most: i64) -> Result<Vec<String>, StateError> {
    let now = tx.now()?;
    let at_most = at_most.min(EXPIRED);
    let sql = "SELECT id, name FROM package WHERE held = 1 AND held_until <= ?1 ORDER BY held_until LIMIT ?2";
    let rows = tx.query(sql, values![now, at_most])?;
    for row in &rows {
        release(tx, row.int(0))?;
        crate::audit::record(
            tx,
            "package-import",
            "release",
            &row.text(1),
            Some("its hold has ended"),
            None,
            None,
        )?;
    }
    Ok(rows.iter().map(|row| row.text(1)).collect())
}
