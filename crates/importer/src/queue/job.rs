//! Does one job: what its package lacks is asked for, a child imports it, and the end is recorded.

mod base;
mod end;
mod history;
mod plan;

use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use fail::fail_point;
use state::finish::{Cause, Settled, Usage};
use state::publications::{self, LOCAL, Publication};
use state::queue::{self, Claim};
use state::waits::Wait;
use state::words::{Lane, Outcome, Tasks, WaitKind};

pub use plan::Plan;

use super::archives::{Got, Missed};
use super::logs::Log;
use super::requests;
use super::session::Session;
use crate::child::{self, Ended};
use crate::failure::{Failure, Stage};
use crate::inspect;
use crate::protocol::{Event, Outcome as Became, Report, Request, Trust, VersionRequest};

/// How an attempt ended, for whoever watches.
#[derive(Debug)]
pub struct Result {
    /// The attempt.
    pub claim: Claim,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, if it failed.
    pub cause: Option<Cause>,
    /// What became of each version.
    pub reports: Vec<(i64, Report)>,
    /// What becomes of the package.
    pub settled: Option<Settled>,
    /// How long it took, in milliseconds.
    pub wall_ms: i64,
}

/// What is told while a job is done.
pub type Watch<'a> = &'a (dyn Fn(&Claim, &VersionRequest) + Sync);

/// Everything about a job between its claim and its end.
struct Work<'a> {
    session: &'a Session,
    claim: &'a Claim,
    log: Log,
    usage: Usage,
    reports: Vec<(i64, Report)>,
    failures: Vec<(Failure, Option<String>, Option<String>)>,
    /// Why patches of versions that were imported without them do not apply.
    unapplied: Vec<(Failure, Option<String>, Option<String>)>,
    parked_on: Option<i64>,
    gone: Vec<i64>,
    wait: Option<Wait>,
    cancelled: bool,
}

/// Does a job that was claimed, and records how it ended. Its `plan` is made here, if it was not made with the claim.
pub fn perform(session: &Session, claim: Claim, plan: Option<Plan>, watch: Watch<'_>) -> Result {
    let started = Instant::now();
    let mut work = Work {
        session,
        claim: &claim,
        log: Log::begin(&session.root, claim.attempt),
        usage: Usage::default(),
        reports: Vec::new(),
        failures: Vec::new(),
        unapplied: Vec::new(),
        parked_on: None,
        gone: Vec::new(),
        wait: None,
        cancelled: false,
    };
    let first = work.import(plan, watch);
    work.look_after();
    work.usage.wall_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    work.forget_gone();
    work.say_what_is_lacking();
    session.archives.clear(claim.attempt);
    let (finished, done, reports) = work.conclude(&first);
    fail_point!("run::child-ended");
    // The work is done: a database that is away is waited for, and nobody shall do it again.
    let settled = session.patiently(|| end::record(session, &finished, &done)).ok();
    if finished.outcome == Outcome::Imported {
        ask_for_repack(session, &claim);
    }
    session.forget(claim.attempt);
    let (outcome, cause) = (finished.outcome, finished.cause);
    Result { wall_ms: finished.usage.wall_ms, claim, outcome, cause, reports, settled }
}

