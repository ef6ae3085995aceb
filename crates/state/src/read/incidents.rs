//! The facts by which incidents are recognised: breakers, begun failures, verdicts, removals, collisions; and the later
//! state of the packages.

use crate::audit::Event;
use crate::db::number;
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::past::things::{VERDICT, WITHHELD};
use crate::values;

/// A breaker that opened, and closed if it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The dependency that it guards.
    pub dependency: String,
    /// Time of the change.
    pub at: i64,
    /// True if it opened, false if it closed.
    pub opened: bool,
    /// The reason.
    pub cause: Option<String>,
}

/// A package that something happened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The package.
    pub package: String,
    /// Time of the effect.
    pub at: i64,
    /// Time of recovery: imported, if it had been parked; without failure, if it failed.
    pub back: Option<i64>,
}

/// A failure that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Began {
    /// The package.
    pub hit: Hit,
    /// The signature's short id.
    pub signature: String,
    /// Stage of the failure.
    pub stage: String,
    /// Code of the failure.
    pub code: String,
    /// Message of the failure.
    pub message: String,
}

/// A verdict of the baseline that was another than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `failing`, `failed` or `signature:ID`.
    pub figure: String,
    /// Time.
    pub at: i64,
    /// The stored JSON.
    pub value: String,
}

/// A suite of which an index listed so many publications less at once that it was not believed; 0 when that was over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// `ARCHIVE/SUITE`.
    pub suite: String,
    /// Time.
    pub at: i64,
    /// Number of publications.
    pub publications: i64,
}

/// A collision that waited for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collided {
    /// Its number.
    pub id: i64,
    /// The package and when.
    pub hit: Hit,
    /// The ref.
    pub name: String,
    /// The kind.
    pub kind: String,
}

/// Breakers that opened and closed in a time: of each, its own entries of the audit trail.
pub fn breakers(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Vec<Opened>, StateError> {
    let first = number::first_after(tx, "event", "at", from - SLACK)?;
    let sql =
        "SELECT at, action, reason, id FROM event WHERE subject = ?1 AND id >= ?2 AND at >= ?3 AND at <= ?4
        AND action IN ('breaker-open', 'breaker-closed') ORDER BY id";
    let mut entries = Vec::new();
    for dependency in tx.query("SELECT name FROM dependency ORDER BY name", &[])? {
        let dependency = dependency.text(0);
        for row in tx.query(sql, values![&dependency, first, from, to])? {
            let change = Opened {
                dependency: dependency.clone(),
                at: row.int(0),
                opened: row.text(1) == "breaker-open",
                cause: row.opt_text(2),
            };
            entries.push((change.at, row.int(3), change));
        }
    }
    entries.sort_by_key(|(at, id, _)| (*at, *id));
    let mut found: Vec<Opened> = entries.into_iter().map(|(.., change)| change).collect();
    // One that has been open since before.
    let sql = "SELECT name, since, cause FROM dependency WHERE state = 'open' AND since < ?1 ORDER BY since";
    let before = tx.query(sql, values![from])?;
    found.splice(
        0..0,
        before.iter().map(|row| Opened {
            dependency: row.text(0),
            at: row.int(1),
            opened: true,
            cause: row.opt_text(2),
        }),
    );
    Ok(found)
}

/// Entries are numbered in the order of their times, but for those of transactions at once, or of clocks that differ by this, in
/// milliseconds.
const SLACK: i64 = 3_600_000;

/// Packages that were parked on a dependency in a time, and when they were imported.
pub fn parked(tx: &mut Tx<'_>, dependency: &str, from: i64, to: i64) -> Result<Vec<Hit>, StateError> {
    let sql = "SELECT p.name, k.at, (SELECT g.last_success FROM package_past g WHERE g.package_id = k.package_id
            AND g.at > k.at AND g.last_success > k.at ORDER BY g.at LIMIT 1)
        FROM (SELECT f.package_id AS package_id, MIN(f.at) AS at FROM package_past f JOIN dependency d ON d.name = ?1
            WHERE f.dependency_id = d.id AND f.at >= ?2 AND f.at <= ?3 GROUP BY f.package_id) k
        JOIN package p ON p.id = k.package_id ORDER BY k.at, p.name";
    Ok(tx.query(sql, values![dependency, from, to])?.iter().map(hit).collect())
}

