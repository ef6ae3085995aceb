//! The audit trail: actor, time, action, reason, and the values before and after each change.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::driver::Value;
use crate::error::StateError;
use crate::values;

/// Actor and reason of a change, as they go into the audit trail.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Name of the person or program that acts.
    pub actor: &'a str,
    /// Reason given for the change, if any.
    pub reason: Option<&'a str>,
}

/// One entry of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Number of the entry; newer entries have higher numbers.
    pub id: i64,
    /// Unix milliseconds of the change.
    pub at: i64,
    /// Name of the person or program that acted.
    pub actor: String,
    /// Name of the action, such as `hold`.
    pub action: String,
    /// Package, signature, figure or setting that was changed.
    pub subject: String,
    /// Reason given, if any.
    pub reason: Option<String>,
    /// Value before the change, if there was one.
    pub before: Option<String>,
    /// Value after the change, if there is one.
    pub after: Option<String>,
}

/// Records a decision of an operator or of the program itself, in the same transaction.
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

/// Filter for [`list`]; a field that is `None` excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only entries about this subject.
    pub subject: Option<String>,
    /// By this person, at any host (`olga`) or at one (`olga@host1`).
    pub actor: Option<String>,
    /// Only entries of this action.
    pub action: Option<String>,
    /// At this time or later.
    pub since: Option<i64>,
    /// Only entries before this time, in Unix milliseconds.
    pub until: Option<i64>,
}

/// The newest entries, of one subject or of all, newest first.
pub fn list(tx: &mut Tx<'_>, subject: Option<&str>, at_most: i64) -> Result<Vec<Event>, StateError> {
    find(tx, &Wanted { subject: subject.map(str::to_owned), ..Wanted::default() }, at_most)
}

/// The newest entries that are wanted, newest first.
pub fn find(tx: &mut Tx<'_>, wanted: &Wanted, at_most: i64) -> Result<Vec<Event>, StateError> {
    let (mut conditions, mut values) = (Vec::new(), Vec::<Value>::new());
    let mut and = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace("?N", &format!("?{}", values.len())));
    };
    if let Some(subject) = &wanted.subject {
        and("subject = ?N", subject.as_str().into());
    }
    if let Some(action) = &wanted.action {
        and("action = ?N", action.as_str().into());
    }
    match wanted.actor.as_deref() {
        Some(actor) if actor.contains('@') => and("actor = ?N", actor.into()),
        Some(actor) => {
            let length = actor.chars().count();
            let at = format!("(actor = ?N OR substr(actor, 1, {}) = ?N || '@')", length + 1);
            and(&at, actor.into());
        }
        None => {}
    }
    if let Some(since) = wanted.since {
        and("at >= ?N", since.into());
    }
    if let Some(until) = wanted.until {
        and("at < ?N", until.into());
    }
    values.push(at_most.into());
    let condition = if conditions.is_empty() { "1 = 1".to_owned() } else { conditions.join(" AND ") };
    let sql = format!(
        "SELECT id, at, actor, action, subject, reason, before, after FROM event WHERE {condition}
         ORDER BY id DESC LIMIT ?{}",
        values.len()
    );
    let rows = tx.query(&sql, &values)?;
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
