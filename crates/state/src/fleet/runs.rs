//! Hosts and runs: their processes, their beginning, and whether they are alive.

use baseline::age::TOLERATED;
use source_package::code::{Code, Stage};

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::failure::retry_policy::Retries;
use crate::job::finish::{self, Cause, Finished, Usage};
use crate::job::transition;
use crate::past::things::{self, Kind};
use crate::values;
use crate::words::{HostState, Outcome};

/// Identity of a process: its number alone may be given to another process later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process number.
    pub pid: i64,
    /// Start of the process, in kernel ticks since boot (field 22 of `/proc/PID/stat`).
    pub start: i64,
    /// Identity of the machine's boot.
    pub boot: String,
}

/// A run that begins.
#[derive(Clone, Debug)]
pub struct NewRun<'a> {
    /// Name of the host.
    pub host: &'a str,
    /// `until-empty`, `service` or the name of an operator's command.
    pub mode: &'a str,
    /// Process of the run.
    pub process: &'a Process,
    /// Version of the program.
    pub version: &'a str,
    /// Number of imports at a time.
    pub jobs: i64,
}

/// A run as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRun {
    /// Row of the run.
    pub id: i64,
    /// `until-empty`, `service` or the name of a command.
    pub mode: String,
    /// Process of the run.
    pub process: Process,
    /// Unix milliseconds of its start.
    pub started: i64,
    /// Unix milliseconds of its last heartbeat.
    pub heartbeat: i64,
}

/// The id of a host, created if unknown.
pub fn host_id(tx: &mut Tx<'_>, name: &str) -> Result<i64, StateError> {
    let now = tx.now()?;
    if let Some(row) = tx.first("SELECT id FROM host WHERE name = ?1", values![name])? {
        return Ok(row.int(0));
    }
    tx.touch_thing(Kind::Host, name);
    tx.insert(
        "INSERT INTO host (name, heartbeat) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET heartbeat = excluded.heartbeat RETURNING id",
        values![name, now],
    )
}

/// Begins a run; returns its row.
pub fn begin(tx: &mut Tx<'_>, run: &NewRun<'_>) -> Result<i64, StateError> {
    let now = tx.now()?;
    let host = host_id(tx, run.host)?;
    things::heard(tx, host)?;
    // The first heartbeat of the run: the next one is due an interval later.
    tx.execute("UPDATE host SET heartbeat = ?2 WHERE id = ?1", values![host, now])?;
    if expect(tx, host, run.mode)? {
        tx.touch_thing(Kind::Host, run.host);
    }
    let id = tx.insert(
        "INSERT INTO run (host_id, mode, pid, pid_start, boot, version, started, heartbeat, progress, jobs)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7, ?8) RETURNING id",
        values![
            host,
            run.mode,
            run.process.pid,
            run.process.start,
            &run.process.boot,
            run.version,
            now,
            run.jobs
        ],
    )?;
    tx.touch_thing(Kind::Run, &id.to_string());
    Ok(id)
}

/// A host with a service is expected to be alive always, until the service was ended in order and later runs are
/// started in another way, for example by cron. After a service that died, a run by hand changes nothing: the host
/// still counts as missing. Returns true if that has changed.
fn expect(tx: &mut Tx<'_>, host: i64, mode: &str) -> Result<bool, StateError> {
    if mode == "service" {
        let sql = "UPDATE host SET expected = 1 WHERE id = ?1 AND expected = 0";
        return Ok(tx.execute(sql, values![host])? > 0);
    }
    let sql = "SELECT id FROM host WHERE id = ?1 AND expected = 1";
    if mode != "until-empty" || tx.first(sql, values![host])?.is_none() {
        return Ok(false);
    }
    let sql = "SELECT mode, outcome FROM run
        WHERE host_id = ?1 AND mode IN ('service', 'until-empty') ORDER BY id DESC LIMIT 1";
    let last = tx.first(sql, values![host])?.map(|row| (row.text(0), row.opt_text(1)));
    let in_order = |outcome: &str| !matches!(outcome, "killed" | "lost");
    if matches!(&last, Some((mode, Some(outcome))) if mode == "service" && in_order(outcome)) {
        tx.execute("UPDATE host SET expected = 0 WHERE id = ?1", values![host])?;
        return Ok(true);
    }
    Ok(false)
}

/// The runs of a host that have not ended.
pub fn open_runs(tx: &mut Tx<'_>, host: &str) -> Result<Vec<OpenRun>, StateError> {
    let sql = "SELECT r.id, r.mode, r.pid, r.pid_start, r.boot, r.started, r.heartbeat
        FROM run r JOIN host h ON h.id = r.host_id WHERE h.name = ?1 AND r.ended IS NULL ORDER BY r.id";
    let rows = tx.query(sql, values![host])?;
    Ok(rows
        .iter()
        .map(|row| OpenRun {
            id: row.int(0),
            mode: row.text(1),
            process: Process { pid: row.int(2), start: row.int(3), boot: row.text(4) },
            started: row.int(5),
            heartbeat: row.int(6),
        })
        .collect())
}

/// Result of a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Attempts whose leases belong to this run and were renewed.
    pub held: Vec<i64>,
}

/// Records the heartbeat of a run and renews its leases, all in one statement.
pub fn beat(tx: &mut Tx<'_>, run: i64, lease: i64) -> Result<Beat, StateError> {
    let now = tx.now()?;
    let held = transition::renew_leases(tx, run, now + lease)?;
    let host =
        tx.returning("UPDATE run SET heartbeat = ?2 WHERE id = ?1 RETURNING host_id", values![run, now])?;
    if let Some(host) = host.first() {
        things::heard(tx, host.int(0))?;
    }
    tx.execute(
        "UPDATE host SET heartbeat = ?2 WHERE id = (SELECT host_id FROM run WHERE id = ?1)",
        values![run, now],
    )?;
    Ok(Beat { held })
}

