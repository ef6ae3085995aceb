//! Inspection and upkeep of repositories that need no child, because their input is our own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bounded::Deadline;
use packaging_repo::catalog::{Catalog, CatalogEntry};
use packaging_repo::collision::difference::Difference;
use packaging_repo::collision::{self, Collision, Standing, judge};
use packaging_repo::foreign::{Foreign, Kind};
use packaging_repo::refs::fence::Fence;
pub use packaging_repo::repack::{Effort, Started};
use packaging_repo::repository::Repository;
use packaging_repo::{Error, ObjectId};
use source_package::version::{PackageName, PackageNameError, Version, VersionError};
use state::publication::collisions::Collision as Row;
use state::publication::foreign::ForeignRef as ForeignRow;

use crate::config::LimitsConfig;
use crate::failure::Failure;
use crate::protocol::ForeignRef;

/// Reason why a repository could not be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// No package can have this name.
    #[error(transparent)]
    Name(#[from] PackageNameError),
    /// No version can be this.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A package cannot be built anew.
    #[error("{0}")]
    NotBuilt(String),
    /// The root cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Root {
        /// Path of the folder.
        path: PathBuf,
        /// Error of the file system.
        error: io::Error,
    },
    /// Error of the repository.
    #[error(transparent)]
    Repository(#[from] Error),
    /// Error of the child that was to inspect it.
    #[error("{0}")]
    Child(Failure),
}

/// A version that is asked for.
pub struct ExportedVersion<'a> {
    /// Name of the source package.
    pub package: &'a str,
    /// Version of the source package.
    pub version: &'a str,
    /// Distro of the version.
    pub distro: &'a str,
    /// Beginning of the SHA-256 of its `.dsc`, to choose one of several contents; the first one by default.
    pub dsc: Option<&'a str>,
    /// True for the tree with patches applied.
    pub applied: bool,
}

/// Content of a repository.
pub struct Shown {
    /// Path of the repository.
    pub repository: PathBuf,
    /// The branch that a clone checks out.
    pub head: String,
    /// Versions of the repository.
    pub versions: Vec<CatalogEntry>,
    /// Foreign refs, in the importer's namespaces or not.
    pub foreign: Vec<Foreign>,
    /// Collision that each foreign ref is by its content, if it is one.
    pub judged: Vec<Option<Collision>>,
    /// True when there is a record of the refs that the importer has written.
    pub has_record: bool,
}

fn open(root: &Path, package: &str) -> Result<Repository, InspectError> {
    Ok(Repository::open(&root.join("repos"), &PackageName::new(package)?)?)
}

/// All packages that have a repository, sorted.
pub fn packages(root: &Path) -> Result<Vec<String>, InspectError> {
    let repos = root.join("repos");
    let mut found = Vec::new();
    for prefix in folders(&repos)? {
        for path in folders(&prefix)? {
            let name =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".git"));
            let name = name.filter(|name| PackageName::new(name).is_ok());
            // Without `HEAD`, its first import has not ended yet.
            found.extend(name.filter(|_| path.join("HEAD").is_file()).map(str::to_owned));
        }
    }
    found.sort();
    Ok(found)
}

/// Path at which the repository of a package would be, if there is none.
pub fn missing_repository(root: &Path, package: &str) -> Option<PathBuf> {
    let package = PackageName::new(package).ok()?;
    let repos = root.join("repos");
    Repository::open(&repos, &package).is_err().then(|| Repository::place(&repos, &package))
}

/// Highest fence in the repository of a package.
pub fn highest_fence(root: &Path, package: &str) -> Option<Fence> {
    open(root, package).ok()?.highest_fence()
}

/// True when there is any repository.
pub fn has_repositories(root: &Path) -> bool {
    let prefixes = folders(&root.join("repos")).unwrap_or_default();
    prefixes
        .iter()
        .any(|prefix| folders(prefix).unwrap_or_default().iter().any(|it| it.join("HEAD").is_file()))
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, InspectError> {
    match fs::read_dir(path) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(InspectError::Root { path: path.to_owned(), error }),
    }
}

/// Content of a package's repository.
pub fn show(root: &Path, package: &str) -> Result<Shown, InspectError> {
    let repository = open(root, package)?;
    let mut catalog = Catalog::open(&repository)?;
    let versions = catalog.entries()?;
    let has_record = repository.has_record();
    let foreign = if has_record { foreign(&mut catalog)? } else { Vec::new() };
    let judged = judge(&foreign, &mut catalog.view, &mut catalog.store)?;
    Ok(Shown {
        repository: repository.path().to_owned(),
        head: repository.head()?,
        versions,
        foreign,
        judged,
        has_record,
    })
}

fn foreign(catalog: &mut Catalog) -> Result<Vec<Foreign>, Error> {
    packaging_repo::foreign::find(&catalog.view, &[], &mut catalog.store)
}

