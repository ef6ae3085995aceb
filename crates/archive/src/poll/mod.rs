//! Finding out what a suite publishes: signed index, then the lists of source packages that it names.
//!
//! Nothing is used before it was checked: the signature covers the index, the index has the hashes of the lists. A
//! mirror that is behind, broken or in the middle of an update is passed over; only if all are is it an error.

mod download;
mod listing;
mod newest;
mod signed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use listing::{ComponentList, Entries, Listing};

use crate::dates::show_date;
use crate::error::{Class, Error, Stage};
use crate::problem::Problem;
use crate::release::{Listed, Lists, Release, check_valid_until};
use crate::transport::{Mirror, Validators};

/// The version of what reads indices and lists. Whoever stores what a poll came to stores it, too: what an older reader
/// passed over, a newer one may understand.
pub const READER: u32 = 2;

/// How often one mirror is asked anew because it changed under our hands.
const ROUNDS: usize = 3;

/// What to poll, and how far to trust it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The suite, as it is called below `dists/`; with a slash at its end a flat archive's folder.
    pub suite: &'a str,
    /// The components; all that have source packages if none is named.
    pub components: &'a [String],
    /// The keyrings whose keys may sign.
    pub keyrings: &'a [PathBuf],
    /// The codename or suite that the index has, if it is not the name asked for; empty for one without either.
    pub expect: Option<&'a str>,
    /// `Valid-Until` does not count.
    pub end_of_life: bool,
    /// All mirrors are asked, and the newest index wins. Otherwise the first that has one.
    pub compare: bool,
    /// An index that is older than the last one is taken.
    pub accept_older: bool,
}

/// What has to be known of the last good poll for the next one. To be stored once everything was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// SHA-256 of the index as it was served.
    pub sha256: String,
    /// Its date, in seconds since 1970. No older one is used any more.
    pub date: i64,
    /// Until when it may be used.
    pub valid_until: Option<i64>,
    /// The codename that it has.
    pub codename: Option<String>,
    /// The suite that it says it is.
    pub suite: Option<String>,
    /// What each mirror said about it, by the mirror's address.
    pub mirrors: BTreeMap<String, Served>,
    /// The components that were asked for. If others are now, nothing is unchanged.
    pub components: Vec<String>,
    /// Size and hash of each component's list.
    pub lists: BTreeMap<String, Mark>,
    /// What is odd about the index itself.
    #[serde(default)]
    pub remarks: Vec<String>,
    /// When all mirrors were asked last, in seconds since 1970.
    #[serde(default)]
    pub compared: i64,
    /// What was made of it, in the caller's words: where that is another now, nothing is unchanged.
    #[serde(default)]
    pub used_for: String,
    /// What the caller knows of the lists as they were read.
    #[serde(default)]
    pub read: BTreeMap<String, Reading>,
}

/// What a component's list came to when it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Publications in it.
    pub count: u64,
    /// A hash over all of them, in hexadecimal, that does not depend on their order.
    pub sum: String,
    /// Stanzas that cannot be used.
    pub bad: u64,
    /// The first of them, as sentences.
    pub remarks: Vec<String>,
}

impl Remembered {
    /// What stays if nothing of it counts as known but the date, which no later index may go behind.
    pub fn anew(&self) -> Remembered {
        Remembered { sha256: String::new(), mirrors: BTreeMap::new(), ..self.without_lists() }
    }

    /// The index is known, its lists are not: another index has all of them read.
    pub fn without_lists(&self) -> Remembered {
        Remembered { lists: BTreeMap::new(), read: BTreeMap::new(), ..self.clone() }
    }
}

/// How a mirror serves the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Signed in itself (`InRelease`), or beside it (`Release.gpg`).
    pub inline: bool,
    /// What to ask with.
    pub validators: Validators,
}

/// What tells one list from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: String,
}

/// A poll that worked.
#[derive(Debug)]
pub struct Polled {
    /// What it found.
    pub outcome: Outcome,
    /// What to remember.
    pub remember: Remembered,
    /// The mirror that answered.
    pub mirror: String,
    /// What was wrong with the mirrors before it.
    pub skipped: Vec<Error>,
    /// What is odd about the index, its components, or mirrors that are behind.
    pub remarks: Vec<String>,
}

/// What a poll found.
#[derive(Debug)]
pub enum Outcome {
    /// All lists are as they were.
    Unchanged,
    /// What is published now.
    Changed(Listing),
}

/// No mirror could deliver.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failed {
    /// The most telling error.
    pub error: Error,
    /// Those of the other mirrors.
    pub others: Vec<Error>,
}

impl Failed {
    /// When the first of the servers wants to be asked again.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        self.others.iter().chain([&self.error]).filter_map(|error| error.retry_after).min()
    }

    /// What mirrors said says more than that others could not be reached.
    pub(crate) fn new(mut errors: Vec<Error>, none: impl FnOnce() -> Error) -> Failed {
        let telling = errors.iter().position(|error| error.class() != Class::Transient);
        let telling = telling.or_else(|| errors.iter().position(|error| !is_network(&error.problem)));
        match (telling.unwrap_or(0), errors.is_empty()) {
            (_, true) => Failed { error: none(), others: errors },
            (at, false) => Failed { error: errors.remove(at), others: errors },
        }
    }
}

