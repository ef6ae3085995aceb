//! From a publication to its queued job.

mod branch;
mod compare;
pub mod explain;
mod marks;
mod said;
mod seen;
mod suite;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use archive::config::Archive;
use archive::error::{Error, Stage as At};
use archive::problem::Problem;
use archive::source::{Followed, Suites};
use state::publication::suites;
use state::words::Lane;
use state::{StateError, Store};

use crate::failure::{Code, Failure};
use crate::queue::archives::{Archives, Missed};

/// Result of polling a suite.
#[derive(Debug)]
pub struct Report {
    /// Name of the archive.
    pub archive: String,
    /// Name of the suite.
    pub suite: String,
    /// Changes that were found, or the failure.
    pub result: Result<Found, Failure>,
    /// True when its message differs from that of the last poll.
    pub is_news: bool,
}

/// Changes that a poll found.
#[derive(Debug, Default)]
pub struct Found {
    /// True when the index has not changed.
    pub unchanged: bool,
    /// Publications that are new.
    pub new: usize,
    /// Publications that are listed elsewhere now: in another component, or by another path.
    pub moved: usize,
    /// Publications that have vanished.
    pub vanished: usize,
    /// Number of publications that the index lists no more, and that are kept because they are too many at once:
    /// another index has to confirm the removals.
    pub withheld: usize,
    /// The lane in which the new ones wait.
    pub lane: Option<Lane>,
    /// Remarks: stanzas that cannot be used, mirrors that were passed over, missing components.
    pub remarks: Vec<String>,
    /// Entries about the one package that is asked about.
    pub about: Option<explain::About>,
}

/// Progress of a poll, for display.
#[derive(Debug, Default)]
pub struct Progress {
    /// Indices that were asked for.
    pub indices: AtomicU64,
    /// Packages that were read from lists.
    pub packages: AtomicU64,
    /// Publications that were taken over.
    pub taken: AtomicU64,
}

impl Progress {
    fn add(counter: &AtomicU64, by: usize) {
        counter.fetch_add(by as u64, Ordering::Relaxed);
    }
}

/// Risks that an operator accepts for a poll by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// An index that is older than the last one.
    pub older: bool,
    /// Removals, however many they are.
    pub removals: bool,
}

/// Settings of a poll.
pub struct Poller<'a> {
    /// State that is written to.
    pub store: &'a Store,
    /// Archives to poll.
    pub archives: &'a Archives,
    /// True when nothing is written.
    pub dry_run: bool,
    /// The time in milliseconds; suites whose interval is not over are passed over. None: all are polled.
    pub due: Option<i64>,
    /// True when an operator waits for it: all mirrors are asked, also one that wants a pause.
    pub by_hand: bool,
    /// Risks that the operator accepts.
    pub accepted: Accepted,
    /// Progress of the poll.
    pub progress: Arc<Progress>,
    /// The package that somebody asks about.
    pub about: Option<String>,
}

