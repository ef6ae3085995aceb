//! Remotes, and what is not published there.

use serde::Serialize;
use state::publishing::day::{self, Day};
use state::publishing::read::{self, PackageStatus, RemoteStatus};
use state::publishing::remotes;

use crate::error::Error;
use crate::installation::Opened;

/// Remotes and packages.
#[derive(Debug, Serialize)]
pub struct Remotes {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// Each remote that is followed.
    pub remotes: Vec<RemoteStatus>,
    /// Publications on each remote in the last 24 hours.
    pub day: Vec<Day>,
    /// Of one that was asked for: packages that could not be published, or that have refs which others have moved or the
    /// server refuses.
    pub packages: Vec<PackageStatus>,
}

/// All remotes, or one with at most `limit` packages that have a problem.
///
/// # Errors
/// There is no such remote, or the state cannot be read.
pub fn remotes(at: &Opened, name: Option<&str>, limit: u32) -> Result<Remotes, Error> {
    Ok(at.store.read(|tx| {
        let (now, remotes, day) = (tx.now()?, read::status(tx)?, day::last_day(tx)?);
        let mut found = Remotes { now, remotes, day, packages: Vec::new() };
        if let Some(name) = name {
            remotes::url(tx, name)?;
            found.remotes.retain(|it| it.remote == name);
            found.day.retain(|it| it.remote == name);
            found.packages = read::odd(tx, name, i64::from(limit))?;
        }
        Ok(found)
    })?)
}
