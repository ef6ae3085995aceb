//! Finding out what a suite publishes: signed index, then the lists of source packages that it names.
//!
//! Nothing is used before it was checked: the signature covers the index, the index has the hashes of the lists. A
//! mirror that is behind, broken or in the middle of an update is passed over; only if all are is it an error.

mod download;
mod listing;
mod signed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use listing::{ComponentList, Entries, Listing};

use crate::error::{Class, Error, Stage};
use crate::problem::Problem;
use crate::release::{Release, check_valid_until, show_date};
use crate::transport::{Mirror, Validators};

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
    /// `Valid-Until` does not count.
    pub end_of_life: bool,
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
    /// Size and SHA-256 of each component's list.
    pub lists: BTreeMap<String, Mark>,
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
    let mut skipped = Vec::new();
    for mirror in mirrors {
        let visit = Visit { mirror: mirror.as_ref(), wanted, remembered, now, scratch };
        match visit.run() {
            Ok((outcome, remember)) => {
                let mirror = mirror.location().to_string();
                return Ok(Polled { outcome, remember, mirror, skipped });
            }
            Err(error) => skipped.push(error.at(Stage::Poll)),
        }
    }
    let suite = wanted.suite.to_owned();
    Err(Failed::new(skipped, || Error::new(Stage::Poll, Problem::NoSuite(suite))))
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
    fn run(&self) -> Result<(Outcome, Remembered), Error> {
        let mut last: Option<(String, Error)> = None;
        for _ in 0..ROUNDS {
            // After a first failure the mirror is asked without conditions: what it had may be gone.
            let index = match self.index(last.is_none())? {
                signed::Answer::New(index) => index,
                signed::Answer::Same(served) => return self.unchanged(served),
            };
            match last {
                Some((sha256, error)) if sha256 == index.sha256 => return Err(error),
                _ => {}
            }
            self.check(&index.release)?;
            match self.lists(&index) {
                Ok(outcome) => return Ok((outcome, self.remember(index))),
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
        signed::get(self.mirror, &folder(self.wanted.suite), served, self.wanted.keyrings, |sha256| {
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
        release.check_name(self.wanted.suite).map_err(|problem| self.error(problem))?;
        release.check_time(self.now, self.wanted.end_of_life).map_err(|problem| self.error(problem))?;
        match self.remembered {
            Some(known) if release.date < known.date => Err(self
                .error(Problem::RolledBack { found: show_date(release.date), known: show_date(known.date) })),
            _ => Ok(()),
        }
    }

    fn lists(&self, index: &signed::Index) -> Result<Outcome, Error> {
        let sources = &index.release.sources;
        let named: Vec<&String> = match self.wanted.components {
            [] => sources.keys().collect(),
            components => components.iter().collect(),
        };
        if named.is_empty() {
            return Err(self.error(Problem::NoSources));
        }
        let mut components = Vec::new();
        for component in named {
            let missing = || self.error(Problem::NoComponent(component.clone()));
            let lists = sources.get(component).ok_or_else(missing)?;
            let mark = lists.mark().ok_or_else(missing)?;
            let known = self.remembered.and_then(|known| known.lists.get(component));
            let same = known.is_some_and(|known| known.sha256 == mark.sha256 && known.size == mark.size);
            let list = if same {
                None
            } else {
                let place = download::Place { folder: folder(self.wanted.suite), scratch: self.scratch };
                Some(download::get(self.mirror, &place, lists, index.release.by_hash)?)
            };
            components.push(ComponentList::new(component, list));
        }
        if components.iter().any(ComponentList::is_changed) || self.remembered.is_none() {
            Ok(Outcome::Changed(Listing { components, date: index.release.date }))
        } else {
            Ok(Outcome::Unchanged)
        }
    }

    fn remember(&self, index: signed::Index) -> Remembered {
        let marks = index.release.sources.iter().filter_map(|(component, lists)| {
            let mark = lists.mark()?;
            let wanted = self.wanted.components.is_empty() || self.wanted.components.contains(component);
            let mark = Mark { size: mark.size, sha256: mark.sha256.clone() };
            wanted.then(|| (component.clone(), mark))
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
