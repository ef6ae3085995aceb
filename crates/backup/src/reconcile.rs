//! Brings the state up to what the repositories have: refs decide, the state follows.

use std::fs;
use std::path::Path;

use packaging_repo::catalog::Catalog;
use packaging_repo::manifest::IMPORT_RULES;
use packaging_repo::object;
use packaging_repo::repository::Repository;
use source_package::version::PackageName;
use state::Store;
use state::versions::{self, Known};

use crate::check;
use crate::error::BackupError;

/// Versions that are recorded in one transaction.
const CHUNK: usize = 100;

/// Records every version that a repository has and the state lacks. Their packages are looked at by the next run, in the
/// lane `verify`: it settles which publications that answers. Returns how many versions there were.
pub fn all(
    store: &Store,
    root: &Path,
    program: &str,
    mut watch: impl FnMut(usize, usize),
) -> Result<usize, BackupError> {
    let repositories = check::repositories(root)?;
    let mut recorded = 0;
    for (done, path) in repositories.iter().enumerate() {
        watch(done, repositories.len());
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let Ok(package) = PackageName::new(name) else { continue };
        let versions = of_repository(&Repository::open(&root.join("repos"), &package)?)?;
        for some in versions.chunks(CHUNK) {
            recorded += store.write(|tx| versions::record(tx, name, some, program))?;
        }
    }
    Ok(recorded)
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

/// The highest epoch of any fence that stands in a repository: the next one has to be above it.
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
