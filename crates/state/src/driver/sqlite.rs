//! SQLite: one file, one writing connection a process.

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, StatementStatus, ToSql, params_from_iter};

use super::held::{self, Held};
use super::{Driver, Kind, Mode, Row, Value};
use crate::error::DbError;

/// Time after which a thread that waits for another writer reports it, and the longest single wait. SQLite's own busy
/// handler sleeps up to 100 ms between tries, so that the thread that has waited longest gets the lock last.
const BUSY: Duration = Duration::from_secs(2);
const NAP: Duration = Duration::from_micros(500);

/// Statements that stay compiled.
const STATEMENTS: usize = 128;

/// Readable for the group, so that a monitoring system needs no more than membership in it.
const FILE_MODE: u32 = 0o640;

/// A connection to a file.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    steps: i64,
}

impl Sqlite {
    /// Opens a file, and creates it if `create` is true.
    pub fn open(path: &Path, create: bool) -> Result<Sqlite, DbError> {
        if create {
            make(path)?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_handler(Some(wait))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // At a power failure the last transactions may be lost, never the file: importing again finds the work done.
        connection.pragma_update(None, "synchronous", "normal")?;
        crate::db::wal::keep_wal(&connection)?;
        let sqlite = Sqlite { connection, path: path.to_owned(), steps: 0 };
        sqlite.fix_modes();
        Ok(sqlite)
    }

    /// Opens a file without the right to change it. The log beside it is kept and read, as in any other connection.
    pub fn open_to_read(path: &Path) -> Result<Sqlite, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_handler(Some(wait))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        crate::db::wal::keep_wal(&connection)?;
        Ok(Sqlite { connection, path: path.to_owned(), steps: 0 })
    }

    /// A consistent copy of everything, although others write. In one step: a copy in steps starts over each time that
    /// another connection has written, and would never end on a busy installation. Writers do not wait for it.
    pub fn copy_to(&self, target: &Path) -> Result<(), DbError> {
        make(target)?;
        let mut copy = Connection::open(target)?;
        let backup = rusqlite::backup::Backup::new(&self.connection, &mut copy)?;
        backup.run_to_completion(i32::MAX, Duration::from_millis(50), None)?;
        drop(backup);
        drop(copy);
        single_file(target)
    }

    /// Begins or ends a transaction, by a statement that stays compiled.
    fn step(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.raw_execute().map(drop)
    }

    /// Adds the process that has locked the file to an error's text, because it may have to be ended.
    fn with_holder(&self, text: String) -> String {
        let files = ["", "-shm"].map(|ending| beside(&self.path, ending));
        let holder = files.iter().find_map(|file| bounded::lock::holder_of_records(file));
        let ours = i32::try_from(std::process::id()).unwrap_or(0);
        match holder.filter(|holder| holder.pid != ours) {
            Some(holder) => format!("{text}: {holder} has locked it"),
            None => text,
        }
    }

    /// Whatever the umask was when SQLite made them.
    fn fix_modes(&self) {
        for ending in ["", "-wal", "-shm"] {
            let path = beside(&self.path, ending);
            if fs::metadata(&path).is_ok_and(|it| it.permissions().mode() & 0o777 != FILE_MODE) {
                // A file of another user keeps its owner's mode.
                let _ = fs::set_permissions(&path, fs::Permissions::from_mode(FILE_MODE));
            }
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        crate::db::wal::before_close(&self.connection, &beside(&self.path, "-wal"));
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Called while another connection writes; `count` is the number of earlier calls.
fn wait(count: i32) -> bool {
    std::thread::sleep(NAP);
    u128::try_from(count).unwrap_or(0) * NAP.as_micros() < BUSY.as_micros()
}

/// Makes a database one file, without a log beside it, and checks whether it is sound.
pub(crate) fn single_file(path: &Path) -> Result<(), DbError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "delete")?;
    check(&connection)
}

/// Checks that a file is a sound database. The file is not changed.
pub fn check_file(path: &Path) -> Result<(), DbError> {
    check(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

/// Examines a database that others work on: `ok`, or the first error. Indexes are not compared with their tables,
/// which would take minutes where this takes seconds.
pub(crate) fn quick_check(path: &Path) -> Result<String, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait))?;
    crate::db::wal::keep_wal(&connection)?;
    match connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)) {
        Ok(found) => Ok(found),
        // A page that cannot be parsed at all gives an error, not a result.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => Ok(error.to_string()),
        Err(error) => Err(error.into()),
    }
}

fn check(connection: &Connection) -> Result<(), DbError> {
    let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(DbError::Damaged(said)) }
}

fn make(path: &Path) -> Result<(), DbError> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|error| DbError::Other(format!("cannot create {}: {error}", folder.display())))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(FILE_MODE)
        .open(path)
        .map(drop)
        .map_err(|error| DbError::Other(format!("cannot create {}: {error}", path.display())))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DbError::Busy(error.to_string()),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => DbError::Damaged(error.to_string()),
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory,
            ) => DbError::Unable(error.to_string()),
            Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                DbError::Denied(error.to_string())
            }
            _ => DbError::Other(error.to_string()),
        }
    }
}

/// A single writer needs no row locks.
fn plain(sql: &str) -> Cow<'_, str> {
    match sql.contains("@LOCK") {
        true => Cow::Owned(sql.replace("@LOCK_SKIP", "").replace("@LOCK", "")),
        false => Cow::Borrowed(sql),
    }
}

fn value(of: ValueRef<'_>) -> Value {
    match of {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Int(value as i64),
        // Valid texts, which are nearly all, are not looked at character by character.
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Value::Text(match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        }),
    }
}

impl Driver for Sqlite {
    fn kind(&self) -> Kind {
        Kind::Sqlite
    }

    fn begin(&mut self, mode: Mode) -> Result<(), DbError> {
        // A transaction that reads first and writes later would fail where this one waits.
        let sql = if mode == Mode::Write { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.step(sql).map_err(|error| match DbError::from(error) {
            DbError::Busy(text) => DbError::Busy(self.with_holder(text)),
            other => other,
        })
    }

    fn commit(&mut self) -> Result<(), DbError> {
        Ok(self.step("COMMIT")?)
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        let mut statement = self.connection.prepare_cached(&plain(sql))?;
        let written = statement.execute(params_from_iter(values))?;
        self.steps += i64::from(statement.reset_status(StatementStatus::VmStep));
        Ok(written as u64)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        let mut statement = self.connection.prepare_cached(&plain(sql))?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Row((0..columns)
                .map(|column| Ok(value(row.get_ref(column)?)))
                .collect::<Result<_, rusqlite::Error>>()?));
        }
        drop(rows);
        self.steps += i64::from(statement.reset_status(StatementStatus::VmStep));
        Ok(found)
    }

    fn may_be_left(&self) -> bool {
        crate::db::wal::is_short(&beside(&self.path, "-wal"))
    }

    fn steps(&self) -> i64 {
        self.steps
    }

    fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.connection.execute_batch(sql)?;
        // Tables may be others now. And the statements about a time that was looked at, which are long, are not asked again.
        self.connection.flush_prepared_statement_cache();
        Ok(())
    }

    fn held(&mut self) -> Result<Vec<Held>, DbError> {
        Ok(held::of_file(&beside(&self.path, "-shm")))
    }

    fn now(&mut self) -> Result<i64, DbError> {
        Ok(milliseconds(SystemTime::now()))
    }

    fn dialect(&self, sql: &str) -> String {
        sql.replace("@ID", "INTEGER PRIMARY KEY AUTOINCREMENT").replace("@HOT", "")
    }
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
