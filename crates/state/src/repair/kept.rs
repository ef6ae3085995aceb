//! Refs and folders that repairs have replaced are kept for some time, so that it can be put back; afterwards it is forgotten, together with the
//! parts of plans that name it.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::queue;
use crate::values;
use crate::words::{Lane, Tasks};

/// Plans that were carried out for a package before a time, oldest first.
///
/// # Errors
/// The database.
pub fn old(tx: &mut Tx<'_>, package: i64, before: i64) -> Result<Vec<i64>, StateError> {
    let sql = "SELECT plan_id FROM repair_part WHERE package_id = ?1 AND state = 'applied' AND changed < ?2
        ORDER BY plan_id";
    Ok(tx.query(sql, values![package, before])?.iter().map(|row| row.int(0)).collect())
}

/// Has workers with the repositories forget what was replaced before a time: so many packages. Returns their number.
///
/// # Errors
/// The database.
pub fn ask(tx: &mut Tx<'_>, before: i64, at_most: i64) -> Result<usize, StateError> {
    let sql = "SELECT DISTINCT r.package_id FROM repair_part r WHERE r.state = 'applied' AND r.changed < ?1
        AND NOT EXISTS (SELECT 1 FROM job j WHERE j.package_id = r.package_id AND ((j.tasks & 8) = 8 OR (j.more & 8) = 8))
        ORDER BY r.package_id LIMIT ?2";
    let rows = tx.query(sql, values![before, at_most])?;
    for row in &rows {
        queue::enqueue(tx, row.int(0), Lane::Maintain, Tasks::REPAIR)?;
    }
    Ok(rows.len())
}

/// Removes parts whose replaced values are forgotten, and plans that have no part left.
///
/// # Errors
/// The database.
pub fn forget(tx: &mut Tx<'_>, package: i64, plans: &[i64]) -> Result<(), StateError> {
    for plan in plans {
        tx.execute(
            "DELETE FROM repair_part WHERE plan_id = ?1 AND package_id = ?2 AND state = 'applied'",
            values![*plan, package],
        )?;
        tx.execute(
            "DELETE FROM repair_plan WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM repair_part WHERE plan_id = ?1)",
            values![*plan],
        )?;
    }
    Ok(())
}
