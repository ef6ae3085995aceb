//! Updates the state from the repositories: refs decide, the state follows.

use std::fs;
use std::path::Path;

use packaging_repo::catalog::Catalog;
use packaging_repo::manifest::IMPORT_RULES;
use packaging_repo::object;
use packaging_repo::repository::Repository;
use serde::Serialize;
use source_package::version::PackageName;
use state::versions::{self, Known};
use state::words::{Lane, Tasks};
use state::{Store, queue};

use crate::check;
use crate::error::BackupError;

/// Versions that are recorded in one transaction.
const CHUNK: usize = 100;

/// Result of reconciling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Versions that the repositories had and the state did not.
    pub versions: usize,
    /// Repositories that cannot be read.
    pub damaged: Vec<Damaged>,
}

/// A repository that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damaged {
    /// Name of the source package.
    pub package: String,
    /// Text of the cause.
    pub cause: String,
}

/// Records every version that a repository has and the state lacks. Their packages are looked at by the next run, in the
/// lane `verify`: it settles which publications that answers. One that cannot be read keeps the others not back: it is
/// named, and the next run checks it.
///
/// # Errors
/// [`BackupError::State`] when the state cannot be written. A repository that cannot be read is in the result.
pub fn all(
    store: &Store,
    root: &Path,
    program: &str,
    mut watch: impl FnMut(usize, usize),
) -> Result<Reconciled, BackupError> {
    let repositories = check::repositories(root)?;
    let mut done = Reconciled::default();
    for (place, path) in repositories.iter().enumerate() {
        watch(place, repositories.len());
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let Ok(package) = PackageName::new(name) else { continue };
        let found = Repository::open(&root.join("repos"), &package).map_err(BackupError::from);
        match found.and_then(|repository| of_repository(&repository)) {
            Ok(versions) => done.versions += record(store, name, &versions, program)?,
            Err(error) => {
                look_at(store, name)?;
                done.damaged.push(Damaged { package: name.to_owned(), cause: error.to_string() });
            }
        }
    }
    Ok(done)
}

/// The same for one package. Returns how many versions the state lacked.
///
/// # Errors
/// The repository cannot be read, or the state cannot be written.
pub fn one(store: &Store, root: &Path, package: &PackageName, program: &str) -> Result<usize, BackupError> {
    let repository = Repository::open(&root.join("repos"), package)?;
    record(store, package.as_str(), &of_repository(&repository)?, program)
}

fn record(store: &Store, name: &str, versions: &[Known], program: &str) -> Result<usize, BackupError> {
    let mut new = 0;
    for some in versions.chunks(CHUNK) {
        new += store.write(|tx| versions::record(tx, name, some, program))?;
    }
    Ok(new)
}

/// Has the next run check the repository of a package.
pub(crate) fn look_at(store: &Store, name: &str) -> Result<(), BackupError> {
    Ok(store.write(|tx| {
        let id = queue::package_id(tx, name)?;
        queue::enqueue(tx, id, Lane::Verify, Tasks::VERIFY)
    })?)
}

fn of_repository(repository: &Repository) -> Result<Vec<Known>, BackupError> {
    let mut catalog = Catalog::open(repository)?;
    let mut found = Vec::new();
    for entry in catalog.entries()? {
        let commit = object::read_commit(entry.commit, &mut catalog.store)?;
        found.push(Known {
            distro: entry.distro,
            version: entry.version,
            commit: entry.commit.to_string(),
            tree: commit.tree.to_string(),
            applied: entry.applied.map(|id| id.to_string()),
            tag: entry.tag,
            rules: i64::from(IMPORT_RULES),
        });
    }
    Ok(found)
}

/// Highest epoch of any fence in a repository: the next one has to be above it.
///
/// # Errors
/// A folder of the root cannot be read.
pub fn highest_epoch(root: &Path) -> Result<i64, BackupError> {
    let mut highest = 0;
    for path in check::repositories(root)? {
        let Ok(entries) = fs::read_dir(root.join(path).join("package-import")) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let epoch =
                name.to_str().and_then(|name| name.strip_prefix("fence-")?.split('-').next()?.parse().ok());
            highest = highest.max(epoch.unwrap_or(0));
        }
    }
    Ok(highest)
}
