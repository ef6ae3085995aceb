//! The files of a publication as the state keeps them.

use std::borrow::Cow;

use archive::history::OldVersion;
use archive::sources;
use serde::{Deserialize, Serialize};
use source_package::checksum::{Checksums, ListedFile};
use source_package::version::{PackageName, Version};
use state::publications::Publication;

/// A file as the state keeps it. Its texts are borrowed where it is only written: a first poll writes all of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredFile<'a> {
    name: Cow<'a, str>,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    md5: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha1: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Cow<'a, str>>,
}

/// Place, sizes and hashes of a publication's files, as the state keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored<'a> {
    directory: Cow<'a, str>,
    /// The date of the index, in seconds since 1970.
    pub(super) listed: i64,
    dsc: StoredFile<'a>,
    files: Vec<StoredFile<'a>>,
    /// It is of the archive's history: no folder has it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) old: bool,
}

impl<'a> From<&'a ListedFile> for StoredFile<'a> {
    fn from(file: &'a ListedFile) -> Self {
        let text = |sum: &'a Option<String>| sum.as_deref().map(Cow::Borrowed);
        let Checksums { md5, sha1, sha256 } = &file.checksums;
        StoredFile {
            name: Cow::Borrowed(&file.name),
            size: file.size,
            md5: text(md5),
            sha1: text(sha1),
            sha256: text(sha256),
        }
    }
}

impl From<StoredFile<'_>> for ListedFile {
    fn from(file: StoredFile<'_>) -> Self {
        let StoredFile { name, size, md5, sha1, sha256 } = file;
        let text = |sum: Option<Cow<'_, str>>| sum.map(Cow::into_owned);
        let checksums = Checksums { md5: text(md5), sha1: text(sha1), sha256: text(sha256) };
        ListedFile { name: name.into_owned(), size, checksums }
    }
}

impl<'a> Stored<'a> {
    /// For a publication, with the date of its index.
    pub fn new(publication: &'a sources::Publication, listed: i64) -> Stored<'a> {
        Stored {
            directory: Cow::Borrowed(&publication.directory),
            listed,
            dsc: (&publication.dsc).into(),
            files: publication.files.iter().map(StoredFile::from).collect(),
            old: false,
        }
    }

    /// For a version of a history.
    pub fn of_history(old: &'a OldVersion) -> Stored<'a> {
        Stored {
            directory: Cow::Borrowed(""),
            listed: 0,
            dsc: (&old.dsc).into(),
            files: old.files.iter().map(StoredFile::from).collect(),
            old: true,
        }
    }

    /// Stored text of a publication that has moved to another folder: that of `dsc`, its place in the archive.
    pub fn moved(files: &str, dsc: &str) -> String {
        let folder = dsc.rsplit_once('/').map_or("", |(folder, _)| folder);
        match serde_json::from_str::<Stored<'_>>(files) {
            Ok(stored) => {
                let stored = Stored { directory: folder.into(), ..stored };
                serde_json::to_string(&stored).unwrap_or_default()
            }
            // A row that cannot be read is reported when it is used.
            Err(_) => files.to_owned(),
        }
    }

    /// True if a list has other files, sizes or hashes of a publication than the stored text.
    pub fn is_corrected(files: &str, publication: &sources::Publication) -> bool {
        serde_json::from_str::<Stored<'_>>(files)
            .is_ok_and(|stored| stored != Stored::new(publication, stored.listed))
    }

    /// Names and sizes of a publication's files, from the stored text; none of files that were given by hand.
    pub fn sizes(files: &str) -> Vec<(String, u64)> {
        let Ok(stored) = serde_json::from_str::<Stored<'_>>(files) else { return Vec::new() };
        let all = std::iter::once(stored.dsc).chain(stored.files);
        all.map(|file| (file.name.into_owned(), file.size)).collect()
    }

    /// Size of the `.dsc`, from the stored text.
    pub fn dsc_size(files: &str) -> Option<u64> {
        serde_json::from_str::<Stored<'_>>(files).ok().map(|stored| stored.dsc.size)
    }
}

/// Publication to fetch, from a row of the state, and the stored text.
pub(super) fn wanted(
    publication: &Publication,
    package: &str,
) -> Result<(sources::Publication, Stored<'static>), String> {
    let bad = |what: &str| format!("publication {} has a row that is not understood: {what}", publication.id);
    let stored: Stored<'static> =
        serde_json::from_str(&publication.what.files).map_err(|error| bad(&error.to_string()))?;
    let wanted = sources::Publication {
        package: PackageName::new(package).map_err(|error| bad(&error.to_string()))?,
        version: Version::new(&publication.what.version).map_err(|error| bad(&error.to_string()))?,
        component: publication.what.component.clone(),
        directory: stored.directory.clone().into_owned(),
        dsc: stored.dsc.clone().into(),
        files: stored.files.iter().cloned().map(ListedFile::from).collect(),
    };
    Ok((wanted, stored))
}
