//! An archive that is reached by its mirrors.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bounded::waiting::tell_pause;

use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::{Archive, Suite};
use crate::error::{Error, Stage};
use crate::failed::Failed;
use crate::fetch::{Fetcher, Known, Options, Outcome};
use crate::pattern::{is_pattern, matches};
use crate::poll::{Polled, Remembered, Wanted, poll};
use crate::problem::Problem;
use crate::source::{Followed, Manner, Source, Suites};
use crate::sources::Publication;
use crate::transport::{Limits, Mirror, open};

/// Largest number of suites that one pattern may find. Ubuntu has about 200 in all.
const MAX_SUITES: usize = 1000;

/// An archive with its mirrors.
pub struct Mirrors {
    archive: Archive,
    mirrors: Vec<Box<dyn Mirror>>,
    limits: Arc<Limits>,
    cache: Arc<Cache>,
    scratch: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Mirrors {
    /// The archive as it is configured. `scratch` is a folder for lists that are being read.
    pub fn new(archive: &Archive, cache: Arc<Cache>, scratch: &Path, clock: Arc<dyn Clock>) -> Mirrors {
        let limits = Limits::shared(&archive.transfer, clock.clone(), Some(&cache.pace()), Duration::ZERO);
        let mirrors =
            archive.mirrors.iter().map(|location| open(location, &archive.transfer, &limits)).collect();
        Mirrors { archive: archive.clone(), mirrors, limits, cache, scratch: scratch.to_owned(), clock }
    }

    /// Folders below `dists/`, of the first mirror that lists them. The list is not signed: a name counts for
    /// nothing until its own index is checked.
    fn folders(&self) -> Result<Vec<String>, Failed> {
        let mut errors = Vec::new();
        for mirror in &self.mirrors {
            match mirror.folders("dists") {
                Ok(names) if !names.is_empty() => return Ok(names),
                Ok(_) => {}
                Err(error) => errors.push(error.at(Stage::Poll)),
            }
        }
        match errors.is_empty() {
            true => Ok(Vec::new()),
            false => Err(Failed::new(errors, || Error::new(Stage::Poll, Problem::NotFound))),
        }
    }
}

impl Source for Mirrors {
    fn suites(&self, known: &[String]) -> Result<Suites, Failed> {
        let patterns = self.archive.suites.iter().any(|suite| is_pattern(&suite.name));
        let (folders, trouble) = match patterns.then(|| self.folders()) {
            None => (Vec::new(), None),
            Some(Ok(folders)) => (folders, None),
            Some(Err(failed)) => (Vec::new(), Some(failed)),
        };
        let mut suites = choose(&self.archive.suites, &folders, known).map_err(|problem| {
            let dependency = self.archive.mirrors.first().map(ToString::to_string).unwrap_or_default();
            Failed {
                error: Error::new(Stage::Poll, problem).about(&dependency, &dependency),
                others: Vec::new(),
            }
        })?;
        match trouble {
            Some(failed) if suites.followed.is_empty() => Err(failed),
            trouble => {
                suites.trouble = trouble;
                Ok(suites)
            }
        }
    }

    fn poll(
        &self,
        suite: &Followed,
        remembered: Option<&Remembered>,
        manner: Manner,
    ) -> Result<Polled, Failed> {
        let wanted = Wanted {
            suite: &suite.name,
            components: self.archive.components(&suite.entry),
            keyrings: &self.archive.keyrings,
            expect: suite.entry.expect.as_deref(),
            end_of_life: suite.entry.end_of_life,
            compare: manner.compare,
            accept_older: manner.accept_older,
        };
        let ask = || poll(&self.mirrors, &wanted, remembered, self.clock.unix(), &self.scratch);
        let longest = self.archive.transfer.longest_wait;
        match ask() {
            Err(failed) => match failed.retry_after().filter(|wait| *wait <= longest) {
                // Reported once: it is polled again soon anyway.
                Some(wait) => {
                    tell_pause(wait, || format!("the index of {}: the server wants it so", suite.name));
                    self.clock.sleep(wait);
                    ask()
                }
                None => Err(failed),
            },
            polled => polled,
        }
    }

