//! Does one job: the missing versions are requested, a child imports them, and the end is recorded.

mod ancestors;
mod cache;
mod children;
mod from_remote;
mod gather;
mod heal;
mod history;
mod lineage_wait;
mod open_publications;
mod rebuild;
mod record_outcome;
mod repair;
mod repository;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use fail::fail_point;
use state::StateError;
use state::finish::{Cause, Settled, Usage};
use state::publications::{self, LOCAL, Publication};
use state::publishing::cached::Done;
use state::queue::Claim;
use state::waits::Wait;
use state::words::{Outcome, Tasks, WaitKind};

pub use open_publications::Plan;

use super::logs::Log;
use super::session::Session;
use crate::collisions::{Known, News};
use crate::failure::{Code, Failure, FailureCode, Stage};
use crate::inspect;
use crate::protocol::{Base, ForeignRef, Outcome as Became, Report, VersionRequest};

/// End of an attempt, for display.
#[derive(Debug)]
pub struct Result {
    /// The claimed job.
    pub claim: Claim,
    /// Outcome of the attempt.
    pub outcome: Outcome,
    /// Cause, if it failed.
    pub cause: Option<Cause>,
    /// Report about each version.
    pub reports: Vec<(i64, Report)>,
    /// State of the package afterwards.
    pub settled: Option<Settled>,
    /// Duration in milliseconds.
    pub wall_ms: i64,
}

/// Callback for the progress of a job.
pub type Watch<'a> = &'a (dyn Fn(&Claim, &VersionRequest) + Sync);

/// Everything about a job between its claim and its end.
struct Work<'a> {
    session: &'a Session,
    claim: &'a Claim,
    log: Log,
    usage: Usage,
    reports: Vec<(i64, Report)>,
    failures: Vec<(Failure, Option<String>, Option<String>)>,
    /// Publications that failed before a child had them, such as those that cannot be fetched: they have no report.
    unreported: HashSet<i64>,
    /// Failures of the patches of versions that were imported without them.
    unapplied: Vec<(Failure, Option<String>, Option<String>)>,
    parked_on: Option<i64>,
    gone: Vec<i64>,
    wait: Option<Wait>,
    /// The history is not waited for any longer.
    history_over: bool,
    cancelled: bool,
    /// Names of publications: a crashed import has not reported its version.
    named: HashMap<i64, Named>,
    /// Facts about the distros that versions are built on, by the archives of the versions.
    bases: BTreeMap<String, Base>,
    /// Foreign refs, once they were listed.
    foreign: Option<Vec<ForeignRef>>,
    /// Collisions on record, and their changes.
    known: Known,
    news: News,
    /// The refs that were read back from the remote, if repositories are a cache.
    published: Option<Done>,
    /// Fingerprint of the local refs, if the repository is a cache, which may be removed at any time.
    stands: Option<String>,
    /// The failure of a state that is older than the repository, as it was before this job.
    older: Option<Failure>,
}

/// Names of a publication, and its age.
struct Named {
    archive: String,
    distro: String,
    version: String,
    first_seen: i64,
}

impl Named {
    fn of(publication: &Publication) -> Named {
        let what = &publication.what;
        Named {
            archive: what.archive.clone(),
            distro: what.distro.clone(),
            version: what.version.clone(),
            first_seen: publication.first_seen,
        }
    }
}

/// Does a claimed job, and records its end. Its `plan` is made here, unless it was made with the claim.
pub fn perform(session: &Session, claim: Claim, plan: Option<Plan>, watch: Watch<'_>) -> Result {
    let started = Instant::now();
    let mut work = Work {
        session,
        claim: &claim,
        log: Log::begin(&session.root, claim.attempt),
        usage: Usage::default(),
        reports: Vec::new(),
        failures: Vec::new(),
        unreported: HashSet::new(),
        unapplied: Vec::new(),
        parked_on: None,
        gone: Vec::new(),
        wait: None,
        history_over: false,
        cancelled: false,
        named: HashMap::new(),
        bases: BTreeMap::new(),
        foreign: None,
        known: Known::default(),
        news: News::default(),
        published: None,
        stands: None,
        older: None,
    };
    work.older = work.state_before_repository();
    work.repair_before_import(watch);
    let mut first = work.import(plan, watch);
    if work.heal_met() {
        first.extend(work.import(None, watch));
    }
    work.name_damage();
    work.look_after(watch);
    work.usage.wall_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    work.forget_gone();
    work.say_what_is_lacking();
    session.archives.clear(claim.attempt);
    let found = record_outcome::Found {
        foreign: work.foreign.take(),
        news: std::mem::take(&mut work.news),
        published: work.published.clone(),
    };
    let (finished, done, reports) = work.conclude(&first);
    fail_point!("run::child-ended");
    // The work is done and must not be done again: if the database is unreachable, it is waited for.
    let repack = repository::wants_repack(session, &claim, finished.outcome);
    let (finished, settled) =
        record_outcome::record_surely(session, finished, done, &found, repack, claim.lane);
    if !reports.is_empty() || claim.tasks.has(Tasks::IMPORT) {
        repair::settle_when_recorded(session, &claim);
    }
    session.forget(claim.attempt);
    let (outcome, cause) = (finished.outcome, finished.cause);
    Result { wall_ms: finished.usage.wall_ms, claim, outcome, cause, reports, settled }
}

