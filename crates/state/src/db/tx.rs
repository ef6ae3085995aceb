//! A transaction: statements, the time, and a count of the rows that it writes.

pub use baseline::age::is_believed;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::driver::{Driver, Kind, Row, Value};
use crate::error::{DbError, StateError};
use crate::past::moment::Moment;
use crate::past::{self, things};

/// The most rows that a transaction writes, so that others never wait long for it.
pub const LARGEST: u64 = 200;

/// A transaction that is open.
pub struct Tx<'a> {
    driver: &'a mut dyn Driver,
    now: Option<i64>,
    fixed: Option<i64>,
    written: u64,
    counters: BTreeMap<String, i64>,
    flows: BTreeMap<String, i64>,
    /// Changes of `failing` and of `parked`.
    signatures: BTreeMap<i64, (i64, i64)>,
    /// Changes of `dependency.parked`, by the row of the dependency.
    dependencies: BTreeMap<i64, i64>,
    shard: i64,
    /// Packages that it changes.
    packages: past::Changed,
    /// Other things that are kept as they were.
    things: BTreeSet<(things::Kind, String)>,
    /// The time that is gone to, if one is.
    moment: Option<Moment>,
}

/// Milliseconds of an hour, the unit of samples.
pub const HOUR: i64 = 3_600_000;

/// Values of a statement.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::driver::Value::from($value)),*][..] };
}

