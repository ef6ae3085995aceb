//! Where old versions come from.
//!
//! No index vouches for them any more. A version is trusted for the signature of its `.dsc`, by a key that was good when
//! it signed, or because the operator believes the service; its files for the hashes in there.

mod answers;
mod snapshot;

use std::path::Path;

pub use snapshot::Snapshot;
use source_package::checksum::ListedFile;
use source_package::version::{PackageName, Version};

use crate::failed::Failed;
use crate::fetch::{Known, Outcome};

/// A version that a history has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldVersion {
    /// The source package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// The `.dsc`, as far as the history knows it: name, size and the hash by which it is asked for.
    pub dsc: ListedFile,
    /// The archive that it was seen in.
    pub archive: String,
    /// When it was seen there first, in seconds since 1970.
    pub first_seen: Option<i64>,
    /// Its other files.
    pub files: Vec<ListedFile>,
}

/// A source of old versions.
pub trait History: Send + Sync {
    /// All versions of a package that it has, in the order of the versions. None if it does not know the package.
    fn versions(&self, package: &PackageName) -> Result<Vec<Version>, Failed>;

    /// What it has of a version: more than one if several archives had a version of this name with other content.
    fn find(&self, package: &PackageName, version: &Version) -> Result<Vec<OldVersion>, Failed>;

    /// Fetches the files of a version into a folder. Their hashes are computed, all of them, and returned.
    fn fetch(&self, version: &OldVersion, known: Known<'_>, into: &Path) -> Result<Outcome, Failed>;

    /// Asks whether it is there.
    fn probe(&self) -> Result<(), Failed>;

    /// What has to work for it to work: a host with its port.
    fn dependency(&self) -> String;
}
