//! Integrity of the database: examined once a day at most by the importer. The result is stored for the checks, which
//! must not examine it themselves.

use crate::db::meta;
use crate::db::store::Store;
use crate::db::tx::{HOUR, Tx};
use crate::driver::{self, Kind};
use crate::error::StateError;

/// Milliseconds between two examinations.
const EVERY: i64 = 24 * HOUR;

/// Result that is stored for a PostgreSQL server, which is not examined: its integrity is the server's own business.
pub const SERVER: &str = "server";

/// Examines the database if that was not done for a day. It is read on a connection of its own, so that nobody waits
/// for it. Returns the result, if it was done.
pub fn examine_if_due(store: &Store) -> Result<Option<String>, StateError> {
    let is_due = |tx: &mut Tx<'_>| {
        let (now, last) = (tx.now()?, meta::number(tx, meta::INTEGRITY_AT)?);
        Ok(last.is_none_or(|last| now - last >= EVERY || last > now))
    };
    if !store.read(is_due)? {
        return Ok(None);
    }
    let found = match (store.kind(), store.path()) {
        (Kind::Sqlite, Some(path)) => driver::sqlite::quick_check(&path)?,
        _ => SERVER.to_owned(),
    };
    store.write(|tx| {
        let now = tx.now()?;
        meta::set(tx, meta::INTEGRITY, &found)?;
        meta::set(tx, meta::INTEGRITY_AT, &now.to_string())
    })?;
    Ok(Some(found))
}
