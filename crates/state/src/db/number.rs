//! Rows that are numbered as they are made: where those of a time begin.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// The number of the first row that was made after a time, found by halves. Whoever reads the newest of something would else pass
/// all that came since.
pub(crate) fn first_after(tx: &mut Tx<'_>, table: &str, column: &str, at: i64) -> Result<i64, StateError> {
    let newest = tx.first(&format!("SELECT MAX(id) FROM {table}"), values![])?.map_or(0, |row| row.int(0));
    let sql = format!("SELECT id, {column} FROM {table} WHERE id >= ?1 ORDER BY id LIMIT 1");
    let (mut low, mut high) = (0, newest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match tx.first(&sql, values![middle])? {
            Some(row) if row.int(1) <= at => low = row.int(0) + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
