//! Marks in a database during a move, so that no program works with half of a state or with an old one.

use crate::db::meta;
use crate::db::store::Store;
use crate::error::StateError;

/// Marks a state as incomplete: it refuses to be opened until [`complete`] is called.
pub fn begin(target: &Store, from: &str) -> Result<(), StateError> {
    target.write(|tx| meta::set(tx, meta::INCOMING, from))
}

/// Takes that mark away.
pub fn complete(target: &Store) -> Result<(), StateError> {
    target.write(|tx| meta::remove(tx, meta::INCOMING))
}

/// Opens a moved state for use: in a new epoch, so that no token from the old place is valid.
pub fn arrive(target: &Store, actor: &str, action: &str, from: &str) -> Result<i64, StateError> {
    target.write(|tx| {
        let epoch = meta::begin_epoch(tx, 0)?;
        meta::remove(tx, meta::INCOMING)?;
        meta::remove(tx, meta::HOME)?;
        let after = format!("epoch {epoch}");
        crate::audit::record(tx, actor, action, "state", Some(from), None, Some(&after))?;
        Ok(epoch)
    })
}

/// Refuses to move a state that is in use.
pub fn check_idle(store: &Store) -> Result<(), StateError> {
    store.read(|tx| {
        let sql = "SELECT r.id, h.name, r.mode FROM run r JOIN host h ON h.id = r.host_id
            WHERE r.ended IS NULL ORDER BY r.id LIMIT 1";
        if let Some(row) = tx.first(sql, &[])? {
            let (run, host, mode) = (row.int(0), row.text(1), row.text(2));
            return Err(StateError::Refused(format!(
                "run {run} ({mode}) on {host} is open; stop it first (`package-import quiesce {host}`)"
            )));
        }
        if tx.first("SELECT 1 FROM job WHERE state = 'running' LIMIT 1", &[])?.is_some() {
            return Err(StateError::Refused("a job is running; wait until it has ended".into()));
        }
        Ok(())
    })
}

/// Marks a state as moved to another place: from now on it refuses to be opened.
pub fn leave(source: &Store, actor: &str, to: &str) -> Result<(), StateError> {
    check_idle(source)?;
    source.write(|tx| {
        if let Some(other) = meta::lock(tx, meta::MOVED_TO)?.filter(|other| other != to) {
            return Err(StateError::Foreign(moved(&other)));
        }
        // A run may have begun since the check.
        if tx.first("SELECT 1 FROM run WHERE ended IS NULL LIMIT 1", &[])?.is_some() {
            return Err(StateError::Refused("a run has just begun; stop it first".into()));
        }
        meta::set(tx, meta::MOVED_TO, to)?;
        crate::audit::record(tx, actor, "migrate", "state", None, None, Some(to))
    })
}

/// Takes the mark of [`leave`] away.
pub fn stay(source: &Store, actor: &str, reason: &str) -> Result<(), StateError> {
    source.write(|tx| {
        let Some(to) = meta::lock(tx, meta::MOVED_TO)? else {
            return Err(StateError::Refused("this state was not moved".into()));
        };
        meta::remove(tx, meta::MOVED_TO)?;
        crate::audit::record(tx, actor, "stay", "state", Some(reason), Some(&to), None)
    })
}

/// Message about a state that was moved.
pub fn moved(to: &str) -> String {
    format!(
        "the state was moved to {to}; set [state] url to that in config.toml, or take the move back with \
         `package-import migrate --undo`"
    )
}

/// Refuses a database that contains only half of a state, or a state that was moved away.
pub(crate) fn check_whole(store: &Store) -> Result<(), StateError> {
    let (moved_to, incoming) =
        store.read(|tx| Ok((meta::get(tx, meta::MOVED_TO)?, meta::get(tx, meta::INCOMING)?)))?;
    if let Some(from) = incoming {
        return Err(StateError::Foreign(format!(
            "the state is not complete: its transfer from {from} was interrupted; run the same command again"
        )));
    }
    moved_to.map_or(Ok(()), |to| Err(StateError::Foreign(moved(&to))))
}
