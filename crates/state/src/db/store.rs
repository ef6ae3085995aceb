//! The store: one connection, transactions that are tried again, and the time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use bounded::waiting::Wait;

use crate::db::tx::{LARGEST, Tx};
use crate::db::{files, waiting};
use crate::driver::held::Held;
use crate::driver::sqlite::Sqlite;
use crate::driver::{Driver, Kind, Mode};
use crate::error::{DbError, StateError};
use crate::fleet::rights::explained;
use crate::past::moment;
use crate::schema;

/// Time for which a busy database is retried, in addition to the wait of SQLite itself.
const PATIENCE: Duration = Duration::from_secs(120);
/// The first pause, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(200));
/// The number of rows over which a counter is spread in PostgreSQL.
const SHARDS: i64 = 16;

/// Interval at which a writer looks whether the schema has become one that this program must not write to.
const LOOKS: Duration = Duration::from_secs(1);

/// A clock that is advanced by hand, for tests of what happens in weeks.
pub type FixedClock = std::sync::Arc<std::sync::atomic::AtomicI64>;

/// Refuses a file that is missing, or that this user cannot get at: the two have different remedies.
fn must_exist(path: &Path) -> Result<(), StateError> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(StateError::Missing(path.to_owned())),
        Err(error) => {
            let cause = format!("this user cannot get at it: {error}");
            Err(StateError::Open { name: path.display().to_string(), cause })
        }
    }
}

/// Everything that an installation remembers.
pub struct Store {
    driver: Mutex<Box<dyn Driver>>,
    kind: Kind,
    name: String,
    shard: i64,
    clock: Option<FixedClock>,
    /// The time that is looked back to, in milliseconds, if one is.
    moment: Option<i64>,
    retries: AtomicU64,
    largest: AtomicU64,
    waited: Mutex<Vec<u64>>,
    /// Time of the last look at the schema; `has_to_look` makes the next writer look in any case.
    looked: Mutex<Instant>,
    has_to_look: AtomicBool,
    /// The schema that this program must not write to, once it was detected; else 0.
    outgrown: AtomicI64,
}

impl Store {
    pub(crate) fn new(driver: Box<dyn Driver>, name: String) -> Store {
        let kind = driver.kind();
        let shard = if kind == Kind::Postgres { i64::from(std::process::id()) % SHARDS } else { 0 };
        Store {
            driver: Mutex::new(driver),
            kind,
            name,
            shard,
            clock: None,
            moment: None,
            retries: AtomicU64::new(0),
            largest: AtomicU64::new(0),
            waited: Mutex::new(Vec::new()),
            looked: Mutex::new(Instant::now()),
            has_to_look: AtomicBool::new(false),
            outgrown: AtomicI64::new(0),
        }
    }

    /// Opens an SQLite file whose schema has to exist.
    pub fn open_sqlite(path: &Path) -> Result<Store, StateError> {
        must_exist(path)?;
        Store::sqlite(path, false)
    }

    /// Opens an existing SQLite file, without the right to change it.
    pub(crate) fn open_sqlite_to_read(path: &Path) -> Result<Store, StateError> {
        must_exist(path)?;
        files::check(path)?;
        Store::of_sqlite(path, Sqlite::open_to_read(path))
    }

    pub(crate) fn sqlite(path: &Path, create: bool) -> Result<Store, StateError> {
        files::check(path)?;
        Store::of_sqlite(path, Sqlite::open(path, create))
    }

    fn of_sqlite(path: &Path, opened: Result<Sqlite, DbError>) -> Result<Store, StateError> {
        let name = path.display().to_string();
        let driver = opened.map_err(|error| match error {
            DbError::Damaged(cause) => StateError::Damaged { name: name.clone(), cause },
            error => {
                let cause = files::unusable(path).unwrap_or_else(|| error.to_string());
                StateError::Open { name: name.clone(), cause }
            }
        })?;
        Ok(Store::new(Box::new(driver), name))
    }

    /// Lives by another clock.
    pub fn with_clock(mut self, clock: FixedClock) -> Store {
        self.clock = Some(clock);
        self
    }

    /// Has everything that is read be as it was at a time, in milliseconds since 1970. Nothing can be written through it then.
    ///
    /// # Errors
    /// The time is still to come, or before what is kept; or the database.
    pub fn looking_back(mut self, at: i64) -> Result<Store, StateError> {
        self.read_at(Some(at), |_| Ok(()))?;
        self.moment = Some(at);
        Ok(self)
    }

    /// Has everything that is read from now on be as it was at a time; `None`: as it is. Each question checks the time.
    pub fn look_back(&mut self, at: Option<i64>) {
        self.moment = at;
    }

    /// The time that is looked back to, if one is.
    pub fn moment(&self) -> Option<i64> {
        self.moment
    }

