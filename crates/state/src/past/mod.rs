//! What was so at a time.
//!
//! Whoever changes a package's job, failure, hold or wait touches it ([`Tx::touch`]); when the transaction ends, one
//! statement writes what the package is then ([`write`]). So a row of `package_past` holds from its time to the next row of the
//! package, and cannot say anything else than the tables did. What there is little of, breakers, hosts, suites, is kept in the
//! same way, a value a change ([`things`]). Within [`crate::Store::read_at`] every question sees the tables of that moment
//! ([`moment`]).

mod facts;
pub mod moment;
mod rows;
mod tables;
pub mod things;

use crate::db::tx::Tx;
use crate::driver::Value;
use crate::error::StateError;

/// Columns of `package_past` behind its key, and where they come from: `p` the package, `j` its job, `f` its failure, `w` its
/// wait.
const COLUMNS: &[(&str, &str)] = &[
    ("state", "j.state"),
    ("lane", "j.lane"),
    ("entered", "j.entered"),
    ("due", "j.due"),
    ("attempt_id", "j.attempt_id"),
    ("run_id", "j.run_id"),
    ("dependency_id", "j.dependency_id"),
    ("held", "p.held"),
    ("held_until", "p.held_until"),
    ("held_by", "p.held_by"),
    ("held_reason", "p.held_reason"),
    ("held_at", "p.held_at"),
    ("last_success", "p.last_success"),
    ("wall_ms", "p.wall_ms"),
    ("failure", "f.state"),
    ("signature_id", "f.signature_id"),
    ("failed_attempt", "f.attempt_id"),
    ("stage", "f.stage"),
    ("code", "f.code"),
    ("class", "f.class"),
    ("message", "f.message"),
    ("since", "f.since"),
    ("last", "f.last"),
    ("attempts", "f.attempts"),
    ("distro", "f.distro"),
    ("version", "f.version"),
    ("began", "CASE WHEN f.since = CAST(?1 AS BIGINT) THEN 1 END"),
    ("wait_kind", "w.kind"),
    ("wait_reason", "w.reason"),
    ("wait_since", "w.since"),
    ("wait_until", "w.until"),
];

/// Packages in one statement, at most: there are few forms of it, so that each stays prepared.
const AT_ONCE: usize = 60;

/// Writes what the packages are that a transaction has touched.
pub(crate) fn write(tx: &mut Tx<'_>, touched: &[i64]) -> Result<(), StateError> {
    let now = tx.now()?;
    for some in touched.chunks(AT_ONCE) {
        let mut values = vec![Value::Int(now)];
        values.extend(some.iter().map(|id| Value::Int(*id)));
        // Rows of the transaction's own packages, which it has locked already: they are not counted among what it writes.
        tx.execute_uncounted(&statement(some.len()), &values)?;
    }
    Ok(())
}

fn statement(packages: usize) -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let sources: Vec<&str> = COLUMNS.iter().map(|(_, source)| *source).collect();
    let sets: Vec<String> = names.iter().map(|name| format!("{name} = excluded.{name}")).collect();
    format!(
        "INSERT INTO package_past (package_id, at, {}) SELECT p.id, CAST(?1 AS BIGINT), {} FROM package p
         LEFT JOIN job j ON j.package_id = p.id LEFT JOIN failure f ON f.package_id = p.id
         LEFT JOIN wait w ON w.package_id = p.id WHERE p.id IN {}
         ON CONFLICT (package_id, at) DO UPDATE SET {}",
        names.join(", "),
        sources.join(", "),
        in_list(packages),
        sets.join(", ")
    )
}

/// `(?2, ?3, ...)`.
fn in_list(count: usize) -> String {
    let marks: Vec<String> = (2..count + 2).map(|number| format!("?{number}")).collect();
    format!("({})", marks.join(", "))
}
