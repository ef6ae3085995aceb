//! What comes back from a copy of a repository elsewhere. A copy is not believed: objects are named by what they are, and no ref of
//! it is on record until the record is made of what else is known.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::index_pack;
use crate::refs::lock::Guard;
use crate::refs::{Edit, Value};
use crate::repository::{Repository, peel};
use crate::{Error, ObjectId};

/// Makes the indices of all packs anew: each object is found under the id of its content, whatever the copy's index said.
///
/// # Errors
/// A pack that is not whole; files.
pub fn index_anew(repository: &Repository) -> Result<(), Error> {
    for pack in packs(repository)? {
        for ending in ["idx", "rev"] {
            let path = pack.with_extension(ending);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::file("remove", &path, error));
                }
                _ => {}
            }
        }
        index_pack(repository, &pack)?;
    }
    Ok(())
}

fn packs(repository: &Repository) -> Result<Vec<PathBuf>, Error> {
    let folder = repository.path().join("objects/pack");
    let entries = fs::read_dir(&folder).map_err(|error| Error::file("read", &folder, error))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|it| it == "pack")).collect())
}

/// The first of some objects that a repository lacks.
///
/// # Errors
/// Its files.
pub fn first_missing(
    repository: &Repository,
    wanted: impl Iterator<Item = ObjectId>,
) -> Result<Option<ObjectId>, Error> {
    let store = repository.store(1)?;
    let mut missing = wanted.filter(|id| !store.contains(id));
    Ok(missing.next())
}

/// Makes a new repository of the refs of a copy, without a record: nobody has confirmed them yet. Their objects have to be here,
/// durable. `head`, as `DISTRO/SUITE`, is the branch that a clone checks out.
///
/// # Errors
/// [`Error::Missing`] if an object is not here; files.
pub fn take_copy(
    repository: &Repository,
    guard: &Guard,
    there: &BTreeMap<String, ObjectId>,
    head: Option<&str>,
) -> Result<(), Error> {
    let mut store = repository.store(1)?;
    let mut edits = Vec::new();
    for (name, id) in there {
        store.kind(*id)?;
        let peeled = peel(*id, &mut store)?;
        edits.push(Edit { name: name.clone(), expected: None, new: Value { id: *id, peeled } });
    }
    drop(store);
    repository.publish(guard, &edits, head, None)
}
