//! The files of publications that archives have: fetched through the cache, checked, laid out for the import.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::apt::AptSource;
use archive::cache::{Cache, Sharing};
use archive::clock::{Clock, SystemClock};
use archive::config::Archive;
use archive::fetch::{Fetched, Outcome};
use archive::mirrors::Mirrors;
use archive::poll::Failed;
use archive::source::Source;
use archive::sources;
use archive::transport::{self, Limits};
use packaging_repo::repository::Repository;
use packaging_repo::upstream;
use serde::{Deserialize, Serialize};
use source_package::checksum::{Checksums, ListedFile};
use source_package::version::{PackageName, Version};
use state::publications::Publication;

use super::outage::Need;
use crate::config::Config;
use crate::failure::{Failure, Stage};

/// Where the files of a job are laid out, below the cache.
const JOBS: &str = "jobs";

/// A file as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredFile {
    name: String,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    md5: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha1: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// Where a publication's files are and what they have to be, as the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    directory: String,
    /// The date of the index, in seconds since 1970.
    listed: i64,
    dsc: StoredFile,
    files: Vec<StoredFile>,
}

impl From<&ListedFile> for StoredFile {
    fn from(file: &ListedFile) -> Self {
        let Checksums { md5, sha1, sha256 } = file.checksums.clone();
        StoredFile { name: file.name.clone(), size: file.size, md5, sha1, sha256 }
    }
}

impl From<StoredFile> for ListedFile {
    fn from(file: StoredFile) -> Self {
        let StoredFile { name, size, md5, sha1, sha256 } = file;
        ListedFile { name, size, checksums: Checksums { md5, sha1, sha256 } }
    }
}

impl Stored {
    /// Of a publication in an index of a date.
    pub fn new(publication: &sources::Publication, listed: i64) -> Stored {
        Stored {
            directory: publication.directory.clone(),
            listed,
            dsc: (&publication.dsc).into(),
            files: publication.files.iter().map(StoredFile::from).collect(),
        }
    }
}

/// An archive that is ready to be asked.
struct Opened {
    config: Archive,
    source: Box<dyn Source>,
}

/// All archives that are configured.
pub struct Archives {
    opened: BTreeMap<String, Opened>,
    clock: Arc<dyn Clock>,
    folder: PathBuf,
}

/// How getting the files went.
pub enum Got {
    /// The `.dsc` lies in a folder of its own with its files; so many bytes came over the network.
    Here(PathBuf, u64),
    /// No mirror has it any more: it was superseded.
    Gone(String),
}

/// Why files could not be had, and what has to work for another try.
pub struct Missed {
    /// The failure.
    pub failure: Failure,
    /// What was out of reach, if that was it.
    pub need: Option<Need>,
}

