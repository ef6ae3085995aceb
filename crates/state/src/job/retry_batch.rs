//! Retries of many packages: a few first, the others only if those succeed more often.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::queue;
use crate::job::transition::{self, Transition};
use crate::values;
use crate::words::{Lane, Outcome, Tasks};

/// Progress of a batch of retries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// Number of the batch.
    pub id: i64,
    /// `canary`, `all`, `done` or `stopped`.
    pub state: String,
    /// Number of packages that are retried first; 0 when all are retried at once.
    pub canary: i64,
    /// Number of packages in the batch.
    pub total: i64,
    /// Those that import now.
    pub cured: i64,
    /// Those that fail as before.
    pub unchanged: i64,
    /// Those that fail in another way.
    pub broken: i64,
}

/// Makes a batch; its members are added in chunks.
pub fn begin(
    tx: &mut Tx<'_>,
    actor: &str,
    selector: &str,
    reason: Option<&str>,
    canary: i64,
) -> Result<i64, StateError> {
    let now = tx.now()?;
    let state = if canary > 0 { "canary" } else { "all" };
    tx.insert(
        "INSERT INTO batch (made_by, made_at, selector, reason, canary, total, state)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6) RETURNING id",
        values![actor, now, selector, reason, canary, state],
    )
}

/// Adds packages; held ones wait for an operator, not for a batch.
pub fn add(tx: &mut Tx<'_>, batch: i64, packages: &[i64]) -> Result<(), StateError> {
    let mut added = 0;
    for package in packages {
        added += tx.execute(
            "INSERT INTO batch_member (batch_id, package_id, signature_id)
             SELECT ?1, p.id, f.signature_id FROM package p LEFT JOIN failure f ON f.package_id = p.id
             WHERE p.id = ?2 AND p.held = 0 ON CONFLICT DO NOTHING",
            values![batch, *package],
        )?;
    }
    tx.execute("UPDATE batch SET total = total + ?2 WHERE id = ?1", values![batch, added])?;
    Ok(())
}

/// Queues the next members: at most `at_most`, which is also the limit of unfinished ones before the canary is
/// complete. Returns how many.
pub fn release(tx: &mut Tx<'_>, batch: i64, at_most: i64, lane: Lane) -> Result<usize, StateError> {
    let sql = "SELECT package_id FROM batch_member WHERE batch_id = ?1 AND started = 0 ORDER BY package_id LIMIT ?2";
    let rows = tx.query(sql, values![batch, at_most])?;
    for row in &rows {
        let package = row.int(0);
        queue::enqueue(tx, package, lane, Tasks::IMPORT)?;
        if let Some(job) = transition::lock(tx, package)? {
            transition::apply(tx, &job, Transition::Join { batch })?;
        }
        tx.execute(
            "UPDATE batch_member SET started = 1 WHERE batch_id = ?1 AND package_id = ?2",
            values![batch, package],
        )?;
    }
    Ok(rows.len())
}

/// Records how a member's attempt ended. Lost and parked ones have not ended yet.
pub(crate) fn note(
    tx: &mut Tx<'_>,
    package: i64,
    outcome: Outcome,
    signature: Option<i64>,
) -> Result<(), StateError> {
    let good = match outcome {
        Outcome::Imported | Outcome::AlreadyThere | Outcome::UnappliedOnly => true,
        Outcome::Failed => false,
        Outcome::Maintained | Outcome::Lost | Outcome::Cancelled | Outcome::Parked | Outcome::Waiting => {
            return Ok(());
        }
    };
    let sql = "SELECT m.batch_id, m.signature_id FROM batch_member m JOIN batch b ON b.id = m.batch_id
        WHERE m.package_id = ?1 AND m.started = 1 AND m.result IS NULL AND b.state IN ('canary', 'all')
        ORDER BY m.batch_id";
    // The job's row shows cheaply that there is no batch, which is nearly always the case.
    let member = tx
        .first("SELECT batch_id FROM job WHERE package_id = ?1 AND batch_id IS NOT NULL", values![package])?;
    if member.is_none() && !good {
        return Ok(());
    }
    let rows =
        if member.is_some() || is_any_open(tx)? { tx.query(sql, values![package])? } else { Vec::new() };
    for row in rows {
        let column = match (good, signature == row.opt_int(1)) {
            (true, _) => "cured",
            (false, true) => "unchanged",
            (false, false) => "broken",
        };
        let batch = row.int(0);
        tx.execute(
            "UPDATE batch_member SET result = ?3 WHERE batch_id = ?1 AND package_id = ?2",
            values![batch, package, column],
        )?;
        tx.execute(&format!("UPDATE batch SET {column} = {column} + 1 WHERE id = ?1"), values![batch])?;
    }
    Ok(())
}

