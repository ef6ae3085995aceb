//! Settings: values that can be changed while the program runs.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// A setting that exists.
pub struct Known {
    /// Name of the setting.
    pub name: &'static str,
    /// Purpose of the setting, with its unit.
    pub help: &'static str,
    /// Smallest value.
    pub least: i64,
    /// Largest value.
    pub most: i64,
}

/// The most imports at a time: more than any machine carries is a slip of the finger.
const MOST_JOBS: i64 = 1024;
/// The most bytes of memory, a pebibyte.
const MOST_MEMORY: i64 = 1 << 50;
/// The highest load average.
const MOST_LOAD: i64 = 100_000;

/// All settings. Each can be set for one host too: `jobs@host`.
pub const KNOWN: &[Known] = &[
    Known {
        name: "jobs",
        help: "imports at a time on each host; bounded by its processors unless it is set",
        least: 1,
        most: MOST_JOBS,
    },
    Known {
        name: "memory",
        help: "bytes of memory that all imports of a host may need together",
        least: 1 << 20,
        most: MOST_MEMORY,
    },
    Known {
        name: "load",
        help: "no new import while the load average of a host is above this",
        least: 1,
        most: MOST_LOAD,
    },
];

/// Value of a setting; `None` if it was not set.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<String>, StateError> {
    Ok(tx.first("SELECT value FROM setting WHERE name = ?1", values![name])?.map(|row| row.text(0)))
}

/// The value for a host: its own, else that of all.
pub fn number_for(tx: &mut Tx<'_>, name: &str, host: &str) -> Result<Option<i64>, StateError> {
    let own = get(tx, &format!("{name}@{host}"))?;
    let value = if own.is_some() { own } else { get(tx, name)? };
    Ok(value.and_then(|text| text.parse().ok()))
}

/// Checks a name, and a value if there is one.
pub fn check(name: &str, value: Option<&str>) -> Result<(), StateError> {
    let plain = name.split_once('@').map_or(name, |(plain, _)| plain);
    let Some(known) = KNOWN.iter().find(|known| known.name == plain) else {
        let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
        return Err(StateError::Unknown(format!(
            "there is no setting {plain}; there are: {}",
            names.join(", ")
        )));
    };
    match value.map_or(Ok(known.least), str::parse) {
        Ok(number) if (known.least..=known.most).contains(&number) => Ok(()),
        _ => Err(StateError::Refused(format!(
            "{plain} has to be a whole number from {} to {}: {}",
            known.least, known.most, known.help
        ))),
    }
}

/// Sets a value, or removes it. Returns the earlier one.
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

/// Names and values of all settings that were set.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<(String, String)>, StateError> {
    let rows = tx.query("SELECT name, value FROM setting ORDER BY name", &[])?;
    Ok(rows.iter().map(|row| (row.text(0), row.text(1))).collect())
}
