//! The order in which all is told. Numbers of rows are given before their transactions end, so one that ends late would be
//! passed by; a place is given by one transaction after the other, to rows that are there for everybody.

use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// The last place that was given.
const PLACE: &str = "notice_place";
/// Places that are given in one transaction.
const CHUNK: i64 = 150;

/// Gives what is due its place. Returns whether there may be more.
///
/// # Errors
/// The database.
pub fn sequence(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    let now = tx.now()?;
    // A row that is not there cannot be locked.
    tx.execute(
        "INSERT INTO meta (name, value) VALUES (?1, '0') ON CONFLICT (name) DO NOTHING",
        values![PLACE],
    )?;
    let mut place = meta::lock(tx, PLACE)?.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    let sql = "SELECT id FROM notice WHERE seq IS NULL AND due <= ?1 ORDER BY due, id LIMIT ?2";
    let rows = tx.query(sql, values![now, CHUNK])?;
    for row in &rows {
        place += 1;
        tx.execute("UPDATE notice SET seq = ?2 WHERE id = ?1", values![row.int(0), place])?;
    }
    if !rows.is_empty() {
        meta::set(tx, PLACE, &place.to_string())?;
    }
    Ok(i64::try_from(rows.len()).unwrap_or(0) == CHUNK)
}

/// The last place that was given.
///
/// # Errors
/// The database.
pub fn last(tx: &mut Tx<'_>) -> Result<i64, StateError> {
    Ok(meta::number(tx, PLACE)?.unwrap_or(0))
}
