//! The end of an attempt: what it was, what becomes of its package's job and of its failure. One transaction.

mod attempt;
mod job;
mod versions;

use crate::error::StateError;
use crate::failing;
use crate::policy::Retries;
use crate::tx::Tx;
use crate::values;
use crate::waits::{self, Wait};
use crate::words::{Class, FailureState, Outcome};
use attempt::{close_attempt, count_in_run, note_success};
use job::{lock_job, settle_job};

pub use versions::{Done, record_versions};

/// As much of a failed attempt's log is kept with it, so that it can be read on another machine.
pub const LOG_KEPT: usize = 64 << 10;

/// An error as the importer classified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Where.
    pub stage: String,
    /// How, in a word.
    pub code: String,
    /// What kind it is.
    pub class: Class,
    /// For a person.
    pub message: String,
    /// The distro of the version that failed first.
    pub distro: Option<String>,
    /// That version.
    pub version: Option<String>,
}

/// What an attempt cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time in milliseconds.
    pub wall_ms: i64,
    /// Processor time in milliseconds.
    pub cpu_ms: i64,
    /// The largest memory in bytes.
    pub peak_rss: i64,
    /// Bytes read from elsewhere.
    pub bytes_in: i64,
    /// Bytes written.
    pub bytes_out: i64,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The attempt.
    pub attempt: i64,
    /// The package.
    pub package_id: i64,
    /// Its name.
    pub package: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, if it failed or was imported without patches.
    pub cause: Option<Cause>,
    /// What it cost.
    pub usage: Usage,
    /// How many versions it dealt with.
    pub versions: i64,
    /// Publications that were tried for the first time, and how many of those failed.
    pub first_tries: (i64, i64),
    /// The end of its log, if it failed.
    pub log: Option<String>,
    /// What it waits for, if it is parked.
    pub parked_on: Option<i64>,
    /// What it waits for, and until when at most.
    pub wait: Option<Wait>,
    /// The program's version.
    pub importer: String,
}

/// What became of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The state of its failure, if it has one.
    pub failure: Option<FailureState>,
    /// The signature of its failure.
    pub signature: Option<String>,
    /// When it is tried again.
    pub due: Option<i64>,
    /// Whether there is more to do at once.
    pub again: bool,
}

/// Finishes an attempt. Refused if its lease is lost; said again after a broken connection, it changes nothing.
pub fn finish(tx: &mut Tx<'_>, finished: &Finished, retries: &Retries) -> Result<Settled, StateError> {
    let Some(job) = lock_job(tx, finished)? else {
        return already(tx, finished);
    };
    let mut settled = Settled { failure: None, signature: None, due: None, again: job.more_wanted() };
    let mut signature = None;
    match finished.outcome {
        Outcome::Imported | Outcome::AlreadyThere | Outcome::UnappliedOnly => {
            failing::clear_failure(tx, finished.package_id)?;
            note_success(tx, finished)?;
            // Patches that do not apply are no failure of the package, but a fact that has a signature.
            if let Some(cause) = &finished.cause {
                signature = Some(failing::record_signature(tx, finished, cause)?);
            }
        }
        Outcome::Failed => {
            if let Some(cause) = &finished.cause {
                signature = Some(failing::record_failure(tx, finished, cause, retries, &mut settled)?);
            }
        }
        Outcome::Lost | Outcome::Cancelled | Outcome::Parked | Outcome::Waiting => {}
    }
    waits::settle(tx, finished)?;
    close_attempt(tx, finished, signature.as_ref())?;
    settle_job(tx, finished, &job, &mut settled, signature.as_ref())?;
    count_in_run(tx, finished)?;
    crate::batch::note(tx, finished.package_id, finished.outcome, signature.as_ref().map(|it| it.id))?;
    Ok(settled)
}

fn already(tx: &mut Tx<'_>, finished: &Finished) -> Result<Settled, StateError> {
    let row = tx.first("SELECT outcome FROM attempt WHERE id = ?1", values![finished.attempt])?;
    match row.and_then(|row| row.opt_text(0)) {
        Some(outcome) if outcome == finished.outcome.as_str() => {
            Ok(Settled { failure: None, signature: None, due: None, again: false })
        }
        _ => Err(StateError::LeaseLost(finished.attempt)),
    }
}
