//! The queue: one live row per package, lanes, claims.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::tx::Tx;
use crate::driver::{Kind, Value};
use crate::error::StateError;
use crate::job::claim_cursor::Marks;
use crate::job::transition::{self, Job, Transition};
use crate::publication::rows::rows;
use crate::values;
use crate::words::{Lane, Tasks};

/// A worker's view of the job that it claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The attempt, whose id is the fencing token.
    pub attempt: i64,
    /// Row of the package.
    pub package_id: i64,
    /// Name of the package.
    pub package: String,
    /// The lane that it came from.
    pub lane: Lane,
    /// Tasks of the job.
    pub tasks: Tasks,
    /// Unix milliseconds at which the lease ends, unless it is renewed.
    pub lease_until: i64,
    /// The largest memory that the package's imports have needed, in bytes; 0 if unknown.
    pub memory: i64,
}

/// For how long a job is reserved for the host with its repository in the cache, in milliseconds.
pub const PASSED_OVER: i64 = 15_000;
/// The most jobs that are searched for one of this host, if the first is reserved for another host.
const LOOKED_THROUGH: i64 = 200;

/// Request for a claim.
#[derive(Clone, Debug, Default)]
pub struct Wish<'a> {
    /// Row of the run that claims.
    pub run: i64,
    /// Length of a lease in milliseconds.
    pub lease: i64,
    /// The program's version, for the records.
    pub importer: &'a str,
    /// The oldest job of any lane, not the first of the highest: for every k-th claim, so that no job starves.
    pub oldest: bool,
    /// Only jobs that have needed no more memory than this, in bytes.
    pub memory: Option<i64>,
    /// Claims only this package, also if its job is parked or waits for a retry: the caller wants it now.
    pub only: Option<i64>,
    /// Positions that earlier claims have reached.
    pub marks: Option<&'a Marks>,
    /// This host, if hosts have repositories as a cache: jobs whose repository another host has are reserved for it
    /// during [`PASSED_OVER`].
    pub host: Option<&'a str>,
}

/// The id of a package, created if unknown.
pub fn package_id(tx: &mut Tx<'_>, name: &str) -> Result<i64, StateError> {
    if let Some(row) = tx.first("SELECT id FROM package WHERE name = ?1", values![name])? {
        return Ok(row.int(0));
    }
    let now = tx.now()?;
    tx.execute(
        "INSERT INTO package (name, first_seen) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
        values![name, now],
    )?;
    let row = tx.first("SELECT id FROM package WHERE name = ?1", values![name])?;
    row.map(|row| row.int(0)).ok_or_else(|| StateError::Unknown(format!("package {name} is not known")))
}

/// The ids of packages, created if unknown.
pub(crate) fn package_ids<'a>(
    tx: &mut Tx<'_>,
    names: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, i64>, StateError> {
    let names: BTreeSet<&str> = names.collect();
    let now = tx.now()?;
    let mut known = known_ids(tx, &names)?;
    let missing: Vec<&str> = names.iter().copied().filter(|name| !known.contains_key(*name)).collect();
    if missing.is_empty() {
        return Ok(known);
    }
    let mut all = Vec::with_capacity(missing.len() * 2);
    missing.iter().for_each(|name| all.extend_from_slice(values![*name, now]));
    let sql = format!(
        "INSERT INTO package (name, first_seen) VALUES {} ON CONFLICT (name) DO NOTHING RETURNING name, id",
        rows(missing.len(), 2)
    );
    for row in tx.returning(&sql, &all)? {
        tx.made(row.int(1));
        known.insert(row.text(0), row.int(1));
    }
    // Another session may have created one of them at the same moment.
    if names.iter().any(|name| !known.contains_key(*name)) {
        known = known_ids(tx, &names)?;
    }
    Ok(known)
}

fn known_ids(tx: &mut Tx<'_>, names: &BTreeSet<&str>) -> Result<BTreeMap<String, i64>, StateError> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let all: Vec<Value> = names.iter().map(|name| Value::from(*name)).collect();
    let sql = format!("SELECT name, id FROM package WHERE name IN {}", rows(1, names.len()));
    Ok(tx.query(&sql, &all)?.iter().map(|row| (row.text(0), row.int(1))).collect())
}