impl Archives {
    /// Opens what is configured. `run` names the folder in which the files of this run's jobs are laid out.
    pub fn open(config: &Config, root: &Path, run: &str) -> io::Result<Archives> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let folder = root.join("cache");
        let mut opened = BTreeMap::new();
        if !config.archives.is_empty() {
            let scratch = folder.join("scratch");
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
                opened.insert(archive.name.clone(), Opened { config: archive.clone(), source });
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

    /// What an archive needs, if it is all of one host: while that is out of reach nothing has to be tried.
    pub fn need(&self, name: &str) -> Option<Need> {
        let mirrors = &self.opened.get(name)?.config.mirrors;
        let first = mirrors.first()?;
        let same = mirrors.iter().all(|mirror| mirror.dependency() == first.dependency());
        same.then(|| self.need_of(&first.dependency(), name))
    }

    fn need_of(&self, dependency: &str, archive: &str) -> Need {
        Need { name: dependency.to_owned(), probe: format!("archive {archive}") }
    }

    /// Gets the files of a publication for an attempt. What the repository knows is not fetched unless `all` says so.
    pub fn fetch(
        &self,
        publication: &Publication,
        (root, package): (&Path, &str),
        attempt: i64,
        all: bool,
    ) -> Result<Got, Missed> {
        let plain =
            |code: &str, text: String| Missed { failure: Failure::new(Stage::Fetch, code, text), need: None };
        let name = &publication.what.archive;
        let Some(opened) = self.opened.get(name) else {
            let text = format!("archive {name} is not in config.toml any more; add it, or hold the package");
            return Err(plain("no-archive", text));
        };
        let (wanted, listed) = self.wanted(publication, package).map_err(|text| plain("bad-row", text))?;
        let known = if all { Vec::new() } else { known(root, &wanted) };
        let into = self.folder.join(attempt.to_string()).join(publication.id.to_string());
        fs::create_dir_all(&into).map_err(|error| Missed { failure: Failure::from(error), need: None })?;
        let is_known = |file: &ListedFile| {
            known
                .iter()
                .any(|it| it.name == file.name && file.checksums.sha256.is_some() && file.check(it).is_ok())
        };
        match opened.source.fetch(&wanted, Some(listed), &is_known, &into) {
            Ok(Outcome::Fetched(Fetched { dsc, transferred, .. })) => Ok(Got::Here(dsc, transferred)),
            Ok(Outcome::Gone { file }) => Ok(Got::Gone(file)),
            Err(failed) => Err(self.missed(&failed, name)),
        }
    }

    fn wanted(
        &self,
        publication: &Publication,
        package: &str,
    ) -> Result<(sources::Publication, i64), String> {
        let bad =
            |what: &str| format!("publication {} has a row that is not understood: {what}", publication.id);
        let stored: Stored =
            serde_json::from_str(&publication.what.files).map_err(|error| bad(&error.to_string()))?;
        let wanted = sources::Publication {
            package: PackageName::new(package).map_err(|error| bad(&error.to_string()))?,
            version: Version::new(&publication.what.version).map_err(|error| bad(&error.to_string()))?,
            component: publication.what.component.clone(),
            directory: stored.directory,
            dsc: stored.dsc.into(),
            files: stored.files.into_iter().map(ListedFile::from).collect(),
        };
        Ok((wanted, stored.listed))
    }

    /// What has to work for another try: only what a network or a server does counts as an outage.
    pub fn missed(&self, failed: &Failed, archive: &str) -> Missed {
        let failure = Failure::from(&failed.error);
        let need = failed.error.dependency.as_ref().filter(|_| is_outage(&failure.code));
        Missed { need: need.map(|dependency| self.need_of(dependency, archive)), failure }
    }

    /// Asks whether an archive is there again: for the index of its first suite.
    pub fn probe(&self, name: &str) -> Result<(), String> {
        let Some(opened) = self.opened.get(name) else { return Ok(()) };
        let suite = opened.config.suites.first().map_or("", |suite| suite.name.as_str());
        let folder = if suite.ends_with('/') { suite.to_owned() } else { format!("dists/{suite}/") };
        let path = if suite.contains(['*', '?', '[']) { String::new() } else { format!("{folder}InRelease") };
        let limits = Limits::new(&opened.config.transfer, Arc::clone(&self.clock));
        let mut last = Ok(());
        for location in &opened.config.mirrors {
            let mirror = transport::open(location, &opened.config.transfer, &limits);
            match mirror.get(&transport::Request::whole(&path)) {
                Ok(_) => return Ok(()),
                // A server that answers is there, whatever it says.
                Err(error) if !is_outage(error.code()) => return Ok(()),
                Err(error) => last = Err(error.to_string()),
            }
        }
        last
    }

    /// Removes the files that were laid out for an attempt.
    pub fn clear(&self, attempt: i64) {
        let _ = fs::remove_dir_all(self.folder.join(attempt.to_string()));
    }

    /// Removes what was laid out for this run.
    pub fn close(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Codes of errors for which a host is to blame, not a file.
fn is_outage(code: &str) -> bool {
    matches!(
        code,
        "unknown-host"
            | "connect"
            | "tls"
            | "timeout"
            | "broken-connection"
            | "server-error"
            | "busy"
            | "unreachable"
    )
}

/// Tarballs that the repository knows: none if it cannot be asked, and then all are fetched.
fn known(root: &Path, wanted: &sources::Publication) -> Vec<ListedFile> {
    Repository::open(&root.join("repos"), &wanted.package)
        .and_then(|repository| upstream::known_files(&repository, wanted.version.upstream()))
        .unwrap_or_default()
}

impl From<&archive::error::Error> for Failure {
    fn from(error: &archive::error::Error) -> Self {
        let stage = Stage::from_word(error.stage.as_str()).unwrap_or(Stage::Fetch);
        Failure::new(stage, error.code(), error)
    }
}
