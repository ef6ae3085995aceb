//! Whether an archive's history was asked for the old versions of a package, and what it had.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// What asking came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The archive.
    pub archive: String,
    /// When.
    pub asked: i64,
    /// Versions that it had.
    pub versions: i64,
    /// Those that are not imported because nobody vouches for them.
    pub left_out: i64,
    /// Why; or why it was not waited for any longer.
    pub note: Option<String>,
}

/// Whether a package should have its old versions before anything else: nothing of the distro was imported yet, and
/// nobody has asked.
pub fn is_wanted(tx: &mut Tx<'_>, package: i64, archive: &str, distro: &str) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM history WHERE package_id = ?1 AND archive = ?2";
    if tx.first(sql, values![package, archive])?.is_some() {
        return Ok(false);
    }
    let sql = "SELECT 1 FROM version WHERE package_id = ?1 AND distro = ?2 LIMIT 1";
    Ok(tx.first(sql, values![package, distro])?.is_none())
}

/// Notes that a package's old versions are all on record, or will not be asked for. This comes last: whoever is cut off
/// before it asks again.
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
         ON CONFLICT (package_id, archive) DO NOTHING",
        values![package, archive, now, count(versions), count(left_out), note],
    )?;
    Ok(())
}

/// Counts versions that turned out to be nobody's word, and says why of the last one.
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

/// What was asked for a package.
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
