//! Records of changes by operators, and of attempts.

use serde::Serialize;
use state::batch::{self, Batch};
use state::events::{self, Event};
use state::read::package::{self, Attempt};
use state::{operate, settings};

use crate::error::Error;
use crate::installation::Opened;

/// Audit trail, newest first.
#[derive(Debug, Serialize)]
pub struct Audit {
    /// The entries.
    pub events: Vec<Event>,
    /// True when older ones were left out.
    pub more: bool,
}

/// Filter for entries of the audit trail.
#[derive(Clone, Debug, Default)]
pub struct AuditWanted {
    /// Conditions on the entries.
    pub entries: events::Wanted,
    /// Largest number of entries.
    pub limit: u32,
}

/// Filter for the attempts of a package.
#[derive(Clone, Debug, Default)]
pub struct HistoryWanted {
    /// Conditions on the attempts.
    pub attempts: package::Attempts,
    /// Largest number of attempts, and of entries.
    pub limit: u32,
}

/// The attempts of a package, newest first, and what operators did with it.
#[derive(Debug, Serialize)]
pub struct History {
    /// Name of the package.
    pub package: String,
    /// Attempts of the package.
    pub attempts: Vec<Attempt>,
    /// The entries about it.
    pub events: Vec<Event>,
    /// True when older ones were left out.
    pub more: bool,
}

/// Entries of the audit trail: about a package, signature, host or setting, or about everything.
///
/// # Errors
/// The state cannot be read.
pub fn audit(at: &Opened, subject: Option<&str>, limit: u32) -> Result<Audit, Error> {
    let entries = events::Wanted { subject: subject.map(str::to_owned), ..events::Wanted::default() };
    audit_of(at, &AuditWanted { entries, limit })
}

/// Entries of the audit trail that match a filter.
///
/// # Errors
/// The state cannot be read.
pub fn audit_of(at: &Opened, wanted: &AuditWanted) -> Result<Audit, Error> {
    let one_more = i64::from(wanted.limit) + 1;
    let mut events = at.store.read(|tx| events::find(tx, &wanted.entries, one_more))?;
    let more = cut(&mut events, wanted.limit);
    Ok(Audit { events, more })
}

/// The attempts of a package, and what operators did with it in the same time.
///
/// # Errors
/// There is no such package, or the state cannot be read.
pub fn history(at: &Opened, name: &str, wanted: &HistoryWanted) -> Result<History, Error> {
    let one_more = i64::from(wanted.limit) + 1;
    let (since, until) = (wanted.attempts.since, wanted.attempts.until);
    let about = events::Wanted { subject: Some(name.to_owned()), since, until, ..events::Wanted::default() };
    let (mut attempts, mut events) = at.store.read(|tx| {
        let id = operate::known(tx, name)?;
        Ok((package::find(tx, id, &wanted.attempts, one_more)?, events::find(tx, &about, one_more)?))
    })?;
    let more = [cut(&mut attempts, wanted.limit), cut(&mut events, wanted.limit)].contains(&true);
    Ok(History { package: name.to_owned(), attempts, events, more })
}

/// Cuts a list to a length; true when there were more.
fn cut<T>(list: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = list.len() > limit;
    list.truncate(limit);
    more
}

/// Progress of a retry, by the number of its batch.
///
/// # Errors
/// There is no such batch, or the state cannot be read.
pub fn batch(at: &Opened, number: i64) -> Result<Batch, Error> {
    Ok(at.store.read(|tx| batch::get(tx, number))?)
}

/// All settings that have a value.
///
/// # Errors
/// The state cannot be read.
pub fn settings(at: &Opened) -> Result<Vec<(String, String)>, Error> {
    Ok(at.store.read(settings::list)?)
}