/// Queues packages, as [`enqueue`] does with one.
pub(crate) fn enqueue_all(
    tx: &mut Tx<'_>,
    packages: &BTreeMap<i64, Lane>,
    tasks: Tasks,
) -> Result<(), StateError> {
    if packages.is_empty() {
        return Ok(());
    }
    let inserted = transition::insert(tx, packages, tasks)?;
    for (package, lane) in packages {
        if !inserted.contains(package) {
            transition::enqueue_again(tx, *package, *lane, tasks)?;
        }
    }
    Ok(())
}

/// Queues a package. If it is queued already it keeps its place, or gets a better one: a lane only rises, and work
/// requested while it runs is done afterwards.
pub fn enqueue(tx: &mut Tx<'_>, package: i64, lane: Lane, tasks: Tasks) -> Result<(), StateError> {
    transition::enqueue(tx, package, lane, tasks)
}

/// Claims at most one job in one short transaction. Its attempt is recorded from here on.
pub fn claim(tx: &mut Tx<'_>, wish: &Wish<'_>) -> Result<Option<Claim>, StateError> {
    let now = tx.now()?;
    let Some(job) = next(tx, wish)? else { return Ok(None) };
    let (package, lane, tasks) = (job.package, job.lane, job.tasks);
    let attempt = tx.insert(
        "INSERT INTO attempt (package_id, run_id, lane, tasks, started, importer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
        values![package, wish.run, lane, tasks, now, wish.importer],
    )?;
    let lease_until = now + wish.lease;
    transition::apply(tx, &job, Transition::Claim { attempt, run: wish.run, lease_until })?;
    let name = tx.first("SELECT name FROM package WHERE id = ?1", values![package])?;
    Ok(Some(Claim {
        attempt,
        package_id: package,
        package: name.map(|row| row.text(0)).unwrap_or_default(),
        lane: Lane::at(lane),
        tasks: Tasks(tasks),
        lease_until,
        memory: job.memory,
    }))
}

fn next(tx: &mut Tx<'_>, wish: &Wish<'_>) -> Result<Option<Job>, StateError> {
    let memory = wish.memory.map_or(Value::Int(i64::MAX), Value::Int);
    if let Some(package) = wish.only {
        let condition = "package_id = ?1 AND state <> 'running' AND held = 0";
        return Ok(transition::lock_free(tx, condition, values![package])?.into_iter().next());
    }
    // SQLite keeps nothing in the way.
    let marks = wish.marks.filter(|_| tx.kind() == Kind::Postgres);
    let near = match marks {
        Some(marks) => near_mark(tx, wish, marks, &memory)?,
        None => None,
    };
    let found = match near {
        Some(job) => Some(job),
        None => first_of(tx, wish, "", &[memory])?,
    };
    if let (Some(marks), Some(job)) = (marks, &found) {
        marks.note(wish.oldest, job.lane, job.entered);
    }
    match (wish.host, &found) {
        (Some(host), Some(job)) if !wish.oldest && is_for_another(tx, job, host)? => nearest(tx, host),
        _ => Ok(found),
    }
}

/// True if a job is reserved for the host with its repository.
fn is_for_another(tx: &mut Tx<'_>, job: &Job, host: &str) -> Result<bool, StateError> {
    if job.entered <= tx.now()? - PASSED_OVER {
        return Ok(false);
    }
    let row = tx.first("SELECT host FROM repository WHERE package_id = ?1", values![job.package])?;
    Ok(row.is_some_and(|row| row.text(0) != host))
}

