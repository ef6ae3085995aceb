//! One mirror's turn in a poll: its index, the changed lists, and the test that both are of one moment.

use std::collections::BTreeMap;
use std::path::Path;

use super::listing::{ComponentList, Listing};
use super::{Mark, Outcome, Remembered, Served, Wanted, download, folder, signed};
use crate::dates::show_date;
use crate::error::{Error, Stage};
use crate::problem::Problem;
use crate::release::{Listed, Lists, Release, check_valid_until};
use crate::transport::Mirror;

/// Number of times that a mirror which changed during the poll is asked again.
const ROUNDS: usize = 3;

/// A mirror that is asked, with its answers so far.
pub(super) struct Turn<'a> {
    pub(super) visit: Visit<'a>,
    pub(super) answer: Option<signed::Answer>,
    pub(super) remarks: Vec<String>,
    /// Forms in which other mirrors serve the same index.
    pub(super) also: Vec<(String, Served)>,
}

/// The visit of one mirror.
pub(super) struct Visit<'a> {
    pub(super) mirror: &'a dyn Mirror,
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) remembered: Option<&'a Remembered>,
    pub(super) now: i64,
    pub(super) scratch: &'a Path,
}

impl Visit<'_> {
    pub(super) fn run(&self, mut answer: Option<signed::Answer>) -> Result<(Outcome, Remembered), Error> {
        let mut last: Option<(String, Error)> = None;
        for _ in 0..ROUNDS {
            // After a first error the mirror is asked without conditions: its earlier file may be gone.
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
    pub(super) fn index(&self, conditional: bool) -> Result<signed::Answer, Error> {
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

    pub(super) fn check(&self, release: &Release) -> Result<(), Error> {
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

    /// Lists that changed, and remarks about components that have none.
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

    /// Components that are followed, and remarks about those that the index has no list of.
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

/// True when index and list may be of two different moments.
fn is_of_another_time(error: &Error) -> bool {
    matches!(
        *error.problem,
        Problem::IndexMismatch(_) | Problem::NotFound | Problem::Truncated { .. } | Problem::Endless(_)
    )
}
