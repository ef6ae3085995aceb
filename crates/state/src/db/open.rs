//! Opening the state: the database, and the check of its schema.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use bounded::waiting::Wait;
use pg_connect::{Target, TransactionLimits};

use crate::db::store::Store;
use crate::db::waiting;
use crate::driver::Driver;
use crate::driver::postgres::Postgres;
use crate::error::{DbError, StateError};
use crate::fleet::rights::explained;
use crate::schema;

/// Place of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Path of an SQLite file.
    Sqlite(PathBuf),
    /// A server: a URL or a list of `key=value`, without a password, and a file with passwords.
    Postgres {
        /// `postgresql://user@host/database?sslmode=verify-full`, or `host=... dbname=...`.
        url: String,
        /// A file like `~/.pgpass`.
        passfile: Option<PathBuf>,
    },
}

impl Location {
    /// From the configuration's `[state] url` and `passfile`; a file below the root if there is none.
    pub fn new(root: &Path, url: Option<&str>, passfile: Option<&Path>) -> Location {
        match url {
            None => Location::Sqlite(root.join("state.db")),
            Some(url) if is_postgres(url) => {
                Location::Postgres { url: url.to_owned(), passfile: passfile.map(Path::to_owned) }
            }
            Some(url) => {
                let path = url.strip_prefix("sqlite://").or(url.strip_prefix("sqlite:")).unwrap_or(url);
                Location::Sqlite(root.join(path))
            }
        }
    }

    /// Opens it; an empty one gets its tables, one with another schema is refused.
    pub fn open_or_make(&self) -> Result<Store, StateError> {
        let store = self.connect(true)?;
        store.prepare()?;
        Ok(store)
    }

    /// Opens it; it has to exist.
    pub fn open(&self) -> Result<Store, StateError> {
        let store = self.connect(false)?;
        store.prepare()?;
        Ok(store)
    }

    /// Opens it for a reader: a file is opened so that it cannot be written to. It has to exist, with its tables.
    pub fn open_to_read(&self) -> Result<Store, StateError> {
        let store = match self {
            Location::Sqlite(path) => Store::open_sqlite_to_read(path)?,
            Location::Postgres { .. } => self.connect(false)?,
        };
        store.examine()?;
        Ok(store)
    }

    /// Opens it whatever its schema is, to migrate it.
    pub fn connect(&self, create: bool) -> Result<Store, StateError> {
        match self {
            Location::Sqlite(path) if create => Store::sqlite(path, true),
            Location::Sqlite(path) => Store::open_sqlite(path),
            Location::Postgres { url, passfile } => open_postgres(url, passfile.as_deref()),
        }
    }
}

/// A URL of PostgreSQL's, or `key=value` words as `psql` takes them.
fn is_postgres(url: &str) -> bool {
    let names_one = |word: &str| ["host=", "hostaddr=", "dbname="].iter().any(|key| word.starts_with(key));
    Target::is_meant_by(url) || url.split_whitespace().any(names_one)
}

/// A statement that takes longer is stuck: none of the importer's should.
const LONGEST_STATEMENT: Duration = Duration::from_secs(120);

/// Limits of a transaction. A client that is frozen within a transaction is cut off after `idle`, because it blocks
/// everybody else; a client that waits for a lock reports that after `lock`, and tries again.
const LIMITS: TransactionLimits =
    TransactionLimits { lock: Duration::from_secs(3), idle: Duration::from_secs(10) };

/// Application name of this process, which the server shows to others who wait for it.
static NAME: OnceLock<String> = OnceLock::new();

/// Sets the name of this process: its command and its machine. To be called before a state is opened.
pub fn introduce(command: &str, host: &str) {
    let pid = std::process::id();
    // The server cuts a name after 63 bytes.
    let room = 60_usize.saturating_sub(format!("package-import {command} :{pid}").len());
    let host: String = host.chars().take(room).collect();
    let _ = NAME.set(format!("package-import {command} {host}:{pid}"));
}

fn open_postgres(url: &str, passfile: Option<&Path>) -> Result<Store, StateError> {
    let name = url.to_owned();
    let failed = |cause: String| StateError::Open { name: name.clone(), cause };
    let target = Target::parse(url)
        .map_err(|error| StateError::Location(error.to_string()))?
        .with_passfile(passfile.map(Path::to_owned))
        .with_statement_timeout(LONGEST_STATEMENT)
        .with_transaction_limits(LIMITS)
        .with_application_name(NAME.get().map_or("package-import", String::as_str));
    let connect = Box::new(move || {
        target.connect().map_err(|error| match error.may_pass() {
            true => DbError::Lost(error.to_string()),
            false => DbError::Denied(error.to_string()),
        })
    });
    let driver = Postgres::open(connect).map_err(|error| match error {
        DbError::Denied(cause) => StateError::Login { name: name.clone(), cause },
        DbError::Lost(cause) => failed(cause),
        error => failed(error.to_string()),
    })?;
    Ok(Store::new(Box::new(driver), url.to_owned()))
}

impl Store {
    /// Queries the connection itself, outside of a transaction.
    fn look<T>(&self, ask: impl Fn(&mut dyn Driver) -> Result<T, DbError>) -> Result<T, StateError> {
        let mut driver = self.driver();
        ask(driver.as_mut()).map_err(|error| explained(driver.as_mut(), error.into()))
    }

    /// Makes the tables of an empty database, and refuses a schema that does not fit.
    pub(crate) fn prepare(&self) -> Result<(), StateError> {
        let found = self.look(schema::find)?;
        if found.schema == 0 {
            self.look(schema::may_be_made)??;
            self.migrate()?;
            return Ok(());
        }
        schema::check(found)?;
        crate::transfer::check_whole(self)
    }

    /// Refuses a schema that does not fit, and a database without tables.
    fn examine(&self) -> Result<(), StateError> {
        let found = self.look(schema::find)?;
        if found.schema == 0 {
            let (name, cause) =
                (self.name().to_owned(), "it has no tables yet; the first run makes them".to_owned());
            return Err(StateError::Open { name, cause });
        }
        schema::check(found)?;
        crate::transfer::check_whole(self)
    }

    /// The schema that the database has; 0 if it is empty.
    pub fn schema(&self) -> Result<i64, StateError> {
        Ok(self.look(schema::find)?.schema)
    }

    /// Brings the schema up to this program's, in one transaction; returns the versions before and after. Where open
    /// readers are in the way, it waits for them and begins again.
    pub fn migrate(&self) -> Result<(i64, i64), StateError> {
        const PATIENCE: Duration = Duration::from_secs(60);
        const PAUSE: Duration = Duration::from_millis(100);
        let mut wait = Wait::new();
        loop {
            let mut driver = self.driver();
            match schema::migrate(driver.as_mut()) {
                Err(StateError::Database(DbError::Busy(_))) if wait.lasted() < PATIENCE => {
                    waiting::tell(driver.as_mut(), &mut wait);
                    drop(driver);
                    thread::sleep(PAUSE);
                }
                other => return other,
            }
        }
    }
}
