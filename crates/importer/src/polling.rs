//! From "something was published" to "its job is queued".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use archive::config::Archive;
use archive::poll::{Listing, Outcome, Polled, Remembered};
use archive::source::Followed;
use archive::sources::{Entry, Publication};
use state::publications::NewPublication;
use state::suites::{self, Key};
use state::words::Lane;
use state::{StateError, Store, breaker};

use crate::failure::{Failure, Stage};
use crate::names;
use crate::protocol::Trust;
use crate::queue::archives::{Archives, Missed, Stored};
use crate::queue::outage::probe_of;

/// More new publications in one poll than this are a series that opened: fresh uploads go before them.
const MANY: usize = 500;

/// What a poll of a suite came to.
#[derive(Debug)]
pub struct Report {
    /// The archive.
    pub archive: String,
    /// The suite.
    pub suite: String,
    /// What was found, or why nothing was.
    pub result: Result<Found, Failure>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Whether the index is what it was.
    pub unchanged: bool,
    /// Publications that are new.
    pub new: usize,
    /// Publications that have vanished.
    pub vanished: usize,
    /// The lane in which the new ones wait.
    pub lane: Option<Lane>,
    /// Stanzas that could not be used, and mirrors that were passed over.
    pub remarks: Vec<String>,
}

/// How far a poll is, for whoever watches.
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

/// How a poll is done.
pub struct Poller<'a> {
    /// The state.
    pub store: &'a Store,
    /// The archives.
    pub archives: &'a Archives,
    /// Nothing is written.
    pub dry_run: bool,
    /// The time in milliseconds; suites whose interval is not over are passed over. None: all are polled.
    pub due: Option<i64>,
    /// How far it is.
    pub progress: Arc<Progress>,
}