fn hit(row: &Row) -> Hit {
    Hit { package: row.text(0), at: row.int(1), back: row.opt_int(2) }
}

/// Failures that began in a time, and when they ended: one that lasts is not searched for an end.
pub fn began(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Vec<Began>, StateError> {
    let sql = "SELECT p.name, f.at, CASE WHEN c.since <= f.at THEN NULL ELSE (SELECT g.at FROM package_past g
            WHERE g.package_id = f.package_id AND g.at > f.at AND g.failure IS NULL ORDER BY g.at LIMIT 1) END,
            s.short, f.stage, f.code, f.message
        FROM package_past f JOIN package p ON p.id = f.package_id JOIN signature s ON s.id = f.signature_id
            LEFT JOIN failure c ON c.package_id = f.package_id
        WHERE f.began = 1 AND f.at >= ?1 AND f.at <= ?2 ORDER BY f.at, p.name";
    let one = |row: &Row| Began {
        hit: hit(row),
        signature: row.text(3),
        stage: row.text(4),
        code: row.text(5),
        message: row.text(6),
    };
    Ok(tx.query(sql, values![from, to])?.iter().map(one).collect())
}

/// Verdicts that changed in a time.
pub fn verdicts(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Vec<Said>, StateError> {
    let sql = "SELECT name, at, value FROM past WHERE kind = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at, name";
    let one = |row: &Row| Said { figure: row.text(0), at: row.int(1), value: row.text(2) };
    Ok(tx.query(sql, values![VERDICT, from, to])?.iter().map(one).collect())
}

/// Removals that were too many at once to be believed, in a time.
pub fn withheld(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Vec<Withheld>, StateError> {
    let sql = "SELECT name, at, value FROM past WHERE kind = ?1 AND at >= ?2 AND at <= ?3 ORDER BY at, name";
    let one = |row: &Row| Withheld {
        suite: row.text(0),
        at: row.int(1),
        publications: row.text(2).parse().unwrap_or(0),
    };
    Ok(tx.query(sql, values![WITHHELD, from, to])?.iter().map(one).collect())
}

/// Collisions that were found in a time and waited for a person.
pub fn collisions(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Vec<Collided>, StateError> {
    let sql = "SELECT p.name, c.since, c.ended, c.id, c.name, c.kind FROM collision c JOIN package p ON p.id = c.package_id
        WHERE c.since >= ?1 AND c.since <= ?2 AND c.kind IN ('unmerged', 'conflict', 'tag-differs', 'blocked')
        ORDER BY c.since, c.id";
    let one = |row: &Row| Collided { hit: hit(row), id: row.int(3), name: row.text(4), kind: row.text(5) };
    Ok(tx.query(sql, values![from, to])?.iter().map(one).collect())
}

/// Operators' actions in a period, oldest first.
pub fn done(tx: &mut Tx<'_>, from: i64, to: i64, at_most: i64) -> Result<Vec<Event>, StateError> {
    let sql = "SELECT id, at, actor, action, subject, reason, before, after FROM event
        WHERE at >= ?1 AND at <= ?2 AND actor NOT IN ('package-import', 'policy') ORDER BY at, id LIMIT ?3";
    let one = |row: &Row| Event {
        id: row.int(0),
        at: row.int(1),
        actor: row.text(2),
        action: row.text(3),
        subject: row.text(4),
        reason: row.opt_text(5),
        before: row.opt_text(6),
        after: row.opt_text(7),
    };
    Ok(tx.query(sql, values![from, to, at_most])?.iter().map(one).collect())
}
