//! Locks: one for the whole repository among importers, and Git's own lock files.
//!
//! A lock file of Git's is a file that exists. If its owner is killed it stays and blocks everybody. Ours are made as
//! second names of a file of our own, so that the next importer can tell a dead importer's from those of others: it
//! holds the repository's lock, hence whoever owned that file is dead.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::Error;

/// The file that importers lock.
const LOCK: &str = "package-import.lock";
/// The second name of our lock of `packed-refs`.
const OWN: &str = "package-import.packed-refs";
/// What the second name of our lock of a loose ref starts with, in the ref's own folder: landlock before Linux 5.19
/// allows no links from one folder to another. Git takes a name like that for no ref.
const OWN_LOOSE: &str = ".package-import-";
const ENDING: &str = ".lock";

/// The repository is ours among importers until this is dropped.
#[derive(Debug)]
pub struct Guard {
    _file: File,
}

/// Waits until no other importer works on the repository.
pub(crate) fn repository(repository: &Path) -> Result<Guard, Error> {
    let path = repository.join(LOCK);
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|error| Error::file("open", &path, error))?;
    wait(file, &path)
}

/// Waits until no other importer makes a repository in a folder.
pub(crate) fn folder(path: &Path) -> Result<Guard, Error> {
    wait(File::open(path).map_err(|error| Error::file("open", path, error))?, path)
}

fn wait(file: File, path: &Path) -> Result<Guard, Error> {
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(Guard { _file: file }),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::file("lock", path, error.into())),
        }
    }
}

/// A lock file of Git's that we hold.
pub(crate) struct Held {
    path: Option<PathBuf>,
    own: PathBuf,
}

/// Takes Git's lock of `packed-refs`; `None` if somebody has it. The file that is returned is empty, and is the lock
/// file.
pub(crate) fn take_packed(repository: &Path, _guard: &Guard) -> Result<Option<(File, Held)>, Error> {
    take(repository.join(OWN), repository.join("packed-refs.lock"))
}

/// Takes Git's lock of a loose ref; `None` if somebody has it, or if its folder has gone.
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
    let file = File::create_new(&own).map_err(|error| Error::file("create", &own, error))?;
    match fs::hard_link(&own, &path) {
        Ok(()) => Ok(Some((file, Held { path: Some(path), own }))),
        Err(error) => {
            remove_if_there(&own)?;
            let is_held = error.kind() == io::ErrorKind::AlreadyExists;
            if is_held { Ok(None) } else { Err(Error::file("lock", &path, error)) }
        }
    }
}

impl Held {
    /// Makes the lock file the file that it locks.
    pub(crate) fn rename_to(mut self, target: &Path) -> Result<(), Error> {
        if let Some(path) = self.path.take() {
            fs::rename(&path, target).map_err(|error| Error::file("rename", &path, error))?;
        }
        remove_if_there(&self.own)
    }

    /// Gives the lock up.
    pub(crate) fn release(mut self) -> Result<(), Error> {
        match self.path.take() {
            Some(path) => remove_if_there(&path).and_then(|()| remove_if_there(&self.own)),
            None => Ok(()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            let _ = fs::remove_file(path);
            let _ = fs::remove_file(&self.own);
        }
    }
}

/// Removes the locks of a dead importer.
pub(crate) fn remove_stale(repository: &Path, _guard: &Guard) -> Result<(), Error> {
    remove_pair(&repository.join(OWN), &repository.join("packed-refs.lock"))?;
    remove_stale_below(&repository.join("refs"))
}

fn remove_stale_below(folder: &Path) -> Result<(), Error> {
    // Git removes folders that have become empty at any time.
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_stale_below(&entry.path())?;
        } else if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_prefix(OWN_LOOSE)) {
            remove_pair(&entry.path(), &folder.join(name))?;
        }
    }
    Ok(())
}

/// The lock first: without its second name, nobody could tell whose it is.
fn remove_pair(own: &Path, lock: &Path) -> Result<(), Error> {
    let Ok(metadata) = fs::symlink_metadata(own) else { return Ok(()) };
    remove_link(lock, &metadata)?;
    remove_if_there(own)
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
