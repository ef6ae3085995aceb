//! What can be changed while it runs.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// A setting that exists.
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// What it does, with its unit.
    pub help: &'static str,
    /// The smallest value.
    pub least: i64,
}

/// All settings. Each can be set for one host too: `jobs@host`.
pub const KNOWN: &[Known] = &[
    Known {
        name: "jobs",
        help: "imports at a time on each host; bounded by its processors unless it is set",
        least: 1,
    },
    Known {
        name: "memory",
        help: "bytes of memory that all imports of a host may need together",
        least: 1 << 20,
    },
    Known { name: "load", help: "no new import while the load average of a host is above this", least: 1 },
];

/// A setting's value.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StateError> {
    Ok(tx.first("SELECT value FROM setting WHERE name = ?1", values![name])?.map(|row| row.text(0)))
}

/// The value for a host: its own, else that of all.
pub fn number_for(tx: &mut Tx<'_>, name: &str, host: &str) -> Result<Option<i64>, StateError> {
    let own = get(tx, &format!("{name}@{host}"))?;
    let value = if own.is_some() { own } else { get(tx, name)? };
    Ok(value.and_then(|text| text.parse().ok()))
}

/// Checks a name and a value.
pub fn check(name: &str, value: &str) -> Result<(), StateError> {
    let plain = name.split_once('@').map_or(name, |(plain, _)| plain);
    let Some(known) = KNOWN.iter().find(|known| known.name == plain) else {
        let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
        return Err(StateError::Unknown(format!(
            "there is no setting {plain}; there are: {}",
            names.join(", ")
        )));
    };
    match value.parse::<i64>() {
        Ok(number) if number >= known.least => Ok(()),
        _ => Err(StateError::Refused(format!(
            "{plain} has to be a whole number of at least {}: {}",
            known.least, known.help
        ))),
    }
}

/// Sets a value, or takes it away. Returns what it was.
pub fn set(tx: &mut Tx<'_>, name: &str, value: Option<&str>) -> Result<Option<String>, StateError> {
    let before = get(tx, name)?;
    match value {
        Some(value) => tx.execute(
            "INSERT INTO setting (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            values![name, value],
        )?,
        None => tx.execute("DELETE FROM setting WHERE name = ?1", values![name])?,
    };
    Ok(before)
}

/// All values.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<(String, String)>, StateError> {
    let rows = tx.query("SELECT name, value FROM setting ORDER BY name", &[])?;
    Ok(rows.iter().map(|row| (row.text(0), row.text(1))).collect())
}