impl Poller<'_> {
    /// Polls an archive's suites, and calls `told` after each. Returns what could not be reached.
    ///
    /// # Errors
    ///
    /// The archive is not configured, or the database cannot be used. The error of a suite is in its report.
    pub fn archive(&self, name: &str, mut told: impl FnMut(&Report)) -> Result<Vec<Missed>, StateError> {
        let Some((config, source)) = self.archives.source(name) else {
            let names = self.archives.names().join(", ");
            return Err(StateError::Unknown(format!("archive {name} is not configured; there are: {names}")));
        };
        let mut missed = Vec::new();
        let known = self.store.read(|tx| suites::followed(tx, name))?;
        let suites = match source.suites(&known) {
            Ok(suites) => suites,
            Err(failed) => {
                let miss = self.archives.missed(&failed, name);
                self.unlisted(name, config, &miss.failure, &mut told)?;
                missed.push(miss);
                return Ok(missed);
            }
        };
        self.follow(name, config, &suites, &[])?;
        self.unmatched(name, &suites, &mut told)?;
        missed.extend(suites.trouble.as_ref().map(|failed| self.archives.missed(failed, name)));
        let common = self.remarks_on_all(config, &suites);
        let mut ended = Vec::new();
        let mut tell = |work: &suite::Work<'_>, report: Report, miss: Option<Missed>| {
            if work.has_ended(&report, &suites) {
                ended.push(work.suite.name.clone());
            }
            missed.extend(miss);
            told(&report);
        };
        // When a series is released, `stable` becomes what `testing` was. The one that is polled first finds that its
        // branch still belongs to the other: once the other has moved on, it is polled again.
        let (mut wanted, mut is_again): (Vec<_>, _) = (suites.followed.iter().collect(), false);
        while !wanted.is_empty() {
            let (mut taken, mut has_moved) = (Vec::new(), false);
            for suite in wanted {
                let work = suite::Work { poller: self, config, source, suite, common: &common, is_again };
                let Some((report, miss)) = work.run()? else { continue };
                if report.result.as_ref().is_err_and(|failure| failure.code == Code::SameBranch) {
                    taken.push((work, report, miss));
                } else {
                    has_moved = true;
                    tell(&work, report, miss);
                }
            }
            if !has_moved {
                taken.drain(..).for_each(|(work, report, miss)| tell(&work, report, miss));
            }
            wanted = taken.into_iter().map(|(work, ..)| work.suite).collect();
            is_again = true;
        }
        if !ended.is_empty() {
            self.follow(name, config, &suites, &ended)?;
        }
        Ok(missed)
    }

    /// Records the suites that are followed, without those that have ended.
    fn follow(
        &self,
        name: &str,
        config: &Archive,
        suites: &Suites,
        ended: &[String],
    ) -> Result<(), StateError> {
        if self.dry_run {
            return Ok(());
        }
        let interval = |suite: &Followed| milliseconds(config.interval(&suite.entry));
        let followed = suites.followed.iter().filter(|it| !ended.contains(&it.name));
        let mut wanted: Vec<_> = followed.map(|it| (it.name.clone(), interval(it))).collect();
        // A pattern that matches nothing has a row, too, so that the checks see it.
        wanted.extend(suites.unmatched.iter().map(|it| (it.name.clone(), milliseconds(config.interval(it)))));
        suites::follow(self.store, name, &wanted)
    }

    /// Patterns that no suite fits.
    fn unmatched(
        &self,
        name: &str,
        suites: &Suites,
        told: &mut impl FnMut(&Report),
    ) -> Result<(), StateError> {
        for entry in &suites.unmatched {
            let failure = Failure::from(&Error::new(At::Poll, Problem::NoMatch(entry.name.clone())));
            self.failed(name, &entry.name, failure, told)?;
        }
        Ok(())
    }

    /// An archive whose suites could never be listed has to appear in the checks all the same.
    fn unlisted(
        &self,
        name: &str,
        config: &Archive,
        failure: &Failure,
        told: &mut impl FnMut(&Report),
    ) -> Result<(), StateError> {
        const ALL: &str = "*";
        if !self.dry_run && !suites::are_followed(self.store, name)? {
            suites::follow(self.store, name, &[(ALL.into(), milliseconds(config.poll_interval))])?;
        }
        self.failed(name, ALL, failure.clone(), told)
    }

    fn failed(
        &self,
        name: &str,
        suite: &str,
        failure: Failure,
        told: &mut impl FnMut(&Report),
    ) -> Result<(), StateError> {
        let known = self.store.read(|tx| suites::get(tx, name, suite))?;
        if !self.dry_run {
            self.store.write(|tx| suites::failed(tx, name, suite, &failure.to_string()))?;
        }
        let is_news = is_news(known.error.as_deref(), &failure);
        told(&Report { archive: name.into(), suite: suite.into(), result: Err(failure), is_news });
        Ok(())
    }

    /// Remarks that concern all suites of an archive: keyrings that cannot be used, a list of suites that cannot be
    /// read.
    fn remarks_on_all(&self, config: &Archive, suites: &Suites) -> Vec<String> {
        let mut remarks = archive::signature::troubles(&config.keyrings);
        if let Some(failed) = &suites.trouble {
            remarks.push(format!("{failed}; the suites that were followed before are followed on"));
        }
        remarks
    }
}

/// True when a failure differs from the last one by its code; numbers in its text change each time.
fn is_news(before: Option<&str>, failure: &Failure) -> bool {
    let code = format!("{}/{}: ", failure.stage.as_str(), failure.code);
    !before.is_some_and(|before| before.starts_with(&code))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
