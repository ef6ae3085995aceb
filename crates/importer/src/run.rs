//! Imports many packages, each in a child of its own, several at a time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use crate::child;
use crate::config::Config;
use crate::failure::Failure;
use crate::protocol::{Event, Outcome, Report, Request, VersionRequest};

/// What a run needs to know besides the packages.
pub struct Run<'a> {
    /// The installation's root.
    pub root: PathBuf,
    /// The configuration.
    pub config: &'a Config,
    /// Our own binary.
    pub program: PathBuf,
    /// How many packages at a time.
    pub jobs: usize,
}

/// What happens during a run, for progress and output.
pub enum Step<'a> {
    /// A version of this package is being read.
    Reading {
        /// The package.
        package: &'a str,
        /// Its file.
        request: &'a VersionRequest,
    },
    /// A version is done.
    Done(Box<Report>),
}

impl Run<'_> {
    /// Imports everything; `on_step` is called as things happen, from several threads but never at once.
    pub fn import(
        &self,
        packages: BTreeMap<String, Vec<VersionRequest>>,
        on_step: impl FnMut(Step<'_>) + Send,
    ) {
        let queue = Mutex::new(packages.into_iter());
        let on_step = Mutex::new(on_step);
        let next = || queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
        let say = |step: Step<'_>| (on_step.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))(step);
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    while let Some((package, versions)) = next() {
                        self.package(&package, versions, &say);
                    }
                });
            }
        });
    }

    /// Imports one package. A child that dies takes one version with it, the one that it was reading: the others
    /// are tried again without that one.
    fn package(&self, package: &str, mut versions: Vec<VersionRequest>, say: &(impl Fn(Step<'_>) + Sync)) {
        while !versions.is_empty() {
            let request = self.request(package, versions);
            let ended = child::run(&self.program, &request, |event| {
                if let Event::Reading(index) = event
                    && let Some(version) = request.versions.get(*index)
                {
                    say(Step::Reading { package, request: version });
                }
            });
            match ended {
                Err(failure) => return fail_all(package, &request.versions, &failure, 0, say),
                Ok(ended) => versions = self.settle(package, request, ended, say),
            }
        }
    }

    fn request(&self, package: &str, versions: Vec<VersionRequest>) -> Request {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Request {
            root: self.root.clone(),
            package: package.to_owned(),
            default_branch: self.config.import.default_branch.clone(),
            versions,
            allow_weak_checksums: self.config.import.allow_weak_checksums,
            limits: self.config.limits.clone(),
            threads: (cores / self.jobs.max(1)).max(1),
            parent: std::process::id(),
        }
    }

    /// Says what a child has done, and returns what should be tried again.
    fn settle(
        &self,
        package: &str,
        request: Request,
        ended: child::Ended,
        say: &(impl Fn(Step<'_>) + Sync),
    ) -> Vec<VersionRequest> {
        let mut again = Vec::new();
        let guilty = ended.last.filter(|&index| ended.reports.get(index).is_some_and(Option::is_none));
        for (index, (version, report)) in request.versions.into_iter().zip(ended.reports).enumerate() {
            match (report, &ended.failure) {
                (Some(report), _) => say(Step::Done(Box::new(report))),
                (None, Some(failure)) if guilty.is_none_or(|guilty| guilty == index) => {
                    fail_all(package, &[version], failure, ended.peak_rss, say);
                }
                (None, Some(_)) => again.push(version),
                (None, None) => {
                    let failure = Failure::new(
                        crate::failure::Stage::Worker,
                        "crashed",
                        "the import ended without a word about this version",
                    );
                    fail_all(package, &[version], &failure, ended.peak_rss, say);
                }
            }
        }
        again
    }
}

fn fail_all(
    package: &str,
    versions: &[VersionRequest],
    failure: &Failure,
    peak_rss: u64,
    say: &(impl Fn(Step<'_>) + Sync),
) {
    for version in versions {
        let mut report = Report::new(package, None, version, Outcome::Failed).with_failure(failure);
        report.peak_rss = (peak_rss > 0).then_some(peak_rss);
        say(Step::Done(Box::new(report)));
    }
}
