//! Takes a backup: a folder of its own in the destination, which appears as a whole or not at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bounded::Deadline;
use bounded::lock::{LockError, Mode};
use packaging_repo::seal::{KEY, place};
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use state::{Store, events, meta, runs, schema, transfer};

use crate::check;
use crate::error::BackupError;
use crate::manifest::{ACCOUNTS, CONFIG, FORM, MANIFEST, Manifest, STATE};
use crate::repository::{self, Target};
use crate::sums::{self, SUMS, Sums};

/// A backup that is not finished.
const UNFINISHED: &str = ".unfinished";
const LOCK: &str = ".lock";

/// Options of taking a backup.
pub struct TakeOptions<'a> {
    /// State of the installation.
    pub store: &'a Store,
    /// Root of the installation.
    pub root: &'a Path,
    /// The configuration, if there is one.
    pub config: Option<&'a Path>,
    /// Folder of the backups.
    pub destination: &'a Path,
    /// As many are kept; 0: all.
    pub keep: usize,
    /// True when logs are copied, too.
    pub logs: bool,
    /// Version of this program.
    pub program: &'a str,
    /// Name of this host.
    pub host: &'a str,
    /// Name of the actor.
    pub actor: &'a str,
}

/// Result of taking a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Folder of the backup.
    pub folder: PathBuf,
    /// Manifest of the backup.
    pub manifest: Manifest,
    /// Bytes that were copied.
    pub copied: u64,
    /// Files that it shares with the backup before.
    pub linked: u64,
    /// Older backups that were removed.
    pub removed: Vec<PathBuf>,
    /// Reason why the state could not record it: its own disk is full, or read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<String>,
}

/// Takes a backup. `watch` is told how many repositories are done, and of how many. What could not be finished is removed
/// again: it would keep a full disk full.
///
/// # Errors
/// Another backup into this folder is at work, or a file cannot be read or written. An error of recording is in the result.
pub fn take(wanted: &TakeOptions<'_>, watch: impl FnMut(usize, usize)) -> Result<Taken, BackupError> {
    let destination = wanted.destination;
    fs::create_dir_all(destination).map_err(BackupError::file("create", destination))?;
    let _lock = lock(destination)?;
    let folder = destination.join(UNFINISHED);
    remove_folder(&folder)?;
    fs::create_dir(&folder).map_err(BackupError::file("create", &folder))?;
    fill(wanted, &folder, watch).inspect_err(|_| drop(remove_folder(&folder)))
}

/// Copies everything into a folder, and gives it its name.
fn fill(
    wanted: &TakeOptions<'_>,
    folder: &Path,
    mut watch: impl FnMut(usize, usize),
) -> Result<Taken, BackupError> {
    let destination = wanted.destination;
    let previous = check::newest(destination).ok();
    let old_sums = previous.as_deref().map(Sums::read).transpose().unwrap_or_default();
    let mut sums = Sums::default();
    let mut target = Target {
        folder,
        previous: previous.as_deref().zip(old_sums.as_ref()),
        sums: &mut sums,
        copied: 0,
        linked: 0,
    };
    let made = milliseconds();
    let file = folder.join(STATE);
    transfer::copy_to_file(wanted.store, &file)
        .map_err(|error| BackupError::Copy { path: file.clone(), error: Box::new(error) })?;
    let (sum, size) = sums::of_file(&file).map_err(BackupError::file("read", &file))?;
    target.sums.0.insert(STATE.into(), sum);
    target.copied += size;
    let repositories = check::repositories(wanted.root)?;
    for (done, name) in repositories.iter().enumerate() {
        watch(done, repositories.len());
        repository::copy(&wanted.root.join(name), name, &mut target)?;
    }
    // Without the key, the importer's refs could not be recognised after a restore.
    target.copy(&place(&wanted.root.join("repos")), Path::new(KEY))?;
    // Whoever may sign in at the pages. The key of sessions is no part of a backup: everybody signs in again.
    target.copy(&wanted.root.join(ACCOUNTS), Path::new(ACCOUNTS))?;
    if let Some(config) = wanted.config {
        target.copy(config, Path::new(CONFIG))?;
    }
    if wanted.logs {
        copy_logs(wanted.root, Path::new("logs"), &mut target)?;
    }
    let (copied, linked) = (target.copied, target.linked);
    let manifest = finish(wanted, folder, &sums, made, repositories.len())?;
    let folder = publish(destination, folder, made)?;
    // The backup is complete: that is worth more than its record.
    let recorded = wanted.store.write(|tx| {
        meta::set(tx, meta::LAST_BACKUP, &made.to_string())?;
        let after = folder.display().to_string();
        events::record(tx, wanted.actor, "backup", "state", None, None, Some(&after))
    });
    let unrecorded = recorded.err().map(|error| format!("{}: {error}", wanted.store.name()));
    let removed = remove_old(destination, wanted.keep)?;
    Ok(Taken { folder, manifest, copied, linked, removed, unrecorded })
}

