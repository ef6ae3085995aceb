//! Finds backups, and checks that one is unchanged.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use state::driver::sqlite;

use crate::error::BackupError;
use crate::manifest::{FORM, MANIFEST, Manifest, STATE};
use crate::sums::{self, SUMS, Sums};

/// The newest backup in a folder, or the folder itself if it is one.
///
/// # Errors
/// [`BackupError::NoBackup`] when there is none.
pub fn newest(folder: &Path) -> Result<PathBuf, BackupError> {
    if folder.join(MANIFEST).is_file() {
        return Ok(folder.to_owned());
    }
    all(folder)?.pop().ok_or_else(|| BackupError::NoBackup(folder.to_owned()))
}

/// All finished backups in a folder, oldest first, by the times in their names.
pub fn all(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut found: Vec<PathBuf> =
        folders(folder)?.into_iter().filter(|path| path.join(MANIFEST).is_file()).collect();
    found.sort();
    Ok(found)
}

/// The repositories of a root or of a backup, by their paths below it, sorted.
pub fn repositories(root: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut found = Vec::new();
    for prefix in folders(&root.join("repos"))? {
        for path in folders(&prefix)? {
            let is_new = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if !is_new
                && path.extension().is_some_and(|ending| ending == "git")
                && path.join("HEAD").is_file()
            {
                found.extend(path.strip_prefix(root).map(Path::to_owned));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BackupError::file("read", folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(BackupError::file("read", folder))?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Size limit of a manifest.
const LARGEST: u64 = 16 << 20;

/// Manifest of a backup.
///
/// # Errors
/// [`BackupError::Damaged`] when it cannot be parsed, [`BackupError::Newer`] when it is of a newer form.
pub fn manifest(backup: &Path) -> Result<Manifest, BackupError> {
    let path = backup.join(MANIFEST);
    let text = bounded::file::read_text(&path, LARGEST).map_err(BackupError::file("read", &path))?;
    let damaged = |problem: String| BackupError::Damaged { path: backup.to_owned(), problems: vec![problem] };
    let form: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| damaged(format!("{MANIFEST}: {error}")))?;
    let form = form.get("v").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if form > u64::from(FORM) {
        let found = u32::try_from(form).unwrap_or(u32::MAX);
        return Err(BackupError::Newer { path: backup.to_owned(), found });
    }
    serde_json::from_str(&text).map_err(|error| damaged(format!("{MANIFEST}: {error}")))
}

/// Reads the whole backup and lists its problems; the list is empty if the backup is as it was made. `watch` gets
/// the number of files that are done, and of all.
///
/// # Errors
/// [`BackupError`] when the manifest or the checksums cannot be read at all.
pub fn problems(backup: &Path, mut watch: impl FnMut(usize, usize)) -> Result<Vec<String>, BackupError> {
    let manifest = manifest(backup)?;
    let sums = Sums::read(backup)?;
    let mut problems = Vec::new();
    if sums::of_bytes(&sums.text()) != manifest.sums {
        problems.push(format!("{SUMS} is not the list that the backup was made with"));
    }
    for (done, (path, wanted)) in sums.0.iter().enumerate() {
        watch(done, sums.0.len());
        match sums::of_file(&backup.join(path)) {
            Ok((found, _)) if found == *wanted => {}
            Ok(_) => problems.push(format!("{} has another content", path.display())),
            Err(error) => problems.push(format!("{}: {error}", path.display())),
        }
    }
    let known: BTreeSet<&Path> = sums.0.keys().map(PathBuf::as_path).collect();
    others(backup, Path::new(""), &known, &mut problems)?;
    if let Err(error) = sqlite::check_file(&backup.join(STATE)) {
        problems.push(format!("{STATE}: {error}"));
    }
    Ok(problems)
}

/// Files that are not part of the backup: a repository could take them for its own.
fn others(
    backup: &Path,
    folder: &Path,
    known: &BTreeSet<&Path>,
    problems: &mut Vec<String>,
) -> Result<(), BackupError> {
    let path = backup.join(folder);
    for entry in fs::read_dir(&path).map_err(BackupError::file("read", &path))? {
        let entry = entry.map_err(BackupError::file("read", &path))?;
        let name = folder.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            others(backup, &name, known, problems)?;
        } else if !known.contains(name.as_path()) && name != Path::new(SUMS) && name != Path::new(MANIFEST) {
            problems.push(format!("{} does not belong to it", name.display()));
        }
    }
    Ok(())
}

/// Refuses a backup that is not as it was made.
///
/// # Errors
/// [`BackupError::Damaged`] with at most ten problems.
pub fn check(backup: &Path, watch: impl FnMut(usize, usize)) -> Result<(), BackupError> {
    let mut problems = problems(backup, watch)?;
    if problems.is_empty() {
        return Ok(());
    }
    problems.truncate(10);
    Err(BackupError::Damaged { path: backup.to_owned(), problems })
}
