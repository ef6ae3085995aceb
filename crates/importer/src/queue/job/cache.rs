//! Repositories of this host as a cache: the remote's repository is fetched before an import, and the result of the
//! import is published and read back before it counts.

use packaging_repo::cache;
use packaging_repo::refs::fence::Fence;
use source_package::version::PackageName;
use state::attempt;
use state::breaker::Rule;
use state::publications::Publication;
use state::publishing::remotes::breaker_of;

use super::{Watch, Work};
use crate::failure::{Code, Failure, Stage};
use crate::protocol::Outcome as Became;
use crate::publishing::cache::{Package, Published, Trouble};
use crate::queue::outage::Need;

/// Maximum number of rounds, repeated because somebody else has pushed in the meantime, or because the cache was
/// removed.
const ROUNDS: u32 = 4;

/// The next step after a round.
enum Next {
    /// Everything is published, or cannot be.
    Over,
    /// The local repository is not as expected: the remote is asked again.
    Again,
}

impl<'a> Work<'a> {
    /// The package, if repositories are a cache.
    fn cached(&self) -> Option<Package<'a>> {
        let (session, claim) = (self.session, self.claim);
        let entrance = session.cache()?;
        Some(Package { session, entrance, package: &claim.package, id: claim.package_id })
    }

    /// Imports into a fetched repository, and publishes it.
    pub(super) fn import_through_cache(&mut self, open: &[Publication], watch: Watch<'_>) {
        for round in 1..=ROUNDS {
            // A ref that was in the way may be gone from the remote, of which the cache knows nothing.
            if !self.bring_here(round > 1 || self.known.is_blocked()) {
                return;
            }
            self.import_open(open, watch);
            if self.cancelled {
                return;
            }
            match self.publish_here(round < ROUNDS) {
                Next::Over => return,
                Next::Again => self.forget_round(),
            }
        }
        self.not_published(&Failure::new(
            Stage::Publish,
            Code::RemoteRaced,
            format!("somebody else has pushed to it {ROUNDS} times meanwhile: it is tried again later"),
        ));
    }

    /// Verifies a fetched repository, and publishes the refs that were moved by it.
    pub(super) fn verify_through_cache(&mut self, watch: Watch<'_>) {
        // An import has fetched it already.
        if !self.claim.tasks.has(state::words::Tasks::IMPORT) && !self.bring_here(false) {
            return;
        }
        self.verify(watch);
        if matches!(self.publish_here(false), Next::Again) {
            // The next attempt fetches it.
            self.fail(
                Failure::new(Stage::Publish, Code::RemoteRaced, "somebody else has pushed to it meanwhile"),
                None,
            );
        }
    }

    /// Fetches the remote's repository; returns whether the local one is up to date.
    fn bring_here(&mut self, look: bool) -> bool {
        let Some(package) = self.cached() else { return true };
        let name = breaker_of(&package.entrance.config.name);
        if let Some(open) = self.session.outages.open(&name) {
            self.log.line(&format!("parked: {name} is out of reach"));
            self.park(open, None);
            return false;
        }
        let fence =
            Fence { epoch: self.session.epoch, token: u64::try_from(self.claim.attempt).unwrap_or(0) };
        let brought = match package.bring(fence, look) {
            // The local repository is unusable: it is discarded, and everything is fetched again.
            Err(trouble) if is_damage(&trouble.failure()) && self.is_still_ours() => {
                self.log.line(&trouble.failure().to_string());
                self.discard();
                package.bring(fence, true)
            }
            other => other,
        };
        match brought {
            Ok(here) => {
                self.session.outages.good(&name);
                self.stands = Some(here.stands);
                if here.is_brought {
                    self.log.line(&format!("brought here from {}", package.entrance.config.name));
                }
                true
            }
            Err(trouble) => {
                self.trouble(trouble);
                false
            }
        }
    }

    /// Publishes the local repository. With `may_go_on`, a damaged one is discarded, and the round is repeated.
    fn publish_here(&mut self, may_go_on: bool) -> Next {
        let Some(package) = self.cached() else { return Next::Over };
        let damage = self.failures.iter().map(|(failure, ..)| failure).find(|it| is_damage(it)).cloned();
        let published = match damage {
            Some(failure) if may_go_on => Err(Trouble::Here(failure)),
            _ => package.publish(self.claim.attempt, self.stands.as_deref().unwrap_or_default()),
        };
        match published {
            Ok(Published::Nothing) => Next::Over,
            Ok(Published::Moved) => {
                self.log.line("somebody else has pushed there: that is brought here");
                Next::Again
            }
            Ok(Published::There(done)) => {
                self.published = Some(*done);
                Next::Over
            }
            Err(trouble) => {
                let failure = trouble.failure();
                if may_go_on && is_damage(&failure) && self.is_still_ours() {
                    self.log.line(&format!("the cache is of no use any more: {failure}"));
                    self.discard();
                    return Next::Again;
                }
                self.trouble(trouble);
                Next::Over
            }
        }
    }

    /// True if the lease is still held: otherwise another worker may use the local repository.
    fn is_still_ours(&self) -> bool {
        let attempt = self.claim.attempt;
        self.session.store.read(|tx| attempt::is_open(tx, attempt)).unwrap_or(false)
    }

    /// Removes the local repository, which is only a cache.
    fn discard(&mut self) {
        let Ok(package) = PackageName::new(&self.claim.package) else { return };
        if let Err(error) = cache::discard(&self.session.root.join("repos"), &package) {
            self.log.line(&error.to_string());
        }
    }

    /// Clears the results of a round: the next one finds them again.
    fn forget_round(&mut self) {
        self.reports.clear();
        self.failures.clear();
        self.unapplied.clear();
        self.stands = None;
        self.foreign = None;
        self.news = Default::default();
    }

    /// An outage of the remote parks the job once its breaker is open; every other error is a failure.
    fn trouble(&mut self, trouble: Trouble) {
        let failure = trouble.failure();
        if let Trouble::Remote(problem) = &trouble
            && problem.is_of_remote()
            && let Some(package) = self.cached()
        {
            let session = self.session;
            let remote = &package.entrance.config.name;
            let need =
                Need { name: breaker_of(remote), probe: format!("remote {remote} {}", package.package) };
            let rule = Rule { least: 2, ..session.rule.clone() };
            if let Ok(Some(open)) = session.outages.bad(&session.store, &failure, &need, &rule) {
                self.not_imported(&failure);
                self.log.line(&failure.to_string());
                return self.park(open, None);
            }
        }
        self.not_published(&failure);
    }

    fn not_published(&mut self, failure: &Failure) {
        self.not_imported(failure);
        self.fail(failure.clone(), None);
    }

    /// Marks unpublished versions as not imported.
    fn not_imported(&mut self, failure: &Failure) {
        for (_, report) in &mut self.reports {
            if report.outcome != Became::Failed && report.outcome != Became::Waits {
                let failed = report.clone().with_failure(failure);
                *report = crate::protocol::Report { outcome: Became::Failed, ..failed };
            }
        }
    }
}

/// True if the cause of a failure may be a cache that was damaged, or removed while it was in use.
fn is_damage(failure: &Failure) -> bool {
    const DAMAGE: [Code; 8] = [
        Code::Store,
        Code::Repository,
        Code::BrokenRecord,
        Code::NotOnRecord,
        Code::Superseded,
        Code::RefMoved,
        Code::TagExists,
        Code::RemoteLocal,
    ];
    DAMAGE.iter().any(|code| failure.code == *code)
}
