//! Keeping what a reader needs.

use rusqlite::{Connection, DEFAULT_NAME, FileControl};

use crate::error::DbError;

/// Keeps the files `-wal` and `-shm` when the last connection closes: a check that may only read cannot make them, and
/// could not open the database whenever the importer is idle.
pub(crate) fn keep_wal(connection: &Connection) -> Result<(), DbError> {
    Ok(connection.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut 1))?)
}