/// The first of the next jobs whose repository is on this host, or on none.
fn nearest(tx: &mut Tx<'_>, host: &str) -> Result<Option<Job>, StateError> {
    let sql = "SELECT next.package_id FROM (SELECT package_id, lane, entered FROM job WHERE state = 'pending' AND held = 0
            ORDER BY lane, entered, package_id LIMIT ?2) AS next
        LEFT JOIN repository r ON r.package_id = next.package_id WHERE r.host IS NULL OR r.host = ?1
        ORDER BY next.lane, next.entered, next.package_id LIMIT 4";
    let next = tx.query(sql, values![host, LOOKED_THROUGH])?;
    // Another worker may be faster.
    for package in next.iter().map(|row| row.int(0)) {
        let condition = "package_id = ?1 AND state = 'pending' AND held = 0";
        if let Some(job) = transition::lock_free(tx, condition, values![package])?.into_iter().next() {
            return Ok(Some(job));
        }
    }
    Ok(None)
}

/// The first job that meets a further condition.
fn first_of(
    tx: &mut Tx<'_>,
    wish: &Wish<'_>,
    condition: &str,
    values: &[Value],
) -> Result<Option<Job>, StateError> {
    let order = if wish.oldest { "entered, package_id" } else { "lane, entered, package_id" };
    let condition =
        format!("state = 'pending' AND held = 0 AND memory <= ?1 {condition} ORDER BY {order} LIMIT 1");
    Ok(transition::lock_free(tx, &condition, values)?.into_iter().next())
}

/// The next job, searched from the place of the last one; jobs of higher lanes still go first.
fn near_mark(
    tx: &mut Tx<'_>,
    wish: &Wish<'_>,
    marks: &Marks,
    memory: &Value,
) -> Result<Option<Job>, StateError> {
    if wish.oldest {
        let Some(entered) = marks.by_age() else { return Ok(None) };
        return first_of(tx, wish, "AND entered >= ?2", &[memory.clone(), Value::Int(entered)]);
    }
    let Some((lane, entered)) = marks.by_lane() else { return Ok(None) };
    let higher = first_of(tx, wish, "AND lane < ?2", &[memory.clone(), Value::Int(lane)])?;
    if higher.is_some() {
        return Ok(higher);
    }
    let beyond = "AND (lane, entered) >= (CAST(?2 AS BIGINT), CAST(?3 AS BIGINT))";
    first_of(tx, wish, beyond, &[memory.clone(), Value::Int(lane), Value::Int(entered)])
}

/// Puts jobs that are due back into the queue, some at a time. Returns how many.
pub fn wake(tx: &mut Tx<'_>, at_most: i64) -> Result<usize, StateError> {
    let now = tx.now()?;
    let condition = "state = 'retrying' AND held = 0 AND due <= ?1 ORDER BY due LIMIT ?2";
    let jobs = transition::lock_free(tx, condition, values![now, at_most])?;
    for job in &jobs {
        transition::apply(tx, job, Transition::Wake)?;
    }
    Ok(jobs.len())
}

/// Unix milliseconds of the next retry; `None` if no job waits for one.
pub fn next_due(tx: &mut Tx<'_>) -> Result<Option<i64>, StateError> {
    let sql = "SELECT due FROM job WHERE state = 'retrying' AND held = 0 ORDER BY due LIMIT 1";
    Ok(tx.first(sql, &[])?.and_then(|row| row.opt_int(0)))
}

/// True when any package is known.
pub fn is_anything_known(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    Ok(tx.first("SELECT id FROM package LIMIT 1", &[])?.is_some())
}

/// True when there is a job that could be claimed now, or one that will come back soon: out of parking, or of a batch.
pub fn is_more(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    let now = tx.now()?;
    let sql = "SELECT 1 FROM job WHERE state = 'pending' AND held = 0 LIMIT 1";
    if tx.first(sql, &[])?.is_some() {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM job WHERE state = 'retrying' AND held = 0 AND due <= ?1 LIMIT 1";
    if tx.first(sql, values![now])?.is_some() {
        return Ok(true);
    }
    if tx.first("SELECT 1 FROM dependency WHERE state = 'closed' AND parked > 0 LIMIT 1", &[])?.is_some() {
        return Ok(true);
    }
    crate::job::retry_batch::is_waiting(tx)
}
