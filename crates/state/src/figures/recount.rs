//! Counters, counted again from the rows.
//!
//! Checks read counters, because a check that counts rows becomes slower as the installation grows. A counter is
//! changed in the transaction that changes the rows. This module computes the same numbers from the rows, to prove
//! the counters.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;
use crate::words::Lane;

/// Place of a counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A row of `counter`, summed over its shards.
    Counter(String),
    /// `signature.failing` of a signature's row.
    Signature(i64),
    /// `signature.parked` of a signature's row.
    SignatureParked(i64),
    /// `dependency.parked` of a dependency's row.
    Dependency(i64),
    /// A sum of a batch: `total`, `cured`, `unchanged` or `broken`.
    Batch(i64, &'static str),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Counter(name) => write!(f, "counter {name}"),
            Place::Signature(id) => write!(f, "signature {id}: failing packages"),
            Place::SignatureParked(id) => write!(f, "signature {id}: parked jobs"),
            Place::Dependency(id) => write!(f, "dependency {id}: parked jobs"),
            Place::Batch(id, column) => write!(f, "batch {id}: {column}"),
        }
    }
}

/// A counter that differs from its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Place of the counter.
    pub place: Place,
    /// Value of the counter.
    pub kept: i64,
    /// Number of rows.
    pub counted: i64,
}

type Numbers = BTreeMap<Place, i64>;

/// Sums of a batch, and the condition on a member that counts for each.
const BATCH: [(&str, &str); 4] = [
    ("total", "1 = 1"),
    ("cured", "m.result = 'cured'"),
    ("unchanged", "m.result = 'unchanged'"),
    ("broken", "m.result = 'broken'"),
];

/// Counts everything from the rows. Its cost grows with them: it is for `verify`, never for a check.
pub fn recompute(tx: &mut Tx<'_>) -> Result<BTreeMap<Place, i64>, StateError> {
    let mut numbers = Numbers::new();
    jobs(tx, &mut numbers)?;
    failures(tx, &mut numbers)?;
    let sql = "SELECT 'held', COUNT(*) FROM package WHERE held = 1
        UNION ALL SELECT 'breakers_open', COUNT(*) FROM dependency WHERE state = 'open'";
    for row in tx.query(sql, &[])? {
        numbers.insert(Place::Counter(row.text(0)), row.int(1));
    }
    let sql = "SELECT remote_id, COUNT(*) FROM publish WHERE state <> 'done' AND lane < 3 GROUP BY remote_id";
    for row in tx.query(sql, &[])? {
        numbers.insert(Place::Counter(format!("unpublished:{}", row.int(0))), row.int(1));
    }
    for (column, condition) in BATCH {
        let sql =
            format!("SELECT m.batch_id, COUNT(*) FROM batch_member m WHERE {condition} GROUP BY m.batch_id");
        for row in tx.query(&sql, &[])? {
            numbers.insert(Place::Batch(row.int(0), column), row.int(1));
        }
    }
    Ok(numbers)
}

fn jobs(tx: &mut Tx<'_>, numbers: &mut Numbers) -> Result<(), StateError> {
    let sql = "SELECT state, held, lane, dependency_id, COUNT(*) FROM job GROUP BY state, held, lane, dependency_id";
    for row in tx.query(sql, &[])? {
        let name = match (row.text(0).as_str(), row.flag(1)) {
            ("pending", true) => "queue_held".to_owned(),
            ("pending", false) => format!("queue_{}", Lane::at(row.int(2))),
            ("running", _) => "running".to_owned(),
            ("parked", _) => {
                if let Some(dependency) = row.opt_int(3) {
                    *numbers.entry(Place::Dependency(dependency)).or_default() += row.int(4);
                }
                "parked".to_owned()
            }
            _ => continue,
        };
        *numbers.entry(Place::Counter(name)).or_default() += row.int(4);
    }
    Ok(())
}

fn failures(tx: &mut Tx<'_>, numbers: &mut Numbers) -> Result<(), StateError> {
    let sql = "SELECT p.held, f.state, f.signature_id, COUNT(*)
        FROM failure f JOIN package p ON p.id = f.package_id GROUP BY p.held, f.state, f.signature_id";
    for row in tx.query(sql, &[])? {
        let mut add = |place: Place| *numbers.entry(place).or_default() += row.int(3);
        if row.flag(0) {
            add(Place::Counter("failing_held".into()));
            continue;
        }
        add(Place::Counter("failing".into()));
        add(Place::Counter(format!("state_{}", row.text(1))));
        add(Place::Signature(row.int(2)));
    }
    parked_failing(tx, numbers)
}

