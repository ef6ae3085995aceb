//! Failures, by signature and by package.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;
use crate::words::{Class, FailureState};

/// Filter for failures.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// With the signature of this short id.
    pub signature: Option<String>,
    /// Only those of this class.
    pub class: Option<Class>,
    /// Only those in this state.
    pub state: Option<FailureState>,
    /// Begun at this time or later.
    pub since: Option<i64>,
}

/// Failures with one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The signature's short id.
    pub signature: String,
    /// Stage of the import that failed.
    pub stage: String,
    /// Code of the failure.
    pub code: String,
    /// Class of the code.
    pub class: String,
    /// Normalised message.
    pub text: String,
    /// Packages that fail with it.
    pub packages: i64,
    /// Unix milliseconds at which the first of them began.
    pub since: i64,
    /// Unix milliseconds at which it was last seen.
    pub last: i64,
    /// Policy that an operator set, if any.
    pub policy: Option<String>,
    /// Note of an operator, if any.
    pub note: Option<String>,
    /// Address of the bug report, if any.
    pub bug: Option<String>,
}

/// One package that fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// Name of the package.
    pub package: String,
    /// The version that failed first, if it is known.
    pub version: Option<String>,
    /// `retrying`, `failing` or `wedged`.
    pub state: String,
    /// Stage of the import that failed.
    pub stage: String,
    /// Code of the failure.
    pub code: String,
    /// The signature's short id.
    pub signature: String,
    /// Message of the failure.
    pub message: String,
    /// Unix milliseconds at which the failure began.
    pub since: i64,
    /// Number of attempts since the failure began.
    pub attempts: i64,
    /// Unix milliseconds of the next try.
    pub due: Option<i64>,
    /// True when the package is held.
    pub held: bool,
}

/// The condition and its four values.
fn condition(filter: &Filter) -> (&'static str, [crate::driver::Value; 4]) {
    let sql = "(?1 = '' OR s.short = ?1) AND (?2 = '' OR f.class = ?2) AND f.since >= ?3
        AND (?4 = '' OR f.state = ?4)";
    let class = filter.class.map_or("", Class::as_str);
    let signature = filter.signature.as_deref().unwrap_or("");
    let state = filter.state.map_or("", FailureState::as_str);
    (sql, [signature.into(), class.into(), filter.since.unwrap_or(0).into(), state.into()])
}

/// Failures by signature, most packages first. Held packages are left out.
pub fn groups(tx: &mut Tx<'_>, filter: &Filter, at_most: i64) -> Result<Vec<Group>, StateError> {
    let (condition, values) = condition(filter);
    let sql = format!(
        "SELECT s.short, s.stage, s.code, s.class, s.text, COUNT(*), MIN(f.since), MAX(f.last), s.policy, s.note, s.bug
         FROM failure f JOIN signature s ON s.id = f.signature_id JOIN package p ON p.id = f.package_id
         WHERE {condition} AND p.held = 0
         GROUP BY s.id, s.short, s.stage, s.code, s.class, s.text, s.policy, s.note, s.bug
         ORDER BY COUNT(*) DESC, s.id LIMIT ?5"
    );
    let rows = tx.query(&sql, &[&values[..], &[at_most.into()]].concat())?;
    Ok(rows.iter().map(group).collect())
}

/// Number of signatures and of packages that [`groups`] and [`packages`] have without a limit.
pub fn count(tx: &mut Tx<'_>, filter: &Filter) -> Result<(i64, i64), StateError> {
    let (condition, values) = condition(filter);
    let from = format!(
        "FROM failure f JOIN signature s ON s.id = f.signature_id JOIN package p ON p.id = f.package_id WHERE {condition}"
    );
    let groups = format!("SELECT COUNT(DISTINCT s.id) {from} AND p.held = 0");
    let groups = tx.first(&groups, &values)?.map_or(0, |row| row.int(0));
    let packages = tx.first(&format!("SELECT COUNT(*) {from}"), &values)?.map_or(0, |row| row.int(0));
    Ok((groups, packages))
}

fn group(row: &Row) -> Group {
    Group {
        signature: row.text(0),
        stage: row.text(1),
        code: row.text(2),
        class: row.text(3),
        text: row.text(4),
        packages: row.int(5),
        since: row.int(6),
        last: row.int(7),
        policy: row.opt_text(8),
        note: row.opt_text(9),
        bug: row.opt_text(10),
    }
}

/// Failures by package, newest first.
pub fn packages(tx: &mut Tx<'_>, filter: &Filter, at_most: i64) -> Result<Vec<Failing>, StateError> {
    let (condition, values) = condition(filter);
    let sql = format!("{FAILING} WHERE {condition} ORDER BY f.since DESC, p.name LIMIT ?5");
    let rows = tx.query(&sql, &[&values[..], &[at_most.into()]].concat())?;
    Ok(rows.iter().map(failing).collect())
}

/// The failure of one package.
pub fn of_package(tx: &mut Tx<'_>, package: i64) -> Result<Option<Failing>, StateError> {
    let sql = format!("{FAILING} WHERE f.package_id = ?1");
    Ok(tx.first(&sql, values![package])?.as_ref().map(failing))
}

const FAILING: &str = "SELECT p.name, f.version, f.state, f.stage, f.code, s.short, f.message, f.since, f.attempts,
    j.due, p.held FROM failure f JOIN signature s ON s.id = f.signature_id JOIN package p ON p.id = f.package_id
    LEFT JOIN job j ON j.package_id = f.package_id";

fn failing(row: &Row) -> Failing {
    Failing {
        package: row.text(0),
        version: row.opt_text(1),
        state: row.text(2),
        stage: row.text(3),
        code: row.text(4),
        signature: row.text(5),
        message: row.text(6),
        since: row.int(7),
        attempts: row.int(8),
        due: row.opt_int(9),
        held: row.flag(10),
    }
}

/// A signature with its figures, also if no package fails with it.
pub fn signature(tx: &mut Tx<'_>, short: &str) -> Result<Option<Group>, StateError> {
    let sql = "SELECT t.short, t.stage, t.code, t.class, t.text, t.failing, t.first_seen, t.last_seen, t.policy, t.note,
        t.bug FROM signature s JOIN signature t ON t.id = COALESCE(s.alias_of, s.id) WHERE s.short = ?1";
    Ok(tx.first(sql, values![short])?.as_ref().map(group))
}
