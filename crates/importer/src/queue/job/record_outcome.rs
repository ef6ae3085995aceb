//! The end of a job: what its parts came to, and its records.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use fail::fail_point;
use state::finish::{self, Cause, Done, Finished, Settled};
use state::publication::{collisions, foreign};
use state::publishing::{PublishLane, asked, cached};
use state::tx::Tx;
use state::words::{Class, Lane, Outcome, Tasks};
use state::{StateError, attempt, queue};

use super::Work;
use crate::collisions::News;
use crate::failure::{Code, Failure, Stage};
use crate::inspect::foreign_rows;
use crate::protocol::{ForeignRef, Outcome as Became, Report};
use crate::queue::classify::class;
use crate::queue::logs::tail;
use crate::queue::outage::Need;
use crate::queue::probe;
use crate::queue::session::{Session, may_pass};

/// Findings in a repository beside its versions.
pub(super) struct Found {
    /// Foreign refs, once they were listed.
    pub(super) foreign: Option<Vec<ForeignRef>>,
    /// Collisions found, ended and not resolved.
    pub(super) news: News,
    /// The refs that were read back from the remote, if repositories are a cache.
    pub(super) published: Option<cached::Done>,
}

impl Found {
    fn record(&self, tx: &mut Tx<'_>, package: i64) -> std::result::Result<(), StateError> {
        if let Some(found) = &self.foreign {
            foreign::settle(tx, package, &foreign_rows(found))?;
        }
        collisions::settle(tx, package, &self.news.rows(), &self.news.ended)?;
        self.news.trouble.iter().try_for_each(|(id, why)| collisions::trouble(tx, *id, why))
    }
}

/// The rules by which histories are made; the trailer `Import-Rules` of each commit.
const RULES: i64 = 1;

/// Versions that are recorded in one transaction: each writes two rows.
const RECORDED: usize = 60;

impl Work<'_> {
    /// Records of the attempt.
    pub(super) fn conclude(mut self, first: &[i64]) -> (Finished, Vec<Done>, Vec<(i64, Report)>) {
        // A failure of the package itself tells more than a failure of the machine with another of its versions.
        self.failures.sort_by_key(|(failure, ..)| class(failure) == Class::Infrastructure);
        let mut cause = self.failures.first().cloned();
        if let Some((failure, ..)) = &mut cause {
            self.note_disk(failure);
        }
        let outcome = self.outcome(cause.is_some());
        let reported = self.reports.iter().filter(|(_, report)| report.outcome == Became::Failed);
        let mut not_imported: HashSet<i64> = reported.map(|(id, _)| *id).collect();
        not_imported.extend(&self.unreported);
        let first_tried: HashSet<i64> = first.iter().copied().collect();
        let failed_first = first_tried.intersection(&not_imported).count();
        // If repositories are a cache, only what was read back counts as imported.
        let counts = self.session.cache().is_none() || self.published.is_some();
        let done =
            self.reports.iter().filter(|_| counts).filter_map(|(id, report)| done(*id, report)).collect();
        let failed = outcome == Outcome::Failed;
        let cause = match outcome {
            // Of one that is parked it is no failure; it tells who met a full disk before.
            Outcome::Failed | Outcome::Parked => cause,
            Outcome::UnappliedOnly => self.unapplied.first().cloned(),
            _ => None,
        };
        let finished = Finished {
            cause: cause.map(|(failure, distro, version)| Cause {
                class: class(&failure),
                stage: failure.stage.as_str().to_owned(),
                code: failure.code,
                message: failure.message,
                distro,
                version,
            }),
            usage: self.usage,
            versions: i64::try_from(self.reports.len()).unwrap_or(0),
            first_tries: (
                i64::try_from(first.len()).unwrap_or(0),
                if failed { i64::try_from(failed_first).unwrap_or(0) } else { 0 },
            ),
            parked_on: self.parked_on,
            wait: self.wait,
            log: failed.then(|| tail(&self.log.end(), finish::LOG_KEPT)),
            ..Session::blank(self.claim, outcome)
        };
        (finished, done, self.reports)
    }

    /// Gives a full disk a breaker, like other dependencies of imports. A package that fills the disk
    /// again while others can be imported is itself the cause.
    fn note_disk(&mut self, failure: &mut Failure) {
        if failure.code != Code::DiskFull {
            return;
        }
        if self.fills_the_disk() {
            let message = format!("filled the disk twice, while others were imported: {}", failure.message);
            *failure = Failure::new(failure.stage, Code::FillsDisk, message);
            // The report to a waiting command has the same code.
            let met = |report: &&mut Report| report.code.as_ref().is_some_and(|code| *code == Code::DiskFull);
            for report in self.reports.iter_mut().map(|(_, report)| report).filter(met) {
                (report.code, report.message) = (Some(failure.code.clone()), Some(failure.message.clone()));
            }
            return;
        }
        let need = Need::disk(&self.session.root, &crate::root::host_name());
        let session = self.session;
        if let Ok(open) = session.outages.bad(&session.store, failure, &need, &session.rule) {
            self.parked_on = open;
        }
    }

    /// True when the package met a full disk in its last attempt, too, others were imported in between, and the disk
    /// has room again now that its files are gone.
    fn fills_the_disk(&self) -> bool {
        let session = self.session;
        if probe::disk_has_room(&session.root, session.config.limits.disk_reserve).is_err() {
            return false;
        }
        let (package, attempt) = (self.claim.package_id, self.claim.attempt);
        let others_went_on = |tx: &mut Tx<'_>| {
            attempt::failed_where_others_did_not(tx, package, attempt, session.run, Code::DiskFull.as_str())
        };
        session.store.read(others_went_on).unwrap_or(false)
    }

    fn outcome(&self, failed: bool) -> Outcome {
        if self.cancelled {
            return Outcome::Cancelled;
        }
        if self.parked_on.is_some() {
            return Outcome::Parked;
        }
        if failed {
            return Outcome::Failed;
        }
        let any = |outcome| self.reports.iter().any(|(_, report)| report.outcome == outcome);
        if any(Became::UnappliedOnly) {
            Outcome::UnappliedOnly
        } else if any(Became::Imported) {
            Outcome::Imported
        } else if self.wait.is_some() {
            Outcome::Waiting
        } else if !self.claim.tasks.has(Tasks::IMPORT) {
            Outcome::Maintained
        } else {
            Outcome::AlreadyThere
        }
    }
}

