//! End of publishing one package on one remote, and the new state of its row.

use super::claims::Claim;
use super::row::{Publish, PublishLane, PublishState, failed_flow, insert, lock, published_flow, update};
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Interval at which the refs of a published package are read again.
const LOOK: i64 = 24 * HOUR;
/// Pause after an outage, in milliseconds; the breaker decides when publishing really begins again.
const SOON: i64 = 20_000;
/// The first pause after a failure of one package, and the longest.
const PAUSES: (i64, i64) = (5 * MINUTE, 12 * HOUR);
/// Pause of a package that waits for a person, and of one with foreign refs on the remote.
const SELDOM: i64 = 6 * HOUR;

/// State of the remote, as it was read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct There {
    /// Fingerprint of the wanted refs.
    pub here: String,
    /// Fingerprint of those that are there.
    pub there: String,
    /// Refs that somebody else has moved.
    pub foreign: i64,
    /// Refs that the server refuses.
    pub refused: i64,
    /// Refs of kinds that it accepts from no package.
    pub kept: i64,
    /// Refs that are foreign, refused or kept, as JSON.
    pub detail: Option<String>,
}

/// Cause why a package was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The code, without its stage.
    pub code: String,
    /// Message for operators.
    pub message: String,
    /// Time of the next try.
    pub next: Next,
}

/// Kind of the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A fault of the remote, not of the package: retried as soon as the remote is reachable.
    Remote,
    /// After a pause that grows.
    Later,
    /// It waits for an operator, and is rarely tried.
    Person,
    /// At once: the run has to end.
    Now,
}

/// Records an end. Returns whether the claim was still ours.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn end(
    tx: &mut Tx<'_>,
    run: i64,
    claim: &Claim,
    end: &Result<There, Trouble>,
) -> Result<bool, StateError> {
    let condition = "package_id = ?1 AND remote_id = ?2 AND state = 'running' AND run_id = ?3";
    let values = values![claim.package_id, claim.remote, run];
    let Some(row) = lock(tx, condition, values)?.pop() else { return Ok(false) };
    let now = tx.now()?;
    let is_asked_again = row.wanted > row.claimed;
    let base = Publish { run: None, ..row.clone() };
    let after = match end {
        Ok(there) => {
            let done = published(base, there, now);
            match is_asked_again {
                true => Publish {
                    state: PublishState::Pending,
                    lane: if row.lane == PublishLane::Look { PublishLane::Upload } else { row.lane },
                    entered: now,
                    due: None,
                    ..done
                },
                false => done,
            }
        }
        Err(trouble) => {
            let after = failed(base, trouble, now);
            let is_now = is_asked_again && trouble.next != Next::Remote;
            if is_now { Publish { state: PublishState::Pending, due: None, ..after } } else { after }
        }
    };
    update(tx, &row, &after)?;
    count(tx, &row, end)?;
    if end.is_ok() && !is_asked_again {
        reach(tx, claim.package_id, now)?;
    }
    Ok(true)
}

/// Counts the packages whose refs have moved on a remote, and those that it did not take, in this hour.
fn count(tx: &mut Tx<'_>, before: &Publish, end: &Result<There, Trouble>) -> Result<(), StateError> {
    match end {
        Ok(there) if before.there.as_deref() != Some(there.there.as_str()) => {
            tx.flow(&published_flow(before.remote), 1)
        }
        Err(trouble) if matches!(trouble.next, Next::Later | Next::Person) => {
            tx.flow(&failed_flow(before.remote), 1)
        }
        _ => Ok(()),
    }
}

/// Records the refs of a package that the importing worker has read back, whatever other work on it is due.
///
/// # Errors
/// Errors of the database.
pub fn note(tx: &mut Tx<'_>, package: i64, remote: &str, there: &There) -> Result<(), StateError> {
    let sql = "SELECT id FROM remote WHERE name = ?1 AND followed IS NOT NULL";
    // A remote that is not followed yet is filled later, and checked then.
    let Some(remote) = tx.first(sql, values![remote])?.map(|row| row.int(0)) else { return Ok(()) };
    let now = tx.now()?;
    insert(tx, &Publish::new(package, remote, PublishLane::Upload, now))?;
    for row in lock(tx, "package_id = ?1 AND remote_id = ?2", values![package, remote])? {
        let after = published(Publish { run: None, claimed: row.wanted, ..row.clone() }, there, now);
        update(tx, &row, &after)?;
        count(tx, &row, &Ok(there.clone()))?;
    }
    reach(tx, package, now)
}

fn published(row: Publish, there: &There, now: i64) -> Publish {
    // Spread, so that a day's work does not become due at once.
    let spread = (row.package.wrapping_mul(2_654_435_761) & 0xffff) * (LOOK / 4) / 0xffff;
    // A ref of somebody else may be gone when a person has acted on it.
    let pause = if there.foreign > 0 { SELDOM } else { LOOK + spread };
    Publish {
        state: PublishState::Done,
        due: Some(now + pause),
        here: Some(there.here.clone()),
        there: Some(there.there.clone()),
        published: Some(now),
        code: None,
        message: None,
        since: None,
        failures: 0,
        foreign: there.foreign,
        refused: there.refused,
        kept: there.kept,
        detail: there.detail.clone(),
        ..row
    }
}

fn failed(row: Publish, trouble: &Trouble, now: i64) -> Publish {
    let of_package = matches!(trouble.next, Next::Later | Next::Person);
    let failures = row.failures + i64::from(of_package);
    let pause = match trouble.next {
        Next::Remote => SOON,
        Next::Now => 0,
        Next::Person => SELDOM,
        Next::Later => (PAUSES.0 << (failures - 1).clamp(0, 12)).min(PAUSES.1),
    };
    let state = if pause == 0 { PublishState::Pending } else { PublishState::Retrying };
    let due = (pause > 0).then_some(now + pause);
    if trouble.next == Next::Now {
        return Publish { state, due, ..row };
    }
    Publish {
        state,
        due,
        since: row.since.or(Some(now)),
        code: Some(trouble.code.clone()),
        message: Some(trouble.message.clone()),
        failures,
        ..row
    }
}

/// Records versions that are imported and on all remotes now: a limited number at a time, those of the last days first.
fn reach(tx: &mut Tx<'_>, package: i64, now: i64) -> Result<(), StateError> {
    let sql = "SELECT 1 FROM remote r WHERE r.followed IS NOT NULL AND NOT EXISTS (SELECT 1 FROM publish u
        WHERE u.remote_id = r.id AND u.package_id = ?1 AND u.published IS NOT NULL AND (u.state = 'done' OR u.lane = 3))
        LIMIT 1";
    if tx.first(sql, values![package])?.is_some() {
        return Ok(());
    }
    tx.execute(
        "UPDATE publication SET reached = ?2 WHERE id IN (SELECT id FROM publication
            WHERE package_id = ?1 AND done IS NOT NULL AND reached IS NULL ORDER BY id DESC LIMIT 100)",
        values![package, now],
    )?;
    Ok(())
}
