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
/// What the names of our own files in a repository start with.
const OWN: &str = "package-import.";

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
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(Guard { _file: file }),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Error::file("lock", &path, error.into())),
        }
    }
}

/// A lock file of Git's that we hold.
pub(crate) struct Held {
    path: Option<PathBuf>,
    own: PathBuf,
}

/// Takes a lock of Git's; `None` if somebody has it. The file that is returned is empty, and is the lock file.
pub(crate) fn take(
    repository: &Path,
    _guard: &Guard,
    purpose: &str,
    path: &Path,
) -> Result<Option<(File, Held)>, Error> {
    let own = repository.join(format!("{OWN}{purpose}"));
    remove_if_there(&own)?;
    let file = File::create_new(&own).map_err(|error| Error::file("create", &own, error))?;
    match fs::hard_link(&own, path) {
        Ok(()) => Ok(Some((file, Held { path: Some(path.to_owned()), own }))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            remove_if_there(&own)?;
            Ok(None)
        }
        Err(error) => Err(Error::file("lock", path, error)),
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
    for purpose in ["packed-refs", "loose"] {
        let own = repository.join(format!("{OWN}{purpose}"));
        let Ok(metadata) = fs::symlink_metadata(&own) else { continue };
        if metadata.nlink() > 1 {
            if purpose == "loose" {
                remove_links(&repository.join("refs"), &metadata)?;
            } else {
                remove_link(&repository.join("packed-refs.lock"), &metadata)?;
            }
        }
        remove_if_there(&own)?;
    }
    Ok(())
}

fn remove_links(folder: &Path, own: &fs::Metadata) -> Result<(), Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_links(&entry.path(), own)?;
        } else if entry.path().extension().is_some_and(|ending| ending == "lock") {
            remove_link(&entry.path(), own)?;
        }
    }
    Ok(())
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
