//! The packages that were not at rest, now and then: who looks back starts from the next of these lists, not from the present, so
//! that a look costs the same however long ago it was.

use super::facts::SETTLED;
use super::things;
use crate::db::tx::{HOUR, Tx};
use crate::driver::Kind;
use crate::error::StateError;
use crate::values;

/// The word of these values; they have no name.
const BUSY: &str = "busy";

/// Milliseconds after which there is a list again, however little has happened.
const EVERY: i64 = 24 * HOUR;
/// Also after as many changes as this part of the packages.
const PART: i64 = 8;

/// The packages that are not at rest now.
pub(super) const NOW: &str = "SELECT package_id FROM job UNION ALL SELECT package_id FROM failure
    UNION ALL SELECT package_id FROM wait UNION ALL SELECT id AS package_id FROM package WHERE held = 1";

/// A list: its time, and the numbers of the packages with commas between them.
pub(super) struct List {
    pub at: i64,
    packages: String,
}

impl List {
    /// The list as a query.
    pub(super) fn query(&self, kind: Kind) -> String {
        let packages = &self.packages;
        match kind {
            Kind::Sqlite => format!("SELECT value AS package_id FROM json_each('[{packages}]')"),
            Kind::Postgres => format!("SELECT unnest('{{{packages}}}'::bigint[]) AS package_id"),
        }
    }
}

/// The first list that certainly knows what was so at a time: no transaction of that time was still open.
pub(super) fn after(tx: &mut Tx<'_>, at: i64) -> Result<Option<List>, StateError> {
    let sql = "SELECT at, value FROM past WHERE kind = ?1 AND name = '' AND at >= ?2 AND value IS NOT NULL ORDER BY at LIMIT 1";
    let row = tx.first(sql, values![BUSY, at.saturating_add(SETTLED)])?;
    Ok(row.map(|row| List { at: row.int(0), packages: row.text(1) }))
}

/// Writes a list if one is due. While most packages are busy there is none: then all are looked at anyway.
pub(crate) fn note(tx: &mut Tx<'_>) -> Result<(), StateError> {
    let now = tx.now()?;
    let packages = tx.first("SELECT MAX(id) FROM package", &[])?.map_or(0, |row| row.int(0));
    let newest = "SELECT at FROM past WHERE kind = ?1 AND name = '' ORDER BY at DESC LIMIT 1";
    let newest = tx.first(newest, values![BUSY])?.map_or(i64::MIN, |row| row.int(0));
    let is_due = now.saturating_sub(newest) >= EVERY || {
        let sql = "SELECT at FROM package_past WHERE at > ?1 ORDER BY at LIMIT 1 OFFSET ?2";
        tx.first(sql, values![newest, packages / PART])?.is_some()
    };
    if !is_due {
        return Ok(());
    }
    let sql = format!("SELECT DISTINCT package_id FROM ({NOW}) AS busy ORDER BY package_id");
    let busy: Vec<String> = tx.query(&sql, &[])?.iter().map(|row| row.int(0).to_string()).collect();
    if i64::try_from(busy.len()).unwrap_or(i64::MAX) > packages / 2 {
        return Ok(());
    }
    things::put(tx, BUSY, "", Some(&busy.join(",")))
}
