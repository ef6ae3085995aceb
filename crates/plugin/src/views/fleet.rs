//! Hosts, runs and the jobs that run.

use crate::database::{Database, Parameter, Row};
use crate::trouble::Trouble;
use crate::views::Facts;

/// A machine that imports, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Name of the host.
    pub name: String,
    /// `online`, `quiescing` or `offline`.
    pub state: String,
    /// Reason of its state, if an operator gave one.
    pub reason: Option<String>,
    /// Milliseconds since 1970 of its last heartbeat.
    pub heartbeat: i64,
    /// True when it has a service, which is expected at all times.
    pub is_service: bool,
    /// Its runs that have not ended.
    pub runs: i64,
    /// Its jobs that run.
    pub running: i64,
}

/// All hosts, sorted by name.
pub fn hosts(database: &mut Database<'_>) -> Result<Vec<Host>, Trouble> {
    let sql =
        "SELECT name, state, reason, heartbeat, expected, runs, running FROM check_v1_hosts ORDER BY name";
    let host = |row: &Row| {
        Ok(Host {
            name: row.text(0)?.into(),
            state: row.text(1)?.into(),
            reason: row.optional_text(2)?.map(str::to_owned),
            heartbeat: row.integer(3)?,
            is_service: row.integer(4)? != 0,
            runs: row.integer(5)?,
            running: row.integer(6)?,
        })
    };
    database.rows(sql, &[])?.iter().map(host).collect()
}

/// A run over the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of the run.
    pub id: i64,
    /// Name of its host.
    pub host: String,
    /// Mode: `until-empty` or `service`.
    pub mode: String,
    /// Milliseconds since 1970 of its start.
    pub started: i64,
    /// Milliseconds since 1970 of its last heartbeat.
    pub heartbeat: i64,
    /// Milliseconds since 1970 of its end.
    pub ended: Option<i64>,
    /// Outcome: `empty`, `stopped`, `out of time`, `quiesced`, `denied`, `killed`, `lost`.
    pub outcome: Option<String>,
    /// Jobs that it did.
    pub attempts: i64,
    /// Number of imports that failed.
    pub failed: i64,
}

impl Run {
    /// True when it ended properly; a run that imports nothing, or only has failures, did.
    pub fn is_good(&self) -> bool {
        self.ended.is_some() && !matches!(self.outcome.as_deref(), Some("killed" | "lost" | "denied") | None)
    }
}

const RUNS: &str =
    "SELECT id, host, mode, started, heartbeat, ended, outcome, attempts, failed FROM check_v1_runs";

fn run(row: &Row) -> Result<Run, Trouble> {
    Ok(Run {
        id: row.integer(0)?,
        host: row.text(1)?.into(),
        mode: row.text(2)?.into(),
        started: row.integer(3)?,
        heartbeat: row.integer(4)?,
        ended: row.optional_integer(5)?,
        outcome: row.optional_text(6)?.map(str::to_owned),
        attempts: row.integer(7)?,
        failed: row.integer(8)?,
    })
}

/// The run that began last.
pub fn last_run(database: &mut Database<'_>) -> Result<Option<Run>, Trouble> {
    database.first(&format!("{RUNS} ORDER BY id DESC LIMIT 1"), &[])?.as_ref().map(run).transpose()
}

/// The runs that began last, newest first.
pub fn recent_runs(database: &mut Database<'_>) -> Result<Vec<Run>, Trouble> {
    database.rows(&format!("{RUNS} ORDER BY id DESC LIMIT 50"), &[])?.iter().map(run).collect()
}

/// The runs that have not ended.
pub fn open_runs(database: &mut Database<'_>) -> Result<Vec<Run>, Trouble> {
    database
        .rows(&format!("{RUNS} WHERE ended IS NULL ORDER BY id LIMIT 200"), &[])?
        .iter()
        .map(run)
        .collect()
}

/// True when the state knows a package.
pub fn is_known(database: &mut Database<'_>, package: &str) -> Result<bool, Trouble> {
    let sql = "SELECT name FROM check_v1_packages WHERE name = $1";
    Ok(database.first(sql, &[Parameter::Text(package)])?.is_some())
}

/// A job that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Number of the attempt.
    pub attempt: i64,
    /// Name of the package.
    pub package: String,
    /// Name of its host.
    pub host: String,
    /// Milliseconds since 1970 of its beginning.
    pub started: i64,
    /// Duration of the package's last good import, in milliseconds.
    pub usual: Option<i64>,
}

/// The jobs that have run longest.
pub fn running(database: &mut Database<'_>) -> Result<Vec<Running>, Trouble> {
    let sql =
        "SELECT attempt, package, host, started, usual_ms FROM check_v1_running ORDER BY started LIMIT 500";
    let job = |row: &Row| {
        Ok(Running {
            attempt: row.integer(0)?,
            package: row.text(1)?.into(),
            host: row.text(2)?.into(),
            started: row.integer(3)?,
            usual: row.optional_integer(4)?,
        })
    };
    database.rows(sql, &[])?.iter().map(job).collect()
}

/// Progress of a host, and the error that keeps it from recording its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Name of the host.
    pub host: String,
    /// Milliseconds since 1970 at which one of its jobs last ended; before the first, at which its run began. `None`
    /// without an open run.
    pub progress: Option<i64>,
    /// Mean duration of its jobs, in milliseconds.
    pub usual: Option<i64>,
    /// Milliseconds since 1970 at which the job entered its lane that has waited longest of those that could be
    /// claimed.
    pub waiting: Option<i64>,
    /// Error that keeps it from recording its work.
    pub trouble: Option<String>,
    /// Milliseconds since 1970 at which the error began.
    pub trouble_since: Option<i64>,
}

/// The first schema with the progress of runs.
const PROGRESS: i64 = 3;

/// The rows of all hosts; empty if the state is of an older release, half-way through an upgrade.
pub fn progress(database: &mut Database<'_>, facts: &Facts) -> Result<Vec<Progress>, Trouble> {
    if facts.schema.is_none_or(|schema| schema < PROGRESS) {
        return Ok(Vec::new());
    }
    let sql = "SELECT host, progress, usual_ms, waiting, trouble, trouble_since FROM check_v1_progress ORDER BY host";
    let progress = |row: &Row| {
        Ok(Progress {
            host: row.text(0)?.into(),
            progress: row.optional_integer(1)?,
            usual: row.optional_integer(2)?,
            waiting: row.optional_integer(3)?,
            trouble: row.optional_text(4)?.map(str::to_owned),
            trouble_since: row.optional_integer(5)?,
        })
    };
    database.rows(sql, &[])?.iter().map(progress).collect()
}

/// Attempts whose lease ended before a time: their worker renews it no more.
pub fn abandoned(database: &mut Database<'_>, facts: &Facts, before: i64) -> Result<Vec<i64>, Trouble> {
    if facts.schema.is_none_or(|schema| schema < PROGRESS) {
        return Ok(Vec::new());
    }
    let sql = "SELECT attempt, lease_until FROM check_v1_leases";
    let rows = database.rows(sql, &[])?;
    let mut found = Vec::new();
    for row in &rows {
        if row.integer(1)? < before {
            found.push(row.integer(0)?);
        }
    }
    Ok(found)
}
