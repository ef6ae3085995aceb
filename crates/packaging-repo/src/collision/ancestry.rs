//! The history of commits of others, of which only tree, parents and names are read, however odd the rest is.

use std::collections::{HashSet, VecDeque};

use gix_object::{CommitRefIter, Kind, TagRefIter};

use crate::store::RepoStore;
use crate::{Error, ObjectId};

/// Largest number of commits that are walked: a more distant one is no useful common ancestor.
const WALKED: usize = 300_000;
/// As many nearest common ancestors are looked at.
const COMMON: usize = 8;
/// A tag that names a tag, and so on: no deeper.
const TAGS: usize = 20;

/// Tree and parents of a commit.
pub(super) struct Links {
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
}

/// Reads the tree and the parents of a commit.
pub(super) fn links(id: ObjectId, store: &mut RepoStore) -> Result<Links, Error> {
    let data = store.read_kind(id, Kind::Commit)?;
    let mut commit = CommitRefIter::from_bytes(&data, id.kind());
    let tree = commit.tree_id().map_err(|_| Error::Malformed { id, what: "commit" })?;
    Ok(Links { tree, parents: commit.parent_ids().collect() })
}

/// Parents of a commit; none if it is missing, or no commit.
fn parents(id: ObjectId, store: &mut RepoStore) -> Result<Vec<ObjectId>, Error> {
    match links(id, store) {
        Ok(links) => Ok(links.parents),
        Err(Error::Missing(_) | Error::Malformed { .. } | Error::WrongKind { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// True when a commit is the wanted one, or has it among its ancestors.
///
/// # Errors
/// An object cannot be read.
pub fn leads_to(from: ObjectId, wanted: ObjectId, store: &mut RepoStore) -> Result<bool, Error> {
    let (mut todo, mut seen) = (VecDeque::from([from]), HashSet::new());
    while let Some(id) = todo.pop_front() {
        if id == wanted {
            return Ok(true);
        }
        if seen.insert(id) {
            todo.extend(parents(id, store)?);
        }
    }
    Ok(false)
}

/// The nearest commits that one has in common with another, each on its own way down.
pub(super) fn common(one: ObjectId, other: ObjectId, store: &mut RepoStore) -> Result<Vec<ObjectId>, Error> {
    let (mut todo, mut of_other) = (VecDeque::from([other]), HashSet::new());
    while let Some(id) = todo.pop_front() {
        if of_other.len() < WALKED && of_other.insert(id) {
            todo.extend(parents(id, store)?);
        }
    }
    let (mut todo, mut seen, mut found) = (VecDeque::from([one]), HashSet::new(), Vec::new());
    while let Some(id) = todo.pop_front() {
        if !seen.insert(id) || seen.len() > WALKED {
            continue;
        }
        if of_other.contains(&id) {
            found.push(id);
        } else {
            todo.extend(parents(id, store)?);
        }
        if found.len() >= COMMON {
            break;
        }
    }
    // One that another of them leads to is no nearest one.
    let mut nearest = Vec::new();
    for &id in &found {
        let mut is_below = false;
        for &above in found.iter().filter(|&&it| it != id) {
            is_below = is_below || leads_to(above, id, store)?;
        }
        if !is_below {
            nearest.push(id);
        }
    }
    Ok(nearest)
}

/// The tree behind anything that a ref can name, and the commit, if there is one.
pub(super) fn peel(
    id: ObjectId,
    store: &mut RepoStore,
) -> Result<Option<(ObjectId, Option<ObjectId>)>, Error> {
    let mut at = id;
    for _ in 0..TAGS {
        match store.kind(at)? {
            Kind::Commit => return Ok(Some((links(at, store)?.tree, Some(at)))),
            Kind::Tree => return Ok(Some((at, None))),
            Kind::Blob => return Ok(None),
            Kind::Tag => {
                let data = store.read(at)?;
                at = TagRefIter::from_bytes(&data, at.kind())
                    .target_id()
                    .map_err(|_| Error::Malformed { id: at, what: "tag" })?;
            }
        }
    }
    Ok(None)
}

/// Author and time (in seconds since 1970) that a tag or a commit gives for itself; for a tag without a tagger, those
/// of the object that it names.
pub(crate) fn maker(id: ObjectId, store: &mut RepoStore) -> Option<(String, i64)> {
    let mut at = id;
    for _ in 0..TAGS {
        let data = store.read(at).ok()?;
        let signature = match store.kind(at).ok()? {
            Kind::Commit => CommitRefIter::from_bytes(&data, at.kind()).committer().ok()?,
            Kind::Tag => {
                let tag = TagRefIter::from_bytes(&data, at.kind());
                let target = tag.target_id().ok()?;
                match tag.tagger().ok()? {
                    Some(tagger) => tagger,
                    None => {
                        at = target;
                        continue;
                    }
                }
            }
            Kind::Tree | Kind::Blob => return None,
        };
        let name = String::from_utf8_lossy(signature.name).into_owned();
        let email = String::from_utf8_lossy(signature.email).into_owned();
        let seconds = signature.time().map_or(0, |time| time.seconds);
        return Some((format!("{name} <{email}>").chars().take(200).collect(), seconds));
    }
    None
}
