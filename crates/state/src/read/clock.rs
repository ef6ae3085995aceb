//! Recorded times in the future: somewhere a clock was wrong. None of them is trusted.

use baseline::age::TOLERATED;
use serde::Serialize;

use crate::db::meta;
use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::values;

/// A recorded time that is in the future.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ahead {
    /// Description of what the time belongs to.
    pub what: String,
    /// Unix milliseconds.
    pub at: i64,
}

/// Largest number of each kind.
const EACH: i64 = 5;

/// All of them, the newest of each kind.
pub fn ahead(tx: &mut Tx<'_>) -> Result<Vec<Ahead>, StateError> {
    if tx.moment().is_some() {
        // What is to come of a time that is over was to come rightly.
        return Ok(Vec::new());
    }
    let latest = tx.now()? + TOLERATED;
    let mut found = Vec::new();
    let newest = "SELECT hour FROM sample WHERE figure = 'failing' AND hour > ?1 ORDER BY hour DESC LIMIT 1";
    let samples = tx.first(newest, values![latest.div_euclid(HOUR)])?;
    found.extend(samples.map(|row| Ahead { what: "newest sample".into(), at: row.int(0) * HOUR }));
    for (kind, sql) in [
        ("heartbeat of ", "SELECT name, heartbeat FROM host WHERE heartbeat > ?1 ORDER BY name LIMIT ?2"),
        (
            "poll of ",
            "SELECT archive || '/' || suite, polled FROM suite WHERE polled > ?1 ORDER BY archive, suite LIMIT ?2",
        ),
        (
            "end of the last run on ",
            "SELECT h.name, r.ended FROM run r JOIN host h ON h.id = r.host_id WHERE r.ended > ?1
                ORDER BY r.ended DESC LIMIT ?2",
        ),
    ] {
        let rows = tx.query(sql, values![latest, EACH])?;
        found.extend(rows.iter().map(|row| Ahead { what: format!("{kind}{}", row.text(0)), at: row.int(1) }));
    }
    let backup = meta::number(tx, meta::LAST_BACKUP)?.filter(|at| *at > latest);
    found.extend(backup.map(|at| Ahead { what: "last backup".into(), at }));
    Ok(found)
}
