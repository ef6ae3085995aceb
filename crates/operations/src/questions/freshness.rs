//! Delay of branches behind the publications.

use serde::Serialize;
use state::operate;
use state::read::freshness::{self, Behind, Figures};

use crate::error::Error;
use crate::installation::Opened;

/// Delay of branches behind the publications.
#[derive(Debug, Serialize)]
pub struct Freshness {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The figures of the last sample.
    pub figures: Option<Figures>,
    /// Number of packages that lack a version.
    pub behind: i64,
    /// Some of these packages.
    pub packages: Vec<Behind>,
}

/// Delay of all branches, with at most `limit` packages.
///
/// # Errors
/// The state cannot be read.
pub fn freshness(at: &Opened, limit: u32) -> Result<Freshness, Error> {
    Ok(at.store.read(|tx| {
        let figures = freshness::figures(tx)?;
        let (behind, packages) = freshness::behind(tx, i64::from(limit))?;
        Ok(Freshness { now: tx.now()?, figures, behind, packages })
    })?)
}

/// Freshness of a package with the reason, and the present time in Unix milliseconds.
///
/// # Errors
/// There is no such package, or the state cannot be read.
pub fn freshness_of(at: &Opened, package: &str) -> Result<(i64, Behind), Error> {
    let (now, found) = at.store.read(|tx| Ok((tx.now()?, freshness::of_package(tx, package)?)))?;
    if let Some(found) = found {
        return Ok((now, found));
    }
    at.store.read(|tx| operate::known(tx, package))?;
    Err(Error::NotFound(format!("package {package} is not known")))
}
