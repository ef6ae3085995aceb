//! A service with the interface of Debian's snapshot.debian.org.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use source_package::checksum::ListedFile;
use source_package::dsc::Dsc;
use source_package::version::{PackageName, Version};

use super::answers::{SourceFiles, Versions};
use super::{History, OldVersion};
use crate::answers::Kind;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::config::{self, HistoryTrust};
use crate::error::{Error, Stage};
use crate::failed::{Failed, is_network};
use crate::fetch::{Fetcher, Got, Known, Options, Outcome, Wanted, failed, read_dsc_text, union};
use crate::problem::Problem;
use crate::signature::{self, Digests, SignatureError};
use crate::transport::{Limits, Mirror, Request, open};

/// The longest answer that is read. The longest that Debian's service gives is below 1 MiB.
const MAX_ANSWER: u64 = 32 << 20;

/// The snapshot service.
pub struct Snapshot {
    mirrors: Vec<Box<dyn Mirror>>,
    keyrings: Vec<PathBuf>,
    trust: HistoryTrust,
    digests: Digests,
    /// SHA-256 by SHA-1 of files that were fetched: the cache knows them by the one, the service by the other.
    sums: Mutex<HashMap<String, String>>,
    cache: Arc<Cache>,
    options: Options,
    clock: Arc<dyn Clock>,
}

impl Snapshot {
    /// The service as it is configured, with the limits of its archive.
    pub fn new(
        history: &config::History,
        transfer: &config::Transfer,
        cache: Arc<Cache>,
        clock: Arc<dyn Clock>,
    ) -> Snapshot {
        let limits = Limits::shared(transfer, clock.clone(), Some(&cache.pace()), history.request_interval);
        Snapshot {
            mirrors: vec![open(&history.url, transfer, &limits)],
            keyrings: history.keyrings.clone(),
            trust: history.trust,
            digests: if history.allow_weak_digests { Digests::Any } else { Digests::Strong },
            sums: Mutex::default(),
            cache,
            options: Options {
                connections: transfer.connections,
                longest_wait: transfer.longest_wait,
                // The service knows files by SHA-1. The signed `.dsc` decides about their content.
                allow_weak_checksums: true,
            },
            clock,
        }
    }

    /// Asks the service; `None` if it does not know the package or version.
    fn ask<T: DeserializeOwned>(&self, path: &str, query: Option<&str>) -> Result<Option<T>, Failed> {
        let mut errors = Vec::new();
        for server in &self.mirrors {
            let bytes = match server.read(&Request { query, ..Request::whole(path) }, MAX_ANSWER) {
                Ok(Some((bytes, _))) => bytes,
                Ok(None) => Vec::new(),
                Err(error) if error.is_missing() => return Ok(None),
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            match serde_json::from_slice(&bytes) {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => {
                    let page = crate::transport::sniff(&bytes);
                    let problem = page.unwrap_or_else(|| Problem::BadAnswer(error.to_string()));
                    let url = format!("{}/{path}", server.location());
                    let dependency = server.location().dependency();
                    errors.push(Error::new(Stage::Fetch, problem).about(&url, &dependency));
                }
            }
        }
        Err(Failed::new(errors, || Error::new(Stage::Fetch, Problem::NotFound)))
    }

    fn fetcher(&self) -> Fetcher<'_> {
        Fetcher {
            mirrors: &self.mirrors,
            cache: &self.cache,
            options: self.options.clone(),
            clock: self.clock.clone(),
        }
    }

    /// The `.dsc`, if it may be trusted.
    fn read(&self, path: &Path, version: &OldVersion) -> Result<Dsc, Problem> {
        let text = read_dsc_text(path).map_err(|error| *error.problem)?;
        let dsc = match signature::verify_old(&text, &self.keyrings, self.digests) {
            Ok(signed) => {
                let dsc = Dsc::parse(&signed).map_err(Problem::BadDsc)?;
                // Later readers take the file as it is, so it must be the signed text.
                match Dsc::parse(&text) {
                    Ok(whole) if whole == dsc => dsc,
                    _ => return Err(Problem::TextAroundSignature),
                }
            }
            Err(error @ SignatureError::Start(_)) => return Err(error.into()),
            Err(error) => {
                let is_served = self.trust == HistoryTrust::Served;
                if !is_served || signature::is_changed(&text, &self.keyrings)? {
                    return Err(error.into());
                }
                Dsc::parse(&text).map_err(Problem::BadDsc)?
            }
        };
        if dsc.source == version.package && dsc.version == version.version {
            return Ok(dsc);
        }
        let asked = format!("{} {}", version.package, version.version);
        Err(Problem::DscDisagrees(format!("{asked} and {} {}", dsc.source, dsc.version)))
    }

