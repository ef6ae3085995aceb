//! The state at a past time.
//!
//! Whoever changes a package's job, failure, hold or wait touches it ([`Tx::touch`]); when the transaction ends, one
//! statement writes what the package is then ([`write`]). So a row of `package_past` holds from its time to the next row of the
//! package, and cannot say anything else than the tables did. What there is little of, breakers, hosts, suites, is kept in the
//! same way, a value a change ([`things`]). Packages that an archive brings in masses have one row together, until something
//! changes ([`births`]). Now and then the packages that are not at rest are listed ([`busy`]). Within [`crate::Store::read_at`] every question sees the tables of that moment
//! ([`moment`]).

pub(crate) mod births;
pub(crate) mod busy;
mod facts;
pub mod moment;
mod rows;
mod tables;
pub mod things;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::db::tx::Tx;
use crate::driver::Value;
use crate::error::StateError;

/// Columns of `package_past` behind its key, and where they come from: `p` the package, `j` its job, `f` its failure, `w` its
/// wait.
const COLUMNS: &[(&str, &str)] = &[
    ("state", "j.state"),
    ("lane", "j.lane"),
    ("entered", "j.entered"),
    ("due", "j.due"),
    ("attempt_id", "j.attempt_id"),
    ("run_id", "j.run_id"),
    ("dependency_id", "j.dependency_id"),
    ("held", "p.held"),
    ("held_until", "p.held_until"),
    ("held_by", "p.held_by"),
    ("held_reason", "p.held_reason"),
    ("held_at", "p.held_at"),
    ("last_success", "p.last_success"),
    ("wall_ms", "p.wall_ms"),
    ("failure", "f.state"),
    ("signature_id", "f.signature_id"),
    ("failed_attempt", "f.attempt_id"),
    ("stage", "f.stage"),
    ("code", "f.code"),
    ("class", "f.class"),
    ("message", "f.message"),
    ("since", "f.since"),
    ("last", "f.last"),
    ("attempts", "f.attempts"),
    ("distro", "f.distro"),
    ("version", "f.version"),
    ("began", "CASE WHEN f.since = CAST(?1 AS BIGINT) THEN 1 END"),
    ("wait_kind", "w.kind"),
    ("wait_reason", "w.reason"),
    ("wait_since", "w.since"),
    ("wait_until", "w.until"),
];

/// Packages in one statement, at most: there are few forms of it, so that each stays prepared.
const AT_ONCE: usize = 60;

/// Packages that a transaction changes.
#[derive(Default)]
pub(crate) struct Changed {
    /// Packages whose job, failure, hold or wait it changes.
    touched: BTreeSet<i64>,
    /// Packages that it has made.
    made: BTreeSet<i64>,
    /// Those of them that it has queued and not changed since, with the places of their lanes.
    born: BTreeMap<i64, i64>,
}

impl Changed {
    /// Notes that a package's job, failure, hold or wait changes.
    pub(crate) fn touch(&mut self, package: i64) {
        self.born.remove(&package);
        self.touched.insert(package);
    }

    /// Notes a package that was not known before.
    pub(crate) fn make(&mut self, package: i64) {
        self.made.insert(package);
    }

    /// True for a package that was not known before.
    pub(crate) fn has_made(&self, package: i64) -> bool {
        self.made.contains(&package)
    }

    /// Notes that a package has a job now, in a lane.
    pub(crate) fn queue(&mut self, package: i64, lane: i64) {
        match self.made.contains(&package) && !self.touched.contains(&package) {
            true => drop(self.born.insert(package, lane)),
            false => self.touch(package),
        }
    }

    /// Writes what the packages are now.
    pub(crate) fn write(self, tx: &mut Tx<'_>) -> Result<(), StateError> {
        let Changed { mut touched, mut born, .. } = self;
        if born.len() < births::MASS {
            touched.extend(std::mem::take(&mut born).into_keys());
        }
        births::write(tx, &born)?;
        write(tx, &touched.into_iter().collect::<Vec<_>>())
    }
}

/// Writes what the packages are that a transaction has touched.
fn write(tx: &mut Tx<'_>, touched: &[i64]) -> Result<(), StateError> {
    let now = tx.now()?;
    for some in touched.chunks(AT_ONCE) {
        let mut values = vec![Value::Int(now)];
        values.extend(some.iter().map(|id| Value::Int(*id)));
        // Rows of the transaction's own packages, which it has locked already: they are not counted among what it writes.
        let written = tx.execute_uncounted(&statement(some.len(), "DO NOTHING"), &values)?;
        if written < some.len() as u64 {
            // Another transaction of this millisecond has changed one of them. Few programs ever prepare this statement, which
            // takes as long as the first.
            tx.execute_uncounted(&statement(some.len(), &STATEMENT.again), &values)?;
        }
    }
    Ok(())
}

/// Parts of the statement: each transaction needs it, and it is long.
struct Parts {
    /// Text before the list of its packages.
    before: String,
    /// End of the statement that writes over a row of the same millisecond.
    again: String,
}

static STATEMENT: LazyLock<Parts> = LazyLock::new(|| {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let sources: Vec<&str> = COLUMNS.iter().map(|(_, source)| *source).collect();
    let sets: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    let before = format!(
        "INSERT INTO package_past (package_id, at, {}) SELECT p.id, CAST(?1 AS BIGINT), {} FROM package p
         LEFT JOIN job j ON j.package_id = p.id LEFT JOIN failure f ON f.package_id = p.id
         LEFT JOIN wait w ON w.package_id = p.id WHERE p.id IN ",
        names.join(", "),
        sources.join(", ")
    );
    Parts { before, again: format!("DO UPDATE SET {}", sets.join(", ")) }
});

fn statement(packages: usize, on_conflict: &str) -> String {
    let marks: Vec<String> = (2..packages + 2).map(|number| format!("?{number}")).collect();
    format!("{}({}) ON CONFLICT (package_id, at) {on_conflict}", STATEMENT.before, marks.join(", "))
}
