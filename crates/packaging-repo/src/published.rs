//! The published refs of a repository: those that the importer has written, by its record, and adopted branches; no
//! others.

use std::path::Path;

use bounded::Deadline;

use crate::refs::refname;
use crate::refs::{Edit, Refs, Value};
use crate::repository::Repository;
use crate::{Error, ObjectId};

/// The part of a repository that is published.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// Published refs.
    pub refs: Refs,
    /// The branch that a clone checks out, in full.
    pub head: Option<String>,
}

/// Published refs of a repository; `None` if it has no record of the refs that its importer has written.
///
/// # Errors
/// The record or the refs cannot be read.
pub fn of(repository: &Repository) -> Result<Option<Published>, Error> {
    let Some(record) = repository.record()? else { return Ok(None) };
    let mut refs = repository.refs()?;
    refs.retain(|name, value| record.publishes(name, value.id));
    let head = Some(repository.head()?).filter(|head| refs.contains_key(head));
    Ok(Some(Published { refs, head }))
}

/// Gives objects that were brought from elsewhere names of their own, so that they are never lost: each with the ref that
/// it was found under. They have to be durable. Returns the new names.
///
/// # Errors
/// [`Error::Busy`] when the lock is held until the deadline.
pub fn set_aside(
    repository: &Repository,
    found: &[(String, ObjectId)],
    deadline: Deadline,
) -> Result<Vec<String>, Error> {
    let guard = repository.lock(deadline)?;
    let refs = repository.refs()?;
    let record = repository.record()?;
    let mut edits: Vec<Edit> = Vec::new();
    let mut names = Vec::new();
    let mut store = repository.store(1)?;
    for (name, id) in found {
        let is_commit = store.kind(*id)? == gix_object::Kind::Commit;
        let hex = id.to_string();
        let folder = aside_folder(name, is_commit);
        let all = [12, 20, 40].map(|digits| format!("{folder}/{}", hex.get(..digits).unwrap_or(&hex)));
        let free = all.iter().find(|name| refs.get(*name).is_none_or(|value| value.id == *id));
        let Some(aside) = free else { continue };
        names.push(aside.clone());
        if !refs.contains_key(aside) && !edits.iter().any(|edit| edit.name == *aside) {
            let peeled = crate::object::tag_target(*id, &mut store)?;
            edits.push(Edit { name: aside.clone(), expected: None, new: Value { id: *id, peeled } });
        }
    }
    if !edits.is_empty() {
        let record = record.map(|it| it.with(&refs, edits.iter().map(|edit| (&edit.name, edit.new.id))));
        repository.publish(&guard, &edits, None, record.as_ref())?;
    }
    Ok(names)
}

/// Moves branches to where somebody else has moved them on a remote, as if that had been pushed to this repository: the
/// next import compares, sets aside and joins them. The objects have to be here, durable. Returns the moved branches;
/// branches that are foreign in this repository, too, stay.
pub fn take_in(
    repository: &Repository,
    found: &[(String, ObjectId)],
    deadline: Deadline,
) -> Result<Vec<String>, Error> {
    let guard = repository.lock(deadline)?;
    let refs = repository.refs()?;
    let Some(record) = repository.record()? else { return Ok(Vec::new()) };
    let store = repository.store(1)?;
    let mut edits = Vec::new();
    for (name, theirs) in found.iter().filter(|(name, _)| name.starts_with("refs/heads/")) {
        let Some(now) = refs.get(name).map(|value| value.id).filter(|id| record.knows(name, *id)) else {
            continue;
        };
        if !name.starts_with(refname::ASIDE) && store.kind(*theirs)? == gix_object::Kind::Commit {
            let new = Value { id: *theirs, peeled: None };
            edits.push(Edit { name: name.clone(), expected: Some(now), new });
        }
    }
    if !edits.is_empty() {
        repository.transact(&guard, &edits)?;
    }
    Ok(edits.into_iter().map(|edit| edit.name).collect())
}

/// Folder for a ref that is set aside: among the branches for a commit, where a clone shows it; among the tags for
/// anything else.
fn aside_folder(name: &str, is_commit: bool) -> String {
    match name.strip_prefix("refs/heads/") {
        Some(branch) if is_commit => format!("refs/heads/collisions/{branch}"),
        _ => {
            let short =
                name.strip_prefix("refs/tags/").or_else(|| name.strip_prefix("refs/")).unwrap_or(name);
            format!("refs/tags/collisions/{short}")
        }
    }
}

/// The objects of a repository.
pub fn objects(repository: &Repository) -> std::path::PathBuf {
    repository.path().join("objects")
}

/// Path of the file of packed refs.
pub fn packed_refs(repository: &Path) -> std::path::PathBuf {
    repository.join("packed-refs")
}
