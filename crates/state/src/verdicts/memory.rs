//! Memory of the rule between two samples: one text in `meta`.

use baseline::{Judge, Saved, Settings, age};

use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// The memory, locked against other judges until this transaction ends.
pub fn lock(tx: &mut Tx<'_>) -> Result<Option<Saved>, StateError> {
    // A missing row cannot be locked.
    tx.execute("INSERT INTO meta (name, value) VALUES ('baseline', '') ON CONFLICT (name) DO NOTHING", &[])?;
    Ok(meta::lock(tx, meta::BASELINE)?.as_deref().and_then(read))
}

/// The judge; `None` if its memory is missing or was written by another rule.
pub fn load(tx: &mut Tx<'_>) -> Result<Option<Judge>, StateError> {
    let now = tx.now()?;
    Ok(lock(tx)?.and_then(|saved| usable(saved, now)))
}

/// The judge, for reading only; `None` if its memory is missing or was written by another rule.
pub fn look(tx: &mut Tx<'_>) -> Result<Option<Judge>, StateError> {
    let saved = meta::get(tx, meta::BASELINE)?.as_deref().and_then(read);
    let now = tx.now()?;
    Ok(saved.and_then(|saved| usable(saved, now)))
}

/// The judge of a memory, unless another rule wrote it, or its last sample is in the future: a clock was wrong.
fn usable(saved: Saved, now: i64) -> Option<Judge> {
    let judge = Judge::load(Settings::default(), saved)?;
    let last = judge.last().unwrap_or(i64::MIN).saturating_mul(1000);
    age::is_believed(now, last).then_some(judge)
}

/// True when there is a memory that this program's rule can use.
pub fn is_usable(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    Ok(look(tx)?.is_some())
}

/// Stores the memory.
pub fn store(tx: &mut Tx<'_>, judge: &Judge) -> Result<(), StateError> {
    meta::set(tx, meta::BASELINE, &super::json(&judge.save())?)
}

/// Makes the next sample rebuild the memory from the samples; operators' decisions stay.
pub fn forget(tx: &mut Tx<'_>) -> Result<(), StateError> {
    let Some(mut saved) = lock(tx)? else { return Ok(()) };
    saved.outdate();
    meta::set(tx, meta::BASELINE, &super::json(&saved)?)
}

/// Merges a signature into another, whose id its failures have now. Both are numbers of rows.
pub fn merge(tx: &mut Tx<'_>, old: i64, new: i64) -> Result<(), StateError> {
    let Some(mut judge) = load(tx)? else { return Ok(()) };
    let mut short = |id: i64| {
        let row = tx.first("SELECT short FROM signature WHERE id = ?1", values![id])?;
        Ok::<_, StateError>(row.map(|row| row.text(0)).unwrap_or_default())
    };
    let (old, new) = (short(old)?, short(new)?);
    judge.merge(&old, &new);
    store(tx, &judge)
}

/// A memory that cannot be read counts as missing: it is built again.
fn read(text: &str) -> Option<Saved> {
    serde_json::from_str(text).ok()
}
