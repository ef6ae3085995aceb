//! Loose refs: files below `refs/`, made by others.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::durable::room;
use crate::refs::lock::{self, Guard};
use crate::refs::refname;
use crate::{Error, ObjectId};

/// All loose refs that name an object. Symbolic and broken refs are left out.
pub(crate) fn read_all(repository: &Path) -> Result<BTreeMap<String, ObjectId>, Error> {
    let mut found = BTreeMap::new();
    walk(repository, "refs", &mut found)?;
    Ok(found)
}

fn walk(repository: &Path, folder: &str, found: &mut BTreeMap<String, ObjectId>) -> Result<(), Error> {
    let path = repository.join(folder);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        // Git removes folders that have become empty at any time.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file("read", &path, error)),
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let name = format!("{folder}/{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(repository, &name, found)?,
            // Git takes other files for no refs: locks, an editor's copies.
            Ok(kind) if kind.is_file() && refname::is_valid(&name) => {
                if let Some(id) = read(repository, &name) {
                    found.insert(name, id);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A loose ref longer than this is none.
const LONGEST: u64 = 64 << 10;

fn read(repository: &Path, name: &str) -> Option<ObjectId> {
    let text = bounded::file::read(&repository.join(name), LONGEST).ok()?;
    ObjectId::from_hex(text.trim_ascii_end()).ok()
}

/// True when there is a loose file that names no object: a symbolic ref, or a broken one.
pub(crate) fn is_strange(repository: &Path, name: &str) -> bool {
    let is_file = fs::symlink_metadata(repository.join(name)).is_ok_and(|it| !it.is_dir());
    is_file && read(repository, name).is_none()
}

/// Loose files that Git takes for refs and that name nothing: empty after a crash, or overwritten. Symbolic ones are none.
pub(crate) fn unreadable(repository: &Path) -> Vec<String> {
    fn walk(repository: &Path, folder: &str, found: &mut Vec<String>) {
        let Ok(entries) = fs::read_dir(repository.join(folder)) else { return };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = format!("{folder}/{name}");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => walk(repository, &name, found),
                Ok(kind) if kind.is_file() && refname::is_valid(&name) => {
                    let text = bounded::file::read(&repository.join(&name), LONGEST).unwrap_or_default();
                    let id = ObjectId::from_hex(text.trim_ascii_end()).ok().filter(|id| !id.is_null());
                    if id.is_none() && !text.starts_with(b"ref:") {
                        found.push(name);
                    }
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(repository, "refs", &mut found);
    found.sort();
    found
}

/// Removes loose files whose values are packed, by Git's own protocol: lock, compare, remove. One that was changed
/// meanwhile, or that somebody has locked, stays.
pub(crate) fn prune<'a>(
    repository: &Path,
    guard: &Guard,
    refs: impl Iterator<Item = (&'a String, &'a ObjectId)>,
) -> Result<(), Error> {
    for (name, id) in refs {
        let path = repository.join(name);
        let Some(held) = lock::take_loose(repository, guard, name)? else { continue };
        if read(repository, name) == Some(*id) {
            fs::remove_file(&path).map_err(|error| Error::file("remove", &path, error))?;
        }
        held.release()?;
        remove_empty_folders(repository, name);
    }
    Ok(())
}

/// Makes the folder that a ref's lock file lies in. A ref in its place is a conflict of names, as it is for Git.
pub(crate) fn make_folder(repository: &Path, name: &str) -> Result<(), Error> {
    let (folder, _) = name.rsplit_once('/').unwrap_or(("", name));
    let path = repository.join(folder);
    match room().and_then(|()| fs::create_dir_all(&path)) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists) => {
            Err(Error::NameConflict { name: name.to_owned(), other: folder.to_owned() })
        }
        other => other.map_err(|error| Error::file("create", &path, error)),
    }
}

/// An empty folder would keep a ref of its name from being made. Git removes them in the same way.
pub(crate) fn remove_empty_folders(repository: &Path, name: &str) {
    let mut folder = name;
    while let Some((shorter, _)) = folder.rsplit_once('/') {
        let kept = matches!(shorter, "refs" | "refs/heads" | "refs/tags");
        if kept || fs::remove_dir(repository.join(shorter)).is_err() {
            break;
        }
        folder = shorter;
    }
}