/// Foreign refs, as the state keeps them; none of a repository without a record.
pub fn foreign_refs(root: &Path, package: &str) -> Result<Vec<ForeignRef>, InspectError> {
    let repository = open(root, package)?;
    if !repository.has_record() {
        return Ok(Vec::new());
    }
    let mut catalog = Catalog::open(&repository)?;
    let found = foreign(&mut catalog)?;
    let judged = judge(&found, &mut catalog.view, &mut catalog.store)?;
    Ok(found.iter().zip(&judged).map(|(it, judged)| ForeignRef::judged(it, judged.as_ref())).collect())
}

/// Foreign refs as rows of the state. Names without a meaning for the importer are left out.
pub fn foreign_rows(found: &[ForeignRef]) -> Vec<ForeignRow> {
    let counts = found.iter().filter(|it| it.kind != Kind::Outside.as_str() && !it.is_quiet());
    counts
        .map(|it| ForeignRow {
            name: it.name.clone(),
            kind: it.kind.clone(),
            since: 0,
            ours: it.ours.clone(),
            theirs: it.theirs.clone(),
        })
        .collect()
}

/// Changes that would be lost with a foreign commit.
pub fn difference(root: &Path, it: &Row) -> Result<Difference, InspectError> {
    let repository = open(root, &it.package)?;
    let id = |text: &Option<String>| text.as_ref().and_then(|text| ObjectId::from_hex(text.as_bytes()).ok());
    let standing = Standing {
        name: it.name.clone(),
        kind: it.kind.parse().unwrap_or(collision::Kind::Conflict),
        ours: id(&it.ours),
        theirs: id(&it.theirs),
    };
    Ok(collision::difference::of_collision(&mut Catalog::open(&repository)?, &standing)?)
}

/// Writes a version into a new folder.
pub fn export(root: &Path, wanted: &ExportedVersion<'_>, folder: &Path) -> Result<(), InspectError> {
    let repository = open(root, wanted.package)?;
    let version = Version::new(wanted.version)?;
    let mut catalog = Catalog::open(&repository)?;
    let Some(tag) = catalog.find(wanted.distro, &version, wanted.dsc, wanted.applied)? else {
        let unapplied = wanted.applied && catalog.find(wanted.distro, &version, wanted.dsc, false)?.is_some();
        let hint = if unapplied {
            " with patches applied: they do not apply".to_owned()
        } else {
            format!(" in {}; `package-import show {}` lists what there is", wanted.distro, wanted.package)
        };
        let of = wanted.dsc.map_or(String::new(), |dsc| format!(" with a .dsc {dsc}"));
        let (package, version) = (wanted.package.to_owned(), format!("{}{of}", wanted.version));
        return Err(Error::NoVersion { package, version, hint }.into());
    };
    Ok(packaging_repo::export::export(&tag, &mut catalog.store, folder)?)
}

/// True when a package has a repository that is older than records.
pub fn lacks_record(root: &Path, package: &str) -> bool {
    let Ok(package) = PackageName::new(package) else { return false };
    Repository::open(&root.join("repos"), &package).is_ok_and(|repository| !repository.has_record())
}

/// True if somebody else has moved a branch of a package, or removed a ref: an import restores them.
pub fn is_moved(root: &Path, package: &str) -> bool {
    let Ok(repository) = open(root, package) else { return false };
    let Ok(Some(record)) = repository.record() else { return false };
    let Ok(refs) = repository.refs() else { return false };
    record.written().any(|(name, ours)| match refs.get(name).map(|value| value.id) {
        None => true,
        Some(now) => {
            let is_branch = name.starts_with("refs/heads/");
            is_branch && now != ours && !record.knows(name, now) && record.adopted(name) != Some(now)
        }
    })
}

/// Repack that the repository of a package needs, if any.
pub fn due_repack(root: &Path, package: &str) -> Option<Effort> {
    let package = PackageName::new(package).ok()?;
    packaging_repo::repack::due(&Repository::place(&root.join("repos"), &package))
}

/// Repacks the repository of a package, when nobody imports into it any more, which is waited for.
///
/// # Errors
/// [`Error::Busy`] when an import holds the lock for longer than `limits.lock_wait`; errors of Git.
pub fn repack(root: &Path, package: &str, effort: Effort, limits: &LimitsConfig) -> Result<(), InspectError> {
    let repository = open(root, package)?;
    let guard = repository.lock(Deadline::after(Duration::from_secs(limits.lock_wait)))?;
    let deadline = Deadline::after(Duration::from_secs(limits.time));
    Ok(packaging_repo::repack::repack(&repository, &guard, effort, None, deadline)?)
}

/// The same if no import holds the repository now; [`Error::Busy`] otherwise. `started` gets the process group of Git.
pub fn repack_idle(
    root: &Path,
    package: &str,
    effort: Effort,
    limits: &LimitsConfig,
    started: Started<'_>,
) -> Result<(), InspectError> {
    let repository = open(root, package)?;
    let deadline = Deadline::after(Duration::from_secs(limits.time));
    let guard = repository.lock_idle()?;
    Ok(packaging_repo::repack::repack(&repository, &guard, effort, Some(started), deadline)?)
}
