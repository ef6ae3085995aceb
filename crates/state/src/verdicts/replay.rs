//! The memory made again from the samples of 15 weeks: after an upgrade of the rule, or when it was lost.

use std::collections::BTreeMap;

use baseline::{Context, Judge, Sample, Settings};

use super::{SIGNATURE, number};
use crate::db::meta;
use crate::db::store::Store;
use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::values;

/// Hours that are read at once.
const CHUNK: i64 = 168;
/// Hours that are kept.
const KEPT: i64 = 15 * 168;

/// Judges all samples, in order of time.
pub fn replay(store: &Store) -> Result<Judge, StateError> {
    let mut judge = Judge::new(Settings::default());
    let (now, filled) = store.read(|tx| Ok((tx.now()?.div_euclid(HOUR), meta::number(tx, meta::FILLED)?)))?;
    let mut from = now - KEPT;
    while from <= now {
        let samples = store.read(|tx| read(tx, from, (from + CHUNK).min(now + 1)))?;
        for (hour, sample) in samples {
            let drained = filled.is_some_and(|filled| filled.div_euclid(HOUR) <= hour);
            let context = Context { drained: Some(drained), ..Context::default() };
            judge.judge(&sample, &context);
        }
        from += CHUNK;
    }
    Ok(judge)
}

fn read(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<BTreeMap<i64, Sample>, StateError> {
    let sql = "SELECT hour, figure, CAST(SUM(value) AS BIGINT) FROM sample WHERE hour >= ?1 AND hour < ?2
            AND (figure IN ('failing', 'parked', 'parked_failing', 'attempted', 'failed') OR figure LIKE 'signature:%')
        GROUP BY hour, figure ORDER BY hour, figure";
    let mut samples: BTreeMap<i64, Sample> = BTreeMap::new();
    for row in tx.query(sql, values![from, to])? {
        let hour = row.int(0);
        let sample = samples.entry(hour).or_insert_with(|| Sample { time: hour * 3600, ..Sample::default() });
        let value = number(row.int(2));
        match row.text(1).as_str() {
            "failing" => sample.failing = Some(value),
            "parked" => sample.parked = Some(value),
            // Sorts after `failing`: a failure that is in both counts once.
            "parked_failing" => sample.failing = sample.failing.map(|failing| (failing - value).max(0.0)),
            "attempted" => sample.attempted = Some(value),
            "failed" => sample.failed = Some(value),
            other => {
                if let Some(id) = other.strip_prefix(SIGNATURE) {
                    sample.signatures.push((id.to_owned(), value));
                }
            }
        }
    }
    Ok(samples)
}
