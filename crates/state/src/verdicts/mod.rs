//! Verdicts: judgements whether the figures are normal, by the rule of the crate `baseline`.
//!
//! The importer judges whenever it stores a sample, and a check only compares a live counter with the stored limits.
//! The rule's memory is stored beside the samples ([`memory`]), so that a verdict costs the same after years; it is
//! locked during a verdict, so that two hosts judge one after the other.

pub mod counted;
mod decide;
mod memory;
mod replay;
mod signatures;

use std::collections::BTreeMap;

use baseline::{Breaker, Causes, Context, Judge, Judged, Sample, State, Verdict};

use crate::db::meta;
use crate::db::store::Store;
use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::job::breaker;
use crate::outbox::words::Level;
use crate::outbox::{notices, texts};
use crate::past::things;
use crate::publishing::remotes;
use crate::values;
use counted::Counted;

pub use decide::{Decision, decide, foresee};
pub use memory::{forget, merge};
pub use signatures::write_some as write_signatures;

/// The figure of the main verdict: failing and parked.
pub const FAILING: &str = "failing";
/// The figure of new failures.
pub const FAILED: &str = "failed";
/// The prefix of a signature's short id.
pub const SIGNATURE: &str = "signature:";

/// Makes sure that there is a memory that this program's rule can use. If it is missing or was written by another rule,
/// it is built again from the samples, without a lock, because that takes long.
pub fn prepare(store: &Store) -> Result<(), StateError> {
    if store.read(memory::is_usable)? {
        return Ok(());
    }
    let judge = replay::replay(store)?;
    store.write(|tx| {
        let old = memory::lock(tx)?;
        if memory::is_usable(tx)? {
            // Another process was faster.
            return Ok(());
        }
        let mut judge = judge.clone();
        if let Some(old) = old {
            judge.inherit(&old);
        }
        memory::store(tx, &judge)
    })
}

/// Judges the present counters, and stores the verdict with the judge's memory. `counted` has to be of the same
/// transaction.
pub fn judge(tx: &mut Tx<'_>, counted: &Counted) -> Result<Option<Verdict>, StateError> {
    // Without a usable memory, a program of another version has just judged: the next sample is early enough.
    let Some(mut judge) = memory::load(tx)? else { return Ok(None) };
    judge_with(tx, &mut judge, counted).map(Some)
}

fn judge_with(tx: &mut Tx<'_>, judge: &mut Judge, counted: &Counted) -> Result<Verdict, StateError> {
    let now = tx.now()?;
    catch_up(tx, judge, counted)?;
    let mut sample = sample(tx, judge, counted)?;
    // A clock that was set back slightly.
    sample.time = sample.time.max(judge.last().unwrap_or(sample.time));
    let mut context = context(tx, counted)?;
    if judge.flow_alerts() {
        context.young = Some(number(counted::young(tx, counted, now - 24 * HOUR)?));
    }
    let mut causes = Newest { tx, counted, error: None };
    let verdict = judge.judge_by(&sample, &context, &mut causes);
    causes.error.map_or(Ok(()), Err)?;
    memory::store(tx, judge)?;
    write(tx, now, counted, &verdict)?;
    tell(tx, &verdict)?;
    Ok(verdict)
}

/// Hours whose flows are read again with each sample: as many as the longest window of the rule has.
const AGAIN: i64 = 168;

/// Flows change after an hour was judged, and failures do not count any more when their signature is suppressed: the
/// newest hours are judged as they are now.
fn catch_up(tx: &mut Tx<'_>, judge: &mut Judge, counted: &Counted) -> Result<(), StateError> {
    let Some(last) = judge.last() else { return Ok(()) };
    let now = tx.now()?.div_euclid(HOUR);
    // After a long pause the flows are read from the last judged hour on; more than 15 weeks are not kept.
    let from = last.div_euclid(3600).min(now - AGAIN).max(now - 15 * 168);
    let left_out = left_out(tx, counted, from)?;
    for (hour, attempted, failed) in flows(tx, from, now)? {
        let failed = without(hour, failed, &left_out);
        judge.amend(&Sample { time: hour * 3600, attempted, failed, ..Sample::default() });
    }
    Ok(())
}

