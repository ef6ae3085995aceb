//! What becomes of the row of a package's job when an attempt ends: it goes, comes back at once or later, or is parked.

use crate::driver::Row;
use crate::error::StateError;
use crate::failing;
use crate::finish::{Finished, Settled};
use crate::queue::count_lane;
use crate::signature::Signature;
use crate::tx::Tx;
use crate::values;
use crate::words::{Lane, Outcome, Policy};

/// The job's row as it was claimed.
pub(crate) struct Job {
    lane: i64,
    held: i64,
    tasks: i64,
    more: i64,
    wanted: i64,
    claimed: i64,
}

impl Job {
    pub(crate) fn more_wanted(&self) -> bool {
        self.wanted > self.claimed
    }
}

/// The row, locked, if the attempt holds its lease still.
pub(crate) fn lock_job(tx: &mut Tx<'_>, finished: &Finished) -> Result<Option<Job>, StateError> {
    let sql = "SELECT lane, held, tasks, more, wanted, claimed FROM job
        WHERE package_id = ?1 AND attempt_id = ?2 AND state = 'running' @LOCK";
    let row = tx.first(sql, values![finished.package_id, finished.attempt])?;
    Ok(row.map(|row: Row| Job {
        lane: row.int(0),
        held: row.int(1),
        tasks: row.int(2),
        more: row.int(3),
        wanted: row.int(4),
        claimed: row.int(5),
    }))
}

/// Brings the row to where it is to be.
pub(crate) fn settle_job(
    tx: &mut Tx<'_>,
    finished: &Finished,
    job: &Job,
    settled: &mut Settled,
    signature: Option<&Signature>,
) -> Result<(), StateError> {
    tx.counter("running", -1);
    let failed = signature.filter(|_| finished.outcome == Outcome::Failed);
    let hold = failed.is_some_and(|it| it.policy == Some(Policy::Hold));
    let package = finished.package_id;
    match finished.outcome {
        Outcome::Imported | Outcome::AlreadyThere | Outcome::Maintained | Outcome::UnappliedOnly => {
            settle_success(tx, finished, job, settled)?;
        }
        // What was asked for meanwhile may be just what was missing.
        Outcome::Failed if job.more_wanted() => pending(tx, package, job, job.tasks | job.more, true)?,
        Outcome::Failed => retrying(tx, package, job, settled.due)?,
        Outcome::Lost | Outcome::Cancelled => {
            settled.again = true;
            pending(tx, package, job, job.tasks | job.more, false)?;
        }
        // What was asked for meanwhile may be just what it waits for.
        Outcome::Waiting if job.more_wanted() => pending(tx, package, job, job.tasks | job.more, true)?,
        Outcome::Waiting => {
            settled.due = finished.wait.as_ref().map(|wait| wait.again);
            retrying(tx, package, job, settled.due)?;
        }
        Outcome::Parked => match finished.parked_on {
            Some(dependency) => park(tx, package, job, dependency)?,
            // Nothing would ever bring it back.
            None => pending(tx, package, job, job.tasks | job.more, false)?,
        },
    }
    if hold {
        crate::hold::by_policy(tx, package)?;
    }
    Ok(())
}

/// A job that has done what it was claimed for: there may be more to do, now or later.
fn settle_success(
    tx: &mut Tx<'_>,
    finished: &Finished,
    job: &Job,
    settled: &mut Settled,
) -> Result<(), StateError> {
    let package = finished.package_id;
    if job.more_wanted() {
        return pending(tx, package, job, job.more, true);
    }
    // What could be imported is; the rest comes back by itself.
    if let Some(wait) = &finished.wait {
        settled.due = Some(wait.again);
        return retrying(tx, package, job, settled.due);
    }
    tx.execute("DELETE FROM job WHERE package_id = ?1", values![package])?;
    Ok(())
}

/// Back into the queue; at its old place, unless it is new work.
fn pending(tx: &mut Tx<'_>, package: i64, job: &Job, tasks: i64, anew: bool) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "UPDATE job SET state = 'pending', tasks = ?2, more = 0, attempt_id = NULL, run_id = NULL, lease_until = NULL,
            entered = CASE WHEN ?3 = 1 THEN CAST(?4 AS BIGINT) ELSE entered END
         WHERE package_id = ?1",
        values![package, tasks, anew, now],
    )?;
    count_lane(tx, job.lane, job.held, 1);
    Ok(())
}

fn retrying(tx: &mut Tx<'_>, package: i64, job: &Job, due: Option<i64>) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "UPDATE job SET state = 'retrying', lane = ?2, tasks = ?3, more = 0, due = ?4, attempt_id = NULL,
            run_id = NULL, lease_until = NULL
         WHERE package_id = ?1",
        values![package, Lane::Retry.place(), job.tasks | job.more, due.unwrap_or(now)],
    )?;
    Ok(())
}

/// Out of the queue until what it needs is there again.
fn park(tx: &mut Tx<'_>, package: i64, job: &Job, dependency: i64) -> Result<(), StateError> {
    tx.execute(
        "UPDATE job SET state = 'parked', tasks = ?2, more = 0, dependency_id = ?3, attempt_id = NULL, run_id = NULL,
            lease_until = NULL
         WHERE package_id = ?1",
        values![package, job.tasks | job.more, dependency],
    )?;
    tx.counter("parked", 1);
    tx.execute("UPDATE dependency SET parked = parked + 1 WHERE id = ?1", values![dependency])?;
    failing::count_parked(tx, package, 1)
}
