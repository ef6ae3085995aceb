//! Poll of one suite: whether it is due, the usable part of the last poll, the changes that are taken over, the record.

use archive::config::Archive;
use archive::pattern::is_pattern;
use archive::poll::{Outcome, Polled, Remembered};
use archive::source::{Followed, Manner, Source, Suites};
use state::StateError;
use state::job::breaker;
use state::publication::{listing, suites};

use super::compare::{Compared, Comparison};
use super::said::About;
use super::{Found, Poller, Progress, Report, is_news, marks, milliseconds};
use crate::failure::{Code, Failure, Stage};
use crate::names;
use crate::queue::archives::Missed;
use crate::queue::probe::probe_of;

/// Milliseconds after which list and rows are compared at the latest.
const RECONCILE: i64 = 24 * 3_600_000;

/// Seconds after which all mirrors are asked at the latest.
const COMPARE: i64 = 3600;

/// Sentences that are kept of one suite.
const KEPT: usize = 40;

/// A suite whose turn it is.
pub(super) struct Work<'a> {
    pub(super) poller: &'a Poller<'a>,
    pub(super) config: &'a Archive,
    pub(super) source: &'a dyn Source,
    pub(super) suite: &'a Followed,
    /// Remarks about all suites of the archive.
    pub(super) common: &'a [String],
    /// The suite was polled just now, and another suite had its branch.
    pub(super) is_again: bool,
}

/// Changes that were taken over.
struct Taken {
    found: Found,
    remember: Remembered,
    withheld: Option<usize>,
    reconciled: bool,
}

