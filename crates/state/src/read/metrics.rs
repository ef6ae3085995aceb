//! Figures for a system that keeps time series of its own.

use baseline::age::TOLERATED;

use super::status::{self, Status};
use super::verdicts::{self, Verdict};
use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::breaker;
use crate::values;

/// Values of the metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Present state of the installation.
    pub status: Status,
    /// Verdicts about the figures.
    pub verdicts: Vec<Verdict>,
    /// Failures that do not count, because they or their packages are suppressed.
    pub suppressed: i64,
    /// All attempts so far; this only rises.
    pub attempts: i64,
    /// Dependencies: name, true when its breaker is open, number of parked jobs.
    pub dependencies: Vec<(String, bool, i64)>,
    /// Polls: archive, suite, and when it was last polled with success.
    pub polled: Vec<(String, String, i64)>,
    /// Unix milliseconds of the last good backup.
    pub last_backup: Option<i64>,
}

/// Largest number of signatures that are listed by name.
const SIGNATURES: i64 = 50;

/// Reads all metrics.
pub fn read(tx: &mut Tx<'_>) -> Result<Metrics, StateError> {
    let attempts = tx.first("SELECT MAX(id) FROM attempt", &[])?.map_or(0, |row| row.int(0));
    // Times in the future, which a wrong clock has left, are not shown: they would look fresh for ever.
    let latest = tx.now()? + TOLERATED;
    let polled = tx.query(
        "SELECT archive, suite, polled FROM suite WHERE polled <= ?1 ORDER BY archive, suite",
        values![latest],
    )?;
    let suppressed = crate::verdicts::counted::count(tx)?.left_out;
    let mut status = status::read(tx, SIGNATURES)?;
    status.hosts.retain(|host| host.heartbeat <= latest);
    let mut verdicts = verdicts::list(tx, None)?;
    verdicts.retain(|verdict| verdict.at <= latest);
    Ok(Metrics {
        status,
        verdicts,
        suppressed,
        attempts,
        dependencies: breaker::list(tx)?.into_iter().map(|it| (it.name, it.open, it.parked)).collect(),
        polled: polled.iter().map(|row| (row.text(0), row.text(1), row.int(2))).collect(),
        last_backup: meta::number(tx, meta::LAST_BACKUP)?.filter(|at| *at <= latest),
    })
}
