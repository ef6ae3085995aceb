//! Brings single repositories back beside a state that is there. What stood in their place is set aside, not removed.

use std::fs;
use std::path::{Path, PathBuf};

use packaging_repo::repository::Repository;
use packaging_repo::seal::{KEY, place as place_of_key};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::Serialize;
use source_package::version::PackageName;

use crate::check;
use crate::error::BackupError;
use crate::restore::copy_all;

/// A repository that was brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Brought {
    /// The source package.
    pub package: String,
    /// Its repository.
    pub repository: PathBuf,
    /// New place of the repository that was replaced.
    pub set_aside: Option<PathBuf>,
}

/// Brings the repository of a package back from a backup, whole or not at all. Refused while somebody imports it.
///
/// # Errors
/// The backup lacks the repository, or it is damaged there; the key is that of another installation; somebody imports the
/// package; a file cannot be written. Nothing is changed then.
pub fn bring(backup: &Path, root: &Path, package: &PackageName) -> Result<Brought, BackupError> {
    let name = Repository::place(Path::new("repos"), package);
    if !backup.join(&name).is_dir() {
        return Err(BackupError::NotInBackup { package: package.to_string(), path: backup.to_owned() });
    }
    let problems = check::problems_of(backup, &name, |_, _| ())?.lines();
    if !problems.is_empty() {
        return Err(BackupError::Damaged { path: backup.join(&name), problems });
    }
    key(backup, root)?;
    let to = root.join(&name);
    let folder = to.parent().unwrap_or(root).to_owned();
    fs::create_dir_all(&folder).map_err(BackupError::file("create", &folder))?;
    let part = folder.join(format!(".{package}.restoring"));
    crate::take::remove_folder(&part)?;
    let copied = copy_all(&backup.join(&name), &part).and_then(|()| sync(&part));
    copied.inspect_err(|_| drop(crate::take::remove_folder(&part)))?;
    let set_aside = swap(root, package, &part, &to)?;
    Ok(Brought { package: package.to_string(), repository: to, set_aside })
}

/// No key is longer, in bytes.
const LONGEST_KEY: u64 = 4096;

/// Repositories are sealed with the key of their installation. One without a key gets that of the backup.
fn key(backup: &Path, root: &Path) -> Result<(), BackupError> {
    let (theirs, ours) = (backup.join(KEY), place_of_key(&root.join("repos")));
    let Ok(theirs_read) = bounded::file::read(&theirs, LONGEST_KEY) else { return Ok(()) };
    match bounded::file::read(&ours, LONGEST_KEY) {
        Ok(read) if read == theirs_read => Ok(()),
        Ok(_) => Err(BackupError::OtherKey(backup.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => copy_all(&theirs, &ours),
        Err(error) => Err(BackupError::file("read", &ours)(error)),
    }
}

fn sync(folder: &Path) -> Result<(), BackupError> {
    let opened = bounded::file::open_folder(folder).map_err(BackupError::file("open", folder))?;
    rustix::fs::syncfs(&opened).map_err(|error| BackupError::file("write", folder)(error.into()))
}

/// Puts the copy in its place, in one step. Returns where the one that was there has gone.
fn swap(root: &Path, package: &PackageName, part: &Path, to: &Path) -> Result<Option<PathBuf>, BackupError> {
    if !to.exists() {
        fs::rename(part, to).map_err(BackupError::file("rename", part))?;
        return Ok(None);
    }
    // No import uses it meanwhile; a repository that cannot be opened cannot be imported into either.
    let opened = Repository::open(&root.join("repos"), package).ok();
    let _guard = opened.map(|repository| repository.lock_idle()).transpose()?;
    let aside = free_name(to);
    match renameat_with(CWD, part, CWD, to, RenameFlags::EXCHANGE) {
        Ok(()) => fs::rename(part, &aside).map_err(BackupError::file("rename", part))?,
        // Some file systems cannot exchange two folders.
        Err(_) => {
            fs::rename(to, &aside).map_err(BackupError::file("rename", to))?;
            let moved = fs::rename(part, to);
            moved.inspect_err(|_| drop(fs::rename(&aside, to))).map_err(BackupError::file("rename", part))?;
        }
    }
    Ok(Some(aside))
}

/// A free name beside it that no repository has: `.hello.git.replaced-1`.
fn free_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = |number: u32| path.with_file_name(format!(".{name}.replaced-{number}"));
    (1..).map(name).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| name(0))
}
