//! Services that have old versions.
//!
//! No index lists these versions any more. A version is trusted because of the signature of its `.dsc`, by a key that
//! was good when it signed, or because the operator trusts the service; its files because of the hashes in the `.dsc`.

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
    /// Name of the source package.
    pub package: PackageName,
    /// Version of the source package.
    pub version: Version,
    /// The `.dsc`, as far as the history knows it: name, size and the hash by which it is asked for.
    pub dsc: ListedFile,
    /// The archive that it was seen in.
    pub archive: String,
    /// Seconds since 1970 at which the service first saw it.
    pub first_seen: Option<i64>,
    /// Its other files.
    pub files: Vec<ListedFile>,
}

/// A source of old versions.
pub trait History: Send + Sync {
    /// All versions of a package that it has, in the order of the versions. None if it does not know the package.
    fn versions(&self, package: &PackageName) -> Result<Vec<Version>, Failed>;

    /// Files of a version: several if several archives had a version of this name with other content.
    fn find(&self, package: &PackageName, version: &Version) -> Result<Vec<OldVersion>, Failed>;

    /// Fetches the files of a version into a folder. Their hashes are computed, all of them, and returned.
    fn fetch(&self, version: &OldVersion, known: Known<'_>, into: &Path) -> Result<Outcome, Failed>;

    /// Asks whether it is there.
    fn probe(&self) -> Result<(), Failed>;

    /// Dependency of the service: a host with its port.
    fn dependency(&self) -> String;
}
