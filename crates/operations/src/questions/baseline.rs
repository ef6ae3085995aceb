//! Baselines and verdicts of the figures.

use serde::Serialize;
use state::read::verdicts::{self, Sample, Verdict};

use crate::error::Error;
use crate::installation::Opened;

/// Hours whose samples an explanation has.
const HOURS: i64 = 24;

/// Verdicts about figures.
#[derive(Debug, Serialize)]
pub struct Baselines {
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// Verdict about each figure.
    pub verdicts: Vec<Explained>,
}

/// Verdict about a figure, with its samples.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The samples of the last 24 hours, if an explanation was asked for.
    pub samples: Vec<Sample>,
}

/// Verdicts about a figure, or about all but normal signatures; with the samples, if they are to be explained.
///
/// # Errors
/// There is no such figure, or the state cannot be read.
pub fn baselines(at: &Opened, figure: Option<&str>, explain: bool) -> Result<Baselines, Error> {
    Ok(at.store.read(|tx| {
        let now = tx.now()?;
        let mut found = Vec::new();
        for verdict in verdicts::list(tx, figure)? {
            let samples = match explain {
                true => verdicts::samples(tx, &verdict.figure, HOURS)?,
                false => Vec::new(),
            };
            found.push(Explained { verdict, samples });
        }
        Ok(Baselines { now, verdicts: found })
    })?)
}
