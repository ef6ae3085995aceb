//! The one call that SQLite's binding has no safe form of.

use rusqlite::{Connection, ffi};

use crate::error::DbError;

/// Keeps the files `-wal` and `-shm` when the last connection closes: a check that may only read cannot make them, and
/// could not open the database whenever the importer is idle.
#[allow(unsafe_code)]
pub(crate) fn keep_wal(connection: &Connection) -> Result<(), DbError> {
    let mut on: std::ffi::c_int = 1;
    // SAFETY: the handle is that of an open connection, which the borrow keeps open; a null name means the main
    // database; SQLITE_FCNTL_PERSIST_WAL reads and writes one C int behind the pointer, which lives until the call
    // is over.
    let code = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            std::ptr::null(),
            ffi::SQLITE_FCNTL_PERSIST_WAL,
            (&raw mut on).cast(),
        )
    };
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(DbError::Other(format!("cannot keep the -wal file (SQLite: {code})")))
    }
}
