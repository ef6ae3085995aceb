//! The one place that writes `job`: every change of a package's job is a [`Transition`], applied to its locked row.
//!
//! The counters of a job (its lane, `running`, `parked`) follow from the row: they are reduced for the old row and
//! raised for the new one. So a counter cannot be forgotten where a job changes its state.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::tx::Tx;
use crate::driver::Value;
use crate::error::StateError;
use crate::failure::current::count_parked;
pub(crate) use crate::job::row::Job;
use crate::job::row::{COLUMNS, Counted};
use crate::publication::rows::rows;
use crate::values;
use crate::words::{JobState, Lane, Tasks};

/// Change of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    /// It is requested again: it keeps its place or gets a better one. A lane only rises, and work requested while
    /// it runs is done afterwards.
    Enqueue { lane: Lane, tasks: Tasks },
    /// A run begins an attempt, with a lease until a time.
    Claim { attempt: i64, run: i64, lease_until: i64 },
    /// Its attempt has ended and there is more to do at once: `tasks`, at its old place or, if it is new work, behind
    /// the jobs that wait already.
    Again { tasks: i64, is_new: bool },
    /// Its attempt has ended and it is tried again at a time.
    Retry { due: i64 },
    /// It is tried again at another time than planned, if it waits for its next try.
    Postpone { due: i64 },
    /// Its time has come.
    Wake,
    /// Its attempt has ended, and it waits for a dependency.
    Park { dependency: i64 },
    /// It does not wait for its dependency any longer.
    Unpark,
    /// Its package is held.
    Hold,
    /// Its package is not held any more.
    Release,
    /// A batch has queued it.
    Join { batch: i64 },
    /// It is done, and no further work is requested.
    Finish,
}

impl Transition {
    /// The row afterwards; `None` if it was removed.
    fn of(self, job: &Job, now: i64) -> Option<Job> {
        let job = job.clone();
        Some(match self {
            Transition::Enqueue { lane, tasks } => asked_again(job, lane, tasks, now),
            Transition::Claim { attempt, run, lease_until } => Job {
                state: JobState::Running,
                claimed: job.wanted,
                attempt: Some(attempt),
                run: Some(run),
                lease_until: Some(lease_until),
                due: None,
                dependency: None,
                ..job
            },
            Transition::Again { tasks, is_new } => {
                let entered = if is_new { now } else { job.entered };
                Job { state: JobState::Pending, tasks, entered, ..without_lease(job) }
            }
            Transition::Retry { due } => Job {
                state: JobState::Retrying,
                lane: Lane::Retry.place(),
                tasks: job.tasks | job.more,
                due: Some(due),
                ..without_lease(job)
            },
            Transition::Postpone { due } if job.state == JobState::Retrying => Job { due: Some(due), ..job },
            Transition::Postpone { .. } => job,
            Transition::Wake => {
                Job { state: JobState::Pending, lane: Lane::Retry.place(), entered: now, due: None, ..job }
            }
            Transition::Park { dependency } => Job {
                state: JobState::Parked,
                tasks: job.tasks | job.more,
                dependency: Some(dependency),
                ..without_lease(job)
            },
            Transition::Unpark => Job { state: JobState::Pending, dependency: None, ..job },
            Transition::Hold => Job { held: true, ..job },
            Transition::Release => Job { held: false, ..job },
            Transition::Join { batch } => Job { batch: Some(batch), ..job },
            Transition::Finish => return None,
        })
    }
}

/// A job that waits for its next try, or was lowered, comes to the front now; a running or parked one keeps its state
/// and returns by itself.
fn asked_again(job: Job, lane: Lane, tasks: Tasks, now: i64) -> Job {
    let wakes = job.state == JobState::Retrying;
    let rises = wakes || lane.place() < job.lane;
    let runs = job.state == JobState::Running;
    Job {
        wanted: job.wanted + 1,
        tasks: if runs { job.tasks } else { job.tasks | tasks.0 },
        more: if runs { job.more | tasks.0 } else { job.more },
        lane: if rises { lane.place() } else { job.lane },
        state: if wakes { JobState::Pending } else { job.state },
        entered: if rises { now } else { job.entered },
        due: None,
        ..job
    }
}

fn without_lease(job: Job) -> Job {
    Job { more: 0, attempt: None, run: None, lease_until: None, ..job }
}

/// The job of a package, locked.
pub(crate) fn lock(tx: &mut Tx<'_>, package: i64) -> Result<Option<Job>, StateError> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE package_id = ?1 @LOCK");
    tx.first(&sql, values![package])?.as_ref().map(Job::of).transpose()
}

/// The job of an attempt, locked, if the attempt still holds its lease.
pub(crate) fn lock_leased(tx: &mut Tx<'_>, package: i64, attempt: i64) -> Result<Option<Job>, StateError> {
    let condition = "package_id = ?1 AND attempt_id = ?2 AND state = 'running'";
    let sql = format!("SELECT {COLUMNS} FROM job WHERE {condition} @LOCK");
    tx.first(&sql, values![package, attempt])?.as_ref().map(Job::of).transpose()
}

/// Jobs that meet a condition (followed by an order, a limit), locked; rows locked by others are skipped, not waited
/// for.
pub(crate) fn lock_free(tx: &mut Tx<'_>, condition: &str, values: &[Value]) -> Result<Vec<Job>, StateError> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE {condition} @LOCK_SKIP");
    tx.query(&sql, values)?.iter().map(Job::of).collect()
}

