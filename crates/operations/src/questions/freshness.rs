//! How far branches are behind what is published.

use serde::Serialize;
use state::operate;
use state::read::freshness::{self, Behind, Figures};

use crate::error::Error;
use crate::installation::Opened;

/// How far branches are behind.
#[derive(Debug, Serialize)]
pub struct Freshness {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The figures of the last sample.
    pub figures: Option<Figures>,
    /// How many packages lack something.
    pub behind: i64,
    /// Some of them.
    pub packages: Vec<Behind>,
}

/// How far all branches are behind, with at most so many packages.
pub fn freshness(at: &Opened, limit: u32) -> Result<Freshness, Error> {
    Ok(at.store.read(|tx| {
        let figures = freshness::figures(tx)?;
        let (behind, packages) = freshness::behind(tx, i64::from(limit))?;
        Ok(Freshness { now: tx.now()?, figures, behind, packages })
    })?)
}

/// Whether a package is current, and if not, why; with the time, in Unix milliseconds.
pub fn freshness_of(at: &Opened, package: &str) -> Result<(i64, Behind), Error> {
    let (now, found) = at.store.read(|tx| Ok((tx.now()?, freshness::of_package(tx, package)?)))?;
    if let Some(found) = found {
        return Ok((now, found));
    }
    at.store.read(|tx| operate::known(tx, package))?;
    Err(Error::NotFound(format!("package {package} is not known")))
}
