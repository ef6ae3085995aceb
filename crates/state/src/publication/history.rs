//! Requests for the old versions of a package to the histories of archives, and their results.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// Result of a request for old versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Name of the archive.
    pub archive: String,
    /// Unix milliseconds of the request.
    pub asked: i64,
    /// Versions that it had.
    pub versions: i64,
    /// Number of versions that are not imported because no trusted signature covers them.
    pub left_out: i64,
    /// Reason of the request, or of going on without an answer.
    pub note: Option<String>,
}

/// True when a package should get its old versions before anything else: no version of the distro was imported yet
/// and nobody has asked; or an operator wants the archive asked again.
pub fn is_wanted(tx: &mut Tx<'_>, package: i64, archive: &str, distro: &str) -> Result<bool, StateError> {
    let sql = "SELECT again FROM history WHERE package_id = ?1 AND archive = ?2";
    if let Some(row) = tx.first(sql, values![package, archive])? {
        return Ok(row.flag(0));
    }
    let sql = "SELECT 1 FROM version WHERE package_id = ?1 AND distro = ?2 LIMIT 1";
    Ok(tx.first(sql, values![package, distro])?.is_none())
}

/// Records that all old versions of a package are stored, or will not be asked for. This is written last: a process
/// that is killed before it asks again.
pub fn asked(
    tx: &mut Tx<'_>,
    (package, archive): (i64, &str),
    (versions, left_out): (usize, usize),
    note: Option<&str>,
) -> Result<(), StateError> {
    let now = tx.now()?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO history (package_id, archive, asked, versions, left_out, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (package_id, archive) DO UPDATE SET asked = excluded.asked, versions = excluded.versions,
            left_out = excluded.left_out, note = excluded.note, again = 0 WHERE history.again = 1",
        values![package, archive, now, count(versions), count(left_out), note],
    )?;
    Ok(())
}

/// Counts versions that are left out of the history, and records the reason for the last one.
pub fn left_out(
    tx: &mut Tx<'_>,
    (package, archive): (i64, &str),
    count: usize,
    note: &str,
) -> Result<(), StateError> {
    tx.execute(
        "UPDATE history SET left_out = left_out + ?3, note = ?4 WHERE package_id = ?1 AND archive = ?2",
        values![package, archive, i64::try_from(count).unwrap_or(i64::MAX), note],
    )?;
    Ok(())
}

/// Makes an archive's history be asked again for a package: its recorded versions, and those that could not be
/// fetched, are wanted again. Returns the number of versions that were left out.
pub fn ask_again(tx: &mut Tx<'_>, package: i64, archive: &str) -> Result<i64, StateError> {
    let now = tx.now()?;
    let left_out = tx.execute(
        "UPDATE publication SET gone = NULL, tries = 0 WHERE package_id = ?1 AND archive = ?2 AND suite = ''
            AND done IS NULL AND gone IS NOT NULL",
        values![package, archive],
    )?;
    tx.execute(
        "INSERT INTO history (package_id, archive, asked, again) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (package_id, archive) DO UPDATE SET again = 1",
        values![package, archive, now],
    )?;
    Ok(i64::try_from(left_out).unwrap_or(i64::MAX))
}

/// Archives whose history an operator wants asked again for a package.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn wanted_again(tx: &mut Tx<'_>, package: i64) -> Result<Vec<String>, StateError> {
    let sql = "SELECT archive FROM history WHERE package_id = ?1 AND again = 1 ORDER BY archive";
    Ok(tx.query(sql, values![package])?.iter().map(|row| row.text(0)).collect())
}

/// Versions that need not be requested: recorded ones of the history, and all imported ones.
pub fn on_record(
    tx: &mut Tx<'_>,
    package: i64,
    archive: &str,
    distro: &str,
) -> Result<BTreeSet<String>, StateError> {
    let sql = "SELECT version FROM publication WHERE package_id = ?1 AND archive = ?2 AND suite = ''
            AND (done IS NOT NULL OR gone IS NULL)
        UNION SELECT version FROM version WHERE package_id = ?1 AND distro = ?3";
    Ok(tx.query(sql, values![package, archive, distro])?.iter().map(|row| row.text(0)).collect())
}

/// Packages of an archive whose history was not requested, or was incomplete.
pub fn incomplete(tx: &mut Tx<'_>, archive: &str) -> Result<Vec<String>, StateError> {
    let sql = "SELECT p.name FROM history h JOIN package p ON p.id = h.package_id
        WHERE h.archive = ?1 AND (h.left_out > 0 OR h.note IS NOT NULL) ORDER BY p.name";
    Ok(tx.query(sql, values![archive])?.iter().map(|row| row.text(0)).collect())
}

/// True if old versions were imported after others of the package: those may lack them as ancestors.
///
/// # Errors
/// [`StateError`] when the database cannot be read.
pub fn has_late(tx: &mut Tx<'_>, package: i64) -> Result<bool, StateError> {
    let sql =
        "SELECT 1 FROM version v JOIN publication p ON p.package_id = v.package_id AND p.distro = v.distro
            AND p.version = v.version
        WHERE v.package_id = ?1 AND p.suite = '' AND p.done IS NOT NULL
            AND v.imported > (SELECT MIN(o.imported) FROM version o WHERE o.package_id = ?1) LIMIT 1";
    Ok(tx.first(sql, values![package])?.is_some())
}

/// Requests for the old versions of a package, sorted by archive.
pub fn of_package(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Asked>, StateError> {
    let sql =
        "SELECT archive, asked, versions, left_out, note FROM history WHERE package_id = ?1 ORDER BY archive";
    let rows = tx.query(sql, values![package])?;
    Ok(rows
        .iter()
        .map(|row| Asked {
            archive: row.text(0),
            asked: row.int(1),
            versions: row.int(2),
            left_out: row.int(3),
            note: row.opt_text(4),
        })
        .collect())
}
