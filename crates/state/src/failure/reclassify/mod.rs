//! Judging failures again: after a policy or a class was changed; after the rule of signatures has
//! changed ([`normaliser`]); after this program was upgraded ([`upgrade`]).

pub mod normaliser;
pub mod upgrade;

use crate::db::store::Store;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::failure::current::count_failure;
use crate::failure::retry_policy::{History, Retries};
use crate::job::hold;
use crate::job::transition::{self, Transition};
use crate::values;
use crate::words::{Class, FailureState, Policy};

/// Failures in one transaction: each writes up to six rows.
const CHUNK: i64 = 20;

/// Judges all failures with a signature again. Returns how many changed.
pub fn signature(store: &Store, signature: i64, retries: &Retries) -> Result<i64, StateError> {
    let (mut after, mut changed) = (0, 0);
    loop {
        let step = store.write(|tx| chunk(tx, signature, after, retries))?;
        match step {
            Some((last, some)) => {
                after = last;
                changed += some;
            }
            None => return Ok(changed),
        }
    }
}

fn chunk(
    tx: &mut Tx<'_>,
    signature: i64,
    after: i64,
    retries: &Retries,
) -> Result<Option<(i64, i64)>, StateError> {
    let sql = "SELECT f.package_id, f.class, f.state, f.in_row, f.attempt_id, s.policy FROM failure f
        JOIN signature s ON s.id = f.signature_id
        WHERE f.signature_id = ?1 AND f.package_id > ?2 ORDER BY f.package_id LIMIT ?3";
    let rows = tx.query(sql, values![signature, after, CHUNK])?;
    let mut changed = 0;
    for row in &rows {
        let package = row.int(0);
        let policy: Option<Policy> = row.opt_text(5).and_then(|word| word.parse().ok());
        let history = History {
            class: row.text(1).parse().unwrap_or(Class::Unknown),
            policy,
            in_row: row.int(3),
            recent: 0,
            // It is judged as if for the first time.
            was_failing: false,
        };
        let state = retries.judge(&history);
        if policy == Some(Policy::Hold) {
            hold::by_policy(tx, package)?;
        }
        if state.as_str() == row.text(2) || row.text(2) == FailureState::Wedged.as_str() {
            continue;
        }
        count_failure(tx, package, signature, &row.text(2), -1)?;
        tx.execute("UPDATE failure SET state = ?2 WHERE package_id = ?1", values![package, state.as_str()])?;
        count_failure(tx, package, signature, state.as_str(), 1)?;
        let due = tx.now()? + retries.pause(state, row.int(3), row.int(4));
        if let Some(job) = transition::lock(tx, package)? {
            transition::apply(tx, &job, Transition::Postpone { due })?;
        }
        changed += 1;
    }
    Ok(rows.last().map(|row| (row.int(0), changed)))
}
