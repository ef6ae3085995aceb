//! Kinds of foreign refs by their content, for readers: nothing is moved.

use std::collections::BTreeSet;

use source_package::version::Version;

use super::ancestry::{leads_to, maker, peel};
use super::branches::{blank, judged, kind_of, variants};
use super::noise;
use super::tree::differences;
use super::triage::Content;
use super::{Collision, Kind, shown};
use crate::foreign::{self, Foreign};
use crate::object;
use crate::refs::refname;
use crate::store::RepoStore;
use crate::view::{VersionTag, View};
use crate::{Error, ObjectId};

/// Judges each ref; `None` for those that nobody has to do anything about, and whose content means nothing to us.
///
/// # Errors
/// [`Error`] when the repository cannot be read or written.
pub fn judge(
    found: &[Foreign],
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Vec<Option<Collision>>, Error> {
    let mut versions = None;
    let mut judged = Vec::with_capacity(found.len());
    for it in found {
        judged.push(match it.kind {
            foreign::Kind::Branch => Some(branch(it, &mut versions, view, store)?),
            foreign::Kind::Tag => Some(tag(it, view, store)?),
            foreign::Kind::Other if it.name.starts_with("refs/dsc/") => {
                Some(with_maker(it, Kind::TagDiffers, store))
            }
            foreign::Kind::Gone => Some(with_maker(it, Kind::Rewritten, store)),
            foreign::Kind::Blocked => Some(with_maker(it, Kind::Blocked, store)),
            foreign::Kind::Other | foreign::Kind::Outside => None,
        });
    }
    Ok(judged)
}

fn with_maker(it: &Foreign, kind: Kind, store: &mut RepoStore) -> Collision {
    let (who, made) = it.theirs.and_then(|id| maker(id, store)).unzip();
    Collision { who, made, ours: it.ours, theirs: it.theirs, ..blank(it.name.clone(), kind) }
}

fn branch(
    it: &Foreign,
    versions: &mut Option<BTreeSet<ObjectId>>,
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Collision, Error> {
    let mut collision = with_maker(it, Kind::Unmerged, store);
    let Some(theirs) = it.theirs else { return Ok(collision) };
    let ours = it.ours.filter(|id| store.contains(id));
    let Some(ours) = ours else {
        // A branch that no suite has. With the content of a version it is harmless.
        let known = match versions {
            Some(known) => known,
            none => none.insert(trees(view, store)?),
        };
        let tree = look(peel(theirs, store))?.flatten().map(|(tree, _)| tree);
        if tree.is_some_and(|tree| known.contains(&tree)) {
            collision.kind = Kind::Adopted;
        }
        return Ok(collision);
    };
    if leads_to(ours, theirs, store)? {
        collision.kind = Kind::Rewritten;
        return Ok(collision);
    }
    let content = judged(&it.name, ours, theirs, Some(ours), view, store)?;
    let is_forward = view.record().adopted(&it.name) == Some(theirs) || leads_to(theirs, ours, store)?;
    collision.kind = kind_of(&content, is_forward);
    collision.paths = match &content {
        Content::Unmerged(edits) => shown(edits.iter().map(|edit| edit.path.as_slice())),
        Content::Conflict(paths) => shown(paths.iter().map(Vec::as_slice)),
        _ => Vec::new(),
    };
    Ok(collision)
}

/// The trees of all versions of ours.
fn trees(view: &mut View, store: &mut RepoStore) -> Result<BTreeSet<ObjectId>, Error> {
    let mut trees = BTreeSet::new();
    for name in view.below("refs/tags/") {
        if let Some(tag) = view.version_tag(&name, store)? {
            trees.insert(object::read_commit(tag.commit, store)?.tree);
        }
    }
    Ok(trees)
}

fn tag(it: &Foreign, view: &mut View, store: &mut RepoStore) -> Result<Collision, Error> {
    let mut collision = with_maker(it, Kind::TagDiffers, store);
    let Some(theirs) = it.theirs else { return Ok(collision) };
    let Some((tree, _)) = look(peel(theirs, store))?.flatten() else { return Ok(collision) };
    for ours in same_name(&it.name, view, store)? {
        let known = variants(&ours.name, ours.commit, view, store)?;
        if known.first() == Some(&tree) {
            collision.kind = Kind::Adopted;
            return Ok(collision);
        }
        let mut least: Option<Vec<String>> = None;
        for &known in &known {
            let changes = differences(Some(known), Some(tree), store)
                .and_then(|changes| noise::without(changes, known, store));
            let Some(changes) = look(changes)? else { continue };
            if changes.is_empty() {
                collision.kind = Kind::Noise;
                return Ok(collision);
            }
            let paths = shown(changes.iter().map(|it| it.path.as_slice()));
            if least.as_ref().is_none_or(|least| paths.len() < least.len()) {
                least = Some(paths);
            }
        }
        collision.ours = collision.ours.or_else(|| view.get(&ours.name));
        collision.paths = least.unwrap_or_default();
    }
    Ok(collision)
}

/// Tags of ours with the content that a tag of this name should have.
pub(super) fn same_name(
    name: &str,
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Vec<VersionTag>, Error> {
    let short = name.trim_start_matches("refs/tags/");
    let mut parts: Vec<&str> = short.split('/').collect();
    if parts.first() == Some(&"reimport") && parts.len() > 3 {
        parts.remove(0);
        parts.pop();
    }
    match parts.as_slice() {
        ["upstream", version] => {
            let version = refname::unmangle(version);
            let mut names = vec![refname::upstream_tag(&version)];
            names.extend(view.below(&refname::upstream_reimport_folder(&version)));
            let mut tags = Vec::new();
            for name in names {
                tags.extend(view.version_tag(&name, store)?);
            }
            Ok(tags)
        }
        ["applied", distro, version] => match Version::new(&refname::unmangle(version)) {
            Ok(version) => view.applied_tags_of(distro, &version, store),
            Err(_) => Ok(Vec::new()),
        },
        [distro, version] => match Version::new(&refname::unmangle(version)) {
            Ok(version) => view.tags_of(distro, &version, store),
            Err(_) => Ok(Vec::new()),
        },
        _ => Ok(Vec::new()),
    }
}

/// Turns an object that cannot be read or compared into `None`; an error of the disk stays an error.
fn look<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(
            Error::TooMuchToCompare
            | Error::Missing(_)
            | Error::Malformed { .. }
            | Error::WrongKind { .. }
            | Error::Content(_),
        ) => Ok(None),
        Err(error) => Err(error),
    }
}
