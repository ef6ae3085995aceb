//! Names that are allowed in `[checks]` of `config.toml`.
//!
//! A section that no check reads is a policy without effect, which would be noticed only in the night when it is
//! needed. Each check knows the keys of its own section only, and the importer none of them, so the names are listed
//! here, where both use them.

mod nearest;

use toml::{Table, Value};

pub use crate::nearest::nearest;

/// The section of one check.
#[derive(Debug)]
pub struct Section {
    /// Name of the section: `queue` for `[checks.queue]`.
    pub name: &'static str,
    /// Figures with thresholds: `upload` for `[checks.queue.upload]`.
    pub figures: &'static [&'static str],
    /// Keys with a value of their own.
    pub keys: &'static [&'static str],
}

/// The sections of the checks of this product.
pub const SECTIONS: [Section; 8] = [
    Section { name: "failures", figures: &["failing"], keys: &[] },
    Section {
        name: "queue",
        figures: &[
            "upload",
            "operator",
            "retry",
            "rescan",
            "verify",
            "maintain",
            "waiting",
            "drain",
            "publish",
            "unpublished",
            "publish_failing",
        ],
        keys: &[],
    },
    Section { name: "freshness", figures: &["p95", "worst", "behind"], keys: &[] },
    Section { name: "archive", figures: &["intervals"], keys: &[] },
    Section { name: "runs", figures: &["age", "stalled"], keys: &["interval"] },
    Section { name: "workers", figures: &["silent", "stuck", "hindered"], keys: &["hosts", "silent_after"] },
    Section { name: "wedged", figures: &["oldest", "wedged", "foreign", "collisions", "damaged"], keys: &[] },
    Section { name: "database", figures: &["backup", "integrity", "disk", "inodes", "messages"], keys: &[] },
];

/// Keys directly in `[checks]`: the place of the database for the monitor, and the sections of checks that users
/// have written.
pub const KEYS: [&str; 3] = ["state", "passfile", "own"];

/// The thresholds of a figure.
pub const THRESHOLDS: [&str; 2] = ["warning", "critical"];

/// Reason why `[checks]` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A section that no check reads, with a name like one that a check reads.
    #[error("[checks.{name}]: there is no such check; did you mean [checks.{meant}]?")]
    Misspelt {
        /// As it stands there.
        name: String,
        /// The nearest right name.
        meant: String,
    },
    /// A section that no check reads, with a name unlike all others.
    #[error("[checks.{name}]: there is no such check; name it in [checks] own if it is one of yours")]
    NoCheck {
        /// As it stands there.
        name: String,
    },
    /// The section that would be that of `check_import_state`, whose name is taken.
    #[error("[checks] state names the database; the section of its check is [checks.database]")]
    State,
    /// `[checks]` itself is misspelt, so that no policy has an effect.
    #[error("[{name}]: there is no such section; did you mean [checks]?")]
    Parent {
        /// As it stands there.
        name: String,
    },
    /// A key that nobody reads.
    #[error("[{section}] {key}: there is no such key; {hint}")]
    Key {
        /// Name of the section.
        section: String,
        /// As it stands there.
        key: String,
        /// The nearest right key, or all that there are.
        hint: String,
    },
    /// A value where a table must be, or a table where a value must be.
    #[error("[{section}] {key} must be {what}")]
    Form {
        /// Name of the section.
        section: String,
        /// Name of the key.
        key: String,
        /// Form that it must have.
        what: &'static str,
    },
}

/// Refuses names beside `[checks]` that may have been meant as it: a check reads nothing else of the file.
pub fn parent<'a>(others: impl IntoIterator<Item = &'a str>) -> Result<(), Wrong> {
    let misspelt = others.into_iter().find(|name| *name != "checks" && nearest(name, ["checks"]).is_some());
    misspelt.map_or(Ok(()), |name| Err(Wrong::Parent { name: name.to_owned() }))
}

/// Refuses names in `[checks]` that no check reads. The check that asks reads its own section, `asking`.
pub fn names(checks: &Table, asking: Option<&str>) -> Result<(), Wrong> {
    let own = own(checks)?;
    for (name, value) in checks {
        if value.is_table() {
            let is_known = SECTIONS.iter().any(|section| section.name == name)
                || own.contains(&name.as_str())
                || asking == Some(name.as_str());
            if !is_known {
                return Err(no_check(name, own));
            }
        } else if SECTIONS.iter().any(|section| section.name == name) {
            let what = "a table: [checks.NAME.FIGURE] with warning and critical";
            return Err(Wrong::Form { section: "checks".into(), key: name.clone(), what });
        } else {
            key("checks", name, &KEYS)?;
        }
    }
    Ok(())
}

/// Refuses names in `[checks]`, and in the sections of this product's checks, that no check reads. The values are
/// tested by the checks themselves.
pub fn names_and_keys(checks: &Table) -> Result<(), Wrong> {
    names(checks, None)?;
    for section in &SECTIONS {
        let Some(Value::Table(table)) = checks.get(section.name) else { continue };
        let path = format!("checks.{}", section.name);
        let known: Vec<&str> = section.figures.iter().chain(section.keys).copied().collect();
        for (name, value) in table {
            key(&path, name, &known)?;
            if !section.figures.contains(&name.as_str()) {
                continue;
            }
            let Value::Table(limits) = value else {
                let what = "a table with warning and critical";
                return Err(Wrong::Form { section: path, key: name.clone(), what });
            };
            for threshold in limits.keys() {
                key(&format!("{path}.{name}"), threshold, &THRESHOLDS)?;
            }
        }
    }
    Ok(())
}

/// The sections of checks that are none of this product's.
fn own(checks: &Table) -> Result<Vec<&str>, Wrong> {
    let wrong = || Wrong::Form { section: "checks".into(), key: "own".into(), what: "a list of sections" };
    match checks.get("own") {
        None => Ok(Vec::new()),
        Some(Value::Array(names)) => names.iter().map(|name| name.as_str().ok_or_else(wrong)).collect(),
        // `[checks.own]` is a section like any other that does not exist.
        Some(Value::Table(_)) => Ok(Vec::new()),
        Some(_) => Err(wrong()),
    }
}

fn no_check(name: &str, own: Vec<&str>) -> Wrong {
    if name == "state" {
        return Wrong::State;
    }
    let known = SECTIONS.iter().map(|section| section.name).chain(own);
    match nearest(name, known) {
        Some(meant) => Wrong::Misspelt { name: name.to_owned(), meant: meant.to_owned() },
        None => Wrong::NoCheck { name: name.to_owned() },
    }
}

fn key(section: &str, key: &str, known: &[&str]) -> Result<(), Wrong> {
    if known.contains(&key) {
        return Ok(());
    }
    let hint = match nearest(key, known.iter().copied()) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("there are: {}", known.join(", ")),
    };
    Err(Wrong::Key { section: section.to_owned(), key: key.to_owned(), hint })
}

#[cfg(test)]
mod tests;
