//! Facts about a database itself, as names and values in the table `meta`.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// Rises with each restore, migration and adoption: tokens from before are void.
pub const EPOCH: &str = "epoch";
/// Name of the database that the state was moved to. A state that has this entry must not be written any more.
pub const MOVED_TO: &str = "moved_to";
/// Name of the database that the state is being copied from. A state that has this entry is not complete yet.
pub const INCOMING: &str = "incoming";
/// Machine and path of the file: see [`crate::fleet::identity`].
pub const HOME: &str = "home";
/// Unix milliseconds at which the state in the last good backup was copied.
pub const LAST_BACKUP: &str = "last_backup";
/// Result of the last examination: see [`crate::db::integrity`].
pub const INTEGRITY: &str = "integrity";
/// Unix milliseconds of the last examination.
pub const INTEGRITY_AT: &str = "integrity_at";
/// Position that pruning has reached.
pub const PRUNED: &str = "pruned";
/// Since when what was so at a time is kept, in milliseconds.
pub const PAST_SINCE: &str = "past_since";
/// The newest program that has retried what older ones could not import.
pub const IMPORTER: &str = "importer";

/// Memory of the rule of baselines: see [`crate::verdicts`].
pub const BASELINE: &str = "baseline";

/// The fingerprint of the key with which hosts seal what they have verified, where they share no disk.
pub const KEY: &str = "key";
/// The remote that has the repositories, where hosts have them as a cache only.
pub const CACHE_OF: &str = "cache_of";

/// Unix milliseconds at which the queue was empty for the first time.
pub const FILLED: &str = "filled";

/// Entries that belong to the database and not to the state in it: they are not copied with the state.
pub const OF_THE_DATABASE: &[&str] =
    &["schema", "min_writer", "migrated", MOVED_TO, INCOMING, HOME, INTEGRITY, INTEGRITY_AT];

/// Value of an entry; `None` if there is no such entry.
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

/// Stores an entry, in place of an earlier one of that name.
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
