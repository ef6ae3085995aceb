//! Maintenance of the repository, if a job asks for it.

use std::collections::HashSet;

use packaging_repo::Error;
use packaging_repo::refs::fence::Fence;
use state::publication::collisions;
use state::publications::Publication;
use state::queue::Claim;
use state::words::{Outcome, Tasks};
use state::{attempt, versions};

use super::{Watch, Work};
use crate::checking::{self, Check, Checked};
use crate::collisions::Known;
use crate::failure::{Code, Failure, Stage};
use crate::inspect::{self, Effort, InspectError};
use crate::protocol::ForeignRef;
use crate::queue::session::Session;

impl Work<'_> {
    /// Checks that an import continues the published history. If the repository is gone although the state has versions
    /// of the package, the import would begin another history under tags that others have; unless all former versions
    /// are imported again, which gives the same commits.
    pub(super) fn has_its_history(&mut self, open: &[Publication], ids: &[i64]) -> bool {
        let (session, claim) = (self.session, self.claim);
        let Some(place) = inspect::missing_repository(&session.root, &claim.package) else { return true };
        let imported = session.patiently("what is imported", || {
            session.store.read(|tx| versions::imported(tx, claim.package_id))
        });
        let imported = match imported {
            Ok(imported) => imported,
            Err(error) => {
                self.fail(Failure::new(Stage::State, Code::Unreachable, error), None);
                return false;
            }
        };
        let ids: HashSet<i64> = ids.iter().copied().collect();
        let asked: HashSet<(&str, &str)> = (open.iter().filter(|publication| ids.contains(&publication.id)))
            .map(|it| (it.what.distro.as_str(), it.what.version.as_str()))
            .collect();
        let is_asked_for = |(distro, version): &&(String, String)| asked.contains(&(&**distro, &**version));
        let Some((_, version)) = imported.iter().find(|it| !is_asked_for(it)) else {
            return true;
        };
        let message = format!(
            "the state has {} imported versions of {package} ({version} among them), and its repository {} is gone: to \
             import others would begin another history under tags that are published. Mount it or bring it back from a \
             backup; if it is lost, `package-import requeue {package}` imports all of it again",
            imported.len(),
            place.display(),
            package = claim.package,
        );
        self.fail(Failure::new(Stage::Publish, Code::RepositoryLost, message), None);
        false
    }

    /// Failure for a repository that has a fence which this state has not given to the package, before this attempt has set its own:
    /// the state is older than its repositories, even if it has given as many attempts meanwhile. What it has lost is put on record
    /// first, or the next version would come without it.
    pub(super) fn state_before_repository(&self) -> Option<Failure> {
        let (session, claim) = (self.session, self.claim);
        if !claim.tasks.has(Tasks::IMPORT) || claim.attempt <= 0 || session.cache().is_some() {
            return None;
        }
        let highest = inspect::highest_fence(&session.root, &claim.package)?;
        if highest.epoch < session.epoch {
            return None;
        }
        let token = i64::try_from(highest.token).unwrap_or(i64::MAX);
        let (newest, of) =
            session.store.read(|tx| Ok((attempt::newest(tx)?, attempt::package_of(tx, token)?))).ok()?;
        // Old attempts are pruned: one that is not on record may have been of this package. A later one of this package has taken
        // the job from this worker.
        let is_of_other = of.is_some_and(|(id, _)| id != claim.package_id);
        let is_older =
            highest.epoch > session.epoch || token == claim.attempt || token > newest || is_of_other;
        is_older.then(|| self.older_than(highest, newest.unsigned_abs()))
    }

    /// Failure for a repository with a higher fence than this state has ever given: the state is older than its
    /// repositories, and every import would fail in the same way. `None` if the fence is one of this state's.
    pub(super) fn older_state(&self) -> Option<Failure> {
        let (session, claim) = (self.session, self.claim);
        let highest = inspect::highest_fence(&session.root, &claim.package)?;
        let given = session.store.read(attempt::newest).ok()?;
        let given = u64::try_from(given).unwrap_or(0);
        let is_ours = (highest.epoch, highest.token) <= (session.epoch, given);
        if is_ours || claim.attempt <= 0 {
            return None;
        }
        Some(self.older_than(highest, given))
    }

    fn older_than(&self, highest: Fence, given: u64) -> Failure {
        let message = format!(
            "the repository has seen attempt {highest}, which this state, at {}-{given}, has not given to it: it is older than \
             its repositories, a copy or a backup. `package-import adopt` puts on record what they have and begins a new epoch",
            self.session.epoch
        );
        Failure::new(Stage::State, Code::OlderThanRepositories, message)
    }

    /// Checks or repacks the repository, if that was asked for.
    pub(super) fn look_after(&mut self, watch: Watch<'_>) {
        let tasks = self.claim.tasks;
        if tasks.has(Tasks::REPAIR) {
            self.repair(watch);
        }
        if tasks.has(Tasks::VERIFY) {
            match self.session.cache() {
                Some(_) => self.verify_through_cache(watch),
                None => self.verify(watch),
            }
        }
        // An upload is not delayed by a repack: it is asked for again afterwards.
        if tasks.has(Tasks::REPACK) && !tasks.has(Tasks::IMPORT) {
            self.repack();
        }
    }

    /// Brings branches that somebody has moved back to their targets, without waiting for an upload.
    fn settle_found(&mut self, watch: Watch<'_>) {
        let (store, id) = (&self.session.store, self.claim.package_id);
        let rows = self
            .session
            .patiently("what is known of collisions", || store.read(|tx| collisions::of_package(tx, id)));
        match rows {
            Ok(rows) => {
                self.known = Known::of(&rows);
                self.settle_refs(watch);
            }
            Err(error) => self.fail(Failure::new(Stage::State, Code::Unreachable, error), None),
        }
    }

    /// Checks the repository, mends what needs no person, and checks it again then.
    pub(super) fn verify(&mut self, watch: Watch<'_>) {
        let Some(checked) = self.check() else { return };
        if !self.heal(&checked.problems) {
            return self.judge(checked, watch);
        }
        if let Some(checked) = self.check() {
            self.judge(checked, watch);
        }
    }

    fn check(&mut self) -> Option<Checked> {
        let (session, attempt, package) = (self.session, self.claim.attempt, self.claim.package.as_str());
        // A state that cannot be read now is no fault of the repository.
        let expected = session.store.read(|tx| versions::expected(tx, package)).unwrap_or_default();
        let check = Check {
            program: &session.program,
            root: &session.root,
            package,
            expected: &expected,
            limits: &session.config.limits,
        };
        let checked = checking::verify(&check, |pid| session.started(attempt, pid));
        session.is_over(attempt);
        let failure = match checked {
            Ok(checked) => {
                session.note_walls(&checked.missing);
                if !checked.stderr.is_empty() {
                    self.log.line(&checked.stderr);
                }
                return Some(checked);
            }
            Err(_) if session.is_stopping() => {
                self.cancelled = true;
                return None;
            }
            Err(InspectError::Child(failure)) => failure,
            Err(error) => Failure::new(Stage::Verify, Code::RepositoryDamaged, error),
        };
        self.fail(failure, None);
        None
    }

    fn judge(&mut self, checked: Checked, watch: Watch<'_>) {
        self.keep_findings(&checked.problems);
        // Foreign refs are no damage of ours: they have rows of their own.
        let (foreign, damage): (Vec<_>, Vec<_>) =
            checked.problems.into_iter().partition(packaging_repo::verify::Problem::is_foreign);
        for problem in foreign {
            self.log.line(&format!("{}: {}", problem.subject, problem.message));
        }
        self.foreign = checked.foreign.or(self.foreign.take());
        let is_adopted = |it: &ForeignRef| it.content.as_deref() == Some("adopted");
        let is_moved = |it: &ForeignRef| it.kind == "branch" && it.ours.is_some() && !is_adopted(it);
        let is_moved = self.foreign.iter().flatten().any(is_moved);
        let is_sound = damage.is_empty();
        for problem in damage {
            let message = format!("{}: {}", problem.subject, problem.message);
            self.fail(Failure::new(Stage::Verify, Code::RepositoryDamaged, message), None);
        }
        if is_moved && is_sound {
            self.settle_found(watch);
        }
    }

    fn repack(&mut self) {
        let (session, attempt) = (self.session, self.claim.attempt);
        let Some(effort) = inspect::due_repack(&session.root, &self.claim.package) else { return };
        self.log.line(match effort {
            Effort::Full => "repacking: everything into one pack",
            Effort::Geometric => "repacking: joining small packs",
        });
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
            Ok(()) => self.log.line("repacked"),
            // The import that has the lock asks for a repack again afterwards; if it is Git of an ended run, that Git
            // is repacking.
            Err(InspectError::Repository(error @ Error::Busy(_))) => self.log.line(&error.to_string()),
            Err(_) if session.is_stopping() => self.cancelled = true,
            Err(InspectError::Repository(error @ Error::NoGit { .. })) => self.fail(error.into(), None),
            Err(error) => {
                let message = error.to_string();
                self.fail(Failure::new(Stage::Commit, code_of_repack(&message), message), None);
            }
        }
    }
}

/// Git has no other way to say that a disk is full. That is nobody's fault, and waits for room.
fn code_of_repack(message: &str) -> Code {
    let is_full =
        ["No space left on device", "Disk quota exceeded"].iter().any(|words| message.contains(words));
    if is_full { Code::DiskFull } else { Code::Repack }
}

/// True when the repository should be repacked while nothing else is to be done.
pub(super) fn wants_repack(session: &Session, claim: &Claim, outcome: Outcome) -> bool {
    session.config.import.repack
        && matches!(outcome, Outcome::Imported | Outcome::UnappliedOnly | Outcome::AlreadyThere)
        && inspect::due_repack(&session.root, &claim.package).is_some()
}