/// New failures by hour whose signature is suppressed now.
fn left_out(tx: &mut Tx<'_>, counted: &Counted, from: i64) -> Result<BTreeMap<i64, f64>, StateError> {
    let mut sums = BTreeMap::new();
    for short in &counted.suppressed {
        let sql = "SELECT hour, CAST(SUM(value) AS BIGINT) FROM sample
            WHERE figure = ?1 AND hour >= ?2 GROUP BY hour";
        for row in tx.query(sql, values![format!("{FAILED}:{short}"), from])? {
            *sums.entry(row.int(0)).or_default() += number(row.int(1));
        }
    }
    Ok(sums)
}

fn without(hour: i64, failed: Option<f64>, left_out: &BTreeMap<i64, f64>) -> Option<f64> {
    failed.map(|failed| (failed - left_out.get(&hour).copied().unwrap_or(0.0)).max(0.0))
}

/// Attempts and failures of each hour from `from` up to but not including `to`.
fn flows(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Vec<Flow>, StateError> {
    let sql = "SELECT hour, CAST(SUM(CASE WHEN figure = 'attempted' THEN value END) AS BIGINT),
            CAST(SUM(CASE WHEN figure = 'failed' THEN value END) AS BIGINT)
        FROM sample WHERE figure IN ('attempted', 'failed') AND hour >= ?1 AND hour < ?2
        GROUP BY hour ORDER BY hour";
    let rows = tx.query(sql, values![from, to])?;
    Ok(rows.iter().map(|row| (row.int(0), row.opt_int(1).map(number), row.opt_int(2).map(number))).collect())
}

/// An hour, with its numbers of attempts and failures.
type Flow = (i64, Option<f64>, Option<f64>);

fn sample(tx: &mut Tx<'_>, judge: &Judge, counted: &Counted) -> Result<Sample, StateError> {
    let now = tx.now()?;
    let hour = now.div_euclid(HOUR);
    let (_, attempted, failed) = flows(tx, hour, hour + 1)?.pop().unwrap_or((hour, None, None));
    let failed = without(hour, failed, &left_out(tx, counted, hour)?);
    let mut signatures: Vec<(String, f64)> =
        counted.signatures.iter().map(|one| (one.short.clone(), number(one.failing))).collect();
    // A signature without failing packages is not counted, and has ended.
    let ended = judge.signatures().filter(|(id, value)| *value > 0.0 && !counted.has(id));
    signatures.extend(ended.map(|(id, _)| (id.to_owned(), 0.0)));
    Ok(Sample {
        time: now.div_euclid(1000),
        failing: Some(number(counted.failing_only())),
        parked: Some(number(counted.parked)),
        attempted,
        failed,
        signatures,
    })
}

fn context(tx: &mut Tx<'_>, counted: &Counted) -> Result<Context, StateError> {
    let mut breakers = breaker::list(tx)?;
    // While jobs return, their breaker is closed and still the reason. No import fails because of a remote.
    breakers.retain(|it| (it.open || it.parked > 0) && !remotes::is_of_remote(&it.name));
    breakers.sort_by_key(|it| (std::cmp::Reverse(it.parked), it.since));
    let breakers = breakers.into_iter().map(|it| Breaker {
        name: it.name,
        since: it.since.div_euclid(1000),
        cause: it.cause.as_deref().map(said),
    });
    Ok(Context {
        drained: Some(meta::number(tx, meta::FILLED)?.is_some()),
        breakers: breakers.collect(),
        labels: BTreeMap::new(),
        young: None,
        suppressed: counted.suppressed.iter().cloned().collect(),
    })
}

/// Looks up causes when they are asked for: the message of a signature's newest failure.
struct Newest<'a, 'b> {
    tx: &'a mut Tx<'b>,
    counted: &'a Counted,
    error: Option<StateError>,
}

impl Newest<'_, '_> {
    fn first(&mut self, sql: &str, values: &[crate::driver::Value]) -> Option<crate::driver::Row> {
        match self.tx.first(sql, values) {
            Ok(row) => row,
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }
}

impl Causes for Newest<'_, '_> {
    fn label(&mut self, id: &str) -> Option<String> {
        let at = self.counted.signatures.binary_search_by(|one| one.short.as_str().cmp(id)).ok()?;
        let signature = self.counted.signatures.get(at)?;
        let sql = "SELECT f.message FROM failure f JOIN signature s ON s.id = f.signature_id
            WHERE s.short = ?1 ORDER BY f.since DESC LIMIT 1";
        Some(match self.first(sql, values![id]) {
            Some(row) => signature.label_of(&row.text(0)),
            None => signature.label(),
        })
    }

    fn newly_failed(&mut self) -> Option<(String, f64)> {
        let hour = self.tx.now().ok()?.div_euclid(HOUR);
        let sql = "SELECT figure, CAST(SUM(value) AS BIGINT) AS failed,
                (SELECT CAST(SUM(value) AS BIGINT) FROM sample
                    WHERE figure >= 'failed:' AND figure < 'failed;' AND hour > ?1 AND hour <= ?2)
            FROM sample WHERE figure >= 'failed:' AND figure < 'failed;' AND hour > ?1 AND hour <= ?2
            GROUP BY figure ORDER BY failed DESC, figure LIMIT 1";
        let row = self.first(sql, values![hour - 24, hour])?;
        let (failed, all) = (number(row.int(1)), number(row.int(2)));
        let id = row.text(0).strip_prefix("failed:")?.to_owned();
        (failed >= 1.0 && !self.counted.suppressed.contains(&id)).then_some((id, failed / all.max(1.0)))
    }
}

/// Last error of a dependency, without the code in front of it.
fn said(cause: &str) -> String {
    let rest = cause.split_once(": ").filter(|(code, _)| code.contains('/') && !code.contains(' '));
    baseline::concise(rest.map_or(cause, |(_, rest)| rest))
}

/// Says that more fails than normally does, or does no more. What is parked is an outage, which is told as such.
fn tell(tx: &mut Tx<'_>, verdict: &Verdict) -> Result<(), StateError> {
    let level = match verdict.state {
        State::Warning => Level::Warning,
        State::Critical => Level::Critical,
        State::Ok => {
            let text = verdict.text.as_str();
            return notices::end(tx, texts::ALERT, &[], |_| format!("as normal again: {text}"));
        }
        _ => return Ok(()),
    };
    if verdict.outage { Ok(()) } else { notices::begin(tx, &texts::alert(level, &verdict.text)) }
}

/// Writes the verdicts on the whole.
fn write(tx: &mut Tx<'_>, now: i64, counted: &Counted, verdict: &Verdict) -> Result<(), StateError> {
    let limits = verdict.stock.as_ref().map(|stock| stock.limits).unwrap_or_default();
    put(
        tx,
        &Row {
            figure: FAILING.into(),
            at: now,
            state: verdict.state,
            since: verdict.since,
            value: counted.failing_only() + counted.parked,
            limits: (limits.warning, limits.critical),
            text: verdict.text.clone(),
            detail: json(verdict)?,
        },
    )?;
    let Some(flow) = &verdict.flow else { return Ok(()) };
    put(tx, &flow_row(now, flow)?)
}

fn flow_row(now: i64, flow: &Judged) -> Result<Row, StateError> {
    Ok(Row {
        figure: FAILED.into(),
        at: now,
        state: flow.state,
        since: flow.since,
        value: whole(flow.value),
        limits: (flow.limits.warning, flow.limits.critical),
        text: format!("{:.0} failed in 24 h, normally {:.0}", flow.value, flow.normal),
        detail: json(flow)?,
    })
}

/// A row of `verdict`. `at` is in milliseconds, `since` in seconds.
struct Row {
    figure: String,
    at: i64,
    state: State,
    since: Option<i64>,
    value: i64,
    limits: (Option<u64>, Option<u64>),
    text: String,
    detail: String,
}

fn put(tx: &mut Tx<'_>, row: &Row) -> Result<(), StateError> {
    let since = row.since.map(|since| since * 1000);
    things::verdict(tx, &row.figure, (row.state.as_str(), since), (row.value, &row.text))?;
    tx.execute(
        "INSERT INTO verdict (figure, at, state, since, value, warn, crit, text, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (figure) DO UPDATE SET at = excluded.at, state = excluded.state, since = excluded.since,
            value = excluded.value, warn = excluded.warn, crit = excluded.crit, text = excluded.text,
            detail = excluded.detail",
        values![
            &row.figure,
            row.at,
            row.state.as_str(),
            row.since.map(|since| since * 1000),
            row.value,
            row.limits.0,
            row.limits.1,
            &row.text,
            &row.detail
        ],
    )?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, StateError> {
    serde_json::to_string(value)
        .map_err(|error| StateError::Refused(format!("cannot write down a verdict: {error}")))
}

/// Counts are far below 2^53, where both casts are exact.
#[allow(clippy::cast_precision_loss)]
fn number(count: i64) -> f64 {
    count as f64
}

#[allow(clippy::cast_possible_truncation)]
fn whole(value: f64) -> i64 {
    value.round() as i64
}
