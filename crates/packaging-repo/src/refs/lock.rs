//! Locks: one for the whole repository among importers, and Git's own lock files.
//!
//! A lock of Git's is held as long as its file exists. If its owner is killed, the file stays and blocks everybody.
//! The importer makes its lock files as second names of a file of its own, so that the next importer can tell those
//! of a dead importer from those of others: it holds the repository's lock, hence the owner of that file is dead.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bounded::Deadline;
use bounded::lock::{LockError, Mode};
use command_fds::{CommandFdExt, FdMapping};

use crate::Error;
use crate::durable::room;
use crate::refs::fence::Fence;
use crate::refs::first_publish;

/// Name of the file that importers lock. It stays, so it must not have the name of one of Git's own locks, which must
/// not stay.
const LOCK: &str = "package-import.flock";
/// The second name of our lock of `packed-refs`; the number of the fence follows, if there is one.
const OWN: &str = "package-import.packed-refs";
/// Prefix of the second name of the importer's lock of a loose ref, in the ref's own folder: landlock before Linux
/// 5.19 allows no links from one folder to another. Git takes a name like that for no ref.
const OWN_LOOSE: &str = ".package-import-";
const ENDING: &str = ".lock";

/// Exclusive among importers until this is dropped.
#[derive(Debug)]
pub struct Guard {
    file: File,
    fence: Option<Fence>,
}

/// Waits until no other importer works on the repository. Importers with fences do not wait for each other, since one
/// of them may be frozen: the higher fence shuts the lower out.
pub(crate) fn repository(
    repository: &Path,
    fence: Option<Fence>,
    deadline: Deadline,
) -> Result<Guard, Error> {
    let mode = if fence.is_some() { Mode::Shared } else { Mode::Exclusive };
    let file = locked(repository, mode, deadline)?;
    if let Some(fence) = fence {
        fence.raise(repository)?;
    }
    Ok(Guard { file, fence })
}

/// Locks the repository unless an importer works on it: that may be a frozen one, which would be waited for in vain.
pub(crate) fn idle(repository: &Path) -> Result<Guard, Error> {
    let file = locked(repository, Mode::Exclusive, Deadline::now())?;
    Ok(Guard { file, fence: None })
}

fn locked(repository: &Path, mode: Mode, deadline: Deadline) -> Result<File, Error> {
    bounded::lock::open(&repository.join(LOCK), mode, deadline).map_err(|error| match error {
        LockError::Held(held) => Error::Busy(held),
        LockError::File { action, path, error } => Error::File { action, path, error },
    })
}

impl Guard {
    /// Refused if a process with a higher fence has arrived.
    pub(crate) fn check(&self, repository: &Path) -> Result<(), Error> {
        self.fence.map_or(Ok(()), |fence| fence.check(repository))
    }

    /// Hands the lock to a program and to all programs that it starts, as descriptor 3: it is held until the last of
    /// them has ended (`flock(2)`). Git passes its standard input on to none of them.
    pub(crate) fn hand_to(&self, command: &mut Command) -> Result<(), Error> {
        let shared = |error| Error::file("share", Path::new(LOCK), error);
        let parent_fd = self.file.try_clone().map_err(shared)?.into();
        let mapped = command.fd_mappings(vec![FdMapping { parent_fd, child_fd: 3 }]);
        mapped.map(drop).map_err(|error| shared(io::Error::other(error)))
    }

    /// Error for a file of this importer that has gone.
    pub(crate) fn gone(&self, action: &'static str, path: &Path, error: io::Error) -> Error {
        match self.fence {
            Some(ours) if error.kind() == io::ErrorKind::NotFound => Error::Fenced { ours, higher: None },
            _ => Error::file(action, path, error),
        }
    }

    /// Prefix of the files that belong to this importer alone.
    pub(crate) fn prefix(&self) -> String {
        self.fence.map_or(String::new(), |fence| format!("{fence}-"))
    }

    fn own(&self) -> String {
        self.fence.map_or(OWN.to_owned(), |fence| format!("{OWN}-{fence}"))
    }
}

/// A lock file of Git that this process holds.
pub(crate) struct Held {
    path: Option<PathBuf>,
    own: PathBuf,
}

/// Takes Git's lock of `packed-refs`; `None` if another process holds it. The returned file is empty, and is the
/// lock file.
pub(crate) fn take_packed(repository: &Path, guard: &Guard) -> Result<Option<(File, Held)>, Error> {
    take(repository.join(guard.own()), repository.join("packed-refs.lock"))
}

