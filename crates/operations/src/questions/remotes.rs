//! Remotes, and what is not published there.

use serde::Serialize;
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
        let mut found = Remotes { now: tx.now()?, remotes: read::status(tx)?, packages: Vec::new() };
        if let Some(name) = name {
            remotes::url(tx, name)?;
            found.remotes.retain(|it| it.remote == name);
            found.packages = read::odd(tx, name, i64::from(limit))?;
        }
        Ok(found)
    })?)
}
