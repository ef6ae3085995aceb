//! Latency from publication to branch, of the versions that were first seen in the last seven days.
//!
//! A version that is not imported yet counts with its present age. Packages that fail for good or are held, and
//! versions that came in a mass (a new series, a new archive), are measured apart; versions of histories and those
//! given by hand are not measured.

use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::figures::sample::set;
use crate::publication::rows::LOCAL;
use crate::values;

/// Days that the measurement looks back.
const DAYS: i64 = 7;

/// Figures of the usual uploads: the number of versions, and median, 95th percentile and maximum of their latency.
const NORMAL: [&str; 4] = ["latency_count", "latency_p50", "latency_p95", "latency_max"];
const RESCANS: [&str; 4] =
    ["latency_rescan_count", "latency_rescan_p50", "latency_rescan_p95", "latency_rescan_max"];
const FAILING: [&str; 4] =
    ["latency_failing_count", "latency_failing_p50", "latency_failing_p95", "latency_failing_max"];

/// Lanes from this one on are of masses.
const IS_RESCAN: &str = "u.lane >= 3";
const IS_FAILING: &str =
    "u.lane < 3 AND u.done IS NULL AND (p.held = 1 OR COALESCE(f.state, 'retrying') <> 'retrying')";
const IS_NORMAL: &str = "u.lane < 3 AND (u.done IS NOT NULL
    OR (p.held = 0 AND COALESCE(f.state, 'retrying') = 'retrying'))";

/// Stores the measurements of each kind, in seconds.
pub fn take(tx: &mut Tx<'_>) -> Result<(), StateError> {
    let now = tx.now()?;
    let since = now - DAYS * 24 * HOUR;
    // With a remote, a version is done when the remote has it. Versions from before the remote was followed are not
    // measured again.
    let sql = "SELECT MIN(followed) FROM remote WHERE followed IS NOT NULL";
    let followed = tx.first(sql, &[])?.and_then(|row| row.opt_int(0));
    let end = followed.map_or("u.done".to_owned(), |followed| {
        format!("CASE WHEN u.done < {followed} THEN u.done ELSE u.reached END")
    });
    for (figures, condition) in [(NORMAL, IS_NORMAL), (RESCANS, IS_RESCAN), (FAILING, IS_FAILING)] {
        let sql = format!(
            "SELECT (COALESCE({end}, CAST(?2 AS BIGINT)) - u.published) / 1000 AS age FROM publication u
             JOIN package p ON p.id = u.package_id LEFT JOIN failure f ON f.package_id = u.package_id
             WHERE u.first_seen > ?1 AND u.suite <> '' AND u.archive <> ?3
                AND (u.done IS NOT NULL OR u.gone IS NULL) AND {condition}
             ORDER BY age"
        );
        let rows = tx.query(&sql, values![since, now, LOCAL])?;
        let ages: Vec<i64> = rows.iter().map(|row| row.int(0).max(0)).collect();
        // The nearest rank: of twenty the 95th percentile is the nineteenth.
        let rank = |percent: usize| {
            let place = (ages.len() * percent).div_ceil(100).saturating_sub(1);
            ages.get(place).copied().unwrap_or(0)
        };
        let count = i64::try_from(ages.len()).unwrap_or(i64::MAX);
        for (figure, value) in figures.iter().zip([count, rank(50), rank(95), rank(100)]) {
            set(tx, figure, value)?;
        }
    }
    Ok(())
}