/// Takes Git's lock of a loose ref; `None` if another process holds it, or if its folder was removed.
pub(crate) fn take_loose(repository: &Path, _guard: &Guard, name: &str) -> Result<Option<Held>, Error> {
    let (folder, last) = name.rsplit_once('/').unwrap_or(("", name));
    let folder = repository.join(folder);
    let own = folder.join(format!("{OWN_LOOSE}{last}{ENDING}"));
    match take(own, folder.join(format!("{last}{ENDING}"))) {
        // Git has just removed the folder, because it was empty.
        Err(Error::File { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => Ok(other?.map(|(_, held)| held)),
    }
}

fn take(own: PathBuf, path: PathBuf) -> Result<Option<(File, Held)>, Error> {
    remove_if_there(&own)?;
    let file =
        room().and_then(|()| File::create_new(&own)).map_err(|error| Error::file("create", &own, error))?;
    match room().and_then(|()| fs::hard_link(&own, &path)) {
        Ok(()) => Ok(Some((file, Held { path: Some(path), own }))),
        Err(error) => {
            remove_if_there(&own)?;
            let is_held = error.kind() == io::ErrorKind::AlreadyExists;
            if is_held { Ok(None) } else { Err(Error::file("lock", &path, error)) }
        }
    }
}

impl Held {
    /// Renames our file to the locked file, then gives the lock up. The name of our file decides: it is gone if a
    /// process with a higher fence has arrived, and no other process's file can be in its place.
    pub(crate) fn rename_to(mut self, target: &Path, guard: &Guard) -> Result<(), Error> {
        let renamed = room().and_then(|()| fs::rename(&self.own, target));
        renamed.map_err(|error| guard.gone("rename", &self.own, error))?;
        match self.path.take() {
            Some(path) => remove_same(&path, target),
            None => Ok(()),
        }
    }

    /// Gives the lock up.
    pub(crate) fn release(mut self) -> Result<(), Error> {
        match self.path.take() {
            Some(path) => remove_pair(&self.own, &path),
            None => Ok(()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            let _ = remove_pair(&self.own, &path);
        }
    }
}

/// Removes the locks of importers that are dead, or shut out, and the files that they had prepared: they do not find
/// them any more when they wake up.
pub(crate) fn remove_stale(repository: &Path, guard: &Guard) -> Result<(), Error> {
    let packed = repository.join("packed-refs.lock");
    let mut stale = Vec::new();
    let entries = fs::read_dir(repository).map_err(|error| Error::file("read", repository, error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(OWN.as_bytes()) {
            stale.push((entry.path(), Some(packed.clone())));
        } else if name.as_encoded_bytes().starts_with(first_publish::NEW.as_bytes()) {
            stale.push((entry.path(), None));
        }
    }
    find_stale_below(&repository.join("refs"), &mut stale);
    let is_locked = fs::symlink_metadata(&packed).is_ok();
    if stale.is_empty() && !is_locked {
        return Ok(());
    }
    guard.check(repository)?;
    for (own, lock) in stale {
        match lock {
            Some(lock) => remove_pair(&own, &lock)?,
            None => remove_if_there(&own)?,
        }
    }
    // Killed between the rename and the release of the lock.
    remove_same(&packed, &repository.join("packed-refs"))
}

fn find_stale_below(folder: &Path, stale: &mut Vec<(PathBuf, Option<PathBuf>)>) {
    // Git removes folders that have become empty at any time.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find_stale_below(&entry.path(), stale);
        } else if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_prefix(OWN_LOOSE)) {
            stale.push((entry.path(), Some(folder.join(name))));
        }
    }
}

/// The lock first: without its second name, its owner could not be determined.
fn remove_pair(own: &Path, lock: &Path) -> Result<(), Error> {
    let Ok(metadata) = fs::symlink_metadata(own) else { return Ok(()) };
    remove_link(lock, &metadata)?;
    remove_if_there(own)
}

/// Removes a lock that is the same file as the locked one. Git's own locks never are.
fn remove_same(lock: &Path, target: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(target) {
        Ok(metadata) => remove_link(lock, &metadata),
        Err(_) => Ok(()),
    }
}

fn remove_link(path: &Path, own: &fs::Metadata) -> Result<(), Error> {
    let same = fs::symlink_metadata(path).is_ok_and(|it| it.ino() == own.ino() && it.dev() == own.dev());
    if same { remove_if_there(path) } else { Ok(()) }
}

pub(crate) fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", path, error)),
        _ => Ok(()),
    }
}
