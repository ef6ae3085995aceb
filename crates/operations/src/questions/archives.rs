//! Results of the last polls.

use importer::polling::explain::{self, Explained};
use serde::Serialize;
use state::read::archives::{self, SuiteVerdict, Waits};

use crate::actions::poll;
use crate::error::Error;
use crate::installation::Opened;

/// Result of each suite's last poll, and the waits of packages.
#[derive(Debug, Serialize)]
pub struct Archives {
    /// The version of this form.
    pub v: u32,
    /// The time, in Unix milliseconds.
    pub now: i64,
    /// The suites.
    pub suites: Vec<SuiteVerdict>,
    /// Waits of packages, by kind.
    pub waits: Vec<Waits>,
    /// Packages without all their old versions; 1,000 stands for more.
    pub left_out: i64,
}

/// Result of each suite's last poll, for these archives or for all.
///
/// # Errors
/// The state cannot be read.
pub fn archives(at: &Opened, names: &[String]) -> Result<Archives, Error> {
    let mut answer = at.store.read(|tx| {
        let (suites, waits) = (archives::list(tx)?, archives::waits(tx)?);
        Ok(Archives { v: 1, now: tx.now()?, suites, waits, left_out: archives::left_out(tx)? })
    })?;
    answer.suites.retain(|suite| names.is_empty() || names.contains(&suite.archive));
    Ok(answer)
}

/// Explanation of a package: its entries in each suite's index, the recorded publications, the next step and the
/// reason. The named archives are polled, or all.
///
/// # Errors
/// No archive is configured, the cache cannot be opened, or the state cannot be read.
pub fn explain_package(at: &Opened, names: &[String], package: &str) -> Result<Explained, Error> {
    let archives = poll::archives(at)?;
    Ok(explain::explain(&at.store, &archives, &poll::named(&archives, names), package)?)
}