impl Work<'_> {
    /// Polls the suite, if it is due. None if it is not.
    pub(super) fn run(&self) -> Result<Option<(Report, Option<Missed>)>, StateError> {
        let (poller, name) = (self.poller, &self.config.name);
        let known = poller.store.read(|tx| suites::get(tx, name, &self.suite.name))?;
        if !self.is_again && self.is_early(&known) {
            return Ok(None);
        }
        Progress::add(&poller.progress.indices, 1);
        let now = poller.store.read(|tx| tx.now())?;
        let (remembered, checked) = self.remembered(&known, now)?;
        let asked = self.source.poll(self.suite, remembered.as_ref(), self.manner(remembered.as_ref(), now));
        let (result, missed) = match asked.and_then(|polled| self.of_another_branch(polled, &known)) {
            Ok(polled) => (self.take(&known, polled, checked)?, None),
            Err(failed) => {
                let missed = poller.archives.missed(&failed, name);
                if let (Some(wait), false) = (failed.retry_after(), poller.dry_run) {
                    let at = now.saturating_add(milliseconds(wait));
                    poller.store.write(|tx| suites::not_before(tx, name, &self.suite.name, at))?;
                }
                (Err(missed.failure.clone()), Some(missed))
            }
        };
        if let (Err(failure), false) = (&result, poller.dry_run) {
            poller.store.write(|tx| suites::failed(tx, name, &self.suite.name, &failure.to_string()))?;
        }
        let is_news = match &result {
            Ok(found) => {
                let before = known.remarks.as_deref().unwrap_or_default();
                known.error.is_some() || before != sentences(&found.remarks)
            }
            Err(failure) => is_news(known.error.as_deref(), failure),
        };
        Ok(Some((Report { archive: name.clone(), suite: self.suite.name.clone(), result, is_news }, missed)))
    }

    /// True when a suite that is missing in the archive's list has no index either: then it has ended. A list without
    /// any matching suite proves nothing.
    pub(super) fn has_ended(&self, report: &Report, suites: &Suites) -> bool {
        let is_missing = report.result.as_ref().is_err_and(|failure| failure.code == Code::NoSuite);
        let others = suites.followed.iter().any(|it| it.entry == self.suite.entry && !it.unlisted);
        self.suite.unlisted && is_missing && others && suites.trouble.is_none()
    }

    fn is_early(&self, known: &suites::Suite) -> bool {
        let poller = self.poller;
        let now = poller.store.read(|tx| tx.now()).unwrap_or(0);
        if !poller.by_hand && known.not_before.is_some_and(|at| now < at) {
            return true;
        }
        let interval = milliseconds(self.config.interval(&self.suite.entry));
        let last = known.polled.max(known.failed);
        // A time in the future, which a wrong clock has left, does not stop the next poll.
        let is_recent = |now: i64, last: i64| state::tx::is_believed(now, last) && now - last < interval;
        poller.due.is_some_and(|now| last.is_some_and(|last| is_recent(now, last)))
    }

    fn manner(&self, remembered: Option<&Remembered>, now: i64) -> Manner {
        let compared = remembered.map_or(0, |known| known.compared);
        let compare = self.poller.by_hand || now / 1000 - compared >= COMPARE;
        Manner { compare, accept_older: self.poller.accepted.older }
    }

    /// Usable part of the last poll, and whether the rows were compared with its lists. If the lists were used for
    /// something else, or the rows are not theirs, all lists are read again.
    fn remembered(&self, known: &suites::Suite, now: i64) -> Result<(Option<Remembered>, bool), StateError> {
        let text = known.remembered.as_deref();
        let Some(remembered) = text.and_then(|text| serde_json::from_str::<Remembered>(text).ok()) else {
            return Ok((None, false));
        };
        let same_use = remembered.used_for == marks::used_for(self.config, self.suite);
        if !same_use || self.poller.accepted.removals || self.poller.accepted.older {
            return Ok((Some(remembered.anew()), false));
        }
        if known.withheld.is_some() && self.poller.about.is_some() {
            // Only the lists name the withheld removals.
            return Ok((Some(remembered.anew()), false));
        }
        if known.withheld.is_some() {
            // Another index has to list it again.
            return Ok((Some(remembered.without_lists()), false));
        }
        let (Some(branch), Some(distro)) = (&known.branch, &known.distro) else {
            return Ok((Some(remembered), false));
        };
        if known.reconciled.is_some_and(|at| now - at < RECONCILE) {
            return Ok((Some(remembered), false));
        }
        let rows = listing::recorded(self.poller.store, &self.config.name, distro, branch, |it| it)?;
        let agree = marks::agree(&rows, &remembered);
        Ok((Some(if agree { remembered } else { remembered.anew() }), agree))
    }

    fn take(
        &self,
        known: &suites::Suite,
        polled: Polled,
        checked: bool,
    ) -> Result<Result<Found, Failure>, StateError> {
        let (archive, distro) = (&self.config.name, &self.config.distro);
        let branch = self.suite.branch(&polled.remember);
        if let Err(error) = names::check(distro, Some(&branch)) {
            let message = format!("{}: {error}; set `branch` for this suite", self.suite.name);
            return Ok(Err(Failure::new(Stage::Poll, Code::BadRelease, message)));
        }
        let own = (archive.as_str(), self.suite.name.as_str());
        if let Some(owner) = self.poller.store.read(|tx| suites::owner(tx, (distro, &branch), own))? {
            let failure = self.same_branch(&branch, &owner);
            return match is_pattern(&self.suite.entry.name) {
                true => self.another_name(polled, &owner).map(Ok),
                false => Ok(Err(failure)),
            };
        }
        let mirror = polled.mirror.clone();
        let date = polled.remember.date;
        let mut taken = match self.compare(known, &branch, polled)? {
            Ok(taken) => taken,
            Err(failure) => return Ok(Err(failure)),
        };
        let listed: u64 = taken.remember.read.values().map(|reading| reading.count).sum();
        taken.found.remarks.truncate(KEPT);
        if !self.poller.dry_run {
            taken.remember.used_for = marks::used_for(self.config, self.suite);
            let remembered = serde_json::to_string(&taken.remember).unwrap_or_default();
            let remarks = sentences(&taken.found.remarks);
            let withheld = taken.withheld.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
            let poll = suites::Polled {
                remembered: &remembered,
                release_date: date * 1000,
                changed: !taken.found.unchanged,
                distro,
                branch: &branch,
                mirror: &mirror,
                listed: i64::try_from(listed).unwrap_or(i64::MAX),
                reconciled: taken.reconciled || checked,
                remarks: &remarks,
                withheld: withheld.map(|count| (count, taken.remember.sha256.as_str())),
                stale_after: self.config.stale_after(&self.suite.entry).map(milliseconds),
            };
            self.poller.store.write(|tx| {
                // Jobs that wait for this archive need not wait for the next probe.
                breaker::hurry_probe(tx, &probe_of(archive))?;
                suites::polled(tx, archive, &self.suite.name, &poll)
            })?;
            self.leave(known, &branch)?;
            self.hurry(taken.found.unchanged)?;
        }
        Ok(Ok(taken.found))
    }

    /// Compares the publications with the records, and takes the difference over.
    fn compare(
        &self,
        known: &suites::Suite,
        branch: &str,
        polled: Polled,
    ) -> Result<Result<Taken, Failure>, StateError> {
        let Polled { outcome, mut remember, skipped, remarks, .. } = polled;
        let mut said: Vec<String> = self.common.to_vec();
        said.extend(skipped.iter().map(|error| format!("passed over: {error}")));
        said.extend(remarks);
        let mut taken = match outcome {
            Outcome::Unchanged => {
                let withheld = known.withheld.and_then(|count| usize::try_from(count).ok());
                let about = self.poller.about.as_ref().map(|_| self.unread(branch, &remember));
                let found =
                    Found { unchanged: true, withheld: withheld.unwrap_or(0), about, ..Found::default() };
                Taken { found, remember, withheld, reconciled: false }
            }
            Outcome::Changed(list) => {
                let comparison = Comparison {
                    poller: self.poller,
                    archive: self.config,
                    branch,
                    date: list.date,
                    is_first: known.polled.is_none(),
                    agreed: known.withheld_index.as_ref().is_some_and(|index| *index != remember.sha256),
                    was_of_this_branch: known.branch.as_deref() == Some(branch),
                };
                match comparison.run(list, &mut remember)? {
                    Ok(Compared { found, withheld }) => {
                        let withheld = (withheld > 0).then_some(withheld);
                        Taken { found, remember, withheld, reconciled: true }
                    }
                    Err(failure) => return Ok(Err(failure)),
                }
            }
        };
        for (component, reading) in &taken.remember.read {
            said.extend(reading.remarks.iter().map(|remark| in_component(component, remark)));
            let more = reading.bad.saturating_sub(reading.remarks.len() as u64);
            if more > 0 {
                said.push(in_component(component, &format!("{more} more stanzas cannot be used")));
            }
        }
        if let Some(count) = taken.withheld {
            let own = &self.config.name;
            said.push(format!(
                "{count} publications are listed no more, more than a tenth at once: they are marked when another index \
                 agrees, or by `package-import poll {own} --accept-removals`"
            ));
        }
        said.append(&mut taken.found.remarks);
        taken.found.remarks = said;
        Ok(Ok(taken))
    }

    /// Facts about a package when the lists have not changed.
    fn unread(&self, branch: &str, remember: &Remembered) -> About {
        let (distro, branch) = (self.config.distro.clone(), branch.to_owned());
        About { distro, branch, date: remember.date, unchanged: true, ..About::default() }
    }

    /// Makes packages that wait for a listed file look again now: after a change, all that wait.
    fn hurry(&self, unchanged: bool) -> Result<(), StateError> {
        const AT_ONCE: i64 = 40;
        const ROUNDS: usize = 50;
        for _ in 0..ROUNDS {
            let hurry = |tx: &mut state::tx::Tx<'_>| {
                suites::hurry_files(tx, &self.config.name, !unchanged || self.poller.by_hand, AT_ONCE)
            };
            if self.poller.store.write(hurry)? == 0 {
                break;
            }
        }
        Ok(())
    }
}

fn in_component(component: &str, remark: &str) -> String {
    if component.is_empty() { remark.to_owned() } else { format!("{component}: {remark}") }
}

/// A sentence a line, as the state keeps them.
pub(super) fn sentences(remarks: &[String]) -> String {
    let lines: Vec<String> =
        remarks.iter().map(|remark| remark.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    lines.join("\n")
}
