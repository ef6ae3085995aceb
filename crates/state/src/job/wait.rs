//! Waits of packages for something that may never come, such as a history or a base. Each wait has an end, after which
//! the package is imported without it.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::finish::Finished;
use crate::job::transition::{self, Transition};
use crate::values;
use crate::words::{Outcome, WaitKind};

/// End of a wait that has no end of its own: Unix milliseconds in the year 9999.
pub const NEVER: i64 = 253_402_300_799_000;

/// Something that an attempt found missing, and waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Kind of the missing thing.
    pub kind: WaitKind,
    /// Name of the missing thing, for operators.
    pub reason: String,
    /// Unix milliseconds at which the wait ends and the package is imported without it.
    pub until: i64,
    /// Unix milliseconds of the next look.
    pub again: i64,
}

/// A wait that is on record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Waiting {
    /// Kind of the wait: `history` or `base`.
    pub kind: String,
    /// Description of the missing thing.
    pub reason: String,
    /// Unix milliseconds of the beginning of the wait.
    pub since: i64,
    /// Unix milliseconds of the latest end of the wait.
    pub until: i64,
}

/// Wait of a package, if it has one.
pub fn get(tx: &mut Tx<'_>, package: i64) -> Result<Option<Waiting>, StateError> {
    let sql = "SELECT kind, reason, since, until FROM wait WHERE package_id = ?1";
    let row = tx.first(sql, values![package])?;
    Ok(row.map(|row| Waiting {
        kind: row.text(0),
        reason: row.text(1),
        since: row.int(2),
        until: row.int(3),
    }))
}

/// Keeps or ends the wait of a package when its attempt ends. One of the same kind goes on from where it began.
pub(crate) fn settle(tx: &mut Tx<'_>, finished: &Finished) -> Result<(), StateError> {
    let package = finished.package_id;
    let Some(wait) = &finished.wait else {
        // An attempt that was cut short does not tell what it would have waited for.
        if !matches!(finished.outcome, Outcome::Lost | Outcome::Cancelled) {
            tx.execute("DELETE FROM wait WHERE package_id = ?1", values![package])?;
        }
        return Ok(());
    };
    let now = tx.now()?;
    tx.execute(
        "INSERT INTO wait (package_id, kind, reason, since, until) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (package_id) DO UPDATE SET kind = excluded.kind, reason = excluded.reason,
            since = CASE WHEN wait.kind = excluded.kind THEN wait.since ELSE excluded.since END,
            until = excluded.until",
        values![package, wait.kind.as_str(), &wait.reason, now, wait.until],
    )?;
    Ok(())
}

/// Brings parked jobs back whose wait is over, although their dependency still cannot be reached. Returns their number.
pub fn expire(tx: &mut Tx<'_>, at_most: i64) -> Result<usize, StateError> {
    let now = tx.now()?;
    let condition = "state = 'parked' AND package_id IN (SELECT w.package_id FROM wait w
            JOIN job j ON j.package_id = w.package_id AND j.state = 'parked'
            WHERE w.until <= ?1 ORDER BY w.until LIMIT ?2)";
    let jobs = transition::lock_free(tx, condition, values![now, at_most])?;
    for job in &jobs {
        transition::apply(tx, job, Transition::Unpark)?;
    }
    Ok(jobs.len())
}
