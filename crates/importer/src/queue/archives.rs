//! The files of publications that archives have: fetched through the cache, checked, laid out for the import.

mod fetch;
mod reach;
mod stored;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::apt::AptSource;
use archive::cache::{Cache, Sharing};
use archive::clock::{Clock, SystemClock};
use archive::config::{self, Archive};
use archive::history::{History, Snapshot};
use archive::mirrors::Mirrors;
use archive::source::Source;
use archive::transport;
use state::publications::Publication;

pub use fetch::{Found, Got};
pub use reach::Missed;
pub use stored::Stored;

use crate::config::Config;

/// Folder of the files of jobs, below the cache.
const JOBS: &str = "jobs";

/// An archive that is ready to be asked.
struct Opened {
    config: Archive,
    source: Box<dyn Source>,
    history: Option<Box<dyn History>>,
}

/// All archives that are configured.
pub struct Archives {
    opened: BTreeMap<String, Opened>,
    clock: Arc<dyn Clock>,
    folder: PathBuf,
}

impl Archives {
    /// Opens the configured archives. `run` names the folder for the files of this run's jobs.
    pub fn open(config: &Config, root: &Path, run: &str) -> io::Result<Archives> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let folder = root.join("cache");
        let mut opened = BTreeMap::new();
        if !config.archives.is_empty() {
            let scratch = folder.join("scratch");
            transport::check_environment().map_err(|error| io::Error::other(error.to_string()))?;
            fs::create_dir_all(&scratch)?;
            let cache = Cache::open(&folder, config.cache.limit, Sharing::default(), Arc::clone(&clock))?;
            let cache = Arc::new(cache);
            for archive in &config.archives {
                let source: Box<dyn Source> = if archive.apt {
                    let apt = AptSource::new(archive, &folder.join("apt"), &scratch);
                    Box::new(apt.map_err(|error| io::Error::other(error.to_string()))?)
                } else {
                    Box::new(Mirrors::new(archive, Arc::clone(&cache), &scratch, Arc::clone(&clock)))
                };
                let history = archive.history.as_ref().map(|history| {
                    let (cache, clock) = (Arc::clone(&cache), Arc::clone(&clock));
                    Box::new(Snapshot::new(history, &archive.transfer, cache, clock)) as Box<dyn History>
                });
                opened.insert(archive.name.clone(), Opened { config: archive.clone(), source, history });
            }
        }
        Ok(Archives { opened, clock, folder: folder.join(JOBS).join(run) })
    }

    /// The names of all, sorted.
    pub fn names(&self) -> Vec<String> {
        self.opened.keys().cloned().collect()
    }

    /// An archive by its name.
    pub fn source(&self, name: &str) -> Option<(&Archive, &dyn Source)> {
        self.opened.get(name).map(|opened| (&opened.config, opened.source.as_ref()))
    }

    /// Bytes that have come from all of them.
    pub fn transferred(&self) -> u64 {
        self.opened.values().map(|opened| opened.source.transferred()).sum()
    }

    /// An archive's history, if it has one.
    pub fn history(&self, name: &str) -> Option<(&config::History, &dyn History)> {
        let opened = self.opened.get(name)?;
        Some((opened.config.history.as_ref()?, opened.history.as_deref()?))
    }

    /// True when any archive has a history.
    pub fn have_histories(&self) -> bool {
        self.opened.values().any(|opened| opened.history.is_some())
    }

    /// Distro that an archive builds on, and patterns of the archive's own versions.
    pub fn base(&self, name: &str) -> Option<(&config::Base, Vec<String>)> {
        let config = &self.opened.get(name)?.config;
        config.base.as_ref().map(|base| (base, base.own(&config.distro)))
    }

    /// True when files of a publication's archive are accepted without SHA-256.
    pub fn allows_weak_checksums(&self, publication: &Publication) -> bool {
        let opened = self.opened.get(&publication.what.archive);
        let is_old = publication.what.suite.is_empty();
        opened
            .is_some_and(|opened| opened.config.allow_weak_checksums || (is_old && opened.history.is_some()))
    }

    /// Removes the files that were laid out for an attempt.
    pub fn clear(&self, attempt: i64) {
        let _ = fs::remove_dir_all(self.folder.join(attempt.to_string()));
    }

    /// Removes the files of this run's jobs.
    pub fn close(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
