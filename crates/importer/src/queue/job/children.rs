//! Imports of versions by children: a child that dies costs one version.

use std::collections::HashMap;
use std::thread;

use bounded::waiting;
use packaging_repo::record::unsealed::Word;
use state::{groups, versions};

use super::{Watch, Work};
use crate::checking;
use crate::child::{self, Ended};
use crate::failure::{Code, Failure, Stage};
use crate::inspect;
use crate::protocol::{Event, Outcome as Became, Report, Request, Task, VersionRequest};

impl Work<'_> {
    /// Imports versions. Those that were imported before, and are to be imported again because a repository is lost, come
    /// in the groups in which they came then: else their commits would be others.
    pub(super) fn versions(&mut self, ids: Vec<i64>, versions: Vec<VersionRequest>, watch: Watch<'_>) {
        let (session, package) = (self.session, self.claim.package_id);
        let groups = match ids.len() {
            0 | 1 => Ok(vec![ids.clone()]),
            _ => session.patiently("the order of versions", || {
                session.store.read(|tx| groups::of(tx, package, &ids))
            }),
        };
        let groups = match groups {
            Ok(groups) => groups,
            Err(error) => return self.fail(Failure::new(Stage::State, Code::Unreachable, error), None),
        };
        let mut requests: HashMap<i64, VersionRequest> = ids.into_iter().zip(versions).collect();
        for group in groups {
            let (ids, versions) =
                group.into_iter().filter_map(|id| Some((id, requests.remove(&id)?))).unzip();
            self.together(ids, versions, watch);
            if self.cancelled {
                return;
            }
        }
    }

    /// Imports versions in children. A child that dies takes one version with it, the one that it was reading: the
    /// others are tried again without it.
    fn together(&mut self, mut ids: Vec<i64>, mut versions: Vec<VersionRequest>, watch: Watch<'_>) {
        while !versions.is_empty() {
            let request = match self.request(versions) {
                Ok(request) => request,
                Err(failure) => return self.fail(failure, None),
            };
            match self.child(&request, watch) {
                Ok(ended) => (ids, versions) = self.settle(ids, request, ended),
                Err(failure) => return self.fail(failure, None),
            }
            if self.cancelled {
                return;
            }
        }
    }

    pub(super) fn request(&self, versions: Vec<VersionRequest>) -> Result<Request, Failure> {
        let session = self.session;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Request {
            root: session.root.clone(),
            package: self.claim.package.clone(),
            default_branch: session.config.import.default_branch.clone(),
            versions,
            bases: self.bases.clone(),
            allow_weak_checksums: session.config.import.allow_weak_checksums,
            limits: session.config.limits.clone(),
            threads: (cores / session.jobs.max(1)).max(1),
            parent: std::process::id(),
            fence: Some((session.epoch, u64::try_from(self.claim.attempt).unwrap_or(0))),
            distros: session.config.distros(),
            collisions: self.known.clone(),
            settle: false,
            word: self.word()?,
            stands: self.stands.clone(),
            task: Task::Import,
        })
    }

    /// The state's confirmation for a repository that is older than records: the child writes the record from it.
    fn word(&self) -> Result<Option<Word>, Failure> {
        let (session, name) = (self.session, self.claim.package.as_str());
        if !inspect::lacks_record(&session.root, name) {
            return Ok(None);
        }
        let expected = session.patiently("what is on record of a package", || {
            session.store.read(|tx| versions::expected(tx, name))
        });
        let expected = expected.map_err(|error| Failure::new(Stage::State, Code::Unreachable, error))?;
        Ok(Some(checking::word(&expected)))
    }

    fn child(&mut self, request: &Request, watch: Watch<'_>) -> Result<Ended, Failure> {
        let (session, claim, log) = (self.session, self.claim, &mut self.log);
        let mut walled = Vec::new();
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
                Event::Unwalled(missing) => {
                    walled = missing.clone();
                    for wall in missing {
                        log.line(&format!("no wall ({}): {}", wall.as_str(), wall.consequence()));
                    }
                }
                Event::Waiting(text) => {
                    log.line(text);
                    waiting::say(&format!("{}: {text}", claim.package));
                }
                Event::Moving(0) => log.line("no ref moves"),
                Event::Moving(refs) => log.line(&format!("moving {refs} refs")),
                _ => {}
            },
        );
        session.is_over(claim.attempt);
        let mut ended = ended?;
        if ended.failure.as_ref().is_some_and(|failure| failure.code == Code::Superseded)
            && let Some(older) = self.older_state()
        {
            ended.failure = Some(older);
        }
        let log = &mut self.log;
        session.note_walls(&walled);
        if !ended.stderr.is_empty() {
            log.line(&ended.stderr);
        }
        let add = |slot: &mut i64, more: u64| *slot = slot.saturating_add_unsigned(more);
        add(&mut self.usage.cpu_ms, ended.cpu_ms);
        add(&mut self.usage.bytes_in, ended.moved.0);
        add(&mut self.usage.bytes_out, ended.moved.1);
        self.usage.peak_rss = self.usage.peak_rss.max(i64::try_from(ended.peak_rss).unwrap_or(i64::MAX));
        if ended.failure.is_none() {
            self.stands = ended.stands.clone().or(self.stands.take());
            self.foreign = Some(ended.foreign.clone());
            // The decisions are carried out; another child of this job must not repeat them.
            self.known.open.retain(|it| !ended.collisions.ended.iter().any(|(id, _)| *id == it.id));
            self.known.open.iter_mut().for_each(|it| it.decision = None);
        }
        for told in &ended.collisions.found {
            self.log.line(&told.line());
            self.known.told.extend(told.place());
        }
        self.news.add(ended.collisions.clone());
        Ok(ended)
    }

    /// Moves branches to their targets, and carries out decisions, without any version.
    pub(super) fn settle_refs(&mut self, watch: Watch<'_>) {
        let request = match self.request(Vec::new()) {
            Ok(request) => Request { settle: true, ..request },
            Err(failure) => return self.fail(failure, None),
        };
        match self.child(&request, watch).map(|ended| ended.failure) {
            Ok(None) => {}
            Ok(Some(_)) if self.session.is_stopping() => self.cancelled = true,
            Ok(Some(failure)) | Err(failure) => self.fail(failure, None),
        }
    }

    /// Takes over the results of a child, and returns the versions that should be tried again.
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
                    let failure = Failure::new(Stage::Worker, Code::Crashed, message);
                    let report = Report::new(&request.package, None, &version, Became::Failed);
                    self.report(id, report.with_failure(&failure));
                }
            }
        }
        (ids_again, again)
    }
}
