//! Where the repositories of this host are a cache: what the remote has is brought here before an import, and what the import
//! has made is published and read back before it counts.

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

/// How often all is done again because somebody else has pushed meanwhile, or because the cache was removed.
const ROUNDS: u32 = 4;

/// What comes after a round.
enum Next {
    /// All is published, or cannot be.
    Over,
    /// What is here is not what it should be: the remote is asked again.
    Again,
}

impl<'a> Work<'a> {
    /// The package, if repositories are a cache.
    fn cached(&self) -> Option<Package<'a>> {
        let (session, claim) = (self.session, self.claim);
        let entrance = session.cache()?;
        Some(Package { session, entrance, package: &claim.package, id: claim.package_id })
    }

    /// Imports into a repository that is brought here, and publishes it.
    pub(super) fn import_through_cache(&mut self, open: &[Publication], watch: Watch<'_>) {
        for round in 1..=ROUNDS {
            if !self.bring_here(round > 1) {
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

    /// Looks after a repository that is brought here, and publishes what that has moved.
    pub(super) fn verify_through_cache(&mut self, watch: Watch<'_>) {
        // An import has brought it already.
        if !self.claim.tasks.has(state::words::Tasks::IMPORT) && !self.bring_here(false) {
            return;
        }
        self.verify(watch);
        if matches!(self.publish_here(false), Next::Again) {
            // It is brought here by the next attempt.
            self.fail(
                Failure::new(Stage::Publish, Code::RemoteRaced, "somebody else has pushed to it meanwhile"),
                None,
            );
        }
    }

    /// Whether what the remote has is here.
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
            // What lies here is of no use to anybody: without it, all is brought.
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

    /// Publishes what is here. With `may_go_on`, what is damaged is thrown away, and all is done again.
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

    /// Whether the lease has not been lost: else somebody else may work in what lies here.
    fn is_still_ours(&self) -> bool {
        let attempt = self.claim.attempt;
        self.session.store.read(|tx| attempt::is_open(tx, attempt)).unwrap_or(false)
    }

    /// What a cache is for.
    fn discard(&mut self) {
        let Ok(package) = PackageName::new(&self.claim.package) else { return };
        if let Err(error) = cache::discard(&self.session.root.join("repos"), &package) {
            self.log.line(&error.to_string());
        }
    }

    /// What a round has found is found again by the next.
    fn forget_round(&mut self) {
        self.reports.clear();
        self.failures.clear();
        self.unapplied.clear();
        self.stands = None;
        self.foreign = None;
        self.news = Default::default();
    }

    /// An outage of the remote parks the job once its breaker is open; everything else is a failure.
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

    /// What is not published is not imported.
    fn not_imported(&mut self, failure: &Failure) {
        for (_, report) in &mut self.reports {
            if report.outcome != Became::Failed && report.outcome != Became::Waits {
                let failed = report.clone().with_failure(failure);
                *report = crate::protocol::Report { outcome: Became::Failed, ..failed };
            }
        }
    }
}

/// Whether a failure can come from a cache that is damaged, or was removed while somebody worked in it.
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
    DAMAGE.iter().any(|code| code.as_str() == failure.code)
}
