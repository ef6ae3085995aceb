//! Reading a database of SQLite without changing anything, whatever state its writer is in.
//!
//! In WAL mode even readers write: they create `-wal` and `-shm` files and mark in `-shm` what they read. Where the
//! folder is writable for the reader, it would leave files that the importer cannot open; where it is not, opening
//! fails just when the importer is idle. The writer therefore keeps both files when it closes (`PERSIST_WAL`), and a
//! reader finds one of these:
//!
//! - both files: it opens with `readonly_shm=1`, which never writes, not even as the owner of the files or after the
//!   writer was killed (it then reads the log into its own memory);
//! - none, or an empty log (as a reader of another program leaves it): nobody writes, so it opens with `immutable=1`,
//!   which takes no locks and creates nothing, and looks afterwards whether that was still true. If not, what it read
//!   is thrown away;
//! - anything else is a writer that is just starting or ending, or a damaged copy.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::io::{Error, ErrorKind, Read};
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use crate::trouble::Trouble;
use crate::{guard, rights};

/// Number of times that a reader looks again while the files are changing.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// Facts about a file that change when it is written to.
type Stamp = (u64, u64, i64, i64, i64, i64);

enum Found {
    /// `-wal` and `-shm` are there: a writer runs, has closed, or was killed.
    Log,
    /// Only the database, with no log or an empty one.
    Alone(Stamp),
    /// Another state of the files, and a description of it.
    Between(String),
}

/// Reads with a read-only connection; the work may be done more than once. `elsewhere` says how to name another
/// file, for messages.
pub(crate) fn read<T>(
    (path, elsewhere): (&Path, &str),
    deadline: Instant,
    mut work: impl FnMut(&Connection) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    guard::stage(&format!("reading {}", path.display()));
    // The log stands beside the file itself, not beside a link to it.
    let path = fs::canonicalize(path).map_err(|error| unreachable_file(path, &error, elsewhere))?;
    let mut trouble = Trouble::unusable(format!("{} does not come to rest", path.display()));
    let mut attempt = 0;
    while attempt < ATTEMPTS {
        if attempt > 0 {
            thread::sleep(PAUSE);
        }
        attempt += 1;
        let (parameter, stamp) = match look(&path, elsewhere)? {
            Found::Log => ("readonly_shm=1", None),
            Found::Alone(stamp) => ("immutable=1", Some(stamp)),
            Found::Between(what) => {
                trouble = Trouble::unusable(what);
                continue;
            }
        };
        let result = attempt_read(&path, parameter, deadline, &mut work);
        let result = result.map_err(Refusal::not_at_once);
        let steady = match stamp {
            Some(stamp) => matches!(look(&path, elsewhere)?, Found::Alone(after) if after == stamp),
            None => true,
        };
        match result {
            Ok(result) if steady => return Ok(result),
            Ok(_) => {}
            Err(Refusal::Passing(passing)) => trouble = passing,
            // As with any lock, only the time limits the wait.
            Err(Refusal::Locked(passing)) => (trouble, attempt) = (passing, 1),
            Err(Refusal::Final(_)) if !steady => {}
            Err(Refusal::Final(last)) => return Err(last),
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    Err(trouble)
}

enum Refusal {
    /// It may be gone at the next attempt.
    Passing(Trouble),
    /// A writer holds the database exclusively at the moment, and will release it.
    Locked(Trouble),
    Final(Trouble),
}

impl Refusal {
    /// A damaged database is reported only if it stays damaged: a sound one may just be put in its place.
    fn not_at_once(self) -> Refusal {
        match self {
            Refusal::Final(damage @ Trouble::Damaged(_)) => Refusal::Passing(damage),
            other => other,
        }
    }
}

fn attempt_read<T>(
    path: &Path,
    parameter: &str,
    deadline: Instant,
    work: &mut impl FnMut(&Connection) -> Result<T, Trouble>,
) -> Result<T, Refusal> {
    let opened = open(path, parameter, deadline);
    let connection = opened.map_err(|error| {
        let (mending, passing) = (is_mending(&error), is_passing(&error));
        match open_trouble(path, error) {
            locked @ Trouble::TimedOut(_) if mending => Refusal::Locked(locked),
            trouble if passing => Refusal::Passing(trouble),
            trouble => Refusal::Final(trouble),
        }
    })?;
    let result = work(&connection).map_err(Refusal::Final);
    if result.is_ok() {
        // This process ends as soon as it has answered, which closes the files and releases the locks. Closing the
        // connection step by step before that costs more than several queries.
        mem::forget(connection);
    }
    result
}

fn open(path: &Path, parameter: &str, deadline: Instant) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let uri = format!("file:{}?mode=ro&{parameter}", encoded(path));
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.busy_timeout(deadline.saturating_duration_since(Instant::now()))?;
    // The snapshot is taken first: the schema is then read once, inside it, and errors of the files appear here. (Where
    // nothing can be written, IMMEDIATE locks no more than any reader does.)
    connection.execute_batch("BEGIN IMMEDIATE")?;
    // Sorting must not create temporary files, and the schema is not trusted to call functions with effects.
    connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF")?;
    Ok(connection)
}

/// The path in a URI.
fn encoded(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                text.push(char::from(*byte))
            }
            byte => {
                let _ = write!(text, "%{byte:02x}");
            }
        }
    }
    text
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn look(path: &Path, elsewhere: &str) -> Result<Found, Trouble> {
    let metadata = |path: &Path| metadata(path, elsewhere);
    let database = metadata(path)?.ok_or_else(|| no_database(path, elsewhere))?;
    if database.is_dir() {
        let path = path.display();
        return Err(Trouble::unusable(format!("{path} is a folder: {elsewhere}, as to {path}/state.db")));
    }
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let file = beside(path, suffix);
        if let Some(what) = bounded::file::what_else(&file) {
            let file = file.display();
            return Err(Trouble::unusable(format!("{file} is {what}, not a file: move it away")));
        }
    }
    let (wal, shm) = (metadata(&beside(path, "-wal"))?, metadata(&beside(path, "-shm"))?);
    // An empty log counts as no log.
    let wal = wal.filter(|wal| shm.is_some() || wal.len() > 0);
    // SQLite would wait for somebody who repairs it.
    if let Some(damage) = wal.as_ref().and_then(|_| foreign_log(path)) {
        return Err(damage);
    }
    let journal = metadata(&beside(path, "-journal"))?.is_some_and(|journal| journal.len() > 0);
    Ok(match (wal.is_some(), shm.is_some()) {
        (true, true) => Found::Log,
        (false, false) if !journal => Found::Alone(stamp(&database)),
        (false, false) => Found::Between(format!(
            "{} has a rollback journal of an unfinished change: start the importer once",
            path.display()
        )),
        (wal, _) => Found::Between(format!(
            "{} has a {} but no {}: an incomplete copy? start the importer once",
            path.display(),
            if wal { "-wal" } else { "-shm" },
            if wal { "-shm" } else { "-wal" },
        )),
    })
}

