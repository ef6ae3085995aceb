//! Costs of recent imports, from which the load that a machine could carry is computed.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::error::StateError;

/// Costs of recent imports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// Attempts considered: the newest successful ones, at most ten thousand.
    pub attempts: i64,
    /// Elapsed time in milliseconds, summed.
    pub wall_ms: i64,
    /// Processor milliseconds in all.
    pub cpu_ms: i64,
    /// The median memory, in bytes.
    pub rss_p50: i64,
    /// The memory that sufficed for 19 of 20, in bytes.
    pub rss_p95: i64,
    /// The largest memory, in bytes.
    pub rss_max: i64,
    /// Bytes read in all.
    pub bytes_in: i64,
    /// Bytes written in all.
    pub bytes_out: i64,
}

const LATELY: &str = "FROM (SELECT wall_ms, cpu_ms, peak_rss, bytes_in, bytes_out FROM attempt
    WHERE ended IS NOT NULL AND outcome IN ('imported', 'unapplied-only') ORDER BY ended DESC LIMIT 10000) AS lately";

/// Reads the costs.
pub fn read(tx: &mut Tx<'_>) -> Result<Costs, StateError> {
    let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)");
    let sums = ["wall_ms", "cpu_ms", "bytes_in", "bytes_out"].map(sum).join(", ");
    let Some(row) = tx.first(&format!("SELECT COUNT(*), {sums} {LATELY}"), &[])? else {
        return Ok(Costs::default());
    };
    let attempts = row.int(0);
    let mut at = |place: i64| -> Result<i64, StateError> {
        let sql = format!("SELECT peak_rss {LATELY} ORDER BY peak_rss LIMIT 1 OFFSET ?1");
        Ok(tx.first(&sql, crate::values![place])?.map_or(0, |row| row.int(0)))
    };
    Ok(Costs {
        attempts,
        wall_ms: row.int(1),
        cpu_ms: row.int(2),
        bytes_in: row.int(3),
        bytes_out: row.int(4),
        rss_p50: at(attempts / 2)?,
        rss_p95: at(attempts * 95 / 100)?,
        rss_max: at((attempts - 1).max(0))?,
    })
}