/// Parked jobs of packages that fail.
fn parked_failing(tx: &mut Tx<'_>, numbers: &mut Numbers) -> Result<(), StateError> {
    let sql = "SELECT f.signature_id, COUNT(*) FROM job j JOIN failure f ON f.package_id = j.package_id
        WHERE j.state = 'parked' AND j.held = 0 GROUP BY f.signature_id";
    for row in tx.query(sql, &[])? {
        *numbers.entry(Place::Counter("parked_failing".into())).or_default() += row.int(1);
        numbers.insert(Place::SignatureParked(row.int(0)), row.int(1));
    }
    Ok(())
}

/// Present values of all counters.
fn kept(tx: &mut Tx<'_>) -> Result<Numbers, StateError> {
    let mut numbers = Numbers::new();
    let mut all = |sql: &str, place: &dyn Fn(&Row) -> Place| -> Result<(), StateError> {
        for row in tx.query(sql, &[])? {
            numbers.insert(place(&row), row.int(1));
        }
        Ok(())
    };
    all("SELECT name, CAST(SUM(value) AS BIGINT) FROM counter GROUP BY name", &|row| {
        Place::Counter(row.text(0))
    })?;
    all("SELECT id, failing FROM signature WHERE failing <> 0", &|row| Place::Signature(row.int(0)))?;
    all("SELECT id, parked FROM signature WHERE parked <> 0", &|row| Place::SignatureParked(row.int(0)))?;
    all("SELECT id, parked FROM dependency WHERE parked <> 0", &|row| Place::Dependency(row.int(0)))?;
    for (column, _) in BATCH {
        let sql = format!("SELECT id, {column} FROM batch WHERE {column} <> 0");
        all(&sql, &|row| Place::Batch(row.int(0), column))?;
    }
    Ok(numbers)
}

/// Compares the counters with the rows. Returns the differences.
pub fn verify(tx: &mut Tx<'_>) -> Result<Vec<Difference>, StateError> {
    let (kept, counted) = (kept(tx)?, recompute(tx)?);
    let places: BTreeSet<&Place> = kept.keys().chain(counted.keys()).collect();
    let number = |numbers: &Numbers, place: &Place| numbers.get(place).copied().unwrap_or(0);
    let differences = places.into_iter().map(|place| Difference {
        place: place.clone(),
        kept: number(&kept, place),
        counted: number(&counted, place),
    });
    Ok(differences.filter(|it| it.kept != it.counted).collect())
}

/// As many differences are mended in one transaction.
const MENDED: usize = 100;

/// Corrects counters that differ, some at a time, with an entry in the audit trail for each. Returns the corrected
/// ones; all are correct when the list is empty.
pub fn repair(tx: &mut Tx<'_>, actor: &str) -> Result<Vec<Difference>, StateError> {
    if tx.kind() == crate::driver::Kind::Postgres {
        // Between counting and correcting nobody may change the rows: writers wait for this one transaction.
        tx.query(
            "LOCK TABLE job, failure, package, dependency, batch_member, publish IN SHARE ROW EXCLUSIVE MODE",
            &[],
        )?;
    }
    let mut differences = verify(tx)?;
    differences.truncate(MENDED);
    for difference in &differences {
        mend(tx, difference)?;
        let (before, after) = (difference.kept.to_string(), difference.counted.to_string());
        let subject = difference.place.to_string();
        let reason = Some("it is not what the rows say");
        crate::audit::record(tx, actor, "repair-counter", &subject, reason, Some(&before), Some(&after))?;
    }
    Ok(differences)
}

fn mend(tx: &mut Tx<'_>, difference: &Difference) -> Result<(), StateError> {
    let counted = difference.counted;
    match &difference.place {
        // Other shards keep their parts: adding the difference to one makes the sum right.
        Place::Counter(name) => tx.counter(name, counted - difference.kept),
        Place::Signature(id) => {
            tx.execute("UPDATE signature SET failing = ?2 WHERE id = ?1", values![*id, counted])?;
        }
        Place::SignatureParked(id) => {
            tx.execute("UPDATE signature SET parked = ?2 WHERE id = ?1", values![*id, counted])?;
        }
        Place::Dependency(id) => {
            tx.execute("UPDATE dependency SET parked = ?2 WHERE id = ?1", values![*id, counted])?;
        }
        Place::Batch(id, column) => {
            tx.execute(&format!("UPDATE batch SET {column} = ?2 WHERE id = ?1"), values![*id, counted])?;
        }
    }
    Ok(())
}
