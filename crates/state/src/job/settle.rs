//! The row of a package's job at the end of an attempt: it is removed, comes back at once or later, or is parked.

use crate::db::tx::Tx;
use crate::error::StateError;
use crate::failure::signature::Signature;
use crate::job::finish::{Finished, Settled};
use crate::job::transition::{self, Job, Transition};
use crate::words::{Outcome, Policy};

/// Brings the row to where it is to be.
pub(crate) fn settle_job(
    tx: &mut Tx<'_>,
    finished: &Finished,
    job: &Job,
    settled: &mut Settled,
    signature: Option<&Signature>,
) -> Result<(), StateError> {
    let now = tx.now()?;
    let failed = signature.filter(|_| finished.outcome == Outcome::Failed);
    let hold = failed.is_some_and(|it| it.policy == Some(Policy::Hold));
    let package = finished.package_id;
    let (back, anew) =
        (job.tasks | job.more, Transition::Again { tasks: job.tasks | job.more, is_new: true });
    let transition = match finished.outcome {
        Outcome::Imported | Outcome::AlreadyThere | Outcome::Maintained | Outcome::UnappliedOnly => {
            after_success(finished, job, settled)
        }
        // A job that was asked for meanwhile is tried at once: the new request may bring what was missing.
        Outcome::Failed | Outcome::Waiting if job.more_wanted() => anew,
        Outcome::Failed => Transition::Retry { due: settled.due.unwrap_or(now) },
        Outcome::Waiting => {
            settled.due = finished.wait.as_ref().map(|wait| wait.again);
            Transition::Retry { due: settled.due.unwrap_or(now) }
        }
        Outcome::Lost | Outcome::Cancelled => {
            settled.again = true;
            Transition::Again { tasks: back, is_new: false }
        }
        Outcome::Parked => match finished.parked_on {
            Some(dependency) => Transition::Park { dependency },
            // Nothing would ever bring it back.
            None => Transition::Again { tasks: back, is_new: false },
        },
    };
    transition::apply(tx, job, transition)?;
    if hold {
        crate::job::hold::by_policy(tx, package)?;
    }
    Ok(())
}

/// A job whose tasks are done: there may be more to do, now or later.
fn after_success(finished: &Finished, job: &Job, settled: &mut Settled) -> Transition {
    if job.more_wanted() {
        return Transition::Again { tasks: job.more, is_new: true };
    }
    // All versions that could be imported are; the others are tried at the end of the wait.
    match &finished.wait {
        Some(wait) => {
            settled.due = Some(wait.again);
            Transition::Retry { due: wait.again }
        }
        None => Transition::Finish,
    }
}