    /// Kind of the database.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its file or server, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<PathBuf> {
        (self.kind == Kind::Sqlite).then(|| PathBuf::from(&self.name))
    }

    /// Number of transactions that were tried again, since the store was opened.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Steps of SQLite's virtual machine that statements have cost so far; 0 with PostgreSQL.
    pub fn steps(&self) -> i64 {
        self.driver().steps()
    }

    /// Rows that the largest transaction wrote.
    pub fn largest_transaction(&self) -> u64 {
        self.largest.load(Ordering::Relaxed)
    }

    /// Durations of the last ten thousand writing transactions, waiting included, in microseconds.
    pub fn waits(&self) -> Vec<u64> {
        self.waited.lock().map(|waited| waited.clone()).unwrap_or_default()
    }

    /// Reads: `work` sees one consistent snapshot.
    pub fn read<T>(&self, work: impl FnMut(&mut Tx<'_>) -> Result<T, StateError>) -> Result<T, StateError> {
        self.transact(Mode::Read, work)
    }

    /// Reads as everything was at a time, in milliseconds since 1970; without one, as it is now.
    ///
    /// # Errors
    /// The time is still to come, or before what is kept; or the database.
    pub fn read_at<T>(
        &self,
        at: Option<i64>,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        self.read(|tx| {
            at.map_or(Ok(()), |at| moment::enter(tx, at))?;
            work(tx)
        })
    }

    /// Writes, all or nothing. `work` may be called several times, each time with a fresh transaction.
    pub fn write<T>(&self, work: impl FnMut(&mut Tx<'_>) -> Result<T, StateError>) -> Result<T, StateError> {
        let started = Instant::now();
        let done = self.transact(Mode::Write, work);
        if let Ok(mut waited) = self.waited.lock() {
            if waited.len() >= 10_000 {
                waited.clear();
            }
            waited.push(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        done
    }

    fn transact<T>(
        &self,
        mode: Mode,
        mut work: impl FnMut(&mut Tx<'_>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let mut wait = Wait::new();
        let mut pause = PAUSES.0;
        loop {
            let mut driver = self.driver();
            match self.once(driver.as_mut(), mode, &mut work) {
                Err(StateError::Database(DbError::Busy(_))) if wait.lasted() < PATIENCE => {
                    waiting::tell(driver.as_mut(), &mut wait);
                    drop(driver);
                    self.retries.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(pause);
                    pause = (pause * 2).min(PAUSES.1);
                }
                other => return other,
            }
        }
    }

    fn once<T>(
        &self,
        driver: &mut dyn Driver,
        mode: Mode,
        work: &mut impl FnMut(&mut Tx<'_>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        if mode == Mode::Write {
            self.check_outgrown()?;
        }
        driver.begin(mode).map_err(|error| explained(driver, error.into()))?;
        if mode == Mode::Write
            && let Err(error) = self.look_at_schema(driver)
        {
            driver.rollback();
            let error = explained(driver, error);
            if !error.is_denial() {
                return Err(error);
            }
            // A login that may not read the schema's number is refused by its other statements; its reports, above all
            // its trouble, have to get through.
            driver.begin(mode).map_err(|error| explained(driver, error.into()))?;
        }
        let fixed = self.clock.as_ref().map(|clock| clock.load(Ordering::SeqCst));
        let mut tx = Tx::new(driver, fixed, self.shard);
        let entered = match (self.moment, mode) {
            (None, _) => Ok(()),
            (Some(at), Mode::Read) => moment::enter(&mut tx, at),
            (Some(_), Mode::Write) => Err(StateError::Refused(
                "a time that is over is looked at: nothing can be changed in it".into(),
            )),
        };
        let done = entered.and_then(|()| work(&mut tx)).and_then(|done| {
            tx.write_counters()?;
            tx.write_past()?;
            Ok(done)
        });
        let written = tx.written();
        self.largest.fetch_max(written, Ordering::Relaxed);
        debug_assert!(written <= LARGEST, "a transaction wrote {written} rows");
        match done {
            Ok(done) => match driver.commit() {
                Ok(()) => Ok(done),
                Err(error) => {
                    driver.rollback();
                    // The commit may or may not have been stored: the caller has to look.
                    Err(explained(driver, error.into()))
                }
            },
            Err(error) => {
                driver.rollback();
                Err(explained(driver, error))
            }
        }
    }

    /// After the database was upgraded beyond this program, nothing is written.
    fn check_outgrown(&self) -> Result<(), StateError> {
        match self.outgrown() {
            Some(found) => Err(StateError::Newer { found, known: schema::CURRENT }),
            None => Ok(()),
        }
    }

    /// Checks from time to time, within a transaction that writes, whether the database was upgraded.
    fn look_at_schema(&self, driver: &mut dyn Driver) -> Result<(), StateError> {
        let is_due = {
            let mut looked = self.looked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let is_due = looked.elapsed() >= LOOKS;
            if is_due {
                *looked = Instant::now();
            }
            is_due
        };
        if !self.has_to_look.swap(false, Ordering::SeqCst) && !is_due {
            return Ok(());
        }
        let looked = schema::look_again(driver);
        if let Err(StateError::Newer { found, .. }) = looked {
            self.outgrow(found);
        }
        looked
    }

    /// Makes the next transaction that writes check whether the database was upgraded.
    pub fn look_again(&self) {
        self.has_to_look.store(true, Ordering::SeqCst);
    }

    /// The schema that this program must not write to, if the database was upgraded to one.
    pub fn outgrown(&self) -> Option<i64> {
        Some(self.outgrown.load(Ordering::SeqCst)).filter(|found| *found != 0)
    }

    /// Records that this program must not write any more.
    pub fn outgrow(&self, found: i64) {
        self.outgrown.store(found, Ordering::SeqCst);
    }

    /// Sessions that hold locks which others wait for, or might have to.
    pub fn held(&self) -> Result<Vec<Held>, StateError> {
        Ok(self.driver().held()?)
    }

    /// True when a program that ends may leave the connection open, because everything is written and closing would do
    /// nothing more.
    pub fn may_be_left(&self) -> bool {
        self.driver().may_be_left()
    }

    /// The connection itself, for work outside of transactions.
    pub(crate) fn driver(&self) -> MutexGuard<'_, Box<dyn Driver>> {
        self.driver.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
