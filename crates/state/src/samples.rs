//! Samples: figures by the hour, for baselines.

use crate::error::StateError;
use crate::store::Store;
use crate::tx::{HOUR, Tx};
use crate::values;
use crate::words::Lane;

/// Counters that are kept as levels.
const LEVELS: &[&str] = &["failing", "parked", "running", "held", "failing_held", "state_wedged"];

/// Stores the levels once an hour; `last` is the hour in which this was done before. Returns the hour.
pub fn hourly(store: &Store, last: i64) -> Result<i64, StateError> {
    let hour = store.read(|tx| Ok(tx.now()?.div_euclid(HOUR)))?;
    if hour != last {
        take(store)?;
    }
    Ok(hour)
}

/// Stores the levels of now: those of all, of each lane, and of each signature.
pub fn take(store: &Store) -> Result<(), StateError> {
    store.write(|tx| {
        for name in LEVELS {
            let value = counter(tx, name)?;
            set(tx, name, value)?;
        }
        let now = tx.now()?;
        for lane in Lane::ALL {
            let waiting = counter(tx, &format!("queue_{lane}"))?;
            set(tx, &format!("queue_{lane}"), waiting)?;
            let sql = "SELECT entered FROM job WHERE lane = ?1 AND state = 'pending' AND held = 0
                ORDER BY lane, entered, package_id LIMIT 1";
            let oldest = tx.first(sql, values![lane.place()])?.map_or(0, |row| (now - row.int(0)) / 1000);
            set(tx, &format!("oldest_{lane}"), oldest)?;
        }
        let behind = "SELECT COUNT(DISTINCT package_id) FROM publication WHERE done IS NULL AND gone IS NULL";
        let behind = tx.first(behind, &[])?.map_or(0, |row| row.int(0));
        set(tx, "behind", behind)?;
        latency(tx)
    })?;
    signatures(store)
}

/// The value of a counter.
pub fn counter(tx: &mut Tx<'_>, name: &str) -> Result<i64, StateError> {
    let sql = "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counter WHERE name = ?1";
    Ok(tx.first(sql, values![name])?.map_or(0, |row| row.int(0)))
}

fn set(tx: &mut Tx<'_>, figure: &str, value: i64) -> Result<(), StateError> {
    let hour = tx.now()?.div_euclid(HOUR);
    // A level has one value, whoever stores it.
    tx.execute(
        "INSERT INTO sample (figure, hour, shard, value) VALUES (?1, ?2, 0, ?3)
         ON CONFLICT (figure, hour, shard) DO UPDATE SET value = excluded.value",
        values![figure, hour, value],
    )?;
    Ok(())
}

/// From publication to branch, in seconds, of what was first seen in the last seven days. What is not done yet counts
/// with its present age; what fails for good, what is held and what came in a mass is counted apart, and what is history
/// not at all.
fn latency(tx: &mut Tx<'_>) -> Result<(), StateError> {
    let now = tx.now()?;
    let since = now - 7 * 24 * HOUR;
    for (figures, condition) in [(NORMAL, IS_NORMAL), (RESCANS, IS_RESCAN), (FAILING, IS_FAILING)] {
        let sql = format!(
            "SELECT (COALESCE(u.done, ?2) - u.published) / 1000 AS age FROM publication u
             JOIN package p ON p.id = u.package_id LEFT JOIN failure f ON f.package_id = u.package_id
             WHERE u.first_seen > ?1 AND u.suite <> '' AND (u.done IS NOT NULL OR u.gone IS NULL) AND {condition}
             ORDER BY age"
        );
        let ages: Vec<i64> = tx.query(&sql, values![since, now])?.iter().map(|row| row.int(0)).collect();
        // The nearest rank: of twenty the 95th percentile is the nineteenth.
        let rank = |percent: usize| {
            let place = (ages.len() * percent).div_ceil(100).saturating_sub(1);
            ages.get(place).copied().unwrap_or(0).max(0)
        };
        let count = i64::try_from(ages.len()).unwrap_or(i64::MAX);
        for (figure, value) in figures.iter().zip([count, rank(50), rank(95), rank(100)]) {
            set(tx, figure, value)?;
        }
    }
    Ok(())
}

/// How many were measured, the median, the 95th percentile and the worst.
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

/// The levels of signatures: of those that fail now, and of those that changed since the last hour.
fn signatures(store: &Store) -> Result<(), StateError> {
    let mut after = 0;
    loop {
        let last = store.write(|tx| {
            let since = tx.now()? - 2 * HOUR;
            let sql = "SELECT id, short, failing FROM signature
                WHERE id > ?1 AND (failing > 0 OR last_change > ?2) ORDER BY id LIMIT 100";
            let rows = tx.query(sql, values![after, since])?;
            for row in &rows {
                set(tx, &format!("signature:{}", row.text(1)), row.int(2))?;
            }
            Ok(rows.last().map(|row| row.int(0)))
        })?;
        match last {
            Some(id) => after = id,
            None => return Ok(()),
        }
    }
}