    fn fetch(
        &self,
        publication: &Publication,
        listed: Option<i64>,
        known: Known<'_>,
        into: &Path,
    ) -> Result<Outcome, Failed> {
        let options = Options {
            connections: self.archive.transfer.connections,
            longest_wait: self.archive.transfer.longest_wait,
            allow_weak_checksums: self.archive.allow_weak_checksums,
        };
        let fetcher =
            Fetcher { mirrors: &self.mirrors, cache: &self.cache, options, clock: self.clock.clone() };
        fetcher.fetch(publication, listed, known, into)
    }

    fn transferred(&self) -> u64 {
        self.limits.passed()
    }
}

/// Suites that the configuration selects. A name counts once, for the first entry that matches; one that is
/// written out comes before any pattern. A suite that was followed before stays followed, even if its folder is
/// not listed any more.
fn choose(suites: &[Suite], folders: &[String], known: &[String]) -> Result<Suites, Problem> {
    let mut chosen = Suites::default();
    let (patterns, plain): (Vec<&Suite>, Vec<&Suite>) =
        suites.iter().partition(|suite| is_pattern(&suite.name));
    for suite in plain {
        let (name, entry) = (suite.name.clone(), suite.clone());
        chosen.followed.push(Followed { name, entry, unlisted: false });
    }
    for suite in patterns {
        let fitting = |names: &[String]| -> Vec<String> {
            names.iter().filter(|name| matches(&suite.name, name)).cloned().collect()
        };
        let (found, before) = (fitting(folders), fitting(known));
        if found.len() > MAX_SUITES {
            let (pattern, found) = (suite.name.clone(), found.len());
            return Err(Problem::TooManySuites { pattern, found, limit: MAX_SUITES });
        }
        if found.is_empty() && before.is_empty() {
            chosen.unmatched.push(suite.clone());
        }
        for (name, unlisted) in
            found.into_iter().map(|name| (name, false)).chain(before.into_iter().map(|name| (name, true)))
        {
            if !chosen.followed.iter().any(|other| other.name == name) {
                chosen.followed.push(Followed { name, entry: suite.clone(), unlisted });
            }
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn suite(name: &str) -> Suite {
        Suite::named(name)
    }

    #[test]
    fn written_names_come_before_patterns() {
        let mut own = suite("bookworm-updates");
        own.end_of_life = true;
        let folders = ["bookworm", "bookworm-updates", "sid", "stable"].map(str::to_owned);
        let chosen =
            choose(&[suite("bookworm*"), own, suite("x"), suite("s*")], &folders, &[]).unwrap().followed;
        let names: Vec<(&str, bool)> =
            chosen.iter().map(|it| (it.name.as_str(), it.entry.end_of_life)).collect();
        assert_eq!(
            names,
            [
                ("bookworm-updates", true),
                ("x", false),
                ("bookworm", false),
                ("sid", false),
                ("stable", false)
            ]
        );
    }

    #[test]
    fn what_was_followed_is_followed_on() {
        let (folders, known) = (["trixie".to_owned()], ["trixie", "trixie-updates"].map(str::to_owned));
        let chosen = choose(&[suite("trixie*"), suite("nobel*")], &folders, &known).unwrap();
        let names: Vec<(&str, bool)> =
            chosen.followed.iter().map(|it| (it.name.as_str(), it.unlisted)).collect();
        assert_eq!(names, [("trixie", false), ("trixie-updates", true)]);
        assert_eq!(chosen.unmatched, [suite("nobel*")]);
    }

    #[test]
    fn a_hundred_thousand_suites_are_too_many() {
        let folders: Vec<String> = (0..100_000).map(|number| format!("s{number}")).collect();
        assert!(matches!(
            choose(&[suite("*")], &folders, &[]),
            Err(Problem::TooManySuites { found: 100_000, .. })
        ));
        assert_eq!(choose(&[suite("s1234?")], &folders, &[]).unwrap().followed.len(), 10);
    }
}