fn done(id: i64, report: &Report) -> Option<Done> {
    if matches!(report.outcome, Became::Failed | Became::Waits) {
        return None;
    }
    Some(Done {
        publication: id,
        distro: report.distro.clone(),
        version: report.version.clone()?,
        commit: report.commit.clone()?,
        tree: report.tree.clone()?,
        applied: report.applied_commit.clone(),
        tag: report.tag.clone()?,
    })
}

/// First and longest pause between attempts to record an end that the database refuses.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Number of refusals by the database, without a known cause, after which the attempt ends as one that could not be
/// recorded.
const REFUSALS: u32 = 3;

/// Records the end of a job, however long that takes: the work is done, and must not be done again. An unreachable
/// database and a missing right are waited for. A record that the database refuses for another reason becomes a failure
/// of the machine, with the database's message. Returns the end that was recorded, and the state of the package; `None`
/// if the lease was lost meanwhile, or the process has to end.
pub(super) fn record_surely(
    session: &Session,
    mut finished: Finished,
    mut done: Vec<Done>,
    found: &Found,
    repack: bool,
    lane: Lane,
) -> (Finished, Option<Settled>) {
    let publish_lane = if lane >= Lane::Rescan { PublishLane::Bulk } else { PublishLane::Upload };
    let what = format!("the end of attempt {} of {}", finished.attempt, finished.package);
    let (mut refusals, mut pause) = (0, PAUSES.0);
    loop {
        let recorded =
            session.patiently(&what, || record(session, &finished, &done, found, repack, publish_lane));
        let error = match recorded {
            Ok(settled) => return (finished, Some(settled)),
            Err(StateError::LeaseLost(_)) => {
                session.troubles.clear(&what);
                return (finished, None);
            }
            Err(error) => error,
        };
        if session.is_stopping() {
            return (finished, None);
        }
        // A command that a person waits for gives up.
        if may_pass(&error) {
            return (not_recorded(finished, &error), None);
        }
        session.troubles.note(&what, &error);
        refusals += 1;
        if refusals == REFUSALS {
            done.clear();
            finished = not_recorded(finished, &error);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// The end of an attempt whose true end the database refuses.
fn not_recorded(finished: Finished, error: &StateError) -> Finished {
    Finished {
        outcome: Outcome::Failed,
        cause: Some(Cause {
            stage: Stage::State.as_str().to_owned(),
            code: Code::NotRecorded.into(),
            class: Class::Infrastructure,
            message: format!("the end of the import ({}) could not be recorded: {error}", finished.outcome),
            distro: None,
            version: None,
        }),
        versions: 0,
        first_tries: (0, 0),
        log: None,
        parked_on: None,
        wait: None,
        ..finished
    }
}

/// True when refs may have moved.
fn is_news(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Imported | Outcome::UnappliedOnly | Outcome::AlreadyThere)
}

/// Records the end of a job, and that the repository is to be packed anew.
fn record(
    session: &Session,
    finished: &Finished,
    done: &[Done],
    found: &Found,
    repack: bool,
    publish_lane: PublishLane,
) -> std::result::Result<Settled, StateError> {
    let (early, last) = done.split_at(done.len().saturating_sub(RECORDED));
    for chunk in early.chunks(RECORDED) {
        session.store.write(|tx| finish::record_versions(tx, finished, chunk, RULES))?;
    }
    fail_point!("run::versions-recorded");
    let settled = session.store.write(|tx| {
        // Said again after a broken connection, the versions are on record already.
        let is_open = attempt::is_open(tx, finished.attempt)?;
        if is_open {
            found.record(tx, finished.package_id)?;
        }
        if !last.is_empty() && is_open {
            finish::record_versions(tx, finished, last, RULES)?;
        }
        let settled = finish::finish(tx, finished, &session.retries)?;
        match &found.published {
            Some(published) if is_open => cached::done(tx, finished.package_id, published)?,
            // If repositories are a cache, publishing never lags behind.
            None if is_open && is_news(finished.outcome) && session.cache().is_none() => {
                asked::ask(tx, finished.package_id, None, publish_lane)?;
            }
            _ => {}
        }
        // A job that comes back soon asks for a repack then; one that waits for its time must not come sooner for a
        // repack.
        if repack && !settled.again && settled.due.is_none() {
            queue::enqueue(tx, finished.package_id, Lane::Maintain, Tasks::REPACK)?;
        }
        Ok(settled)
    })?;
    fail_point!("run::finished");
    Ok(settled)
}
