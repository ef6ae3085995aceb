//! Keeping of the files that a reader needs.

use std::fs;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, DEFAULT_NAME, FileControl};

use crate::error::DbError;

/// Length in bytes to which `-wal` is cut when it begins anew while others are connected: its usual length by then.
const WAL_KEPT: i64 = 4 << 20;

/// Length of `-wal` in bytes from which on the last connection empties it: to write a page back costs more than to read
/// it again.
const WAL_LEFT: u64 = 256 << 10;

/// Keeps the files `-wal` and `-shm` when the last connection closes: a check that may only read cannot make them, and
/// could not open the database whenever the importer is idle.
pub(crate) fn keep_wal(connection: &Connection) -> Result<(), DbError> {
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection.file_control(DEFAULT_NAME, FileControl::PersistWal(&mut 1))?)
}

/// True when `-wal` is short enough to stay when the last connection closes.
pub(crate) fn is_short(wal: &Path) -> bool {
    fs::metadata(wal).is_ok_and(|it| it.len() <= WAL_LEFT)
}

/// Called before a connection closes. Whatever stays in `-wal` is read by each program that opens the file later, up
/// to megabytes; so the last connection empties it, unless it is short.
pub(crate) fn before_close(connection: &Connection, wal: &Path) {
    if !is_short(wal) {
        // An error here is harmless: a later connection empties it.
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
    }
}