impl<'a> Tx<'a> {
    pub(crate) fn new(driver: &'a mut dyn Driver, fixed: Option<i64>, shard: i64) -> Tx<'a> {
        Tx {
            driver,
            now: None,
            fixed,
            written: 0,
            counters: BTreeMap::new(),
            flows: BTreeMap::new(),
            signatures: BTreeMap::new(),
            dependencies: BTreeMap::new(),
            shard,
            packages: past::Changed::default(),
            things: BTreeSet::new(),
            moment: None,
        }
    }

    /// The time, the same throughout the transaction.
    pub fn now(&mut self) -> Result<i64, StateError> {
        if let Some(now) = self.now {
            return Ok(now);
        }
        let now = match self.fixed {
            Some(fixed) => fixed,
            None => self.driver.now()?,
        };
        self.now = Some(now);
        Ok(now)
    }

    /// Runs a statement that writes.
    pub fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StateError> {
        let written = self.driver.execute(sql, values)?;
        self.count(written);
        Ok(written)
    }

    /// Runs a statement that reads.
    pub fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StateError> {
        let sql = match &self.moment {
            Some(moment) => Cow::Owned(moment.rewritten(sql)),
            None => Cow::Borrowed(sql),
        };
        Ok(self.driver.query(&sql, values)?)
    }

    /// Runs a statement that reads what is there now, also where another time was gone to.
    pub(crate) fn query_now(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StateError> {
        Ok(self.driver.query(sql, values)?)
    }

    /// Has all that is read from now on be of a time.
    pub(crate) fn go_to(&mut self, moment: Moment) {
        self.now = Some(moment.at);
        self.moment = Some(moment);
    }

    /// The time that is gone to, if one is.
    pub(crate) fn moment(&self) -> Option<&Moment> {
        self.moment.as_ref()
    }

    /// True if a time is gone to that is over.
    pub fn is_past(&self) -> bool {
        self.moment.is_some()
    }

    /// Keeps the answer to a question, a row for each `package_id`, as a temporary table, in place of others, with an index of
    /// further columns.
    pub(crate) fn keep_aside(
        &mut self,
        over: &[String],
        name: &str,
        query: &str,
        columns: &str,
    ) -> Result<(), StateError> {
        let drop: String = over.iter().map(|it| format!("DROP TABLE IF EXISTS temp.{it};\n")).collect();
        self.driver.batch(&format!(
            "{drop} CREATE TEMP TABLE {name} AS {query};
             CREATE UNIQUE INDEX temp.{name}_package ON {name} (package_id);
             CREATE INDEX temp.{name}_columns ON {name} ({columns})"
        ))?;
        Ok(())
    }

    /// Says that a package's job, failure, hold or wait changes: what it is at the end is kept.
    pub(crate) fn touch(&mut self, package: i64) {
        self.packages.touch(package);
    }

    /// Says that a package was not known before this transaction.
    pub(crate) fn made(&mut self, package: i64) {
        self.packages.make(package);
    }

    /// True if this transaction has made a package.
    pub(crate) fn has_made(&self, package: i64) -> bool {
        self.packages.has_made(package)
    }

    /// Says that a package has a job now, in a lane.
    pub(crate) fn queued(&mut self, package: i64, lane: i64) {
        self.packages.queue(package, lane);
    }

    /// The same for a thing, by its name.
    pub(crate) fn touch_thing(&mut self, kind: things::Kind, name: &str) {
        self.things.insert((kind, name.to_owned()));
    }

    /// Runs a statement that writes no more than what the others of the transaction have locked.
    /// Returns how many rows it wrote.
    pub(crate) fn execute_uncounted(&mut self, sql: &str, values: &[Value]) -> Result<u64, StateError> {
        Ok(self.driver.execute(sql, values)?)
    }

    /// Writes what has become of all that was touched.
    pub(crate) fn write_past(&mut self) -> Result<(), StateError> {
        std::mem::take(&mut self.packages).write(self)?;
        let things: Vec<_> = std::mem::take(&mut self.things).into_iter().collect();
        things::write(self, &things)
    }

    /// The first row of a statement that reads.
    pub fn first(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, StateError> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// Runs a statement that writes, and returns the written rows.
    pub fn returning(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StateError> {
        let rows = self.driver.query(sql, values)?;
        self.count(rows.len() as u64);
        Ok(rows)
    }

    /// The id of a row that a statement inserts.
    pub fn insert(&mut self, sql: &str, values: &[Value]) -> Result<i64, StateError> {
        let rows = self.returning(sql, values)?;
        rows.first()
            .and_then(|row| row.opt_int(0))
            .ok_or_else(|| DbError::Other("a row was inserted and has no id".into()).into())
    }

    /// Changes a counter, in this transaction.
    pub fn counter(&mut self, name: &str, by: i64) {
        *self.counters.entry(name.to_owned()).or_default() += by;
    }

    /// Adds to the counts of this hour.
    pub fn flow(&mut self, figure: &str, by: i64) -> Result<(), StateError> {
        self.now()?;
        *self.flows.entry(figure.to_owned()).or_default() += by;
        Ok(())
    }

    /// Changes the number of packages that fail with a signature.
    pub(crate) fn signature(&mut self, id: i64, by: i64) {
        self.signatures.entry(id).or_default().0 += by;
    }

    /// Changes the number of parked jobs whose package fails with a signature and is not held.
    pub(crate) fn parked_failing(&mut self, signature: i64, by: i64) {
        self.counter("parked_failing", by);
        self.signatures.entry(signature).or_default().1 += by;
    }

    /// Changes the number of jobs that are parked on a dependency.
    pub(crate) fn parked_on(&mut self, dependency: i64, by: i64) {
        *self.dependencies.entry(dependency).or_default() += by;
    }

    /// Prefers indices for the rest of the transaction: for transactions that fill tables.
    pub(crate) fn prefer_indices(&mut self) -> Result<(), StateError> {
        Ok(self.driver.prefer_indices()?)
    }

    /// Kind of the database.
    pub fn kind(&self) -> Kind {
        self.driver.kind()
    }

    /// The shard of each counter and sample that this process writes, so that processes do not wait for each other.
    pub fn shard(&self) -> i64 {
        self.shard
    }

    /// Rows written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    fn count(&mut self, rows: u64) {
        self.written += rows;
    }

    /// Writes the counters, always in the same order, so that two transactions cannot deadlock.
    pub(crate) fn write_counters(&mut self) -> Result<(), StateError> {
        for (id, by) in std::mem::take(&mut self.dependencies) {
            if by != 0 {
                self.execute("UPDATE dependency SET parked = parked + ?2 WHERE id = ?1", values![id, by])?;
            }
        }
        for (id, (failing, parked)) in std::mem::take(&mut self.signatures) {
            if failing != 0 {
                let now = self.now()?;
                let sql =
                    "UPDATE signature SET failing = failing + ?2, parked = parked + ?3, last_change = ?4
                    WHERE id = ?1";
                self.execute(sql, values![id, failing, parked, now])?;
            } else if parked != 0 {
                // As many packages fail with it as before, so there is nothing new to judge.
                self.execute("UPDATE signature SET parked = parked + ?2 WHERE id = ?1", values![id, parked])?;
            }
        }
        for (figure, by) in std::mem::take(&mut self.flows) {
            if by == 0 {
                continue;
            }
            let (hour, shard) = (self.now()?.div_euclid(HOUR), self.shard);
            self.execute(
                "INSERT INTO sample (figure, hour, shard, value) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (figure, hour, shard) DO UPDATE SET value = sample.value + excluded.value",
                values![&figure, hour, shard, by],
            )?;
        }
        for (name, by) in std::mem::take(&mut self.counters) {
            if by == 0 {
                continue;
            }
            let shard = self.shard;
            self.execute(
                "INSERT INTO counter (name, shard, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name, shard) DO UPDATE SET value = counter.value + excluded.value",
                values![&name, shard, by],
            )?;
        }
        Ok(())
    }
}
