//! The failure of a package: begun, continued, counted, ended. A package has at most one.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::failure::retry_policy::{self, History, Retries};
use crate::failure::signature::{self, Signature};
use crate::job::finish::{Cause, Finished, Settled};
use crate::outbox::{notices, texts};
use crate::values;
use crate::words::{Class, FailureState};

/// Ends the failure of a package, if it has one.
pub(crate) fn clear_failure(tx: &mut Tx<'_>, package: i64) -> Result<(), StateError> {
    let sql = "DELETE FROM failure WHERE package_id = ?1 RETURNING signature_id, state";
    for row in tx.returning(sql, values![package])? {
        count_failure(tx, package, row.int(0), &row.text(1), -1)?;
    }
    Ok(())
}

/// Keeps the counts of failures. Held packages are counted apart, since they wait for an operator.
pub(crate) fn count_failure(
    tx: &mut Tx<'_>,
    package: i64,
    signature: i64,
    state: &str,
    by: i64,
) -> Result<(), StateError> {
    tx.touch(package);
    let held = tx.first("SELECT held FROM package WHERE id = ?1", values![package])?;
    if held.is_some_and(|row| row.flag(0)) {
        tx.counter("failing_held", by);
        return Ok(());
    }
    tx.counter("failing", by);
    tx.counter(&format!("state_{state}"), by);
    tx.signature(signature, by);
    Ok(())
}

/// Keeps the count of parked jobs whose package fails as well, when a job becomes parked or stops being parked. The
/// failure itself cannot begin or end meanwhile: only an attempt does that, and a parked job has none.
pub(crate) fn count_parked(tx: &mut Tx<'_>, package: i64, by: i64) -> Result<(), StateError> {
    let sql = "SELECT f.signature_id FROM failure f JOIN package p ON p.id = f.package_id
        WHERE f.package_id = ?1 AND p.held = 0";
    if let Some(row) = tx.first(sql, values![package])? {
        tx.parked_failing(row.int(0), by);
    }
    Ok(())
}

/// Failure of a package before this attempt.
struct Before {
    signature: i64,
    state: String,
    since: i64,
    attempts: i64,
    in_row: i64,
}

pub(crate) fn record_failure(
    tx: &mut Tx<'_>,
    finished: &Finished,
    cause: &Cause,
    retries: &Retries,
    settled: &mut Settled,
) -> Result<Signature, StateError> {
    let now = tx.now()?;
    let signature = record_signature(tx, finished, cause)?;
    let before = failure_before(tx, finished.package_id)?;
    let counts = cause.class != Class::Infrastructure;
    let same = before.as_ref().filter(|before| before.signature == signature.id);
    let in_row = same.map_or(0, |before| before.in_row) + 1;
    let recent =
        recent_failures(tx, finished.package_id, now - retries.window, retries.any)? + i64::from(counts);
    let was_failing = before.as_ref().is_some_and(|before| before.state != FailureState::Retrying.as_str());
    let history = History { class: cause.class, policy: signature.policy, in_row, recent, was_failing };
    let judged = retries.judge(&history);
    let is_wedging = cause.code.known().is_some_and(|code| retry_policy::WEDGING.contains(&code));
    let waits = signature.policy.is_none() && is_wedging;
    let state = if waits { FailureState::Wedged } else { judged };
    let was_wedged = before.as_ref().is_some_and(|before| before.state == FailureState::Wedged.as_str());
    if state == FailureState::Wedged && !was_wedged {
        let label = format!("{}/{}: {}", cause.stage, cause.code, cause.message);
        notices::once(tx, &texts::wedged(&finished.package, &label))?;
    }
    if let Some(before) = &before {
        count_failure(tx, finished.package_id, before.signature, &before.state, -1)?;
    } else if counts {
        tx.flow("new_failures", 1)?;
    }
    upsert_failure(tx, finished, cause, (&signature, state), (before.as_ref(), in_row))?;
    count_failure(tx, finished.package_id, signature.id, state.as_str(), 1)?;
    tx.execute("UPDATE package SET last_attempt = ?2 WHERE id = ?1", values![finished.package_id, now])?;
    let failures = before.as_ref().map_or(0, |before| before.attempts) + 1;
    let due = now + retries.pause_of(cause.code.as_str(), state, failures, finished.attempt);
    // A version that waits for its time is not delayed further by the failure of another.
    settled.due = Some(finished.wait.as_ref().map_or(due, |wait| due.min(wait.again)));
    settled.failure = Some(state);
    settled.signature = Some(signature.short.clone());
    Ok(signature)
}

pub(crate) fn record_signature(
    tx: &mut Tx<'_>,
    finished: &Finished,
    cause: &Cause,
) -> Result<Signature, StateError> {
    let text = signature::normalise(&cause.message, &finished.package, cause.version.as_deref());
    let signature =
        signature::record(tx, (&cause.stage, cause.code.as_str(), cause.class), &cause.message, &text)?;
    if signature.is_new {
        let label = format!("{}/{}: {}", cause.stage, cause.code, cause.message);
        notices::once(tx, &texts::signature(&signature.short, &label, &finished.package))?;
    }
    let now = tx.now()?;
    tx.execute(
        "UPDATE signature SET last_seen = ?2 WHERE id = ?1 AND last_seen < ?2",
        values![signature.id, now],
    )?;
    Ok(signature)
}

fn failure_before(tx: &mut Tx<'_>, package: i64) -> Result<Option<Before>, StateError> {
    let sql = "SELECT signature_id, state, since, attempts, in_row FROM failure WHERE package_id = ?1";
    Ok(tx.first(sql, values![package])?.map(|row| Before {
        signature: row.int(0),
        state: row.text(1),
        since: row.int(2),
        attempts: row.int(3),
        in_row: row.int(4),
    }))
}

/// Failures that count, since a time and since the last success; only as many as needed are read.
fn recent_failures(tx: &mut Tx<'_>, package: i64, since: i64, enough: i64) -> Result<i64, StateError> {
    let sql = "SELECT COUNT(*) FROM (SELECT a.id FROM attempt a JOIN package p ON p.id = a.package_id
        WHERE a.package_id = ?1 AND a.counts = 1 AND a.ended > ?2 AND a.ended > COALESCE(p.last_success, 0)
        ORDER BY a.ended DESC LIMIT ?3) AS recent";
    Ok(tx.first(sql, values![package, since, enough])?.map_or(0, |row| row.int(0)))
}

fn upsert_failure(
    tx: &mut Tx<'_>,
    finished: &Finished,
    cause: &Cause,
    (signature, state): (&Signature, FailureState),
    (before, in_row): (Option<&Before>, i64),
) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "INSERT INTO failure (package_id, signature_id, attempt_id, stage, code, class, state, message, since, last,
            attempts, in_row, distro, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (package_id) DO UPDATE SET signature_id = excluded.signature_id,
            attempt_id = excluded.attempt_id, stage = excluded.stage, code = excluded.code, class = excluded.class,
            state = excluded.state, message = excluded.message, last = excluded.last, attempts = excluded.attempts,
            in_row = excluded.in_row, distro = excluded.distro, version = excluded.version",
        values![
            finished.package_id,
            signature.id,
            finished.attempt,
            cause.stage.as_str(),
            cause.code.as_str(),
            cause.class.as_str(),
            state.as_str(),
            cause.message.as_str(),
            before.map_or(now, |before| before.since),
            now,
            before.map_or(0, |before| before.attempts) + 1,
            in_row,
            cause.distro.as_deref(),
            cause.version.as_deref(),
        ],
    )?;
    Ok(())
}