/// Applies a transition to a job whose row is locked. Returns the row afterwards.
pub(crate) fn apply(tx: &mut Tx<'_>, job: &Job, transition: Transition) -> Result<Option<Job>, StateError> {
    let now = tx.now()?;
    tx.touch(job.package);
    let after = transition.of(job, now);
    match &after {
        Some(after) => update(tx, job, after)?,
        None => drop(tx.execute("DELETE FROM job WHERE package_id = ?1", values![job.package])?),
    }
    let (was, is) = (job.counts_for(), after.as_ref().map_or(Counted::Nowhere, Job::counts_for));
    if was != is {
        count(tx, job.package, was, -1)?;
        count(tx, job.package, is, 1)?;
    }
    Ok(after)
}

/// Writes the columns that differ. There are few sets of them, so that each statement stays prepared.
fn update(tx: &mut Tx<'_>, before: &Job, after: &Job) -> Result<(), StateError> {
    let mut set = String::new();
    let mut all = vec![Value::Int(before.package)];
    for ((column, was), (_, is)) in before.columns().into_iter().zip(after.columns()) {
        if was != is {
            all.push(is);
            set.push_str(&format!("{}{column} = ?{}", if set.is_empty() { "" } else { ", " }, all.len()));
        }
    }
    if !set.is_empty() {
        tx.execute(&format!("UPDATE job SET {set} WHERE package_id = ?1"), &all)?;
    }
    Ok(())
}

fn count(tx: &mut Tx<'_>, package: i64, what: Counted, by: i64) -> Result<(), StateError> {
    match what {
        Counted::Lane(lane) => tx.counter(&format!("queue_{}", Lane::at(lane)), by),
        Counted::Held => tx.counter("queue_held", by),
        Counted::Running => tx.counter("running", by),
        Counted::Parked(dependency) => {
            tx.counter("parked", by);
            if let Some(dependency) = dependency {
                tx.parked_on(dependency, by);
            }
            count_parked(tx, package, by)?;
        }
        Counted::Nowhere => {}
    }
    Ok(())
}

/// Queues a package. If it is queued already, it is requested again.
pub(crate) fn enqueue(tx: &mut Tx<'_>, package: i64, lane: Lane, tasks: Tasks) -> Result<(), StateError> {
    loop {
        if insert(tx, &BTreeMap::from([(package, lane)]), tasks)?.contains(&package) {
            return Ok(());
        }
        // Another session may finish it between the two statements.
        if let Some(job) = lock(tx, package)? {
            return apply(tx, &job, Transition::Enqueue { lane, tasks }).map(drop);
        }
    }
}

/// Queues a package that seemed to have a job already. That is looked at first, because nearly always it has.
pub(crate) fn enqueue_again(
    tx: &mut Tx<'_>,
    package: i64,
    lane: Lane,
    tasks: Tasks,
) -> Result<(), StateError> {
    match lock(tx, package)? {
        Some(job) => apply(tx, &job, Transition::Enqueue { lane, tasks }).map(drop),
        None => enqueue(tx, package, lane, tasks),
    }
}

/// Makes the jobs of packages that have none. Returns those packages.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    packages: &BTreeMap<i64, Lane>,
    tasks: Tasks,
) -> Result<BTreeSet<i64>, StateError> {
    let now = tx.now()?;
    let mut wanted = BTreeMap::new();
    let mut all = Vec::with_capacity(packages.len() * 8);
    for (package, held, memory) in held_and_memory(tx, packages)? {
        let lane = packages.get(&package).copied().unwrap_or(Lane::Rescan).place();
        let state = JobState::Pending.as_str();
        all.extend_from_slice(values![package, lane, held, tasks.0, now, memory, state, 1_i64]);
        wanted.insert(package, if held { Counted::Held } else { Counted::Lane(lane) });
    }
    if wanted.is_empty() {
        return Err(StateError::Unknown("a package that is to be imported is not known".into()));
    }
    let sql = format!(
        "INSERT INTO job (package_id, lane, held, tasks, entered, memory, state, wanted)
         VALUES {} ON CONFLICT (package_id) DO NOTHING RETURNING package_id",
        rows(wanted.len(), 8)
    );
    let inserted: BTreeSet<i64> = tx.returning(&sql, &all)?.iter().map(|row| row.int(0)).collect();
    for (package, what) in wanted {
        if inserted.contains(&package) {
            match what {
                Counted::Lane(lane) => tx.queued(package, lane),
                _ => tx.touch(package),
            }
            count(tx, package, what, 1)?;
        }
    }
    Ok(inserted)
}

/// Holds of packages, and the largest memory that each has needed. What this transaction has made is neither.
fn held_and_memory(
    tx: &mut Tx<'_>,
    packages: &BTreeMap<i64, Lane>,
) -> Result<Vec<(i64, bool, i64)>, StateError> {
    let (made, known): (Vec<i64>, Vec<i64>) = packages.keys().partition(|id| tx.has_made(**id));
    let mut found: Vec<(i64, bool, i64)> = made.into_iter().map(|package| (package, false, 0)).collect();
    if !known.is_empty() {
        let ids: Vec<Value> = known.into_iter().map(Value::Int).collect();
        let sql =
            format!("SELECT id, held, COALESCE(peak_rss, 0) FROM package WHERE id IN {}", rows(1, ids.len()));
        found.extend(tx.query(&sql, &ids)?.iter().map(|row| (row.int(0), row.flag(1), row.int(2))));
    }
    Ok(found)
}

/// Renews the leases of a run, all in one statement. Returns their attempts.
pub(crate) fn renew_leases(tx: &mut Tx<'_>, run: i64, lease_until: i64) -> Result<Vec<i64>, StateError> {
    let rows = tx.returning(
        "UPDATE job SET lease_until = ?2 WHERE run_id = ?1 AND state = 'running' RETURNING attempt_id",
        values![run, lease_until],
    )?;
    Ok(rows.iter().map(|row| row.int(0)).collect())
}