pub(crate) fn is_network(problem: &Problem) -> bool {
    use Problem::{Broken, Busy, Connect, ServerError, Timeout, Tls, UnknownHost};
    matches!(problem, Broken(_) | Busy(_) | Connect(_) | ServerError(_) | Timeout(_) | Tls(_) | UnknownHost)
}

/// Polls a suite. `now` is in seconds since 1970; `scratch` is a folder for lists that are being read.
pub fn poll(
    mirrors: &[Box<dyn Mirror>],
    wanted: &Wanted<'_>,
    remembered: Option<&Remembered>,
    now: i64,
    scratch: &Path,
) -> Result<Polled, Failed> {
    let visits: Vec<Visit<'_>> = mirrors
        .iter()
        .map(|mirror| Visit { mirror: mirror.as_ref(), wanted, remembered, now, scratch })
        .collect();
    let mut skipped = Vec::new();
    let turns = if wanted.compare && visits.len() > 1 {
        newest::first(visits, &mut skipped)
    } else {
        visits
            .into_iter()
            .map(|visit| Turn { visit, answer: None, remarks: Vec::new(), also: Vec::new() })
            .collect()
    };
    for Turn { visit, answer, remarks, also } in turns {
        match visit.run(answer) {
            Ok((outcome, mut remember)) => {
                let mirror = visit.mirror.location().to_string();
                for (address, served) in also {
                    remember.mirrors.entry(address).or_insert(served);
                }
                if wanted.compare {
                    remember.compared = now;
                }
                let remarks = remember.remarks.iter().cloned().chain(remarks).collect();
                return Ok(Polled { outcome, remember, mirror, skipped, remarks });
            }
            Err(error) => skipped.push(error.at(Stage::Poll)),
        }
    }
    let suite = wanted.suite.to_owned();
    Err(Failed::new(skipped, || Error::new(Stage::Poll, Problem::NoSuite(suite))))
}

/// A mirror that is asked, with what it has said already.
struct Turn<'a> {
    visit: Visit<'a>,
    answer: Option<signed::Answer>,
    remarks: Vec<String>,
    /// How other mirrors serve the same index.
    also: Vec<(String, Served)>,
}

/// One mirror's turn.
struct Visit<'a> {
    mirror: &'a dyn Mirror,
    wanted: &'a Wanted<'a>,
    remembered: Option<&'a Remembered>,
    now: i64,
    scratch: &'a Path,
}

