//! Copies for people: the source of a version as files, and a clone for packagers. The installation is only read.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use importer::inspect;
use importer::packager::{self, CloneError, Cloned};
use source_package::version::PackageName;

use crate::error::Error;
use crate::given::absolute;
use crate::installation::Installation;

/// Beginning of the SHA-256 of a `.dsc`: 8 to 64 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DscPrefix(String);

impl FromStr for DscPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<DscPrefix, String> {
        let is_hash = (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash {
            Ok(DscPrefix(text.to_ascii_lowercase()))
        } else {
            Err(format!("{text:?} is not 8 to 64 digits of a SHA-256"))
        }
    }
}

/// A version to be exported.
#[derive(Clone, Debug)]
pub struct Export<'a> {
    /// Name of the source package.
    pub package: &'a str,
    /// The version, or `VERSION@HASH`, whose hash goes before `dsc`.
    pub version: &'a str,
    /// Its `.dsc`, if the version has several contents; the first one by default.
    pub dsc: Option<&'a DscPrefix>,
    /// True for the tree with patches applied.
    pub applied: bool,
    /// Distro of the version; that of the configuration by default.
    pub distro: Option<&'a str>,
}

/// Writes the unpacked source of a version into a new folder.
///
/// # Errors
/// There is no such version, the repository cannot be read, or the folder cannot be written.
pub fn export(at: &Installation, wanted: &Export<'_>, folder: &Path) -> Result<(), Error> {
    let config = at.config()?;
    let of_version;
    let (version, dsc) = match wanted.version.split_once('@') {
        Some((version, hash)) => {
            of_version = hash.parse().map_err(Error::Usage)?;
            (version, Some(&of_version))
        }
        None => (wanted.version, wanted.dsc),
    };
    let version = inspect::ExportedVersion {
        package: wanted.package,
        version,
        distro: wanted.distro.unwrap_or(&config.import.distro),
        dsc: dsc.map(|it: &DscPrefix| it.0.as_str()),
        applied: wanted.applied,
    };
    Ok(inspect::export(&at.root, &version, &absolute(folder)?)?)
}

/// A clone to be made.
#[derive(Clone, Debug)]
pub struct WorkingCopy<'a> {
    /// Name of the source package.
    pub package: &'a str,
    /// The folder to be made; one with the package's name by default.
    pub folder: Option<&'a Path>,
    /// Template of the repositories' addresses; by default the first remote, else this installation.
    pub from: Option<&'a str>,
    /// The branch, as `DISTRO/SUITE`; by default that of the repository.
    pub branch: Option<&'a str>,
    /// Places of the tarballs; by default the archives of the configuration.
    pub mirrors: &'a [String],
}

/// Clones the repository of a package for work with git-buildpackage. Returns the folder and its content.
///
/// # Errors
/// An argument cannot be used, Git fails, or a file cannot be written. A missing tarball is no error.
pub fn clone(at: &Installation, wanted: &WorkingCopy<'_>) -> Result<(PathBuf, Cloned), Error> {
    let config = at.config()?;
    let package = PackageName::new(wanted.package).map_err(|error| Error::Usage(error.to_string()))?;
    let folder = absolute(wanted.folder.unwrap_or_else(|| Path::new(package.as_str())))?;
    let cloned = packager::clone(&packager::CloneOptions {
        url: packager::address(&config, &at.root, &package, wanted.from)?,
        folder: &folder,
        branch: wanted.branch,
        sources: packager::sources(&config, wanted.mirrors)?,
    })?;
    Ok((folder, cloned))
}

impl From<CloneError> for Error {
    fn from(error: CloneError) -> Error {
        match error {
            CloneError::Unclear(text) => Error::Usage(text),
            other => Error::Clone(other),
        }
    }
}