/// First four bytes of a log of SQLite, but for the lowest bit.
const LOG: u32 = 0x377f_0682;

/// The damage of a log that is none. (Zeros may be left by a power cut before anything was written.)
fn foreign_log(path: &Path) -> Option<Trouble> {
    let log = beside(path, "-wal");
    let mut start = [0; 4];
    bounded::file::open_regular(&log).and_then(|mut file| file.read_exact(&mut start)).ok()?;
    let start = u32::from_be_bytes(start);
    let is_other = start != 0 && start & !1 != LOG;
    is_other.then(|| Trouble::Damaged(format!(": {} is no log of SQLite", log.display())))
}

fn stamp(meta: &Metadata) -> Stamp {
    (meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec())
}

fn metadata(path: &Path, elsewhere: &str) -> Result<Option<Metadata>, Trouble> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreachable_file(path, &error, elsewhere)),
    }
}

fn no_database(path: &Path, elsewhere: &str) -> Trouble {
    Trouble::no_data(format!("there is no {}: has the importer run? else {elsewhere}", path.display()))
}

fn unreachable_file(path: &Path, error: &Error, elsewhere: &str) -> Trouble {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => no_database(path, elsewhere),
        ErrorKind::PermissionDenied => rights::denied(path),
        _ => Trouble::unusable(format!("cannot reach {}: {error}", path.display())),
    }
}

/// True when the files may be changing: a writer is starting or ending.
fn is_passing(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(error, _) = error else { return false };
    error.code == ErrorCode::CannotOpen || error.extended_code == ffi::SQLITE_IOERR_SHORT_READ
}

/// True when the log's index has to be recovered by a writer first, which any writer does as it goes on. SQLite has
/// several codes for that, all with the text "attempt to write a readonly database", because this process would have to
/// recover it otherwise.
fn is_mending(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(error, _) = error else { return false };
    error.code == ErrorCode::ReadOnly || error.extended_code == ffi::SQLITE_BUSY_RECOVERY
}

fn open_trouble(path: &Path, error: rusqlite::Error) -> Trouble {
    let shown = path.display();
    let mut files = ["", "-wal", "-shm"].into_iter().map(|suffix| beside(path, suffix));
    if let Some(file) = files.find(|file| rights::is_unreadable(file)) {
        return rights::denied(&file);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Trouble::TimedOut(format!("{shown} is locked by another process"))
        }
        Some(ErrorCode::ReadOnly) => Trouble::TimedOut(format!(
            "{shown} is locked by another process, or its log has to be repaired: start the importer once"
        )),
        // Its first page is damaged, or this is another file than was meant.
        Some(ErrorCode::NotADatabase) => Trouble::Damaged(format!(": {shown} is none of SQLite")),
        Some(ErrorCode::DatabaseCorrupt) => Trouble::Damaged(String::new()),
        _ => Trouble::unusable(format!("cannot read {shown}: {error}")),
    }
}

/// Trouble that a failed statement stands for.
pub(crate) fn query_trouble(error: rusqlite::Error) -> Trouble {
    let text = match &error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        error => error.to_string(),
    };
    if let Some(view) = text.strip_prefix("no such table: ") {
        return Trouble::no_data(format!(
            "the database has no {view}: has the importer run, and is it as new as this check?"
        ));
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Trouble::TimedOut("the database is locked by another process".into())
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Trouble::Damaged(String::new()),
        _ => Trouble::unusable(format!("cannot read the database: {text}")),
    }
}
