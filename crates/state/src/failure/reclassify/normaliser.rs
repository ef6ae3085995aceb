//! Signatures anew, after the rule has changed by which messages are normalised.
//!
//! Each failure gets the signature that its message has by the new rule; the old signature becomes an alias, and the
//! figures that were sampled for it become those of the new one. So an operator's id goes on to work, and no baseline
//! sees a surge that is none. Done in chunks, and it goes on where it was cut off.

use crate::db::store::Store;
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::failure::signature;
use crate::values;
use crate::words::Class;

/// A rule: message, package and version give the text of a signature.
pub type Normalise<'a> = &'a dyn Fn(&str, &str, Option<&str>) -> String;

/// Failures in one transaction: each writes up to six rows.
const FAILURES: i64 = 30;
/// Samples of each of two figures in one transaction: each writes two rows.
const SAMPLES: i64 = 45;

/// Brings all signatures to this program's rule. Has to be done before the next sample is taken; costs one query if
/// there is nothing to do. Returns how many became aliases.
pub fn all(store: &Store) -> Result<usize, StateError> {
    all_by(store, signature::NORMALISER, &signature::normalise)
}

/// The same for any rule.
pub fn all_by(store: &Store, version: i64, rule: Normalise<'_>) -> Result<usize, StateError> {
    let mut aliases = 0;
    loop {
        let sql = "SELECT id, short, stage, code, example, class, alias_of FROM signature
            WHERE normaliser < ?1 ORDER BY id LIMIT 1";
        let Some(old) = store.read(|tx| tx.first(sql, values![version]))? else { return Ok(aliases) };
        // First, while its failures still name it; found again if this is interrupted.
        let new = match old.opt_int(6) {
            Some(new) => new,
            None => store.write(|tx| appoint(tx, &old, version, rule))?,
        };
        while store.write(|tx| move_failures(tx, &old, version, rule))? {}
        if new != old.int(0) {
            aliases += 1;
            while store.write(|tx| move_samples(tx, &old, new))? {}
        }
        store.write(|tx| close(tx, old.int(0), new, version))?;
    }
}

/// Gives some failures of an old signature their new ones. Returns whether some were moved.
fn move_failures(tx: &mut Tx<'_>, old: &Row, version: i64, rule: Normalise<'_>) -> Result<bool, StateError> {
    let sql = "SELECT f.package_id, p.name, f.message, f.version, f.state, f.attempt_id,
            CASE WHEN j.state = 'parked' THEN 1 ELSE 0 END
        FROM failure f JOIN package p ON p.id = f.package_id LEFT JOIN job j ON j.package_id = f.package_id
        WHERE f.signature_id = ?1 ORDER BY f.package_id LIMIT ?2";
    let rows = tx.query(sql, values![old.int(0), FAILURES])?;
    let mut moved = false;
    for row in &rows {
        let text = rule(&row.text(2), &row.text(1), row.opt_text(3).as_deref());
        let new = find_or_make(tx, old, &row.text(2), &text, version)?;
        if new == old.int(0) {
            continue;
        }
        let (package, is_parked) = (row.int(0), row.flag(6));
        crate::failure::current::count_failure(tx, package, old.int(0), &row.text(4), -1)?;
        if is_parked {
            crate::failure::current::count_parked(tx, package, -1)?;
        }
        tx.execute("UPDATE failure SET signature_id = ?2 WHERE package_id = ?1", values![package, new])?;
        tx.execute("UPDATE attempt SET signature_id = ?2 WHERE id = ?1", values![row.int(5), new])?;
        crate::failure::current::count_failure(tx, package, new, &row.text(4), 1)?;
        if is_parked {
            crate::failure::current::count_parked(tx, package, 1)?;
        }
        moved = true;
    }
    Ok(moved)
}

