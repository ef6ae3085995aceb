//! Finds backups, and checks that one is unchanged.

use std::collections::{BTreeMap, BTreeSet};
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
///
/// # Errors
/// The folder cannot be read.
pub fn all(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut found: Vec<PathBuf> =
        folders(folder)?.into_iter().filter(|path| path.join(MANIFEST).is_file()).collect();
    found.sort();
    Ok(found)
}

/// The repositories of a root or of a backup, by their paths below it, sorted.
///
/// # Errors
/// A folder cannot be read.
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

/// Problems of a backup; empty if it is intact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// With single repositories, by their paths below the backup. The others can be brought back.
    pub repositories: BTreeMap<PathBuf, Vec<String>>,
    /// Problems of what everything depends on: the state, the key, the list of checksums.
    pub whole: Vec<String>,
}

impl Problems {
    fn add(&mut self, path: &Path, problem: String) {
        match repository_of(path) {
            Some(repository) => self.repositories.entry(repository).or_default().push(problem),
            None => self.whole.push(problem),
        }
    }

    /// All of them, a line each.
    pub fn lines(self) -> Vec<String> {
        self.whole.into_iter().chain(self.repositories.into_values().flatten()).collect()
    }
}

/// The repository that a file below a backup belongs to: `repos/h/hello.git`.
fn repository_of(path: &Path) -> Option<PathBuf> {
    let parts: Vec<_> = path.components().take(4).collect();
    let [repos, prefix, name, _] = parts.as_slice() else { return None };
    let is_one = repos.as_os_str() == "repos" && Path::new(name).extension().is_some_and(|it| it == "git");
    is_one.then(|| [repos, prefix, name].into_iter().collect())
}

/// Reads everything and says what is wrong. `watch` is told how many files are done, and of how many.
///
/// # Errors
/// The manifest cannot be read, or is of a newer form. Problems of single files are in the result.
pub fn problems(backup: &Path, watch: impl FnMut(usize, usize)) -> Result<Problems, BackupError> {
    let mut problems = problems_of(backup, Path::new(""), watch)?;
    if let Err(error) = sqlite::check_file(&backup.join(STATE)) {
        problems.whole.push(format!("{STATE}: {error}"));
    }
    Ok(problems)
}

/// The problems of one part, for example `repos/h/hello.git`, and of the list of checksums.
///
/// # Errors
/// The manifest or the list of checksums cannot be read.
pub fn problems_of(
    backup: &Path,
    part: &Path,
    mut watch: impl FnMut(usize, usize),
) -> Result<Problems, BackupError> {
    let manifest = manifest(backup)?;
    let sums = Sums::read(backup)?;
    let mut problems = Problems::default();
    if sums::of_bytes(&sums.text()) != manifest.sums {
        problems.whole.push(format!("{SUMS} is not the list that the backup was made with"));
    }
    let wanted: Vec<_> = sums.0.iter().filter(|(path, _)| path.starts_with(part)).collect();
    for (done, (path, sum)) in wanted.iter().enumerate() {
        watch(done, wanted.len());
        match sums::of_file(&backup.join(path)) {
            Ok((found, _)) if found == **sum => {}
            Ok(_) => problems.add(path, format!("{} has another content", path.display())),
            Err(error) => problems.add(path, format!("{}: {error}", path.display())),
        }
    }
    let known: BTreeSet<&Path> = sums.0.keys().map(PathBuf::as_path).collect();
    others(backup, part, &known, &mut problems);
    Ok(problems)
}

/// Files that the backup was not made with: a repository could take them for its own.
fn others(backup: &Path, folder: &Path, known: &BTreeSet<&Path>, problems: &mut Problems) {
    let unreadable = |error: io::Error| format!("cannot read {}: {error}", folder.display());
    let entries = match fs::read_dir(backup.join(folder)) {
        Ok(entries) => entries,
        Err(error) => return problems.add(&folder.join("x"), unreadable(error)),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return problems.add(&folder.join("x"), unreadable(error)),
        };
        let name = folder.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            others(backup, &name, known, problems);
        } else if !known.contains(name.as_path()) && name != Path::new(SUMS) && name != Path::new(MANIFEST) {
            problems.add(&name, format!("{} does not belong to it", name.display()));
        }
    }
}

/// Refuses a backup whose state, key or list of checksums is not as it was made; returns what is wrong with single
/// repositories, by their paths.
///
/// # Errors
/// [`BackupError::Damaged`] when more than single repositories is damaged; else as of [`problems`].
pub fn check(
    backup: &Path,
    watch: impl FnMut(usize, usize),
) -> Result<BTreeMap<PathBuf, Vec<String>>, BackupError> {
    let mut problems = problems(backup, watch)?;
    if problems.whole.is_empty() {
        return Ok(problems.repositories);
    }
    problems.whole.truncate(10);
    Err(BackupError::Damaged { path: backup.to_owned(), problems: problems.whole })
}
