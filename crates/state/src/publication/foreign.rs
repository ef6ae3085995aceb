//! Refs of repositories that somebody else made, moved or removed, as the last import found them.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::past::things::Kind;
use crate::publication::collisions;
use crate::values;

/// Largest number of foreign refs that are kept of one package: anybody who can push can make any number.
pub const KEPT: usize = 60;

/// A ref that is not where the importer has put it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ForeignRef {
    /// Full name of the ref.
    pub name: String,
    /// Kind of the foreign ref: `branch`, `tag`, `other`, `gone`, `blocked`.
    pub kind: String,
    /// Unix milliseconds at which it was first seen like this.
    pub since: i64,
    /// Object that the importer has put the ref to, if it has.
    pub ours: Option<String>,
    /// Object that the ref points to, if it exists.
    pub theirs: Option<String>,
}

/// Replaces the recorded foreign refs of a package by those found. `since` of `found` is not used: a ref that has not
/// changed keeps its time.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn settle(tx: &mut Tx<'_>, package: i64, found: &[ForeignRef]) -> Result<(), StateError> {
    let now = tx.now()?;
    let known = of_package(tx, package)?;
    let kept = if found.is_empty() { Vec::new() } else { collisions::kept(tx, package)? };
    let is_kept = |it: &&ForeignRef| kept.iter().any(|(name, id)| (name, id) == (&it.name, &it.theirs));
    let found: Vec<&ForeignRef> = found.iter().filter(|it| !is_kept(it)).take(KEPT).collect();
    for it in known.iter().filter(|it| !found.iter().any(|other| other.name == it.name)) {
        tx.execute(
            "DELETE FROM foreign_ref WHERE package_id = ?1 AND name = ?2",
            values![package, &it.name],
        )?;
    }
    let named = tx.first("SELECT name FROM package WHERE id = ?1", values![package])?;
    if let Some(named) = named.filter(|_| !known.is_empty() || !found.is_empty()) {
        tx.touch_thing(Kind::Foreign, &named.text(0));
    }
    let is_known =
        |it: &&ForeignRef| known.iter().any(|other| (&other.name, &other.theirs) == (&it.name, &it.theirs));
    for it in found.into_iter().filter(|it| !is_known(it)) {
        tx.execute(
            "INSERT INTO foreign_ref (package_id, name, kind, since, ours, theirs) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (package_id, name) DO UPDATE SET kind = excluded.kind, since = excluded.since,
                ours = excluded.ours, theirs = excluded.theirs",
            values![package, &it.name, &it.kind, now, it.ours.as_deref(), it.theirs.as_deref()],
        )?;
    }
    Ok(())
}

/// Recorded foreign refs of a package, sorted by name.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn of_package(tx: &mut Tx<'_>, package: i64) -> Result<Vec<ForeignRef>, StateError> {
    let sql = "SELECT name, kind, since, ours, theirs FROM foreign_ref WHERE package_id = ?1 ORDER BY name";
    Ok(tx.query(sql, values![package])?.iter().map(row).collect())
}

fn row(row: &Row) -> ForeignRef {
    ForeignRef {
        name: row.text(0),
        kind: row.text(1),
        since: row.int(2),
        ours: row.opt_text(3),
        theirs: row.opt_text(4),
    }
}

/// Number of foreign refs and of their packages, and the package that has had one for longest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Number of foreign refs.
    pub refs: i64,
    /// Packages that have some.
    pub packages: i64,
    /// The package that has had one for longest.
    pub oldest: Option<String>,
    /// Unix milliseconds at which the oldest foreign ref was first seen.
    pub since: Option<i64>,
}

/// All of an installation in one row.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn summary(tx: &mut Tx<'_>) -> Result<Summary, StateError> {
    let counted = tx.first("SELECT COUNT(*), COUNT(DISTINCT package_id) FROM foreign_ref", values![])?;
    let sql = "SELECT p.name, f.since FROM foreign_ref f JOIN package p ON p.id = f.package_id
        ORDER BY f.since, f.package_id LIMIT 1";
    let oldest = tx.first(sql, values![])?;
    Ok(Summary {
        refs: counted.as_ref().map_or(0, |row| row.int(0)),
        packages: counted.as_ref().map_or(0, |row| row.int(1)),
        oldest: oldest.as_ref().map(|row| row.text(0)),
        since: oldest.as_ref().map(|row| row.int(1)),
    })
}
