//! The files of a publication as the state keeps them.

use archive::history::OldVersion;
use archive::sources;
use serde::{Deserialize, Serialize};
use source_package::checksum::{Checksums, ListedFile};
use source_package::version::{PackageName, Version};
use state::publications::Publication;

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

/// Place, sizes and hashes of a publication's files, as the state keeps them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    directory: String,
    /// The date of the index, in seconds since 1970.
    pub(super) listed: i64,
    dsc: StoredFile,
    files: Vec<StoredFile>,
    /// It is of the archive's history: no folder has it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) old: bool,
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
    /// For a publication, with the date of its index.
    pub fn new(publication: &sources::Publication, listed: i64) -> Stored {
        Stored {
            directory: publication.directory.clone(),
            listed,
            dsc: (&publication.dsc).into(),
            files: publication.files.iter().map(StoredFile::from).collect(),
            old: false,
        }
    }

    /// For a version of a history.
    pub fn of_history(old: &OldVersion) -> Stored {
        Stored {
            directory: String::new(),
            listed: 0,
            dsc: (&old.dsc).into(),
            files: old.files.iter().map(StoredFile::from).collect(),
            old: true,
        }
    }

    /// Stored text of a publication that has moved to another folder: that of `dsc`, its place in the archive.
    pub fn moved(files: &str, dsc: &str) -> String {
        let folder = dsc.rsplit_once('/').map_or("", |(folder, _)| folder);
        match serde_json::from_str::<Stored>(files) {
            Ok(stored) => {
                let stored = Stored { directory: folder.to_owned(), ..stored };
                serde_json::to_string(&stored).unwrap_or_default()
            }
            // A row that cannot be read is reported when it is used.
            Err(_) => files.to_owned(),
        }
    }

    /// True if a list has other files, sizes or hashes of a publication than the stored text.
    pub fn is_corrected(files: &str, publication: &sources::Publication) -> bool {
        let now = |stored: &Stored| Stored::new(publication, stored.listed);
        serde_json::from_str::<Stored>(files).is_ok_and(|stored| stored != now(&stored))
    }

    /// Size of the `.dsc`, from the stored text.
    pub fn dsc_size(files: &str) -> Option<u64> {
        serde_json::from_str::<Stored>(files).ok().map(|stored| stored.dsc.size)
    }
}

/// Publication to fetch, from a row of the state, and the stored text.
pub(super) fn wanted(
    publication: &Publication,
    package: &str,
) -> Result<(sources::Publication, Stored), String> {
    let bad = |what: &str| format!("publication {} has a row that is not understood: {what}", publication.id);
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