impl Work<'_> {
    /// Imports the missing versions. Returns the publications that were tried for the first time.
    fn import(&mut self, plan: Option<Plan>, watch: Watch<'_>) -> Vec<i64> {
        if !self.claim.tasks.has(Tasks::IMPORT) {
            return Vec::new();
        }
        let claim = self.claim;
        self.log.line(&format!("attempt {} of {} in lane {}", claim.attempt, claim.package, claim.lane));
        let store = &self.session.store;
        let make = || store.write(|tx| Plan::make(tx, claim.package_id, u64::MAX));
        let planned =
            plan.map_or_else(|| self.session.patiently("what is published", make), |plan| Ok(Some(plan)));
        let (open, first) = match planned {
            Ok(plan) => plan.map_or_else(Default::default, |plan| {
                self.known = plan.collisions;
                (plan.open, plan.first)
            }),
            Err(error) => {
                self.fail(Failure::new(Stage::State, Code::Unreachable, error), None);
                return Vec::new();
            }
        };
        let Some(open) = self.with_history(open) else { return first };
        self.named = open.iter().map(|it| (it.id, Named::of(it))).collect();
        match self.session.cache() {
            Some(_) => self.import_through_cache(&open, watch),
            None => self.import_open(&open, watch),
        }
        first
    }

    /// Imports the open publications into the local repository.
    fn import_open(&mut self, open: &[Publication], watch: Watch<'_>) {
        let (ids, requests) = self.requests(open, false);
        let is_idle = requests.is_empty();
        // A plan is whole or waits: a version without its predecessor would be nobody's descendant.
        if self.is_ready() && !is_idle && self.has_its_history(open, &ids) {
            match self.older.take() {
                Some(older) => self.fail(older, None),
                None => self.versions(ids, requests, watch),
            }
        }
        self.again_with_all(open, watch);
        // A check of the same job mends it, and has that in the audit trail.
        let is_checked = self.claim.tasks.has(Tasks::VERIFY);
        let has_moved = is_idle && !is_checked && inspect::is_moved(&self.session.root, &self.claim.package);
        if (self.known.has_decisions() || has_moved) && self.is_ready() {
            self.settle_refs(watch);
        }
    }

    /// A tarball that was not fetched because its hash is known may be needed after all, by another rule of unpacking.
    fn again_with_all(&mut self, open: &[Publication], watch: Watch<'_>) {
        let lacks = |report: &Report| {
            report.outcome == Became::Failed
                && report.code.as_ref().is_some_and(|code| *code == Code::MissingFile)
        };
        let lacking: HashSet<i64> =
            self.reports.iter().filter(|(_, report)| lacks(report)).map(|(id, _)| *id).collect();
        let again: Vec<Publication> = open
            .iter()
            .filter(|publication| publication.what.archive != LOCAL && lacking.contains(&publication.id))
            .cloned()
            .collect();
        if again.is_empty() {
            return;
        }
        let tried: HashSet<i64> = again.iter().map(|publication| publication.id).collect();
        self.reports.retain(|(id, _)| !tried.contains(id));
        self.failures.retain(|(failure, ..)| failure.code != Code::MissingFile);
        let (ids, requests) = self.requests(&again, true);
        if self.is_ready() && !requests.is_empty() {
            self.versions(ids, requests, watch);
        }
    }

    /// True when everything that can be fetched is here.
    fn is_ready(&self) -> bool {
        let waits_for_history = self.wait.as_ref().is_some_and(|wait| wait.kind == WaitKind::History);
        self.parked_on.is_none() && !waits_for_history && !self.cancelled
    }

    fn report(&mut self, id: i64, mut report: Report) {
        report.version = report.version.or_else(|| self.named.get(&id).map(|it| it.version.clone()));
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let what = report.outcome.as_str();
        self.log.line(&format!("{} {what} {}", text(&report.version), text(&report.message)));
        let list = match report.outcome {
            Became::Failed => Some(&mut self.failures),
            Became::UnappliedOnly => Some(&mut self.unapplied),
            _ => None,
        };
        if let Some(list) = list {
            let code = report.code.clone().unwrap_or_else(|| FailureCode::parse(""));
            let stage = report.stage.as_deref().and_then(Stage::from_word).unwrap_or(Stage::Worker);
            let failure = Failure::reported(stage, code, text(&report.message));
            list.push((failure, Some(report.distro.clone()), report.version.clone()));
        }
        if report.outcome == Became::Waits {
            self.wait_for_base(id, &report);
        }
        self.reports.push((id, report));
    }

    fn fail(&mut self, failure: Failure, publication: Option<&Publication>) {
        self.log.line(&failure.to_string());
        self.unreported.extend(publication.map(|publication| publication.id));
        let what = publication.map(|publication| &publication.what);
        self.failures.push((
            failure,
            what.map(|what| what.distro.clone()),
            what.map(|what| what.version.clone()),
        ));
    }

    /// Marks publications that no mirror has any more, which are no failure and are not asked for again.
    fn forget_gone(&mut self) {
        let store = &self.session.store;
        for chunk in self.gone.clone().chunks(100) {
            let gone = self
                .session
                .patiently("versions that are gone", || store.write(|tx| publications::gone(tx, chunk)));
            self.not_noted(gone.err());
        }
    }

    /// Writes errors of recording to the job's log; the next attempt finds the same again.
    fn not_noted(&mut self, error: Option<StateError>) {
        if let Some(error) = error {
            self.log.line(&format!("could not be recorded: {error}"));
        }
    }
}