impl Visit<'_> {
    fn run(&self, mut answer: Option<signed::Answer>) -> Result<(Outcome, Remembered), Error> {
        let mut last: Option<(String, Error)> = None;
        for _ in 0..ROUNDS {
            // After a first failure the mirror is asked without conditions: what it had may be gone.
            let answer = match answer.take() {
                Some(answer) => answer,
                None => self.index(last.is_none())?,
            };
            let index = match answer {
                signed::Answer::New(index) => index,
                signed::Answer::Same(served) => return self.unchanged(served),
            };
            match last {
                Some((sha256, error)) if sha256 == index.sha256 => return Err(error),
                _ => {}
            }
            self.check(&index.release)?;
            match self.lists(&index) {
                Ok((outcome, remarks)) => return Ok((outcome, self.remember(index, remarks))),
                // The mirror may have been updated between the index and the list: then there is a new index.
                Err(error) if is_of_another_time(&error) => last = Some((index.sha256, error)),
                Err(error) => return Err(error),
            }
        }
        let gone = || self.error(Problem::IndexMismatch("it changes all the time".to_owned()));
        Err(last.map_or_else(gone, |(_, error)| error))
    }

    /// The index, if it is another one than that of the last poll.
    fn index(&self, conditional: bool) -> Result<signed::Answer, Error> {
        let same = |known: &&Remembered| known.components == self.wanted.components;
        let known = self.remembered.filter(same).filter(|_| conditional);
        let served = known.and_then(|known| known.mirrors.get(&self.mirror.location().to_string()));
        signed::get(self.mirror, &folder(self.wanted.suite), served, self.wanted.keyrings, &|sha256| {
            known.is_some_and(|known| known.sha256 == sha256)
        })
        .map_err(|error| self.explain(error))
    }

    fn explain(&self, mut error: Error) -> Error {
        if error.is_missing() {
            *error.problem = Problem::NoSuite(self.wanted.suite.to_owned());
        }
        error
    }

    fn unchanged(&self, served: Option<Served>) -> Result<(Outcome, Remembered), Error> {
        let mut remembered = self.remembered.cloned().unwrap_or_default();
        if let Some(served) = served {
            remembered.mirrors.insert(self.mirror.location().to_string(), served);
        }
        let valid = check_valid_until(remembered.valid_until, self.now, self.wanted.end_of_life);
        valid.map_err(|problem| self.error(problem))?;
        Ok((Outcome::Unchanged, remembered))
    }

    fn check(&self, release: &Release) -> Result<(), Error> {
        release.check_name(self.wanted.suite, self.wanted.expect).map_err(|problem| self.error(problem))?;
        release.check_time(self.now, self.wanted.end_of_life).map_err(|problem| self.error(problem))?;
        match self.remembered {
            Some(known) if release.date < known.date && !self.wanted.accept_older => {
                let found = match release.date {
                    0 => "it has no date that can be read".to_owned(),
                    date => show_date(date),
                };
                Err(self.error(Problem::RolledBack { found, known: show_date(known.date) }))
            }
            _ => Ok(()),
        }
    }

    /// The lists that changed, and what is to be said of components that have none.
    fn lists(&self, index: &signed::Index) -> Result<(Outcome, Vec<String>), Error> {
        let (named, missing) = self.components(&index.release);
        if named.is_empty() {
            return Err(self.error(match self.wanted.components.first() {
                Some(component) => Problem::NoComponent(component.clone()),
                None => Problem::NoSources,
            }));
        }
        let mut components = Vec::new();
        for (component, lists, mark) in &named {
            let known = self.remembered.and_then(|known| known.lists.get(*component));
            let same = known.is_some_and(|known| known.sha256 == mark.sum && known.size == mark.size);
            let list = if same {
                None
            } else {
                let place = download::Place { folder: folder(self.wanted.suite), scratch: self.scratch };
                Some(download::get(self.mirror, &place, lists, index.release.by_hash)?)
            };
            components.push(ComponentList::new(component, list));
        }
        let is_dropped = |name: &String| !named.iter().any(|(own, ..)| *own == name);
        let dropped = self.remembered.is_some_and(|known| known.lists.keys().any(is_dropped));
        let changed =
            components.iter().any(ComponentList::is_changed) || self.remembered.is_none() || dropped;
        let outcome = if changed {
            Outcome::Changed(Listing { components, date: index.release.date })
        } else {
            Outcome::Unchanged
        };
        Ok((outcome, missing))
    }

    /// The components that are followed, and what is to be said of those that the index has no list of.
    fn components<'r>(
        &self,
        release: &'r Release,
    ) -> (Vec<(&'r String, &'r Lists, &'r Listed)>, Vec<String>) {
        let wanted =
            |name: &String| self.wanted.components.is_empty() || self.wanted.components.contains(name);
        let readable = |(name, lists): (&'r String, &'r Lists)| Some((name, lists, lists.mark()?));
        let named: Vec<_> =
            release.sources.iter().filter(|(name, _)| wanted(name)).filter_map(readable).collect();
        let missing = self.wanted.components.iter().filter(|name| !named.iter().any(|(own, ..)| own == name));
        let has: Vec<&str> = release.sources.keys().map(String::as_str).collect();
        let say = |name: &String| {
            format!(
                "component {name}: the index has no list of source packages of it; it has: {}",
                has.join(", ")
            )
        };
        (named.clone(), missing.map(say).collect())
    }

    fn remember(&self, index: signed::Index, missing: Vec<String>) -> Remembered {
        let (named, _) = self.components(&index.release);
        let marks = named.iter().map(|(component, _, mark)| {
            ((*component).clone(), Mark { size: mark.size, sha256: mark.sum.clone() })
        });
        Remembered {
            lists: marks.collect(),
            components: self.wanted.components.to_vec(),
            date: index.release.date,
            valid_until: index.release.valid_until,
            codename: index.release.codename.clone(),
            suite: index.release.suite.clone(),
            mirrors: BTreeMap::from([(self.mirror.location().to_string(), index.served)]),
            sha256: index.sha256,
            remarks: index.release.remarks.into_iter().chain(missing).collect(),
            ..self.remembered.cloned().unwrap_or_default()
        }
    }

    fn error(&self, problem: Problem) -> Error {
        let url = format!("{}/{}", self.mirror.location(), folder(self.wanted.suite));
        Error::new(Stage::Poll, problem)
            .about(url.trim_end_matches('/'), &self.mirror.location().dependency())
    }
}

/// Whether index and list may be of two moments.
fn is_of_another_time(error: &Error) -> bool {
    matches!(
        *error.problem,
        Problem::IndexMismatch(_) | Problem::NotFound | Problem::Truncated { .. } | Problem::Endless(_)
    )
}

/// Where the index of a suite is, below the archive's folder; without a slash at the end.
fn folder(suite: &str) -> String {
    match suite.strip_suffix('/') {
        Some(flat) => flat.trim_start_matches("./").trim_matches(['.', '/']).to_owned(),
        None => format!("dists/{suite}"),
    }
}

/// Joins a folder, which may be empty, and a name.
fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