impl Poller<'_> {
    /// Polls an archive's suites; each is told when it is done. Returns what was out of reach.
    pub fn archive(&self, name: &str, mut told: impl FnMut(&Report)) -> Result<Vec<Missed>, StateError> {
        let mut missed = Vec::new();
        let Some((config, source)) = self.archives.source(name) else {
            let names = self.archives.names().join(", ");
            return Err(StateError::Unknown(format!("archive {name} is not configured; there are: {names}")));
        };
        let suites = match source.suites() {
            Ok(suites) => suites,
            Err(failed) => {
                let miss = self.archives.missed(&failed, name);
                if !self.dry_run {
                    self.unlisted(name, config, &miss.failure)?;
                }
                told(&Report { archive: name.into(), suite: "*".into(), result: Err(miss.failure.clone()) });
                missed.push(miss);
                return Ok(missed);
            }
        };
        if !self.dry_run {
            let interval = |suite: &Followed| milliseconds(config.interval(&suite.entry));
            let followed: Vec<_> = suites.iter().map(|it| (it.name.clone(), interval(it))).collect();
            suites::follow(self.store, name, &followed)?;
        }
        for suite in suites {
            let known = self.store.read(|tx| suites::get(tx, name, &suite.name))?;
            let interval = milliseconds(config.interval(&suite.entry));
            let last = known.polled.max(known.failed);
            if self.due.is_some_and(|now| last.is_some_and(|last| is_recent(now, last, interval))) {
                continue;
            }
            Progress::add(&self.progress.indices, 1);
            let remembered: Option<Remembered> =
                known.remembered.as_deref().and_then(|text| serde_json::from_str(text).ok());
            let result = match source.poll(&suite, remembered.as_ref()) {
                Ok(polled) => self.take((name, &config.distro), (&suite, known.polled.is_none()), polled)?,
                Err(failed) => {
                    let miss = self.archives.missed(&failed, name);
                    let failure = miss.failure.clone();
                    missed.push(miss);
                    Err(failure)
                }
            };
            if let (Err(failure), false) = (&result, self.dry_run) {
                self.store.write(|tx| suites::failed(tx, name, &suite.name, &failure.to_string()))?;
            }
            told(&Report { archive: name.into(), suite: suite.name.clone(), result });
        }
        Ok(missed)
    }

    /// An archive whose suites cannot even be listed, and never could, has to be seen by the checks all the same.
    fn unlisted(&self, name: &str, config: &Archive, failure: &Failure) -> Result<(), StateError> {
        const ALL: &str = "*";
        if suites::are_followed(self.store, name)? {
            return Ok(());
        }
        suites::follow(self.store, name, &[(ALL.into(), milliseconds(config.poll_interval))])?;
        self.store.write(|tx| suites::failed(tx, name, ALL, &failure.to_string()))
    }

    /// Compares what is published with what is known, and takes the difference over.
    fn take(
        &self,
        (archive, distro): (&str, &str),
        (suite, is_first): (&Followed, bool),
        polled: Polled,
    ) -> Result<Result<Found, Failure>, StateError> {
        let branch = suite.branch(&polled.remember);
        if let Err(error) = names::check(distro, Some(&branch)) {
            let message = format!("{}: {error}; set `branch` for this suite", suite.name);
            return Ok(Err(Failure::new(Stage::Poll, "bad-release", message)));
        }
        let skipped = polled.skipped.iter().map(ToString::to_string).collect();
        let mut found = Found { remarks: skipped, ..Found::default() };
        let mut date = polled.remember.date;
        match polled.outcome {
            Outcome::Unchanged => found.unchanged = true,
            Outcome::Changed(listing) => {
                date = listing.date;
                let place = Place { archive, distro, branch: &branch, date, is_first };
                match self.difference(&place, listing, &mut found)? {
                    Ok(()) => {}
                    Err(failure) => return Ok(Err(failure)),
                }
            }
        }
        if !self.dry_run {
            let remember = serde_json::to_string(&polled.remember).unwrap_or_default();
            let changed = !found.unchanged;
            self.store.write(|tx| {
                // What waits for this archive need not wait for the next probe.
                breaker::hurry_probe(tx, &probe_of(archive))?;
                suites::polled(tx, (archive, &suite.name), &remember, (date * 1000, changed))
            })?;
        }
        Ok(Ok(found))
    }

    fn difference(
        &self,
        place: &Place<'_>,
        listing: Listing,
        found: &mut Found,
    ) -> Result<Result<(), Failure>, StateError> {
        let changed: Vec<String> = listing
            .components
            .iter()
            .filter(|component| component.is_changed())
            .map(|component| component.component.clone())
            .collect();
        let mut known = suites::published(self.store, place.archive, place.distro, place.branch, &changed)?;
        let mut new = BTreeMap::new();
        let mut listed = BTreeSet::new();
        for component in listing.components.into_iter().filter(|component| component.is_changed()) {
            let entries = match component.entries() {
                Ok(entries) => entries,
                Err(error) => return Ok(Err(Failure::from(&error))),
            };
            for entry in entries {
                match entry {
                    Ok(Entry::Publication(publication)) => {
                        Progress::add(&self.progress.packages, 1);
                        place.sort_in(publication, &mut known, &mut listed, &mut new);
                    }
                    Ok(Entry::ExtraOnly) => {}
                    Ok(Entry::Bad(stanza)) => found.remarks.push(stanza.to_string()),
                    Err(error) => return Ok(Err(Failure::from(&error))),
                }
            }
        }
        // What is left over was listed before, and is not any more.
        let vanished: Vec<i64> = known.into_values().collect();
        let lane = if new.len() > MANY { Lane::Rescan } else { Lane::Upload };
        found.new = new.len();
        found.vanished = vanished.len();
        found.lane = (!new.is_empty()).then_some(lane);
        if !self.dry_run {
            // What was published before anybody looked says nothing about how long uploads take.
            let measured = if place.is_first { Lane::Rescan } else { lane };
            let with_lane = |publication| NewPublication { lane: measured, ..publication };
            let new: Vec<(String, NewPublication)> = new
                .into_iter()
                .map(|((package, ..), publication)| (package, with_lane(publication)))
                .collect();
            suites::take_over(self.store, &new, lane, &|count| Progress::add(&self.progress.taken, count))?;
            suites::vanish(self.store, &vanished)?;
        }
        Ok(Ok(()))
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Where publications belong.
struct Place<'a> {
    archive: &'a str,
    distro: &'a str,
    branch: &'a str,
    date: i64,
    /// Nobody has looked there before.
    is_first: bool,
}

impl Place<'_> {
    /// One that is known stays; another is new.
    fn sort_in(
        &self,
        publication: Publication,
        known: &mut BTreeMap<Key, i64>,
        listed: &mut BTreeSet<Key>,
        new: &mut BTreeMap<Key, NewPublication>,
    ) {
        let Some(sha256) = publication.dsc.checksums.sha256.clone() else { return };
        let (package, version) = (publication.package.to_string(), publication.version.to_string());
        let key = (package, version, sha256.clone());
        if known.remove(&key).is_some() {
            listed.insert(key);
            return;
        }
        if listed.contains(&key) {
            return;
        }
        let row = NewPublication {
            archive: self.archive.to_owned(),
            distro: self.distro.to_owned(),
            suite: self.branch.to_owned(),
            component: publication.component.clone(),
            version: key.1.clone(),
            dsc: publication.path(&publication.dsc),
            dsc_sha256: sha256.clone(),
            trust: serde_json::to_string(&Trust::Index(sha256)).unwrap_or_default(),
            files: serde_json::to_string(&Stored::new(&publication, self.date)).unwrap_or_default(),
            // An index without a date says nothing about when it was made.
            published: (self.date > 0).then_some(self.date * 1000),
            lane: Lane::Upload,
        };
        new.insert(key, row);
    }
}

/// Whether a poll is so young that the next can wait. One that a wrong clock has dated ahead is not.
fn is_recent(now: i64, last: i64, interval: i64) -> bool {
    state::tx::is_believed(now, last) && now - last < interval
}
