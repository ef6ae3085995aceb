//! Limits of the sandbox that a host's kernel does not offer. A host without a row has all of them.

use serde::Serialize;

use crate::db::meta;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::past::things::Kind;

const PREFIX: &str = "walls/";

/// A host, and the walls that it lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unwalled {
    /// Name of the host.
    pub host: String,
    /// The names of the walls.
    pub walls: Vec<String>,
}

/// Records the limits that a host lacks. Nothing is written if they are recorded already.
pub fn set(tx: &mut Tx<'_>, host: &str, walls: &[&str]) -> Result<(), StateError> {
    let (name, now) = (format!("{PREFIX}{host}"), walls.join(","));
    let known = meta::get(tx, &name)?.unwrap_or_default();
    if known != now {
        tx.touch_thing(Kind::Walls, host);
    }
    match (known == now, now.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => meta::remove(tx, &name),
        (false, false) => meta::set(tx, &name, &now),
    }
}

/// All hosts that lack one.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Unwalled>, StateError> {
    let rows = tx.query("SELECT name, value FROM meta WHERE name LIKE 'walls/%' ORDER BY name", &[])?;
    let one = |row: &crate::driver::Row| Unwalled {
        host: row.text(0).trim_start_matches(PREFIX).to_owned(),
        walls: row.text(1).split(',').map(str::to_owned).collect(),
    };
    Ok(rows.iter().map(one).collect())
}