fn finish(
    wanted: &TakeOptions<'_>,
    folder: &Path,
    sums: &Sums,
    made: i64,
    repositories: usize,
) -> Result<Manifest, BackupError> {
    let text = sums.text();
    let manifest = Manifest {
        v: FORM,
        program: wanted.program.to_owned(),
        host: wanted.host.to_owned(),
        made,
        schema: schema::CURRENT,
        epoch: wanted.store.read(runs::epoch)?,
        repositories: repositories as u64,
        files: sums.0.len() as u64,
        sums: sums::of_bytes(&text),
    };
    let path = folder.join(SUMS);
    fs::write(&path, &text).map_err(BackupError::file("write", &path))?;
    let path = folder.join(MANIFEST);
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n";
    fs::write(&path, text).map_err(BackupError::file("write", &path))?;
    // All of it is on the disk before the name marks it as a backup.
    let opened = bounded::file::open_folder(folder).map_err(BackupError::file("open", folder))?;
    rustix::fs::syncfs(&opened).map_err(|error| BackupError::file("write", folder)(error.into()))?;
    Ok(manifest)
}

/// Gives the folder its name, which is its time.
fn publish(destination: &Path, folder: &Path, made: i64) -> Result<PathBuf, BackupError> {
    let seconds = u64::try_from(made / 1000).unwrap_or(0);
    let time = humantime::format_rfc3339_seconds(UNIX_EPOCH + std::time::Duration::from_secs(seconds));
    let name: String = time.to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    for number in 1..1000 {
        let ending = if number == 1 { String::new() } else { format!("-{number:03}") };
        let path = destination.join(format!("{name}{ending}"));
        if path.exists() {
            continue;
        }
        fs::rename(folder, &path).map_err(BackupError::file("rename", folder))?;
        let synced = bounded::file::sync_folder(destination);
        synced.map_err(BackupError::file("write", destination))?;
        return Ok(path);
    }
    Err(BackupError::TooMany(destination.to_owned()))
}

/// Lock of the destination, until it is dropped.
struct Lock(File);

impl Drop for Lock {
    /// Unlocked explicitly: a child that another thread is just starting has the open file, too, for a moment.
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Two at a time would write into the same folder.
fn lock(destination: &Path) -> Result<Lock, BackupError> {
    let path = destination.join(LOCK);
    bounded::lock::open(&path, Mode::Exclusive, Deadline::now()).map(Lock).map_err(|error| match error {
        LockError::Held(held) => BackupError::Busy(held),
        LockError::File { action, path, error } => BackupError::file(action, &path)(error),
    })
}

fn remove_old(destination: &Path, keep: usize) -> Result<Vec<PathBuf>, BackupError> {
    let mut all = check::all(destination)?;
    let old = if keep == 0 { 0 } else { all.len().saturating_sub(keep) };
    all.truncate(old);
    for folder in &all {
        // Without its manifest it is no backup, so a half-removed one is never taken for one.
        let manifest = folder.join(MANIFEST);
        fs::remove_file(&manifest).map_err(BackupError::file("remove", &manifest))?;
        remove_folder(folder)?;
    }
    Ok(all)
}

pub(crate) fn remove_folder(folder: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BackupError::file("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

fn copy_logs(root: &Path, name: &Path, target: &mut Target<'_>) -> Result<(), BackupError> {
    let Ok(entries) = fs::read_dir(root.join(name)) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = name.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy_logs(root, &name, target)?,
            Ok(kind) if kind.is_file() => drop(target.copy(&entry.path(), &name)?),
            _ => {}
        }
    }
    Ok(())
}

fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
