//! Check of a backup.

use std::path::{Path, PathBuf};

use ::backup::check;
use importer::inspect;
use serde::Serialize;
use state::versions::Expected;

use crate::actions::backup::Progress;
use crate::error::Error;
use crate::given::absolute;
use crate::installation::Installation;

/// Result of checking a backup.
#[derive(Clone, Debug, Serialize)]
pub struct BackupChecked {
    /// The backup that was checked.
    pub backup: PathBuf,
    /// Number of its repositories.
    #[serde(skip)]
    pub repositories: usize,
    /// Its problems, a line each.
    pub problems: Vec<String>,
}

/// Checks a backup, or the newest one in a folder: all checksums, the state, and each repository by git fsck. `watch` is
/// called with the number of files that are checked, then of repositories, and of all.
///
/// # Errors
/// There is no backup, or it cannot be read, or the program that checks repositories cannot be started.
pub fn check_backup(at: &Installation, source: &Path, watch: Progress<'_>) -> Result<BackupChecked, Error> {
    let backup = check::newest(&absolute(source)?)?;
    let mut problems = check::problems(&backup, watch)?.lines();
    let packages = inspect::packages(&backup)?;
    for (done, package) in packages.iter().enumerate() {
        watch(done, packages.len());
        let found = at.check(&backup, package, &Expected::default())?;
        problems.extend(found.problems.iter().map(|it| format!("{package}: {}: {}", it.subject, it.message)));
    }
    Ok(BackupChecked { backup, repositories: packages.len(), problems })
}