impl Work<'_> {
    /// Imports what the package lacks. Returns the publications that were tried for the first time.
    fn import(&mut self, plan: Option<Plan>, watch: Watch<'_>) -> Vec<i64> {
        if !self.claim.tasks.has(Tasks::IMPORT) {
            return Vec::new();
        }
        let claim = self.claim;
        self.log.line(&format!("attempt {} of {} in lane {}", claim.attempt, claim.package, claim.lane));
        let store = &self.session.store;
        let make = || store.write(|tx| Plan::make(tx, claim.package_id, u64::MAX));
        let planned = plan.map_or_else(|| self.session.patiently(make), |plan| Ok(Some(plan)));
        let (open, first) = match planned {
            Ok(plan) => plan.map_or_else(Default::default, |plan| (plan.open, plan.first)),
            Err(error) => {
                self.fail(Failure::new(Stage::State, "unreachable", error), None);
                return Vec::new();
            }
        };
        let Some(open) = self.with_history(open) else { return first };
        let (ids, requests) = self.requests(&open, false);
        // A plan is whole or waits: a version without its predecessor would be nobody's descendant.
        if self.is_ready() && !requests.is_empty() {
            self.versions(ids, requests, watch);
        }
        self.again_with_all(&open, watch);
        first
    }

    /// A tarball that was not fetched because its hash is known may be needed after all, by another rule of unpacking.
    fn again_with_all(&mut self, open: &[Publication], watch: Watch<'_>) {
        let lacks = |report: &Report| {
            report.outcome == Became::Failed && report.code.as_deref() == Some("missing-file")
        };
        let lacking: Vec<i64> =
            self.reports.iter().filter(|(_, report)| lacks(report)).map(|(id, _)| *id).collect();
        let again: Vec<Publication> = open
            .iter()
            .filter(|publication| publication.what.archive != LOCAL && lacking.contains(&publication.id))
            .cloned()
            .collect();
        if again.is_empty() {
            return;
        }
        self.reports.retain(|(id, _)| !again.iter().any(|publication| publication.id == *id));
        self.failures.retain(|(failure, ..)| failure.code != "missing-file");
        let (ids, requests) = self.requests(&again, true);
        if self.is_ready() && !requests.is_empty() {
            self.versions(ids, requests, watch);
        }
    }

    /// Whether everything that can be had is here.
    fn is_ready(&self) -> bool {
        let waits_for_history = self.wait.as_ref().is_some_and(|wait| wait.kind == WaitKind::History);
        self.parked_on.is_none() && !waits_for_history && !self.cancelled
    }

    /// What the child is asked for; what cannot even be asked for fails.
    fn requests(&mut self, open: &[Publication], all: bool) -> (Vec<i64>, Vec<VersionRequest>) {
        let (mut ids, mut wanted) = (Vec::new(), Vec::new());
        let bases = self.bases(open);
        for publication in open {
            self.cancelled |= self.session.is_stopping();
            // Nothing is imported of a plan that is not whole, so nothing more has to be fetched for it now.
            if !self.is_ready() {
                break;
            }
            let Some((dsc, trust)) = self.files(publication, all) else { continue };
            match requests::request(publication, dsc, trust) {
                Ok(mut request) => {
                    request.allow_weak_checksums = self.session.archives.allows_weak_checksums(publication);
                    request.base = bases.get(&publication.id).cloned();
                    ids.push(publication.id);
                    wanted.push(request);
                }
                Err(failure) => self.fail(failure, Some(publication)),
            }
        }
        (ids, wanted)
    }

    /// Where the files of a publication are, fetched if they are elsewhere, and why they are trusted if that is new.
    fn files(&mut self, publication: &Publication, all: bool) -> Option<(PathBuf, Option<Trust>)> {
        let archive = &publication.what.archive;
        if archive == LOCAL {
            return Some((PathBuf::from(&publication.what.dsc), None));
        }
        let session = self.session;
        let is_old = publication.what.suite.is_empty();
        let need =
            if is_old { session.archives.history_need(archive) } else { session.archives.need(archive) };
        // What is known to be out of reach is not tried by everybody.
        if let Some(open) = need.as_ref().and_then(|need| session.outages.open(&need.name)) {
            self.park(open, is_old.then_some(archive));
            return None;
        }
        let package = (session.root.as_path(), self.claim.package.as_str());
        let got = session.archives.fetch(publication, package, self.claim.attempt, all);
        if let (Ok(_), Some(need)) = (&got, &need) {
            session.outages.good(&need.name);
        }
        match got {
            Ok(Got::Here(dsc, bytes)) => {
                self.log.line(&format!("{bytes} bytes fetched for {}", publication.what.version));
                Some((dsc, None))
            }
            Ok(Got::Old(dsc, bytes, found)) => {
                self.log.line(&format!("{bytes} bytes fetched for {}", publication.what.version));
                self.complete(publication.id, &found)?;
                Some((dsc, Some(found.trust)))
            }
            Ok(Got::Gone(file)) => {
                self.log.line(&format!("{file} is on no mirror any more: superseded"));
                self.gone.push(publication.id);
                None
            }
            Err(missed) if is_old => {
                self.miss_old(missed, publication);
                None
            }
            Err(missed) => {
                self.miss(missed, publication);
                None
            }
        }
    }

    /// An outage parks the job once its breaker is open; until then it is a failure like others.
    fn miss(&mut self, missed: Missed, publication: &Publication) {
        let session = self.session;
        if let Some(need) = &missed.need
            && let Ok(Some(open)) = session.outages.bad(&session.store, &missed.failure, need, &session.rule)
        {
            self.log.line(&missed.failure.to_string());
            self.park(open, None);
            return;
        }
        self.fail(missed.failure, Some(publication));
    }

    /// Imports versions in children. A child that dies takes one version with it, the one that it was reading: the
    /// others are tried again without it.
    fn versions(&mut self, mut ids: Vec<i64>, mut versions: Vec<VersionRequest>, watch: Watch<'_>) {
        while !versions.is_empty() {
            let request = self.request(versions);
            match self.child(&request, watch) {
                Ok(ended) => (ids, versions) = self.settle(ids, request, ended),
                Err(failure) => return self.fail(failure, None),
            }
            if self.cancelled {
                return;
            }
        }
    }

    fn request(&self, versions: Vec<VersionRequest>) -> Request {
        let session = self.session;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Request {
            root: session.root.clone(),
            package: self.claim.package.clone(),
            default_branch: session.config.import.default_branch.clone(),
            versions,
            allow_weak_checksums: session.config.import.allow_weak_checksums,
            limits: session.config.limits.clone(),
            threads: (cores / session.jobs.max(1)).max(1),
            parent: std::process::id(),
            fence: Some((session.epoch, u64::try_from(self.claim.attempt).unwrap_or(0))),
        }
    }

    fn child(&mut self, request: &Request, watch: Watch<'_>) -> std::result::Result<Ended, Failure> {
        let (session, claim, log) = (self.session, self.claim, &mut self.log);
        let ended = child::run(
            &session.program,
            request,
            |pid| session.started(claim.attempt, pid),
            |event| match event {
                Event::Reading(index) => {
                    if let Some(version) = request.versions.get(*index) {
                        log.line(&format!("reading {}", version.dsc.display()));
                        watch(claim, version);
                    }
                }
                Event::Moving(0) => log.line("no ref moves"),
                Event::Moving(refs) => log.line(&format!("moving {refs} refs")),
                _ => {}
            },
        );
        session.is_over(claim.attempt);
        let ended = ended?;
        if !ended.stderr.is_empty() {
            log.line(&ended.stderr);
        }
        let add = |slot: &mut i64, more: u64| *slot = slot.saturating_add_unsigned(more);
        add(&mut self.usage.cpu_ms, ended.cpu_ms);
        add(&mut self.usage.bytes_in, ended.moved.0);
        add(&mut self.usage.bytes_out, ended.moved.1);
        self.usage.peak_rss = self.usage.peak_rss.max(i64::try_from(ended.peak_rss).unwrap_or(i64::MAX));
        Ok(ended)
    }

    /// Takes what a child has done, and returns what should be tried again.
    fn settle(&mut self, ids: Vec<i64>, request: Request, ended: Ended) -> (Vec<i64>, Vec<VersionRequest>) {
        if self.session.is_stopping() && ended.failure.is_some() {
            self.cancelled = true;
        }
        let guilty = ended.last.filter(|&index| ended.reports.get(index).is_some_and(Option::is_none));
        let (mut ids_again, mut again) = (Vec::new(), Vec::new());
        let versions = request.versions.into_iter().zip(ended.reports).zip(ids).enumerate();
        for (index, ((version, report), id)) in versions {
            match (report, &ended.failure) {
                (Some(report), _) => self.report(id, report),
                (None, _) if self.cancelled => {}
                (None, Some(failure)) if guilty.is_none_or(|guilty| guilty == index) => {
                    let mut report = Report::new(&request.package, None, &version, Became::Failed);
                    report.peak_rss = (ended.peak_rss > 0).then_some(ended.peak_rss);
                    self.report(id, report.with_failure(failure));
                }
                (None, Some(_)) => {
                    ids_again.push(id);
                    again.push(version);
                }
                (None, None) => {
                    let message = "the import ended without a word about this version";
                    let failure = Failure::new(Stage::Worker, "crashed", message);
                    let report = Report::new(&request.package, None, &version, Became::Failed);
                    self.report(id, report.with_failure(&failure));
                }
            }
        }
        (ids_again, again)
    }

    fn report(&mut self, id: i64, report: Report) {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let what = report.outcome.as_str();
        self.log.line(&format!("{} {what} {}", text(&report.version), text(&report.message)));
        let list = match report.outcome {
            Became::Failed => Some(&mut self.failures),
            Became::UnappliedOnly => Some(&mut self.unapplied),
            _ => None,
        };
        if let Some(list) = list {
            let stage = report.stage.as_deref().and_then(Stage::from_word).unwrap_or(Stage::Worker);
            let failure = Failure::new(stage, &text(&report.code), text(&report.message));
            list.push((failure, Some(report.distro.clone()), report.version.clone()));
        }
        if report.outcome == Became::Waits {
            self.wait_for_base(id, &report);
        }
        self.reports.push((id, report));
    }

    fn fail(&mut self, failure: Failure, publication: Option<&Publication>) {
        self.log.line(&failure.to_string());
        let what = publication.map(|publication| &publication.what);
        self.failures.push((
            failure,
            what.map(|what| what.distro.clone()),
            what.map(|what| what.version.clone()),
        ));
    }

    /// What no mirror has any more is no failure, and is not asked for again.
    fn forget_gone(&self) {
        let store = &self.session.store;
        for chunk in self.gone.chunks(100) {
            let _ = self.session.patiently(|| store.write(|tx| publications::gone(tx, chunk)));
        }
    }

    /// Checks or repacks the repository, if that was asked for.
    fn look_after(&mut self) {
        let (root, package, tasks) = (&self.session.root, &self.claim.package, self.claim.tasks);
        if tasks.has(Tasks::VERIFY) {
            match inspect::verify(root, package) {
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
fn ask_for_repack(session: &Session, claim: &Claim) {
    if inspect::is_repack_due(&session.root, &claim.package) {
        let store = &session.store;
        let _ = store.write(|tx| queue::enqueue(tx, claim.package_id, Lane::Maintain, Tasks::REPACK));
    }
}