/// Removes a held package from the open batches, which would wait for it as long as it is held.
pub(crate) fn leave_out(tx: &mut Tx<'_>, package: i64) -> Result<(), StateError> {
    if !is_any_open(tx)? {
        return Ok(());
    }
    let sql = "DELETE FROM batch_member WHERE package_id = ?1 AND result IS NULL
            AND batch_id IN (SELECT id FROM batch WHERE state IN ('canary', 'all')) RETURNING batch_id";
    for row in tx.returning(sql, values![package])? {
        tx.execute("UPDATE batch SET total = total - 1 WHERE id = ?1", values![row.int(0)])?;
    }
    Ok(())
}

fn is_any_open(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    Ok(tx.first("SELECT 1 FROM batch WHERE state IN ('canary', 'all') LIMIT 1", &[])?.is_some())
}

/// Progress of one batch.
///
/// # Errors
/// [`StateError::Unknown`] when there is no batch of that number.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Batch, StateError> {
    let sql = format!("{COLUMNS} WHERE id = ?1");
    let row = tx.first(&sql, values![id])?;
    row.as_ref().map(batch).ok_or_else(|| {
        StateError::Unknown(format!("there is no batch {id}; `package-import audit` tells which there are"))
    })
}

const COLUMNS: &str = "SELECT id, state, canary, total, cured, unchanged, broken FROM batch";

fn batch(row: &crate::driver::Row) -> Batch {
    Batch {
        id: row.int(0),
        state: row.text(1),
        canary: row.int(2),
        total: row.int(3),
        cured: row.int(4),
        unchanged: row.int(5),
        broken: row.int(6),
    }
}

/// The most batches that are moved on at a time.
const MOVED: i64 = 10;

/// True when the next [`advance`] would change something, so that a run has more to do: all canaries have ended,
/// members are not in the queue yet, or all members have ended.
pub fn is_waiting(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM (SELECT id, state, canary, total, cured + unchanged + broken AS back FROM batch
            WHERE state IN ('canary', 'all') ORDER BY id LIMIT ?1) AS open
        WHERE back >= total OR (state = 'canary' AND back >= canary) OR (state = 'all' AND EXISTS
            (SELECT 1 FROM batch_member m WHERE m.batch_id = open.id AND m.started = 0))
            OR NOT EXISTS (SELECT 1 FROM batch_member m
                WHERE m.batch_id = open.id AND m.started = 1 AND m.result IS NULL)
        LIMIT 1";
    Ok(tx.first(sql, values![MOVED])?.is_some())
}

/// True when members of a batch are in the queue and have not ended.
fn is_any_out(tx: &mut Tx<'_>, batch: i64) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM batch_member WHERE batch_id = ?1 AND started = 1 AND result IS NULL LIMIT 1";
    Ok(tx.first(sql, values![batch])?.is_some())
}

/// Moves open batches on: after the canary the others, or a stop; done when all have ended. `at_most` members are
/// queued at a time. Returns what changed.
pub fn advance(tx: &mut Tx<'_>, at_most: i64) -> Result<Vec<Batch>, StateError> {
    let sql = format!("{COLUMNS} WHERE state IN ('canary', 'all') ORDER BY id LIMIT ?1");
    let mut changed = Vec::new();
    let rows = tx.query(&sql, values![MOVED])?;
    for row in rows {
        let mut batch = batch(&row);
        let back = batch.cured + batch.unchanged + batch.broken;
        let next = match batch.state.as_str() {
            "canary" if back < batch.canary.min(batch.total) => {
                // Some of the canary may have been held since; other members take their place.
                if !is_any_out(tx, batch.id)? {
                    release(tx, batch.id, (batch.canary - back).min(at_most), Lane::Retry)?;
                }
                continue;
            }
            // Better means: more were cured than broken in a new way.
            "canary" if batch.cured > batch.broken => "all",
            "canary" => "stopped",
            _ if back >= batch.total => "done",
            _ => {
                release(tx, batch.id, at_most, Lane::Retry)?;
                continue;
            }
        };
        tx.execute("UPDATE batch SET state = ?2 WHERE id = ?1", values![batch.id, next])?;
        next.clone_into(&mut batch.state);
        changed.push(batch);
    }
    Ok(changed)
}
