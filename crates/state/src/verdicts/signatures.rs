//! Samples and verdicts of single signatures: of those that changed only, some at a time.

use std::collections::BTreeMap;

use baseline::{Judge, Leading, State};

use super::counted::{self, Counted};
use super::{Row, SIGNATURE, json, memory, put};
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::figures::sample;
use crate::outbox::{notices, texts};
use crate::past::things;
use crate::values;

/// Signatures in one transaction: each writes three rows at most.
const CHUNK: usize = 60;

/// Writes some of the signatures that have changed since they were last written. Returns true when there may be
/// more.
///
/// They are compared with the stored rows, not with earlier counts: if this is interrupted, the next sample goes on
/// with it.
pub fn write_some(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    let Some(judge) = memory::load(tx)? else { return Ok(false) };
    let counted = counted::count(tx)?;
    let sql = "SELECT figure, value, state, since FROM verdict WHERE figure LIKE 'signature:%'";
    let mut known: BTreeMap<String, (i64, String, Option<i64>)> = BTreeMap::new();
    for row in tx.query(sql, &[])? {
        let short = row.text(0).split_off(SIGNATURE.len());
        known.insert(short, (row.int(1), row.text(2), row.opt_int(3)));
    }
    let mut written = 0;
    for one in &counted.signatures {
        let leading = alert(&judge, &counted, &one.short);
        let state = if leading.is_some() { State::Warning } else { State::Ok };
        let since = leading.as_ref().and_then(|it| it.since).map(|since| since * 1000);
        let before = known.remove(&one.short);
        if before.is_some_and(|before| before == (one.failing, state.to_string(), since)) {
            continue;
        }
        if written == CHUNK {
            return Ok(true);
        }
        written += 1;
        sample::set(tx, &format!("{SIGNATURE}{}", one.short), one.failing)?;
        write(tx, &one.short, one.failing, &one.label(), leading.as_ref())?;
        tell(tx, one, leading.as_ref())?;
    }
    for short in known.keys() {
        if written == CHUNK {
            return Ok(true);
        }
        written += 1;
        let figure = format!("{SIGNATURE}{short}");
        sample::set(tx, &figure, 0)?;
        things::verdict(tx, &figure, (State::Ok.as_str(), None), (0, "none fails with it any more"))?;
        tx.execute("DELETE FROM verdict WHERE figure = ?1", values![&figure])?;
        notices::end(tx, &texts::surge_topic(short), &[], |_| {
            format!("{short}: nothing fails with it any more")
        })?;
    }
    Ok(false)
}

/// Says that far more fails with it than usual, or does no more.
fn tell(tx: &mut Tx<'_>, one: &counted::Signature, alert: Option<&Leading>) -> Result<(), StateError> {
    let (short, failing) = (&one.short, one.failing);
    match alert {
        Some(alert) => {
            let text =
                format!("{failing} packages fail with it, normally {:.0}: {}", alert.normal, one.label());
            notices::begin(tx, &texts::surge(short, &text))
        }
        None => notices::end(tx, &texts::surge_topic(short), &[], |_| {
            format!("{short}: {failing} packages fail with it, which does not alert any more")
        }),
    }
}

/// Its alert, unless nobody wants to hear of it.
fn alert(judge: &Judge, counted: &Counted, short: &str) -> Option<Leading> {
    judge.alerting(short).filter(|_| !counted.suppressed.contains(short))
}

fn write(
    tx: &mut Tx<'_>,
    short: &str,
    failing: i64,
    label: &str,
    alert: Option<&Leading>,
) -> Result<(), StateError> {
    let text = match alert {
        Some(alert) => format!("{failing} failing, normally {:.0}: {label}", alert.normal),
        None => format!("{failing} failing: {label}"),
    };
    let row = Row {
        figure: format!("{SIGNATURE}{short}"),
        at: tx.now()?,
        state: if alert.is_some() { State::Warning } else { State::Ok },
        since: alert.and_then(|alert| alert.since),
        value: failing,
        limits: (None, None),
        text,
        detail: json(&alert)?,
    };
    put(tx, &row)
}
