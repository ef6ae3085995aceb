//! Packages by their records, in the order of their names.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::driver::{Row, Value};
use crate::error::StateError;
use crate::values;
use crate::words::Condition;

/// Filter for packages.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// In one of these conditions; in any, if none is named.
    pub conditions: Vec<Condition>,
    /// Patterns of names, in which `*` stands for any text and `?` for one character; an empty list fits all names.
    pub patterns: Vec<String>,
    /// With a version that is imported without its patches.
    pub unapplied: bool,
}

/// A package in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Name of the package.
    pub package: String,
    /// Result of its last import: `never`, `current`, `retrying`, `failing`, `wedged`.
    pub result: String,
    /// Present work: `none`, `queued`, `parked`, `running`, or `retrying` while it waits for its next try.
    pub work: String,
    /// True when the package is held.
    pub held: bool,
    /// Unix milliseconds at which its failure began; of its last success, if it does not fail.
    pub since: Option<i64>,
    /// The short id of the signature that it fails with.
    pub signature: Option<String>,
    /// Versions that are imported without their patches, if these were asked for.
    pub unapplied: Vec<String>,
}

/// At most `at_most` packages, and the number of all.
pub fn read(tx: &mut Tx<'_>, wanted: &Wanted, at_most: i64) -> Result<(i64, Vec<Listed>), StateError> {
    let (condition, values) = condition(wanted);
    let from = format!(
        "FROM package p LEFT JOIN failure f ON f.package_id = p.id LEFT JOIN job j ON j.package_id = p.id
         LEFT JOIN signature s ON s.id = f.signature_id WHERE {condition}"
    );
    let all = tx.first(&format!("SELECT COUNT(*) {from}"), &values)?.map_or(0, |row| row.int(0));
    let limit = values.len() + 1;
    let sql = format!(
        "SELECT p.id, p.name, f.state, p.last_success, j.state, p.held, f.since, s.short {from}
         ORDER BY p.name LIMIT ?{limit}"
    );
    let mut found = Vec::new();
    for row in tx.query(&sql, &[&values[..], &[at_most.into()]].concat())? {
        let unapplied = if wanted.unapplied { unapplied(tx, row.int(0))? } else { Vec::new() };
        found.push(Listed { unapplied, ..listed(&row) });
    }
    Ok((all, found))
}

/// The condition and its values.
fn condition(wanted: &Wanted) -> (String, Vec<Value>) {
    let mut parts = Vec::new();
    if !wanted.conditions.is_empty() {
        let each: Vec<&str> = wanted.conditions.iter().map(|it| of(*it)).collect();
        parts.push(format!("({})", each.join(" OR ")));
    }
    let mut values: Vec<Value> = Vec::new();
    if !wanted.patterns.is_empty() {
        let each = wanted.patterns.iter().map(|pattern| {
            values.push(like(pattern).as_str().into());
            format!("p.name LIKE ?{} ESCAPE '!'", values.len())
        });
        let each: Vec<String> = each.collect();
        parts.push(format!("({})", each.join(" OR ")));
    }
    if wanted.unapplied {
        let sql = "EXISTS (SELECT 1 FROM version v WHERE v.package_id = p.id AND v.applied_id IS NULL)";
        parts.push(sql.to_owned());
    }
    (if parts.is_empty() { "1 = 1".to_owned() } else { parts.join(" AND ") }, values)
}

fn of(condition: Condition) -> &'static str {
    match condition {
        Condition::Never => "(f.package_id IS NULL AND p.last_success IS NULL)",
        Condition::Current => "(f.package_id IS NULL AND p.last_success IS NOT NULL)",
        Condition::Retrying => "f.state = 'retrying'",
        Condition::Failing => "f.state = 'failing'",
        Condition::Wedged => "f.state = 'wedged'",
        Condition::Queued => "j.state = 'pending'",
        Condition::Running => "j.state = 'running'",
        Condition::Parked => "j.state = 'parked'",
        Condition::Held => "p.held = 1",
    }
}

/// A pattern as the database has it.
fn like(pattern: &str) -> String {
    let mut like = String::new();
    for sign in pattern.chars() {
        match sign {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '!' => like.extend(['!', sign]),
            other => like.push(other),
        }
    }
    like
}

fn listed(row: &Row) -> Listed {
    let (failure, success) = (row.opt_text(2), row.opt_int(3));
    let result = match (failure, success) {
        (Some(state), _) => state,
        (None, Some(_)) => Condition::Current.as_str().to_owned(),
        (None, None) => Condition::Never.as_str().to_owned(),
    };
    Listed {
        package: row.text(1),
        result,
        work: super::package::work(row.opt_text(4).as_deref()).to_owned(),
        held: row.flag(5),
        since: row.opt_int(6).or(success),
        signature: row.opt_text(7),
        unapplied: Vec::new(),
    }
}

/// Versions that were imported without their patches: of one package, at most twenty.
fn unapplied(tx: &mut Tx<'_>, package: i64) -> Result<Vec<String>, StateError> {
    let sql = "SELECT DISTINCT version FROM version WHERE package_id = ?1 AND applied_id IS NULL ORDER BY version LIMIT 20";
    Ok(tx.query(sql, values![package])?.iter().map(|row| row.text(0)).collect())
}
