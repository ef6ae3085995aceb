//! Looks after the repository itself, where a job asks for that.

use state::queue::{self, Claim};
use state::versions;
use state::words::{Lane, Tasks};

use super::Work;
use crate::failure::{Failure, Stage};
use crate::inspect;
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
                    for problem in problems {
                        let message = format!("{}: {}", problem.subject, problem.message);
                        self.fail(Failure::new(Stage::Verify, "repository-damaged", message), None);
                    }
                }
                Err(error) => self.fail(Failure::new(Stage::Verify, "repository-damaged", error), None),
            }
        }
        if tasks.has(Tasks::REPACK)
            && let Err(error) = inspect::repack(root, package, false)
        {
            self.fail(Failure::new(Stage::Commit, "repack", error), None);
        }
    }
}

/// A repository with many packs is repacked when nothing else is to be done. If this cannot be written down, the next
/// import of the package asks again.
pub(super) fn ask_for_repack(session: &Session, claim: &Claim) {
    if inspect::is_repack_due(&session.root, &claim.package) {
        let store = &session.store;
        let _ = store.write(|tx| queue::enqueue(tx, claim.package_id, Lane::Maintain, Tasks::REPACK));
    }
}
