//! Findings that are known and do not count for a time.

use serde::Serialize;

use crate::audit::{self, By};
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;

/// One mute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mute {
    /// Its number.
    pub id: i64,
    /// The code.
    pub code: String,
    /// Of one package only.
    pub package: Option<String>,
    /// How many findings of it there were: with more it ends.
    pub number: i64,
    /// When it ends at the latest, in milliseconds since 1970.
    pub until: i64,
    /// Since when.
    pub made: i64,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

const COLUMNS: &str =
    "SELECT m.id, m.code, p.name, m.number, m.until, m.made, m.made_by, m.reason FROM mute m
    LEFT JOIN package p ON p.id = m.package_id";

fn row(row: &Row) -> Mute {
    Mute {
        id: row.int(0),
        code: row.text(1),
        package: row.opt_text(2),
        number: row.int(3),
        until: row.int(4),
        made: row.int(5),
        by: row.text(6),
        reason: row.text(7),
    }
}

/// Those that hold, oldest first.
///
/// # Errors
/// The database.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Mute>, StateError> {
    let now = tx.now()?;
    let sql = format!("{COLUMNS} WHERE m.ended IS NULL AND m.until > ?1 ORDER BY m.id");
    Ok(tx.query(&sql, values![now])?.iter().map(row).collect())
}

/// How many findings of a code there are, of one package or of all.
///
/// # Errors
/// The database.
pub fn count(tx: &mut Tx<'_>, code: &str, package: Option<i64>) -> Result<i64, StateError> {
    let sql = "SELECT COUNT(*) FROM finding WHERE code = ?1 AND (CAST(?2 AS BIGINT) = 0 OR package_id = ?2)";
    Ok(tx.first(sql, values![code, package.unwrap_or(0)])?.map_or(0, |row| row.int(0)))
}

/// Mutes a code until a time; one that holds for the same is replaced. Returns how many findings it is for.
///
/// # Errors
/// The database.
pub fn mute(
    tx: &mut Tx<'_>,
    code: &str,
    package: Option<(i64, &str)>,
    until: i64,
    by: By<'_>,
) -> Result<i64, StateError> {
    let now = tx.now()?;
    let id = package.map(|(id, _)| id);
    let number = count(tx, code, id)?;
    end(tx, code, id, "replaced")?;
    tx.execute(
        "INSERT INTO mute (code, package_id, number, until, made, made_by, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![code, id, number, until, now, by.actor, by.reason.unwrap_or("")],
    )?;
    let subject = subject(code, package.map(|(_, name)| name));
    audit::record(tx, by.actor, "mute", &subject, by.reason, None, Some(&format!("{number} until {until}")))?;
    Ok(number)
}

/// Ends a mute before its time. Returns whether there was one.
///
/// # Errors
/// The database.
pub fn unmute(
    tx: &mut Tx<'_>,
    code: &str,
    package: Option<(i64, &str)>,
    by: By<'_>,
) -> Result<bool, StateError> {
    let ended = end(tx, code, package.map(|(id, _)| id), "unmute")?;
    if ended {
        let subject = subject(code, package.map(|(_, name)| name));
        audit::record(tx, by.actor, "unmute", &subject, by.reason, None, None)?;
    }
    Ok(ended)
}

fn subject(code: &str, package: Option<&str>) -> String {
    package.map_or(code.to_owned(), |package| format!("{code} {package}"))
}

fn end(tx: &mut Tx<'_>, code: &str, package: Option<i64>, how: &str) -> Result<bool, StateError> {
    let now = tx.now()?;
    let sql = "UPDATE mute SET ended = ?3, ending = ?4 WHERE code = ?1 AND COALESCE(package_id, 0) = ?2
        AND ended IS NULL AND until > ?3";
    Ok(tx.execute(sql, values![code, package.unwrap_or(0), now, how])? > 0)
}

/// Ends the mutes of a code that are for fewer findings than there are now: what has grown worse is said at once.
pub(super) fn end_outgrown(tx: &mut Tx<'_>, code: &str, package: i64) -> Result<(), StateError> {
    let now = tx.now()?;
    let sql = "SELECT id, number, COALESCE(package_id, 0) FROM mute WHERE code = ?1 AND ended IS NULL AND until > ?2
        AND (package_id IS NULL OR package_id = ?3)";
    for row in tx.query(sql, values![code, now, package])? {
        let of = Some(row.int(2)).filter(|id| *id > 0);
        let there = count(tx, code, of)?;
        if there > row.int(1) {
            tx.execute(
                "UPDATE mute SET ended = ?2, ending = 'more' WHERE id = ?1",
                values![row.int(0), now],
            )?;
            let (before, after) = (format!("{} muted", row.int(1)), format!("{there} are there"));
            audit::record(tx, "package-import", "unmute", code, None, Some(&before), Some(&after))?;
        }
    }
    Ok(())
}