    /// Files are requested by their SHA-1, and looked up in the cache by their SHA-256 if it is known.
    fn wanted(&self, file: &ListedFile) -> Wanted {
        let sha1 = file.checksums.sha1.as_deref().unwrap_or_default();
        let mut file = file.clone();
        if file.checksums.sha256.is_none() {
            file.checksums.sha256 = self.sums().get(sha1).cloned();
        }
        Wanted { path: format!("file/{sha1}"), file, listed: None, kind: Kind::HistoryFile }
    }

    fn learn(&self, file: &ListedFile) {
        const MOST: usize = 10_000;
        if let (Some(sha1), Some(sha256)) = (&file.checksums.sha1, &file.checksums.sha256) {
            let mut sums = self.sums();
            if sums.len() >= MOST {
                sums.clear();
            }
            sums.insert(sha1.clone(), sha256.clone());
        }
    }

    fn sums(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of the service's that is the one of the `.dsc`: by name and size, and by every hash that both know.
    fn find_file(&self, file: &ListedFile, version: &OldVersion) -> Result<Wanted, Problem> {
        let candidates = version.files.iter().filter(|own| own.name == file.name);
        let fits = candidates.clone().find(|own| file.check(own).is_ok());
        match fits.or_else(|| candidates.clone().next()) {
            Some(own) => {
                file.check(own).map_err(|mismatch| Problem::DscDisagrees(mismatch.to_string()))?;
                let checksums = union(&file.checksums, &own.checksums);
                Ok(self.wanted(&ListedFile { checksums, ..file.clone() }))
            }
            None => Err(Problem::DscDisagrees(format!("the history has no {}", file.name))),
        }
    }
}

impl History for Snapshot {
    fn versions(&self, package: &PackageName) -> Result<Vec<Version>, Failed> {
        let answer: Option<Versions> = self.ask(&format!("mr/package/{package}/"), None)?;
        Ok(answer.map(Versions::versions).unwrap_or_default())
    }

    fn find(&self, package: &PackageName, version: &Version) -> Result<Vec<OldVersion>, Failed> {
        let path = format!("mr/package/{package}/{version}/srcfiles");
        let answer: Option<SourceFiles> = self.ask(&path, Some("fileinfo=1"))?;
        let found = answer.map(|answer| answer.versions(package, version)).unwrap_or_default();
        if found.is_empty() {
            let unknown = Problem::UnknownVersion(format!("{package} {version}"));
            return Err(failed(Error::new(Stage::Fetch, unknown)));
        }
        Ok(found)
    }

    fn fetch(&self, version: &OldVersion, known: Known<'_>, into: &Path) -> Result<Outcome, Failed> {
        let fetcher = self.fetcher();
        let transferred = AtomicU64::new(0);
        let Got::There(dsc, found) = fetcher.one(&self.wanted(&version.dsc), &transferred, into)? else {
            return Ok(Outcome::Gone { file: version.dsc.name.clone() });
        };
        let files = self
            .read(&dsc, version)
            .and_then(|dsc| {
                dsc.files.iter().map(|file| self.find_file(file, version)).collect::<Result<Vec<_>, _>>()
            })
            .map_err(|problem| {
                // An untrusted file is not kept. An error of removing it changes nothing.
                let _ = std::fs::remove_file(&dsc);
                failed(Error::new(Stage::Fetch, problem))
            })?;
        self.learn(&found);
        let outcome = fetcher.rest(dsc, files, known, transferred, into)?;
        if let Outcome::Fetched(fetched) = &outcome {
            fetched.files.iter().for_each(|file| self.learn(&file.file));
        }
        Ok(outcome)
    }

    fn probe(&self) -> Result<(), Failed> {
        for server in &self.mirrors {
            // Whatever it answers, it is there.
            match server.get(&Request::whole("mr/")) {
                Err(error) if is_network(&error.problem) => return Err(failed(error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn dependency(&self) -> String {
        self.mirrors.first().map(|server| server.location().dependency()).unwrap_or_default()
    }
}
