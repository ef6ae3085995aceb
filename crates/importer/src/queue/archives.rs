//! The files of publications that archives have: fetched through the cache, checked, laid out for the import.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::apt::AptSource;
use archive::cache::{Cache, Sharing};
use archive::clock::{Clock, SystemClock};
use archive::config::{self, Archive};
use archive::fetch::{Fetched, Known, Outcome};
use archive::history::{History, OldVersion, Snapshot};
use archive::mirrors::Mirrors;
use archive::poll::Failed;
use archive::source::Source;
use archive::sources;
use archive::transport::{self, Limits};
use packaging_repo::repository::Repository;
use packaging_repo::upstream;
use serde::{Deserialize, Serialize};
use source_package::checksum::{Checksums, ListedFile, sha256_hex};
use source_package::version::{PackageName, Version};
use state::publications::Publication;

use super::outage::Need;
use crate::config::Config;
use crate::failure::{Failure, Stage};
use crate::protocol::Trust;

/// What an archive that the machine's apt reaches needs, in the words of its errors.
const APT: &str = "apt";

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
    /// It is of the archive's history: no folder has it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    old: bool,
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
            old: false,
        }
    }

    /// The size of the `.dsc` in what the state keeps.
    pub fn dsc_size(files: &str) -> Option<u64> {
        serde_json::from_str::<Stored>(files).ok().map(|stored| stored.dsc.size)
    }

    /// Of a version that a history has.
    pub fn of_history(old: &OldVersion) -> Stored {
        Stored {
            directory: String::new(),
            listed: 0,
            dsc: (&old.dsc).into(),
            files: old.files.iter().map(StoredFile::from).collect(),
            old: true,
        }
    }
}

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

/// How getting the files went.
pub enum Got {
    /// The `.dsc` lies in a folder of its own with its files; so many bytes came over the network.
    Here(PathBuf, u64),
    /// The same of an old version, with what its files turned out to be.
    Old(PathBuf, u64, Found),
    /// No mirror has it any more: it was superseded.
    Gone(String),
}

/// What the files of an old version turned out to be.
pub struct Found {
    /// The SHA-256 of its `.dsc`.
    pub dsc_sha256: String,
    /// Why it is trusted from now on: its content was checked when it was fetched.
    pub trust: Trust,
    /// Its files with all hashes, as the state keeps them.
    pub files: String,
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

    /// What an archive's history needs.
    pub fn history_need(&self, name: &str) -> Option<Need> {
        let (_, history) = self.history(name)?;
        Some(Need { name: history.dependency(), probe: format!("history {name}") })
    }

    /// The distro that an archive builds on, and patterns of what is its own.
    pub fn base(&self, name: &str) -> Option<(&config::Base, Vec<String>)> {
        let config = &self.opened.get(name)?.config;
        config.base.as_ref().map(|base| (base, base.own(&config.distro)))
    }

    /// Whether what an archive has is taken without SHA-256.
    pub fn allows_weak_checksums(&self, publication: &Publication) -> bool {
        let opened = self.opened.get(&publication.what.archive);
        let is_old = publication.what.suite.is_empty();
        opened
            .is_some_and(|opened| opened.config.allow_weak_checksums || (is_old && opened.history.is_some()))
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
        let (wanted, stored) = self.wanted(publication, package).map_err(|text| plain("bad-row", text))?;
        let known = if all { Vec::new() } else { known(root, &wanted) };
        let into = self.folder.join(attempt.to_string()).join(publication.id.to_string());
        fs::create_dir_all(&into).map_err(|error| Missed { failure: Failure::from(error), need: None })?;
        let is_known = |file: &ListedFile| {
            known
                .iter()
                .any(|it| it.name == file.name && file.checksums.sha256.is_some() && file.check(it).is_ok())
        };
        if stored.old {
            let Some(history) = opened.history.as_deref() else {
                let text = format!("archive {name} has no history in config.toml any more; add it again");
                return Err(plain("no-archive", text));
            };
            return self.fetch_old(history, (name, wanted), &is_known, &into);
        }
        // An archive that does not date its index cannot tell what is newer.
        let listed = Some(stored.listed).filter(|listed| *listed > 0);
        match opened.source.fetch(&wanted, listed, &is_known, &into) {
            Ok(Outcome::Fetched(Fetched { dsc, transferred, .. })) => Ok(Got::Here(dsc, transferred)),
            Ok(Outcome::Gone { file }) => Ok(Got::Gone(file)),
            Err(failed) => Err(self.missed(&failed, name)),
        }
    }

