//! Samples: figures by the hour, for baselines.

use crate::audit::{self, By};
use crate::db::store::Store;
use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::past::busy;
use crate::values;
use crate::verdicts::{self, counted};
use crate::words::Lane;

/// Counters that are kept as levels.
const LEVELS: &[&str] = &["running", "held", "failing_held", "state_wedged"];

/// Stores the levels once an hour; `last` is the hour of the last time. Returns the hour.
pub fn hourly(store: &Store, last: i64) -> Result<i64, StateError> {
    let hour = store.read(|tx| Ok(tx.now()?.div_euclid(HOUR)))?;
    if hour != last {
        take(store)?;
    }
    Ok(hour)
}

/// Stores the present levels, and judges them: those of all, of each lane, and of each signature that changed.
pub fn take(store: &Store) -> Result<(), StateError> {
    verdicts::prepare(store)?;
    store.write(|tx| {
        counted::expire(tx)?;
        let counted = counted::count(tx)?;
        set(tx, "failing", counted.failing)?;
        set(tx, "parked", counted.parked)?;
        set(tx, "parked_failing", counted.parked_failing)?;
        set(tx, "suppressed", counted.left_out)?;
        // An hour without events differs from an hour without a sample.
        for flow in ["attempted", "failed"] {
            let (hour, shard) = (tx.now()?.div_euclid(HOUR), tx.shard());
            let sql = "INSERT INTO sample (figure, hour, shard, value) VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING";
            tx.execute(sql, values![flow, hour, shard])?;
        }
        levels(tx)?;
        verdicts::judge(tx, &counted).map(drop)
    })?;
    store.write(busy::note)?;
    while store.write(verdicts::write_signatures)? {}
    Ok(())
}

/// Numbers of rows that were dropped, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Samples dropped.
    pub samples: u64,
    /// Verdicts dropped.
    pub verdicts: u64,
}

/// Drops the samples and verdicts at and after a time, such as those of a wrong clock, with an entry in the audit
/// trail. What is normal is learned again from the remaining samples; decisions of operators stay. `after` is in Unix
/// milliseconds.
pub fn drop_after(store: &Store, after: i64, by: By<'_>) -> Result<Dropped, StateError> {
    const SAMPLES: &str = "DELETE FROM sample WHERE (figure, hour, shard) IN
        (SELECT figure, hour, shard FROM sample WHERE hour >= ?1 ORDER BY hour DESC LIMIT 150)";
    const VERDICTS: &str = "DELETE FROM verdict WHERE figure IN (SELECT figure FROM verdict WHERE at >= ?1 ORDER BY at DESC LIMIT 150)";
    let hour = hour_after(after);
    let dropped = store.read(|tx| count_after(tx, after))?;
    // Not too many rows in one transaction. After an interruption, the same command continues.
    for (sql, from) in [(SAMPLES, hour), (VERDICTS, after)] {
        while store.write(|tx| tx.execute(sql, values![from]))? > 0 {}
    }
    store.write(|tx| {
        verdicts::forget(tx)?;
        let what = format!("{} samples, {} verdicts", dropped.samples, dropped.verdicts);
        let subject = format!("after {}", hour * HOUR / 1000);
        audit::record(tx, by.actor, "samples-drop", &subject, by.reason, Some(&what), None)?;
        Ok(dropped)
    })
}

/// Numbers of rows that [`drop_after`] would drop.
pub fn dropped_after(store: &Store, after: i64) -> Result<Dropped, StateError> {
    store.read(|tx| count_after(tx, after))
}

fn count_after(tx: &mut Tx<'_>, after: i64) -> Result<Dropped, StateError> {
    let mut count = |sql: &str, from: i64| {
        let row = tx.first(sql, values![from])?;
        Ok::<_, StateError>(row.and_then(|row| u64::try_from(row.int(0)).ok()).unwrap_or(0))
    };
    let samples = count("SELECT COUNT(*) FROM sample WHERE hour >= ?1", hour_after(after))?;
    Ok(Dropped { samples, verdicts: count("SELECT COUNT(*) FROM verdict WHERE at >= ?1", after)? })
}

/// The hour in which a time lies stays, unless the time is its beginning.
fn hour_after(milliseconds: i64) -> i64 {
    milliseconds.saturating_add(HOUR - 1).div_euclid(HOUR)
}

fn levels(tx: &mut Tx<'_>) -> Result<(), StateError> {
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
    crate::figures::latency::take(tx)
}

/// The value of a counter.
pub fn counter(tx: &mut Tx<'_>, name: &str) -> Result<i64, StateError> {
    if let Some(moment) = tx.moment() {
        return Ok(moment.counter(name));
    }
    let sql = "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM counter WHERE name = ?1";
    Ok(tx.first(sql, values![name])?.map_or(0, |row| row.int(0)))
}

pub(crate) fn set(tx: &mut Tx<'_>, figure: &str, value: i64) -> Result<(), StateError> {
    let hour = tx.now()?.div_euclid(HOUR);
    // A level has one value for an hour, whichever host stores it.
    tx.execute(
        "INSERT INTO sample (figure, hour, shard, value) VALUES (?1, ?2, 0, ?3)
         ON CONFLICT (figure, hour, shard) DO UPDATE SET value = excluded.value",
        values![figure, hour, value],
    )?;
    Ok(())
}
