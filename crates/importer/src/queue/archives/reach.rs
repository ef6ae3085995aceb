//! Dependencies of archives and histories: those that a job needs, those that a failure concerns, and their probes.

use std::sync::Arc;

use archive::failed::Failed;
use archive::transport::{self, Limits};

use super::Archives;
use crate::failure::Failure;
use crate::queue::outage::Need;
use crate::queue::probe::probe_of;

/// Name that errors give to an archive reached by the machine's apt.
const APT: &str = "apt";

/// Failure to get files, and the dependency that another try needs.
pub struct Missed {
    /// The failure.
    pub failure: Failure,
    /// Dependency that could not be reached, if that was the cause.
    pub need: Option<Need>,
}

impl From<Failure> for Missed {
    /// A failure that is no outage.
    fn from(failure: Failure) -> Self {
        Missed { failure, need: None }
    }
}

impl Archives {
    /// Dependency of an archive, if it is a single host: while that cannot be reached, nothing is tried.
    pub fn need(&self, name: &str) -> Option<Need> {
        let mirrors = &self.opened.get(name)?.config.mirrors;
        let first = mirrors.first()?;
        let same = mirrors.iter().all(|mirror| mirror.dependency() == first.dependency());
        same.then(|| Need { name: first.dependency(), probe: probe_of(name) })
    }

    /// Dependency of an archive's history.
    pub fn history_need(&self, name: &str) -> Option<Need> {
        let (_, history) = self.history(name)?;
        Some(Need { name: history.dependency(), probe: format!("history {name}") })
    }

    /// True when the configuration names a dependency, or when it is not one of archives.
    pub fn uses(&self, dependency: &str) -> bool {
        let is_none_of_archives = ["disk:", "apt:"].iter().any(|kind| dependency.starts_with(kind));
        is_none_of_archives
            || self.opened.values().any(|opened| {
                opened.config.mirrors.iter().any(|mirror| mirror.dependency() == dependency)
                    || opened.history.as_ref().is_some_and(|history| history.dependency() == dependency)
            })
    }

    /// Failure with its dependency, if it is an outage: only an error of the network or a server is.
    pub fn missed(&self, failed: &Failed, archive: &str) -> Missed {
        self.missed_by(failed, probe_of(archive))
    }

    /// The same of an archive's history.
    pub fn missed_history(&self, failed: &Failed, archive: &str) -> Missed {
        self.missed_by(failed, format!("history {archive}"))
    }

    fn missed_by(&self, failed: &Failed, probe: String) -> Missed {
        let failure = Failure { message: failed.to_string(), ..Failure::from(&failed.error) };
        let dependency = failed.error.dependency.clone().filter(|_| failed.error.is_outage());
        // apt does not report the server, and its configuration differs between machines.
        let by_host = |name| if name == APT { format!("{APT}:{}", crate::root::host_name()) } else { name };
        let dependency = dependency.map(by_host);
        Missed { need: dependency.map(|name| Need { name, probe }), failure }
    }

    /// Tests whether an archive can be reached again, with the index of its first suite.
    pub fn probe(&self, name: &str) -> Result<(), String> {
        let Some(opened) = self.opened.get(name) else { return Ok(()) };
        if opened.config.apt {
            return opened.source.suites(&[]).map(drop).map_err(|failed| failed.to_string());
        }
        let suite = opened.config.suites.first().map_or("", |suite| suite.name.as_str());
        let folder = if suite.ends_with('/') { suite.to_owned() } else { format!("dists/{suite}/") };
        let path = if suite.contains(['*', '?', '[']) { String::new() } else { format!("{folder}InRelease") };
        let limits = Limits::new(&opened.config.transfer, Arc::clone(&self.clock));
        let mut last = Ok(());
        for location in &opened.config.mirrors {
            let mirror = transport::open(location, &opened.config.transfer, &limits);
            match mirror.get(&transport::Request::whole(&path)) {
                Ok(_) => return Ok(()),
                // A server that answers is reachable, whatever the answer is.
                Err(error) if !error.is_outage() => return Ok(()),
                Err(error) => last = Err(error.to_string()),
            }
        }
        last
    }

    /// Tests whether an archive's history can be reached again.
    pub fn probe_history(&self, name: &str) -> Result<(), String> {
        match self.history(name) {
            Some((_, history)) => history.probe().map_err(|failed| failed.to_string()),
            None => Ok(()),
        }
    }
}

impl From<&archive::error::Error> for Failure {
    fn from(error: &archive::error::Error) -> Self {
        Failure::new(error.stage, error.code(), error)
    }
}
