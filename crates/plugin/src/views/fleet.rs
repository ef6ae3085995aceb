//! Hosts, runs and the jobs that run.

use crate::database::{Database, Parameter, Row};
use crate::trouble::Trouble;
use crate::views::Facts;

/// A machine that imports, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// `online`, `quiescing` or `offline`.
    pub state: String,
    /// Why, if somebody said so.
    pub reason: Option<String>,
    /// When it was last heard of.
    pub heartbeat: i64,
    /// Whether it has a service, which has to be there always.
    pub is_service: bool,
    /// Its runs that have not ended.
    pub runs: i64,
    /// Its jobs that run.
    pub running: i64,
}

/// All hosts.
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
    /// Its number.
    pub id: i64,
    /// Its machine.
    pub host: String,
    /// `until-empty` or `service`.
    pub mode: String,
    /// When it started.
    pub started: i64,
    /// When it was last heard of.
    pub heartbeat: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// How: `empty`, `stopped`, `out of time`, `quiesced`, `denied`, `killed`, `lost`.
    pub outcome: Option<String>,
    /// Jobs that it did.
    pub attempts: i64,
    /// Those that failed.
    pub failed: i64,
}

impl Run {
    /// Whether it ended as it should; a run that imports nothing, or only failures, did.
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

/// Whether the state knows a package.
pub fn is_known(database: &mut Database<'_>, package: &str) -> Result<bool, Trouble> {
    let sql = "SELECT name FROM check_v1_packages WHERE name = $1";
    Ok(database.first(sql, &[Parameter::Text(package)])?.is_some())
}

/// A job that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The attempt.
    pub attempt: i64,
    /// The package.
    pub package: String,
    /// Its machine.
    pub host: String,
    /// Since when.
    pub started: i64,
    /// How long the package's last good import took, in milliseconds.
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

/// Whether a host gets on with its work, and what keeps it from recording that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The host.
    pub host: String,
    /// When one of its jobs ended last; before the first, when its run began. `None` without an open run.
    pub progress: Option<i64>,
    /// How long its jobs took on average, in milliseconds.
    pub usual: Option<i64>,
    /// When the job that could be claimed and waits for longest entered its lane.
    pub waiting: Option<i64>,
    /// What keeps it from recording its work.
    pub trouble: Option<String>,
    /// Since when.
    pub trouble_since: Option<i64>,
}

/// The schema from which on the state tells of progress.
const PROGRESS: i64 = 3;

/// Of all hosts; of none, if the state is of an older release, half-way through an upgrade.
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

/// Attempts whose lease ended before a time: whoever does them does not say so any more.
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
