//! What was done, by whom, and how attempts went.

use serde::Serialize;
use state::batch::{self, Batch};
use state::events::{self, Event};
use state::read::package::{self, Attempt};
use state::{operate, settings};

use crate::error::Error;
use crate::installation::Opened;

/// Who did what, when and why, newest first.
#[derive(Debug, Serialize)]
pub struct Audit {
    /// The entries.
    pub events: Vec<Event>,
    /// Whether older ones were left out.
    pub more: bool,
}

/// Which entries of the audit trail are asked for.
#[derive(Clone, Debug, Default)]
pub struct AuditWanted {
    /// Which.
    pub entries: events::Wanted,
    /// At most so many.
    pub limit: u32,
}

/// Which part of a package's history is asked for.
#[derive(Clone, Debug, Default)]
pub struct HistoryWanted {
    /// Which attempts.
    pub attempts: package::Attempts,
    /// At most so many, and so many entries.
    pub limit: u32,
}

/// The attempts of a package, newest first, and what operators did with it.
#[derive(Debug, Serialize)]
pub struct History {
    /// The package.
    pub package: String,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
    /// The entries about it.
    pub events: Vec<Event>,
    /// Whether older ones were left out.
    pub more: bool,
}

/// Who did what: to a package, signature, host or setting, or to anything.
pub fn audit(at: &Opened, subject: Option<&str>, limit: u32) -> Result<Audit, Error> {
    let entries = events::Wanted { subject: subject.map(str::to_owned), ..events::Wanted::default() };
    audit_of(at, &AuditWanted { entries, limit })
}

/// Who did what, of what is wanted.
pub fn audit_of(at: &Opened, wanted: &AuditWanted) -> Result<Audit, Error> {
    let one_more = i64::from(wanted.limit) + 1;
    let mut events = at.store.read(|tx| events::find(tx, &wanted.entries, one_more))?;
    let more = cut(&mut events, wanted.limit);
    Ok(Audit { events, more })
}

/// The attempts of a package, and what operators did with it in the same time.
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

/// Leaves at most so many, and says whether there were more.
fn cut<T>(list: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = list.len() > limit;
    list.truncate(limit);
    more
}

/// What became of a retry, by the number of its batch.
pub fn batch(at: &Opened, number: i64) -> Result<Batch, Error> {
    Ok(at.store.read(|tx| batch::get(tx, number))?)
}

/// All settings that have a value.
pub fn settings(at: &Opened) -> Result<Vec<(String, String)>, Error> {
    Ok(at.store.read(settings::list)?)
}
