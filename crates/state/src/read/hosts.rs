//! Hosts, their runs, their jobs, and their progress.

use baseline::age::is_believed;
use baseline::progress::{Job, Work, stalled_since};
use serde::Serialize;

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::past::things::Kind;
use crate::values;

/// A host that has something to do and was not heard of for longer is silent, in milliseconds: its leases are over.
pub const SILENT: i64 = 60_000;

/// Report about a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Name of the host.
    pub host: String,
    /// Order of an operator: `online`, `quiescing` or `offline`.
    pub state: String,
    /// Reason why it is not online.
    pub reason: Option<String>,
    /// Unix milliseconds of its last heartbeat.
    pub heartbeat: i64,
    /// True when a service is expected to run there at all times.
    pub service: bool,
    /// Its runs that have not ended.
    pub runs: i64,
    /// Jobs that it does now.
    pub running: i64,
    /// `alive`; `silent`: it should be heard of and is not; `stalled`: it has work and gets nothing done; `troubled`: it
    /// cannot record its work; `away`: nothing runs there now, and nothing has to.
    pub life: String,
    /// Unix milliseconds at which it became stalled or troubled.
    pub since: Option<i64>,
    /// Error that keeps it from recording its work.
    pub trouble: Option<String>,
}

/// A job that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Name of the host.
    pub host: String,
    /// Name of the package.
    pub package: String,
    /// Number of the attempt.
    pub attempt: i64,
    /// Lane of the job.
    pub lane: String,
    /// Unix milliseconds at which the attempt began.
    pub started: i64,
    /// Usual duration of the package's imports, in milliseconds.
    pub usual_ms: Option<i64>,
}

/// Reports about all hosts.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Host>, StateError> {
    let sql = "SELECT h.name, h.state, h.reason, h.heartbeat, h.expected,
        (SELECT COUNT(*) FROM run r WHERE r.host_id = h.id AND r.ended IS NULL),
        (SELECT COUNT(*) FROM run r JOIN job j ON j.run_id = r.id AND j.state = 'running'
            WHERE r.host_id = h.id AND r.ended IS NULL),
        p.progress, p.usual_ms, p.trouble, p.trouble_since
        FROM host h LEFT JOIN check_v1_progress p ON p.host = h.name ORDER BY h.name";
    let rows = tx.query(sql, &[])?;
    let (now, jobs, waiting) = (tx.now()?, running(tx, i64::MAX)?, oldest_waiting(tx)?);
    let host = |row: &crate::driver::Row| {
        let mut host = Host {
            host: row.text(0),
            state: row.text(1),
            reason: row.opt_text(2),
            heartbeat: row.int(3),
            service: row.flag(4),
            runs: row.int(5),
            running: row.int(6),
            life: String::new(),
            since: None,
            trouble: row.opt_text(9),
        };
        let work = row.opt_int(7).map(|progress| Work {
            progress,
            usual: row.opt_int(8),
            jobs: jobs.iter().filter(|job| job.host == host.host).map(Running::judged).collect(),
            waiting,
        });
        let (life, since) = life(now, &host, work.as_ref(), row.opt_int(10));
        (host.life, host.since) = (life.to_owned(), since);
        host
    };
    Ok(rows.iter().map(host).collect())
}

/// In a word, how a host is, and since when where that matters.
fn life(now: i64, host: &Host, work: Option<&Work>, troubled: Option<i64>) -> (&'static str, Option<i64>) {
    if host.runs == 0 && !host.service {
        return ("away", None);
    }
    if !is_believed(now, host.heartbeat) || now - host.heartbeat > SILENT {
        return ("silent", None);
    }
    if host.trouble.is_some() {
        return ("troubled", troubled);
    }
    let is_online = host.state == "online";
    match work.filter(|_| is_online).and_then(|work| stalled_since(now, work)) {
        Some(since) => ("stalled", Some(since)),
        None => ("alive", None),
    }
}

/// Unix milliseconds at which the job entered its lane that has waited longest of those that could be claimed.
fn oldest_waiting(tx: &mut Tx<'_>) -> Result<Option<i64>, StateError> {
    let sql =
        "SELECT entered FROM job WHERE state = 'pending' AND held = 0 ORDER BY entered, package_id LIMIT 1";
    Ok(tx.first(sql, &[])?.and_then(|row| row.opt_int(0)))
}

impl Running {
    fn judged(&self) -> Job {
        Job { started: self.started, usual: self.usual_ms }
    }
}

/// Jobs that run, oldest first.
pub fn running(tx: &mut Tx<'_>, at_most: i64) -> Result<Vec<Running>, StateError> {
    let sql = "SELECT h.name, p.name, a.id, a.lane, a.started, p.wall_ms FROM job j
        JOIN attempt a ON a.id = j.attempt_id JOIN package p ON p.id = j.package_id
        JOIN run r ON r.id = j.run_id JOIN host h ON h.id = r.host_id
        WHERE j.state = 'running' ORDER BY a.started LIMIT ?1";
    let rows = tx.query(sql, values![at_most])?;
    Ok(rows
        .iter()
        .map(|row| Running {
            host: row.text(0),
            package: row.text(1),
            attempt: row.int(2),
            lane: crate::words::Lane::at(row.int(3)).as_str().into(),
            started: row.int(4),
            usual_ms: row.opt_int(5),
        })
        .collect())
}

/// State that an operator has set for a host.
///
/// # Errors
/// [`StateError::Unknown`] when the host is not known.
pub fn state(tx: &mut Tx<'_>, host: &str) -> Result<String, StateError> {
    let row = tx.first("SELECT state FROM host WHERE name = ?1", values![host])?;
    row.map(|row| row.text(0)).ok_or_else(|| {
        StateError::Unknown(format!("no host {host} is known; `package-import workers` lists those that are"))
    })
}

/// Sets the state of a host. Returns the earlier one.
pub fn set_state(
    tx: &mut Tx<'_>,
    host: &str,
    state: crate::words::HostState,
    actor: &str,
    reason: Option<&str>,
) -> Result<String, StateError> {
    let now = tx.now()?;
    let before = self::state(tx, host)?;
    tx.touch_thing(Kind::Host, host);
    tx.execute(
        "UPDATE host SET state = ?2, reason = ?3, changed_by = ?4, changed_at = ?5 WHERE name = ?1",
        values![host, state.as_str(), reason, actor, now],
    )?;
    crate::audit::record(tx, actor, "host", host, reason, Some(&before), Some(state.as_str()))?;
    Ok(before)
}
