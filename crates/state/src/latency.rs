//! From publication to branch: how long it takes, of what was first seen in the last seven days.
//!
//! What is not done yet counts with its present age. Left out are those that fail or are held, which other figures count,
//! and those that came with a series or an archive that was new.

use crate::error::StateError;
use crate::publications::LOCAL;
use crate::samples::set;
use crate::tx::{HOUR, Tx};
use crate::values;

/// How long back.
const DAYS: i64 = 7;

const TAKEN: &str = "SELECT COALESCE(u.done, CAST(?1 AS BIGINT)) - u.published AS taken
    FROM publication u JOIN package p ON p.id = u.package_id
    WHERE u.rescan = 0 AND u.first_seen > ?2 AND u.archive <> ?3 AND (u.done IS NOT NULL OR (u.gone IS NULL
        AND p.held = 0 AND NOT EXISTS (SELECT 1 FROM failure f WHERE f.package_id = u.package_id)))";

/// Stores median, 95th percentile and worst in seconds, and of how many.
pub fn take(tx: &mut Tx<'_>) -> Result<(), StateError> {
    let now = tx.now()?;
    let rows = tx.query(TAKEN, values![now, now - DAYS * 24 * HOUR, LOCAL])?;
    let mut taken: Vec<i64> = rows.iter().map(|row| row.int(0).max(0) / 1000).collect();
    taken.sort_unstable();
    let count = taken.len();
    let at = |place: usize| taken.get(place).copied().unwrap_or(0);
    set(tx, "latency_count", i64::try_from(count).unwrap_or(i64::MAX))?;
    // The nearest rank: so many hundredths are at most this.
    let rank = |hundredths: usize| at((count * hundredths).div_ceil(100).saturating_sub(1));
    set(tx, "latency_p50", rank(50))?;
    set(tx, "latency_p95", rank(95))?;
    set(tx, "latency_max", at(count.saturating_sub(1)))
}