/// State that an operator has set for a host; online if the host is not known.
pub fn host_state(tx: &mut Tx<'_>, name: &str) -> Result<HostState, StateError> {
    let row = tx.first("SELECT state FROM host WHERE name = ?1", values![name])?;
    Ok(row.and_then(|row| row.text(0).parse().ok()).unwrap_or(HostState::Online))
}

/// Ends a run, with its outcome and an optional note.
pub fn end(tx: &mut Tx<'_>, run: i64, outcome: &str, note: Option<&str>) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "UPDATE run SET ended = ?2, outcome = ?3, note = ?4, heartbeat = ?2 WHERE id = ?1 AND ended IS NULL",
        values![run, now, outcome, note],
    )?;
    Ok(())
}

/// Attempts whose lease is over, or that belong to one of the runs known to be dead.
pub fn lost(tx: &mut Tx<'_>, dead: &[i64], at_most: i64) -> Result<Vec<(i64, i64, String)>, StateError> {
    let now = tx.now()?;
    let mut found = Vec::new();
    let columns =
        "SELECT j.attempt_id, j.package_id, p.name FROM job j JOIN package p ON p.id = j.package_id";
    let sql =
        format!("{columns} WHERE j.state = 'running' AND j.lease_until < ?1 ORDER BY j.package_id LIMIT ?2");
    found.extend(tx.query(&sql, values![now, at_most])?);
    let sql = format!("{columns} WHERE j.state = 'running' AND j.run_id = ?1 ORDER BY j.package_id LIMIT ?2");
    for run in dead {
        found.extend(tx.query(&sql, values![*run, at_most])?);
    }
    let mut lost: Vec<_> = found.iter().map(|row| (row.int(0), row.int(1), row.text(2))).collect();
    lost.sort();
    lost.dedup();
    lost.truncate(usize::try_from(at_most).unwrap_or(0));
    Ok(lost)
}

/// Returns the jobs of dead runs to the queue: their attempts are lost, and do not count. Returns how many.
pub fn reclaim(tx: &mut Tx<'_>, dead: &[i64], at_most: i64, importer: &str) -> Result<usize, StateError> {
    let lost = lost(tx, dead, at_most)?;
    let mut taken = 0;
    for (attempt, package_id, package) in &lost {
        // The row is locked: another session is recording the end of the attempt, or is frozen. The next round looks
        // again.
        let condition = "package_id = ?1 AND attempt_id = ?2 AND state = 'running'";
        if transition::lock_free(tx, condition, values![*package_id, *attempt])?.is_empty() {
            continue;
        }
        let finished = Finished {
            attempt: *attempt,
            package_id: *package_id,
            package: package.clone(),
            outcome: Outcome::Lost,
            cause: Some(Cause {
                stage: Stage::Worker.as_str().into(),
                code: Code::Lost.into(),
                class: crate::words::Class::Infrastructure,
                message: "the worker died or lost its lease; the import is done again".into(),
                distro: None,
                version: None,
            }),
            usage: Usage::default(),
            versions: 0,
            first_tries: (0, 0),
            log: None,
            parked_on: None,
            wait: None,
            importer: importer.to_owned(),
        };
        match finish::finish(tx, &finished, &Retries::default()) {
            Ok(_) => taken += 1,
            // It was finished just now, or another run reclaims it.
            Err(StateError::LeaseLost(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

/// Closes runs that were killed.
pub fn close_dead(tx: &mut Tx<'_>, dead: &[i64]) -> Result<(), StateError> {
    for run in dead {
        end(tx, *run, "killed", Some("found dead by the next run"))?;
    }
    Ok(())
}

/// Keeps two runs of one host from starting at the same moment.
pub fn lock_host(tx: &mut Tx<'_>, name: &str) -> Result<(), StateError> {
    let id = host_id(tx, name)?;
    tx.first("SELECT id FROM host WHERE id = ?1 @LOCK", values![id])?;
    Ok(())
}

/// Closes runs without a heartbeat for longer than `silence` milliseconds, whatever their host: it may never come
/// back.
pub fn close_silent(tx: &mut Tx<'_>, silence: i64) -> Result<(), StateError> {
    for run in silent(tx, silence)? {
        end(tx, run, "lost", Some("not heard of any more"))?;
    }
    Ok(())
}

/// Runs without a heartbeat for longer than `silence` milliseconds: the first of them.
pub fn silent(tx: &mut Tx<'_>, silence: i64) -> Result<Vec<i64>, StateError> {
    let now = tx.now()?;
    // A heartbeat in the future comes from a wrong clock, and would count as alive for years.
    let sql =
        "SELECT id FROM run WHERE ended IS NULL AND (heartbeat < ?1 OR heartbeat > ?2) ORDER BY id LIMIT 50";
    Ok(tx.query(sql, values![now - silence, now + TOLERATED])?.iter().map(|row| row.int(0)).collect())
}

/// The state's epoch: it rises with each restore, so that no token from before is valid.
pub fn epoch(tx: &mut Tx<'_>) -> Result<i64, StateError> {
    let row = tx.first("SELECT value FROM meta WHERE name = 'epoch'", &[])?;
    Ok(row.and_then(|row| row.text(0).parse().ok()).unwrap_or(1))
}