    fn fetch_old(
        &self,
        history: &dyn History,
        (archive, wanted): (&str, sources::Publication),
        is_known: Known<'_>,
        into: &Path,
    ) -> Result<Got, Missed> {
        let old = OldVersion {
            package: wanted.package,
            version: wanted.version,
            dsc: wanted.dsc,
            archive: archive.to_owned(),
            first_seen: None,
            files: wanted.files,
        };
        let fetched = match history.fetch(&old, is_known, into) {
            Ok(Outcome::Fetched(fetched)) => fetched,
            Ok(Outcome::Gone { file }) => return Ok(Got::Gone(file)),
            Err(failed) => return Err(self.missed_history(&failed, archive)),
        };
        let text = crate::plan::read_dsc(&fetched.dsc).map_err(|failure| Missed { failure, need: None })?;
        let dsc_sha256 = sha256_hex(&text);
        let mut dsc = old.dsc;
        dsc.checksums.sha256 = Some(dsc_sha256.clone());
        let files = fetched.files.into_iter().map(|file| file.file).collect();
        let stored = Stored::of_history(&OldVersion { dsc, files, ..old });
        let files = serde_json::to_string(&stored).unwrap_or_default();
        let trust = Trust::Index(dsc_sha256.clone());
        Ok(Got::Old(fetched.dsc, fetched.transferred, Found { dsc_sha256, trust, files }))
    }

    fn wanted(
        &self,
        publication: &Publication,
        package: &str,
    ) -> Result<(sources::Publication, Stored), String> {
        let bad =
            |what: &str| format!("publication {} has a row that is not understood: {what}", publication.id);
        let stored: Stored =
            serde_json::from_str(&publication.what.files).map_err(|error| bad(&error.to_string()))?;
        let wanted = sources::Publication {
            package: PackageName::new(package).map_err(|error| bad(&error.to_string()))?,
            version: Version::new(&publication.what.version).map_err(|error| bad(&error.to_string()))?,
            component: publication.what.component.clone(),
            directory: stored.directory.clone(),
            dsc: stored.dsc.clone().into(),
            files: stored.files.iter().cloned().map(ListedFile::from).collect(),
        };
        Ok((wanted, stored))
    }

    /// What has to work for another try: only what a network or a server does counts as an outage.
    pub fn missed(&self, failed: &Failed, archive: &str) -> Missed {
        self.missed_by(failed, format!("archive {archive}"))
    }

    /// The same of an archive's history.
    pub fn missed_history(&self, failed: &Failed, archive: &str) -> Missed {
        self.missed_by(failed, format!("history {archive}"))
    }

    fn missed_by(&self, failed: &Failed, probe: String) -> Missed {
        let failure = Failure::from(&failed.error);
        let dependency = failed.error.dependency.clone().filter(|_| is_outage(&failure.code));
        // Which server failed apt does not say, and its configuration is each machine's own.
        let by_host = |name| if name == APT { format!("{APT}:{}", crate::root::host_name()) } else { name };
        let dependency = dependency.map(by_host);
        Missed { need: dependency.map(|name| Need { name, probe }), failure }
    }

    /// Asks whether an archive's history is there again.
    pub fn probe_history(&self, name: &str) -> Result<(), String> {
        match self.history(name) {
            Some((_, history)) => history.probe().map_err(|failed| failed.to_string()),
            None => Ok(()),
        }
    }

    /// Asks whether an archive is there again: for the index of its first suite.
    pub fn probe(&self, name: &str) -> Result<(), String> {
        let Some(opened) = self.opened.get(name) else { return Ok(()) };
        if opened.config.apt {
            return opened.source.suites().map(drop).map_err(|failed| failed.to_string());
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
            | "apt-failed"
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
