//! Gets the files of a publication, and says what became of that.

use std::fs;
use std::path::{Path, PathBuf};

use archive::fetch::{Fetched, Known, Outcome};
use archive::history::{History, OldVersion};
use archive::sources;
use packaging_repo::repository::Repository;
use packaging_repo::upstream;
use source_package::checksum::{ListedFile, sha256_hex};
use source_package::limits::DscLimits;
use state::publications::Publication;

use super::Archives;
use super::reach::Missed;
use super::stored::{self, Stored};
use crate::failure::{Code, Failure, Stage};
use crate::protocol::Trust;

/// Result of getting the files.
pub enum Got {
    /// The `.dsc` is in a folder of its own with its files; the number of bytes that came over the network.
    Here(PathBuf, u64),
    /// The same for a publication without SHA-256 in the index, with the reason of its trust.
    Weak(PathBuf, u64, Trust),
    /// The same for an old version, with the content of its files.
    Old(PathBuf, u64, Found),
    /// No mirror has a file of it.
    Missing(String),
}

/// Facts about an old version that are known once its files are fetched.
pub struct Found {
    /// The SHA-256 of its `.dsc`.
    pub dsc_sha256: String,
    /// Reason why it is trusted from now on: its content was checked when it was fetched.
    pub trust: Trust,
    /// Its files with all hashes, as the state keeps them.
    pub files: String,
}

impl Archives {
    /// Gets the files of a publication for an attempt. Files whose content the repository has are not fetched, unless
    /// `all` is true.
    pub fn fetch(
        &self,
        publication: &Publication,
        (root, package): (&Path, &str),
        attempt: i64,
        all: bool,
    ) -> Result<Got, Missed> {
        let plain = |code, text: String| Missed::from(Failure::new(Stage::Fetch, code, text));
        let name = &publication.what.archive;
        let Some(opened) = self.opened.get(name) else {
            let text = format!("archive {name} is not in config.toml any more; add it, or hold the package");
            return Err(plain(Code::NoArchive, text));
        };
        let (wanted, stored) =
            stored::wanted(publication, package).map_err(|text| plain(Code::BadRow, text))?;
        let known = if all { Vec::new() } else { known(root, &wanted) };
        let into = self.folder.join(attempt.to_string()).join(publication.id.to_string());
        fs::create_dir_all(&into).map_err(Failure::from)?;
        let is_known = |file: &ListedFile| {
            known
                .iter()
                .any(|it| it.name == file.name && file.checksums.sha256.is_some() && file.check(it).is_ok())
        };
        if stored.old {
            let Some(history) = opened.history.as_deref() else {
                let text = format!("archive {name} has no history in config.toml any more; add it again");
                return Err(plain(Code::NoArchive, text));
            };
            return self.fetch_old(history, (name, wanted), &is_known, &into);
        }
        // An archive that does not date its index cannot tell which file is newer.
        let listed = Some(stored.listed).filter(|listed| *listed > 0);
        match opened.source.fetch(&wanted, listed, &is_known, &into) {
            // Without SHA-256 its content was checked by the hashes of the index; from here on the computed SHA-256
            // identifies it.
            Ok(Outcome::Fetched(Fetched { dsc, transferred, .. }))
                if wanted.dsc.checksums.sha256.is_none() =>
            {
                let text = crate::dsc_arguments::read_dsc(&dsc, &DscLimits::NONE)?;
                let trust = Trust::Index(sha256_hex(&text));
                Ok(Got::Weak(dsc, transferred, trust))
            }
            Ok(Outcome::Fetched(Fetched { dsc, transferred, .. })) => Ok(Got::Here(dsc, transferred)),
            Ok(Outcome::Gone { file }) => Ok(Got::Missing(file)),
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
            Ok(Outcome::Gone { file }) => return Ok(Got::Missing(file)),
            Err(failed) => return Err(self.missed_history(&failed, archive)),
        };
        let text = crate::dsc_arguments::read_dsc(&fetched.dsc, &DscLimits::NONE)?;
        let dsc_sha256 = sha256_hex(&text);
        let mut dsc = old.dsc;
        dsc.checksums.sha256 = Some(dsc_sha256.clone());
        let files = fetched.files.into_iter().map(|file| file.file).collect();
        let old = OldVersion { dsc, files, ..old };
        let files = serde_json::to_string(&Stored::of_history(&old)).unwrap_or_default();
        let trust = Trust::Index(dsc_sha256.clone());
        Ok(Got::Old(fetched.dsc, fetched.transferred, Found { dsc_sha256, trust, files }))
    }
}

/// Tarballs that the repository knows: none if it cannot be asked, and then all are fetched.
fn known(root: &Path, wanted: &sources::Publication) -> Vec<ListedFile> {
    Repository::open(&root.join("repos"), &wanted.package)
        .and_then(|repository| upstream::known_files(&repository, wanted.version.upstream()))
        .unwrap_or_default()
}