/// The signature of a text by the new rule. A new one inherits what operators decided about the old.
fn find_or_make(
    tx: &mut Tx<'_>,
    old: &Row,
    message: &str,
    text: &str,
    version: i64,
) -> Result<i64, StateError> {
    let (stage, code) = (old.text(2), old.text(3));
    if signature::short_id(&stage, &code, text) == old.text(1) {
        return Ok(old.int(0));
    }
    let class: Class = old.text(5).parse().unwrap_or(Class::Unknown);
    let new = signature::record(tx, (&stage, &code, class), message, text)?;
    tx.execute(
        "UPDATE signature SET normaliser = ?3,
            first_seen = CASE WHEN signature.first_seen < o.seen THEN signature.first_seen ELSE o.seen END,
            policy = COALESCE(signature.policy, o.old_policy), note = COALESCE(signature.note, o.old_note),
            bug = COALESCE(signature.bug, o.old_bug)
         FROM (SELECT first_seen AS seen, policy AS old_policy, note AS old_note, bug AS old_bug FROM signature
            WHERE id = ?2) AS o
         WHERE id = ?1",
        values![new.id, old.int(0), version],
    )?;
    Ok(new.id)
}

/// Finds the new id of an old signature, and makes the old one an alias: from one of its failures, else from one of
/// its attempts, else from its example, whose package is not known.
fn appoint(tx: &mut Tx<'_>, old: &Row, version: i64, rule: Normalise<'_>) -> Result<i64, StateError> {
    let failure = "SELECT f.message, p.name, f.version FROM failure f JOIN package p ON p.id = f.package_id
        WHERE f.signature_id = ?1 ORDER BY f.package_id LIMIT 1";
    let attempt = "SELECT a.message, p.name, NULL FROM attempt a JOIN package p ON p.id = a.package_id
        WHERE a.signature_id = ?1 ORDER BY a.id DESC LIMIT 1";
    let mut known = tx.first(failure, values![old.int(0)])?;
    if known.is_none() {
        known = tx.first(attempt, values![old.int(0)])?;
    }
    let known = known.unwrap_or_else(|| Row(values![old.text(4), "", None::<i64>].to_vec()));
    let text = rule(&known.text(0), &known.text(1), known.opt_text(2).as_deref());
    let new = find_or_make(tx, old, &known.text(0), &text, version)?;
    if new != old.int(0) {
        tx.execute("UPDATE signature SET alias_of = ?2 WHERE id = ?1", values![old.int(0), new])?;
    }
    Ok(new)
}

/// Adds some figures of an old signature to those of the new one. Returns whether there were any.
fn move_samples(tx: &mut Tx<'_>, old: &Row, new: i64) -> Result<bool, StateError> {
    let Some(short) = tx.first("SELECT short FROM signature WHERE id = ?1", values![new])? else {
        return Ok(false);
    };
    let mut moved = false;
    for kind in ["signature:", "failed:"] {
        moved |= move_figure(tx, &format!("{kind}{}", old.text(1)), &format!("{kind}{}", short.text(0)))?;
    }
    Ok(moved)
}

fn move_figure(tx: &mut Tx<'_>, from: &str, to: &str) -> Result<bool, StateError> {
    let sql = "SELECT hour, shard, value FROM sample WHERE figure = ?1 ORDER BY hour, shard LIMIT ?2";
    let rows = tx.query(sql, values![from, SAMPLES])?;
    for row in &rows {
        tx.execute(
            "INSERT INTO sample (figure, hour, shard, value) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (figure, hour, shard) DO UPDATE SET value = sample.value + excluded.value",
            values![to, row.int(0), row.int(1), row.int(2)],
        )?;
        let sql = "DELETE FROM sample WHERE figure = ?1 AND hour = ?2 AND shard = ?3";
        tx.execute(sql, values![from, row.int(0), row.int(1)])?;
    }
    Ok(!rows.is_empty())
}

/// Notes that an old signature is done; older aliases of it point to the new one, so that one step always suffices.
fn close(tx: &mut Tx<'_>, old: i64, new: i64, version: i64) -> Result<(), StateError> {
    let alias = (old != new).then_some(new);
    tx.execute(
        "UPDATE signature SET normaliser = ?2, alias_of = ?3 WHERE id = ?1",
        values![old, version, alias],
    )?;
    if alias.is_some() {
        crate::verdicts::merge(tx, old, new)?;
        tx.execute("UPDATE signature SET alias_of = ?2 WHERE alias_of = ?1", values![old, new])?;
    }
    Ok(())
}
