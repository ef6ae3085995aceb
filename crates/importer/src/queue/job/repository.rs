//! Looks after the repository itself, where a job asks for that.

use packaging_repo::Error;
use state::queue::Claim;
use state::versions;
use state::words::{Outcome, Tasks};

use super::Work;
use crate::failure::{Failure, Stage};
use crate::inspect::{self, InspectError};
use crate::queue::session::Session;

impl Work<'_> {
    /// Checks or repacks the repository, if that was asked for.
    pub(super) fn look_after(&mut self) {
        let (root, package, tasks) = (&self.session.root, &self.claim.package, self.claim.tasks);
        if tasks.has(Tasks::VERIFY) {
            // A state that cannot be read now is no fault of the repository.
            let expected = self.session.store.read(|tx| versions::expected(tx, package)).unwrap_or_default();
            match inspect::verify(root, package, &expected) {
                Ok(problems) => {
                    // Somebody else's refs are no damage of ours: they have rows of their own.
                    let (foreign, damage): (Vec<_>, Vec<_>) =
                        problems.into_iter().partition(packaging_repo::verify::Problem::is_foreign);
                    for problem in foreign {
                        self.log.line(&format!("{}: {}", problem.subject, problem.message));
                    }
                    self.foreign = inspect::foreign_refs(root, package).ok().or(self.foreign.take());
                    for problem in damage {
                        let message = format!("{}: {}", problem.subject, problem.message);
                        self.fail(Failure::new(Stage::Verify, "repository-damaged", message), None);
                    }
                }
                // What could not be looked at is not known to be damaged.
                Err(InspectError::Repository(error @ Error::NoGit { .. })) => self.fail(error.into(), None),
                Err(error) => self.fail(Failure::new(Stage::Verify, "repository-damaged", error), None),
            }
        }
        // An upload is not kept back by packing: after it, that is asked for anew.
        if tasks.has(Tasks::REPACK) && !tasks.has(Tasks::IMPORT) {
            self.repack();
        }
    }

    fn repack(&mut self) {
        let (session, attempt) = (self.session, self.claim.attempt);
        let Some(effort) = inspect::due_repack(&session.root, &self.claim.package) else { return };
        let started = |group| session.started(attempt, group);
        let done = inspect::repack_idle(
            &session.root,
            &self.claim.package,
            effort,
            &session.config.limits,
            &started,
        );
        session.is_over(attempt);
        match done {
            Ok(()) => {}
            // Whoever imports the package asks for it again afterwards; if it is Git that has outlived its run, it does it.
            Err(InspectError::Repository(error @ Error::Busy(_))) => self.log.line(&error.to_string()),
            Err(_) if session.is_stopping() => self.cancelled = true,
            Err(InspectError::Repository(error @ Error::NoGit { .. })) => self.fail(error.into(), None),
            Err(error) => self.fail(Failure::new(Stage::Commit, "repack", error), None),
        }
    }
}

/// Whether the repository is to be packed anew when nothing else is to be done.
pub(super) fn wants_repack(session: &Session, claim: &Claim, outcome: Outcome) -> bool {
    session.config.import.repack
        && matches!(outcome, Outcome::Imported | Outcome::UnappliedOnly | Outcome::AlreadyThere)
        && inspect::due_repack(&session.root, &claim.package).is_some()
}
