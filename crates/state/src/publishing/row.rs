//! The row of a package on a remote, read and written by this one mapping, and its counter.

use source_package::words;

use crate::db::tx::Tx;
use crate::driver::{Row as Columns, Value};
use crate::error::StateError;
use crate::values;

words! {
    /// State of a row.
    PublishState {
        /// It can be claimed.
        Pending = "pending",
        /// A run is publishing it.
        Running = "running",
        /// It is tried again at a time.
        Retrying = "retrying",
        /// All is published that the remote accepts; it is checked again at a time.
        Done = "done",
    }
}

words! {
    /// Order in which rows are published.
    PublishLane {
        /// An operator asked for it.
        Operator = "operator",
        /// A new version was imported.
        Upload = "upload",
        /// One of all packages: the remote is new.
        Bulk = "bulk",
        /// A routine look whether all refs are still there.
        Look = "look",
    }
}

impl PublishLane {
    /// Its place: 0 is the highest.
    pub fn place(self) -> i64 {
        self as i64
    }

    /// The lane at a place.
    pub fn at(place: i64) -> PublishLane {
        let all = PublishLane::ALL;
        usize::try_from(place).ok().and_then(|place| all.get(place).copied()).unwrap_or(PublishLane::Look)
    }
}

/// Row of a package and a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publish {
    pub package: i64,
    pub remote: i64,
    pub lane: PublishLane,
    pub state: PublishState,
    pub wanted: i64,
    pub claimed: i64,
    pub entered: i64,
    pub due: Option<i64>,
    pub run: Option<i64>,
    pub here: Option<String>,
    pub there: Option<String>,
    pub published: Option<i64>,
    pub code: Option<String>,
    pub message: Option<String>,
    pub since: Option<i64>,
    pub failures: i64,
    pub foreign: i64,
    pub refused: i64,
    pub kept: i64,
    pub detail: Option<String>,
}

/// The columns, in the order of [`Publish`].
const COLUMNS: &str =
    "package_id, remote_id, lane, state, wanted, claimed, entered, due, run_id, here, there, published,
    code, message, since, failures, foreign_refs, refused, kept, detail";

/// Name of the counter of unpublished packages, of a remote.
pub(crate) fn counter(remote: i64) -> String {
    format!("unpublished:{remote}")
}

/// Name of the flow of packages whose refs have moved on a remote.
pub(crate) fn published_flow(remote: i64) -> String {
    format!("published:{remote}")
}

/// Name of the flow of packages that a remote did not take.
pub(crate) fn failed_flow(remote: i64) -> String {
    format!("publish_failed:{remote}")
}

impl Publish {
    /// A row that is new.
    pub(crate) fn new(package: i64, remote: i64, lane: PublishLane, now: i64) -> Publish {
        Publish {
            package,
            remote,
            lane,
            state: PublishState::Pending,
            wanted: 1,
            claimed: 0,
            entered: now,
            due: None,
            run: None,
            here: None,
            there: None,
            published: None,
            code: None,
            message: None,
            since: None,
            failures: 0,
            foreign: 0,
            refused: 0,
            kept: 0,
            detail: None,
        }
    }

    /// True when something is not on the remote yet.
    pub(crate) fn is_unpublished(&self) -> bool {
        self.state != PublishState::Done && self.lane != PublishLane::Look
    }

    fn of(row: &Columns) -> Result<Publish, StateError> {
        let state = row.text(3).parse().map_err(|error| {
            StateError::Refused(format!(
                "package number {} has no valid state on a remote: {error}",
                row.int(0)
            ))
        })?;
        Ok(Publish {
            package: row.int(0),
            remote: row.int(1),
            lane: PublishLane::at(row.int(2)),
            state,
            wanted: row.int(4),
            claimed: row.int(5),
            entered: row.int(6),
            due: row.opt_int(7),
            run: row.opt_int(8),
            here: row.opt_text(9),
            there: row.opt_text(10),
            published: row.opt_int(11),
            code: row.opt_text(12),
            message: row.opt_text(13),
            since: row.opt_int(14),
            failures: row.int(15),
            foreign: row.int(16),
            refused: row.int(17),
            kept: row.int(18),
            detail: row.opt_text(19),
        })
    }

    fn values(&self) -> Vec<Value> {
        values![
            self.package,
            self.remote,
            self.lane.place(),
            self.state.as_str(),
            self.wanted,
            self.claimed,
            self.entered,
            self.due,
            self.run,
            self.here.as_deref(),
            self.there.as_deref(),
            self.published,
            self.code.as_deref(),
            self.message.as_deref(),
            self.since,
            self.failures,
            self.foreign,
            self.refused,
            self.kept,
            self.detail.as_deref(),
        ]
        .to_vec()
    }
}

/// Rows that meet a condition, locked.
pub(crate) fn lock(tx: &mut Tx<'_>, condition: &str, values: &[Value]) -> Result<Vec<Publish>, StateError> {
    let sql = format!("SELECT {COLUMNS} FROM publish WHERE {condition} @LOCK");
    tx.query(&sql, values)?.iter().map(Publish::of).collect()
}

/// The same; rows locked by others are skipped, not waited for.
pub(crate) fn lock_free(
    tx: &mut Tx<'_>,
    condition: &str,
    values: &[Value],
) -> Result<Vec<Publish>, StateError> {
    let sql = format!("SELECT {COLUMNS} FROM publish WHERE {condition} @LOCK_SKIP");
    tx.query(&sql, values)?.iter().map(Publish::of).collect()
}

/// Makes a row, if there is none. Returns whether it was made.
pub(crate) fn insert(tx: &mut Tx<'_>, row: &Publish) -> Result<bool, StateError> {
    let sql = format!(
        "INSERT INTO publish ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
            ?17, ?18, ?19, ?20) ON CONFLICT (package_id, remote_id) DO NOTHING"
    );
    let is_made = tx.execute(&sql, &row.values())? > 0;
    if is_made && row.is_unpublished() {
        tx.counter(&counter(row.remote), 1);
    }
    Ok(is_made)
}

/// Writes a row that is locked.
pub(crate) fn update(tx: &mut Tx<'_>, before: &Publish, after: &Publish) -> Result<(), StateError> {
    if before == after {
        return Ok(());
    }
    tx.execute(
        "UPDATE publish SET lane = ?3, state = ?4, wanted = ?5, claimed = ?6, entered = ?7, due = ?8, run_id = ?9,
            here = ?10, there = ?11, published = ?12, code = ?13, message = ?14, since = ?15, failures = ?16,
            foreign_refs = ?17, refused = ?18, kept = ?19, detail = ?20
         WHERE package_id = ?1 AND remote_id = ?2",
        &after.values(),
    )?;
    let by = i64::from(after.is_unpublished()) - i64::from(before.is_unpublished());
    if by != 0 {
        tx.counter(&counter(after.remote), by);
    }
    Ok(())
}
