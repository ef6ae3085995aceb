//! Records of attempts, for the processes that execute them or wait for them.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// True when an attempt has not ended yet.
pub fn is_open(tx: &mut Tx<'_>, attempt: i64) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM attempt WHERE id = ?1 AND ended IS NULL";
    Ok(tx.first(sql, values![attempt])?.is_some())
}

/// The package of an attempt: number and name.
pub fn package_of(tx: &mut Tx<'_>, attempt: i64) -> Result<Option<(i64, String)>, StateError> {
    let sql =
        "SELECT a.package_id, p.name FROM attempt a JOIN package p ON p.id = a.package_id WHERE a.id = ?1";
    Ok(tx.first(sql, values![attempt])?.map(|row| (row.int(0), row.text(1))))
}

/// The number of the newest attempt; 0 if there was none.
pub fn newest(tx: &mut Tx<'_>) -> Result<i64, StateError> {
    let row = tx.first("SELECT COALESCE(MAX(id), 0) FROM attempt", &[])?;
    Ok(row.map_or(0, |row| row.int(0)))
}

/// True when the last attempt of a package before `attempt` failed with a code, and other packages were imported on the
/// host of `run` since.
pub fn failed_where_others_did_not(
    tx: &mut Tx<'_>,
    package: i64,
    attempt: i64,
    run: i64,
    code: &str,
) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM attempt a WHERE a.id = (SELECT MAX(b.id) FROM attempt b
            WHERE b.package_id = ?1 AND b.id < ?2 AND b.ended IS NOT NULL)
        AND a.code = ?4 AND EXISTS (SELECT 1 FROM attempt o JOIN run r ON r.id = o.run_id
            WHERE o.ended > a.ended AND o.package_id <> ?1 AND o.outcome IN ('imported', 'unapplied-only')
            AND r.host_id = (SELECT host_id FROM run WHERE id = ?3))";
    Ok(tx.first(sql, values![package, attempt, run, code])?.is_some())
}

/// An attempt that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    /// Number of the attempt.
    pub attempt: i64,
    /// The host where it runs.
    pub host: String,
    /// The process of its run there.
    pub pid: i64,
    /// Mode of that run: `service`, `until-empty`, `import`, ...
    pub mode: String,
    /// For how many milliseconds.
    pub lasts: i64,
}

impl std::fmt::Display for Going {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Going { attempt, host, pid, mode, lasts } = self;
        write!(f, "attempt {attempt} on {host} (process {pid}, {mode}), which began {} s ago", lasts / 1000)
    }
}

/// The attempt that works on the job of a package at present, if any.
pub fn going(tx: &mut Tx<'_>, package: i64) -> Result<Option<Going>, StateError> {
    let sql = "SELECT a.id, h.name, r.pid, r.mode, a.started FROM job j JOIN attempt a ON a.id = j.attempt_id
        JOIN run r ON r.id = j.run_id JOIN host h ON h.id = r.host_id
        WHERE j.package_id = ?1 AND j.state = 'running'";
    let now = tx.now()?;
    let row = tx.first(sql, values![package])?;
    Ok(row.map(|row| Going {
        attempt: row.int(0),
        host: row.text(1),
        pid: row.int(2),
        mode: row.text(3),
        lasts: now - row.int(4),
    }))
}

/// Cause of a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Stage of the import that failed.
    pub stage: String,
    /// Code of the failure.
    pub code: String,
    /// Message for operators.
    pub message: String,
}

/// Cause of the newest failed attempt of a package that began at or after a time (Unix milliseconds), if there is one.
pub fn failed_since(tx: &mut Tx<'_>, package: i64, since: i64) -> Result<Option<Failed>, StateError> {
    let sql = "SELECT stage, code, message FROM attempt
        WHERE package_id = ?1 AND started >= ?2 AND outcome = 'failed' ORDER BY id DESC LIMIT 1";
    let row = tx.first(sql, values![package, since])?;
    Ok(row.map(|row| Failed { stage: row.text(0), code: row.text(1), message: row.text(2) }))
}
