//! What was done, by whom, and how attempts went.

use baseline::time::Millis;
use serde::Serialize;
use state::batch::{self, Batch};
use state::events::{self, Event};
use state::read::package::{self, Attempt};
use state::{operate, settings};

use importer::queue::logs;

use crate::error::Error;
use crate::installation::Opened;

/// Who did what, when and why, newest first.
#[derive(Debug, Serialize)]
pub struct Audit {
    /// The entries.
    pub events: Vec<Event>,
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
}

/// Which log is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogWanted {
    /// That of an attempt.
    Attempt(i64),
    /// That of the last attempt of a package.
    Last(String),
}

/// Who did what: to a package, signature, host or setting, or to anything.
pub fn audit(at: &Opened, subject: Option<&str>, limit: u32) -> Result<Audit, Error> {
    let events = at.store.read(|tx| events::list(tx, subject, i64::from(limit)))?;
    Ok(Audit { events })
}

/// The attempts of a package, and what operators did with it; at most so many of each.
pub fn history(at: &Opened, name: &str, limit: u32) -> Result<History, Error> {
    let limit = i64::from(limit);
    Ok(at.store.read(|tx| {
        let id = operate::known(tx, name)?;
        Ok(History {
            package: name.to_owned(),
            attempts: package::history(tx, id, limit)?,
            events: events::list(tx, Some(name), limit)?,
        })
    })?)
}

/// What became of a retry, by the number of its batch.
pub fn batch(at: &Opened, number: i64) -> Result<Batch, Error> {
    Ok(at.store.read(|tx| batch::get(tx, number))?)
}

/// All settings that have a value.
pub fn settings(at: &Opened) -> Result<Vec<(String, String)>, Error> {
    Ok(at.store.read(settings::list)?)
}

/// The log of an attempt: whole where it was made, else the end that is kept of a failed one.
pub fn log(at: &Opened, wanted: &LogWanted) -> Result<String, Error> {
    let attempt = match wanted {
        LogWanted::Attempt(number) => *number,
        LogWanted::Last(name) => {
            let last = at.store.read(|tx| {
                let id = operate::known(tx, name)?;
                package::history(tx, id, 1)
            })?;
            let last = last.first().map(|attempt| attempt.id);
            last.ok_or_else(|| Error::NotFound(format!("{name} was never attempted")))?
        }
    };
    let Some((started, kept)) = at.store.read(|tx| package::log(tx, attempt))? else {
        return Err(Error::NotFound(format!("attempt {attempt} is not known; old ones are pruned")));
    };
    let path = logs::path(&at.root, &Millis(started).day(), attempt);
    match (std::fs::read(&path), kept) {
        (Ok(bytes), _) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        (Err(_), Some(kept)) => Ok(kept),
        (Err(error), None) => Err(Error::NotFound(format!(
            "the log of attempt {attempt} is not on this machine ({}: {error}), and the end of a log is kept only of \
             failed attempts",
            path.display()
        ))),
    }
}
