//! Findings, as the last look at a repository left them.

use serde::Serialize;

use super::mutes;
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;

/// The most findings of one package that are kept.
pub const KEPT: usize = 60;
/// No message is longer.
const LONGEST: usize = 600;

/// Something that is wrong with a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The kind of finding.
    pub code: String,
    /// The ref, or the file.
    pub subject: String,
    /// Description of the problem.
    pub message: String,
    /// Time of the first finding, in milliseconds since 1970.
    pub since: i64,
}

/// Replaces what is known of a package by what was found; `since` of `found` does not matter. What is as it was keeps its time. A
/// mute ends that was for fewer than there are now.
///
/// # Errors
/// The database.
pub fn settle(tx: &mut Tx<'_>, package: i64, found: &[Found]) -> Result<(), StateError> {
    let now = tx.now()?;
    let known = of_package(tx, package)?;
    let mut kept: Vec<&Found> = Vec::new();
    for it in found {
        if kept.len() < KEPT && !kept.iter().any(|other| same(other, it)) {
            kept.push(it);
        }
    }
    for it in known.iter().filter(|it| !kept.iter().any(|other| same(other, it))) {
        tx.execute(
            "DELETE FROM finding WHERE package_id = ?1 AND code = ?2 AND subject = ?3",
            values![package, &it.code, &it.subject],
        )?;
    }
    let mut codes = Vec::new();
    for it in kept {
        let before = known.iter().find(|other| same(other, it));
        if before.is_some_and(|before| before.message == it.message) {
            continue;
        }
        if before.is_none() {
            codes.push(it.code.as_str());
        }
        let message: String = it.message.chars().take(LONGEST).collect();
        tx.execute(
            "INSERT INTO finding (package_id, code, subject, message, since) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (package_id, code, subject) DO UPDATE SET message = excluded.message",
            values![package, &it.code, &it.subject, message, now],
        )?;
    }
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().try_for_each(|code| mutes::end_outgrown(tx, code, package))
}

fn same(a: &Found, b: &Found) -> bool {
    (&a.code, &a.subject) == (&b.code, &b.subject)
}

fn row(row: &Row) -> Found {
    Found { code: row.text(0), subject: row.text(1), message: row.text(2), since: row.int(3) }
}

/// The findings of a package, sorted.
///
/// # Errors
/// Errors of the database.
pub fn of_package(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Found>, StateError> {
    let sql =
        "SELECT code, subject, message, since FROM finding WHERE package_id = ?1 ORDER BY code, subject";
    Ok(tx.query(sql, values![package])?.iter().map(row).collect())
}

/// Packages that have findings, with names: of a code, or of any.
///
/// # Errors
/// The database.
pub fn packages(tx: &mut Tx<'_>, code: Option<&str>) -> Result<Vec<(i64, String)>, StateError> {
    let sql = "SELECT DISTINCT p.id, p.name FROM finding f JOIN package p ON p.id = f.package_id
        WHERE ?1 = '' OR f.code = ?1 ORDER BY p.name";
    let rows = tx.query(sql, values![code.unwrap_or("")])?;
    Ok(rows.iter().map(|row| (row.int(0), row.text(1))).collect())
}

/// The number of findings of a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The code.
    pub code: String,
    /// Findings.
    pub findings: i64,
    /// Packages that have some.
    pub packages: i64,
    /// Of them, packages for which the code is muted.
    pub muted: i64,
    /// Time of the oldest one, in milliseconds since 1970.
    pub since: i64,
}

/// All codes that there are findings of, those of most packages first; none for a past time, of which they are not kept.
///
/// # Errors
/// The database.
pub fn summary(tx: &mut Tx<'_>) -> Result<Vec<Count>, StateError> {
    if tx.is_past() {
        return Ok(Vec::new());
    }
    let now = tx.now()?;
    let sql = "SELECT f.code, COUNT(*), COUNT(DISTINCT f.package_id),
            COUNT(DISTINCT CASE WHEN EXISTS (SELECT 1 FROM mute m WHERE m.code = f.code AND m.ended IS NULL AND m.until > ?1
                AND (m.package_id IS NULL OR m.package_id = f.package_id)) THEN f.package_id END),
            MIN(f.since)
        FROM finding f GROUP BY f.code ORDER BY 3 DESC, f.code";
    let rows = tx.query(sql, values![now])?;
    let count = |row: &Row| Count {
        code: row.text(0),
        findings: row.int(1),
        packages: row.int(2),
        muted: row.int(3),
        since: row.int(4),
    };
    Ok(rows.iter().map(count).collect())
}
