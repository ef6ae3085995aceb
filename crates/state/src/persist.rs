//! Keeping what a reader needs.

use rusqlite::{Connection, DEFAULT_NAME, FileControl};

use crate::error::DbError;

/// To so many bytes `-wal` is cut when it begins anew while others are connected: as much as it has by then as a rule.
const WAL_KEPT: i64 = 4 << 20;

/// Keeps the files `-wal` and `-shm` when the last connection closes: a check that may only read cannot make them, and
/// could not open the database whenever the importer is idle. The last connection empties `-wal`: what stays in it is
/// read and written into the database again by each program that comes later, megabytes in the end.
pub(crate) fn keep_wal(connection: &Connection) -> Result<(), DbError> {
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT)?;
    Ok(connection.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut 1))?)
}
