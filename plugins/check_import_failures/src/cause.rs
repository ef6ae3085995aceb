//! Cause of a jump that no sample has recorded yet. The importer names causes when it stores a sample, once an hour
//! while a run is open, and operators should not wait for that.

use baseline::{Live, Now, Verdict};
use plugin::views::Signature;
use plugin::{Database, Trouble, views};

/// The signatures that are read: those with most packages.
const LOOKED_AT: i64 = 10;
/// Percentage of the new failures from which on a cause is named.
const MAIN: i64 = 50;

/// Cause of most of the new failures.
pub struct Cause {
    /// The signature, by its short id.
    pub id: String,
    /// `97% rnbyej7 fetch/connect: archive unreachable`.
    pub text: String,
}

/// The cause, unless the line contains it already.
pub fn of_jump(
    database: &mut Database<'_>,
    verdict: &Verdict,
    live: &Live,
    found: &Now,
) -> Result<Option<Cause>, Trouble> {
    let Some(stock) = verdict.stock.as_ref().filter(|_| found.state.alerts()) else { return Ok(None) };
    let id = verdict.cause.as_deref().and_then(|cause| cause.split(' ').next());
    let is_named = id.is_some_and(|id| found.text.contains(id));
    let new = live.total() as f64 - stock.normal;
    if is_named || live.total() as f64 <= stock.value || found.text.contains("parked") || new < 1.0 {
        return Ok(None);
    }
    let mut leading: Option<(i64, Signature)> = None;
    for one in views::worst_signatures(database, LOOKED_AT)? {
        let before = views::verdict_value(database, &format!("signature:{}", one.short))?.unwrap_or(0);
        let grown = one.failing - before;
        if leading.as_ref().is_none_or(|(most, _)| grown > *most) {
            leading = Some((grown, one));
        }
    }
    let named = leading.map(|(grown, one)| ((100.0 * grown as f64 / new).min(100.0) as i64, one));
    let Some((share, one)) = named.filter(|(share, _)| *share >= MAIN) else { return Ok(None) };
    let said = views::newest_message(database, &one.short)?;
    let label = said.map_or(one.label, |said| format!("{}: {}", one.name, baseline::concise(&said)));
    Ok(Some(Cause { text: format!("{share}% {} {label}", one.short), id: one.short }))
}
