//! The audit trail: who, when, what, why; what it was before and what it is after.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::values;

/// Who does something, and why.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who.
    pub actor: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Why.
    pub reason: Option<String>,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

/// Records what an operator or the program itself decided, in the transaction that does it.
pub fn record(
    tx: &mut Tx<'_>,
    actor: &str,
    action: &str,
    subject: &str,
    reason: Option<&str>,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "INSERT INTO event (at, actor, action, subject, reason, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![now, actor, action, subject, reason, before, after],
    )?;
    Ok(())
}

/// The newest entries, of one subject or of all, newest first.
pub fn list(tx: &mut Tx<'_>, subject: Option<&str>, at_most: i64) -> Result<Vec<Event>, StateError> {
    let columns = "SELECT id, at, actor, action, subject, reason, before, after FROM event";
    let rows = match subject {
        Some(subject) => {
            let sql = format!("{columns} WHERE subject = ?1 ORDER BY id DESC LIMIT ?2");
            tx.query(&sql, values![subject, at_most])?
        }
        None => tx.query(&format!("{columns} ORDER BY id DESC LIMIT ?1"), values![at_most])?,
    };
    Ok(rows
        .iter()
        .map(|row| Event {
            id: row.int(0),
            at: row.int(1),
            actor: row.text(2),
            action: row.text(3),
            subject: row.text(4),
            reason: row.opt_text(5),
            before: row.opt_text(6),
            after: row.opt_text(7),
        })
        .collect())
}
