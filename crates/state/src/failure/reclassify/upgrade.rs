//! Retries after this program was upgraded: persistent failures are tried again, a few first, the others
//! only if the first ones succeed more often.

use source_package::version::Version;

use crate::audit;
use crate::db::meta;
use crate::db::store::Store;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::retry_batch;
use crate::values;
use crate::words::{FailureState, Lane};

/// Members added in one transaction.
const CHUNK: i64 = 100;

/// A batch that is not complete yet: no run moves it on.
const MAKING: &str = "making";

/// Makes a batch of all failing packages if this program is newer than the newest that the state has seen. It is done
/// once, by the first host, and goes on after an interruption. Returns the number of the batch.
pub fn retry_failing(store: &Store, version: &str, canary: i64) -> Result<Option<i64>, StateError> {
    loop {
        match store.write(|tx| step(tx, version, canary))? {
            Progress::More => {}
            Progress::Done(batch) => return Ok(batch),
        }
    }
}

enum Progress {
    More,
    Done(Option<i64>),
}

fn step(tx: &mut Tx<'_>, version: &str, canary: i64) -> Result<Progress, StateError> {
    let Some(known) = meta::lock(tx, meta::IMPORTER)? else {
        meta::set(tx, meta::IMPORTER, version)?;
        return Ok(Progress::Done(None));
    };
    if !is_newer(version, &known) {
        return Ok(Progress::Done(None));
    }
    let selector = format!("failing, when {version} replaced {known}");
    let sql = "SELECT id FROM batch WHERE state = 'making' AND selector = ?1 ORDER BY id LIMIT 1";
    let id = match tx.first(sql, values![&selector])? {
        Some(row) => row.int(0),
        None => {
            let reason = Some("a newer program may import what the older could not");
            let id = retry_batch::begin(tx, "package-import", &selector, reason, canary)?;
            tx.execute("UPDATE batch SET state = ?2 WHERE id = ?1", values![id, MAKING])?;
            id
        }
    };
    let sql = "SELECT f.package_id FROM failure f JOIN package p ON p.id = f.package_id
        WHERE f.state = ?1 AND p.held = 0 AND f.package_id >
            COALESCE((SELECT MAX(m.package_id) FROM batch_member m WHERE m.batch_id = ?2), 0)
        ORDER BY f.package_id LIMIT ?3";
    let rows = tx.query(sql, values![FailureState::Failing.as_str(), id, CHUNK])?;
    let packages: Vec<i64> = rows.iter().map(|row| row.int(0)).collect();
    if !packages.is_empty() {
        retry_batch::add(tx, id, &packages)?;
        return Ok(Progress::More);
    }
    finish(tx, id, (version, &known), canary)
}

/// Starts the batch, and records that this version has had its retry.
fn finish(
    tx: &mut Tx<'_>,
    id: i64,
    (version, known): (&str, &str),
    canary: i64,
) -> Result<Progress, StateError> {
    meta::set(tx, meta::IMPORTER, version)?;
    let total = retry_batch::get(tx, id)?.total;
    if total == 0 {
        tx.execute("UPDATE batch SET state = 'done' WHERE id = ?1", values![id])?;
        return Ok(Progress::Done(None));
    }
    let state = if canary > 0 { "canary" } else { "all" };
    tx.execute("UPDATE batch SET state = ?2 WHERE id = ?1", values![id, state])?;
    retry_batch::release(tx, id, canary.clamp(0, 30), Lane::Retry)?;
    let after = format!("batch {id}: {total} packages, {canary} of them first");
    audit::record(
        tx,
        "package-import",
        "retry-failing",
        "importer",
        Some("this program is newer"),
        Some(known),
        Some(&after),
    )?;
    Ok(Progress::Done(Some(id)))
}

/// While hosts are upgraded one after the other, the older ones must not start a batch at each of their starts.
fn is_newer(ours: &str, known: &str) -> bool {
    match (Version::new(ours), Version::new(known)) {
        (Ok(ours), Ok(known)) => ours > known,
        _ => false,
    }
}
