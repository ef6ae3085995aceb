//! What a database says about itself: names and values in the table `meta`.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// Rises with each restore, migration and adoption: tokens from before are void.
pub const EPOCH: &str = "epoch";
/// Where the state has gone; nobody may write here any more.
pub const MOVED_TO: &str = "moved_to";
/// Where a state comes from that is not complete yet.
pub const INCOMING: &str = "incoming";
/// Where the file lives: see [`crate::fleet::identity`].
pub const HOME: &str = "home";
/// When the state in the last good backup was copied, in milliseconds.
pub const LAST_BACKUP: &str = "last_backup";
/// What was found when the database was examined: see [`crate::db::integrity`].
pub const INTEGRITY: &str = "integrity";
/// When that was, in milliseconds.
pub const INTEGRITY_AT: &str = "integrity_at";
/// How far pruning has come.
pub const PRUNED: &str = "pruned";
/// Since when what was so at a time is kept, in milliseconds.
pub const PAST_SINCE: &str = "past_since";
/// The newest program that has retried what older ones could not import.
pub const IMPORTER: &str = "importer";

/// What the rule of baselines remembers: see [`crate::verdicts`].
pub const BASELINE: &str = "baseline";

/// When everything that was asked for had been done for the first time.
pub const FILLED: &str = "filled";

/// What belongs to the database and not to the state in it.
pub const OF_THE_DATABASE: &[&str] =
    &["schema", "min_writer", "migrated", MOVED_TO, INCOMING, HOME, INTEGRITY, INTEGRITY_AT];

/// A value.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StateError> {
    Ok(tx.first("SELECT value FROM meta WHERE name = ?1", values![name])?.map(|row| row.text(0)))
}

/// A value; nobody else changes it before this transaction ends.
pub fn lock(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StateError> {
    Ok(tx.first("SELECT value FROM meta WHERE name = ?1 @LOCK", values![name])?.map(|row| row.text(0)))
}

/// A value that is a number.
pub fn number(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>, StateError> {
    Ok(get(tx, name)?.and_then(|text| text.parse().ok()))
}

/// Sets a value.
pub fn set(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<(), StateError> {
    tx.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        values![name, value],
    )?;
    Ok(())
}

/// Takes a value away.
pub fn remove(tx: &mut Tx<'_>, name: &str) -> Result<(), StateError> {
    tx.execute("DELETE FROM meta WHERE name = ?1", values![name])?;
    Ok(())
}

/// Begins an epoch above the present one and above `floor`. Returns it.
pub fn begin_epoch(tx: &mut Tx<'_>, floor: i64) -> Result<i64, StateError> {
    let now = lock(tx, EPOCH)?.and_then(|text| text.parse().ok()).unwrap_or(1);
    let next = now.max(floor) + 1;
    set(tx, EPOCH, &next.to_string())?;
    Ok(next)
}
