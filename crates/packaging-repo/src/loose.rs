//! Loose refs: files below `refs/`, made by others.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::lock::{self, Guard};
use crate::{Error, ObjectId};

/// All loose refs that name an object. Symbolic and broken ones are left to whoever made them.
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
            Ok(kind) if kind.is_file() && !name.ends_with(".lock") => {
                if let Some(id) = read(repository, &name) {
                    found.insert(name, id);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn read(repository: &Path, name: &str) -> Option<ObjectId> {
    let text = fs::read(repository.join(name)).ok()?;
    ObjectId::from_hex(text.trim_ascii_end()).ok()
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
        let lock_path = repository.join(format!("{name}.lock"));
        let Some((_, held)) = lock::take(repository, guard, "loose", &lock_path)? else { continue };
        if read(repository, name) == Some(*id) {
            fs::remove_file(&path).map_err(|error| Error::file("remove", &path, error))?;
        }
        held.release()?;
        remove_empty_folders(repository, name);
    }
    Ok(())
}

/// An empty folder would keep a ref of its name from being made. Git removes them in the same way.
fn remove_empty_folders(repository: &Path, name: &str) {
    let mut folder = name;
    while let Some((shorter, _)) = folder.rsplit_once('/') {
        let kept = matches!(shorter, "refs" | "refs/heads" | "refs/tags");
        if kept || fs::remove_dir(repository.join(shorter)).is_err() {
            break;
        }
        folder = shorter;
    }
}
