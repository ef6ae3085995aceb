//! Content of somebody else's tree that ours lacks. Only content is compared: names and dates prove nothing.
//!
//! Their changes are those since the commit that both sides have in common. Of these, noise is left out, and each file
//! that is left is merged with ours.

use std::collections::{BTreeMap, BTreeSet};

use gix_object::Kind as ObjectKind;
use gix_object::tree::EntryKind;
use source_package::store::{ContentId, ContentStore};

use super::lines;
use super::noise;
use super::tree::{Change, Entry, Place, differences, edited, find};
use crate::store::RepoStore;
use crate::{Error, ObjectId, raw_id};

/// Larger files are not merged line by line.
const LARGEST: u64 = 16 << 20;

/// The importer's trees, to compare the foreign one with. The first of each list is the tree itself, the others are
/// the same version with more or fewer patches applied.
pub(super) struct Sides {
    /// Common starting points of both sides: there may be several, or none that is known.
    pub(super) bases: Vec<Vec<ObjectId>>,
    /// The version that is published.
    pub(super) version: Vec<ObjectId>,
}

/// Result of the comparison.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The same tree, byte by byte.
    Same,
    /// All their changes are in ours.
    Contained,
    /// The trees are equal, or differ only in noise.
    Noise,
    /// The foreign tree has changes that the version lacks, and that can be merged.
    Unmerged(Vec<Edit>),
    /// The foreign tree changes these files, which the version changes in another way.
    Conflict(Vec<Vec<u8>>),
}

/// A file of the version with the foreign change merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) path: Vec<u8>,
    kind: Option<EntryKind>,
    content: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Gone,
    Object(ObjectId),
    Merged(Vec<u8>),
}

/// Compares their tree with ours.
pub(super) fn compare(theirs: ObjectId, sides: &Sides, store: &mut RepoStore) -> Result<Content, Error> {
    let Some(&version) = sides.version.first() else { return Ok(Content::Conflict(Vec::new())) };
    if theirs == version {
        return Ok(Content::Same);
    }
    for &ours in &sides.version {
        let found = differences(Some(ours), Some(theirs), store)?;
        if noise::without(found, ours, store)?.is_empty() {
            return Ok(Content::Noise);
        }
    }
    // The nearest start shows best what the foreign changes are.
    let mut nearest: Option<(Vec<Change>, bool)> = None;
    for &base in sides.bases.iter().flatten() {
        let all = differences(Some(base), Some(theirs), store)?;
        let count = all.len();
        let real = noise::without(all, base, store)?;
        let has_noise = real.len() < count;
        if nearest.as_ref().is_none_or(|(known, _)| real.len() < known.len()) {
            nearest = Some((real, has_noise));
        }
    }
    let (changes, has_noise) = match nearest {
        Some(nearest) => nearest,
        None => (differences(Some(version), Some(theirs), store)?, false),
    };
    merge(&changes, version, has_noise, store)
}

fn merge(
    changes: &[Change],
    version: ObjectId,
    mut has_noise: bool,
    store: &mut RepoStore,
) -> Result<Content, Error> {
    let (mut edits, mut conflicts) = (Vec::new(), Vec::new());
    // Removed entries first: they make room for added ones.
    let mut gone: BTreeSet<Vec<u8>> = BTreeSet::new();
    let (removed, added): (Vec<_>, Vec<_>) = changes.iter().partition(|it| it.after.is_none());
    for change in removed.into_iter().chain(added) {
        let mut place = find(version, &change.path, store)?;
        let is_free = match &place {
            Place::Below(path) => gone.contains(path),
            Place::Folder(id) => {
                let files = differences(None, Some(*id), store)?;
                files.iter().all(|it| gone.contains(&[change.path.as_slice(), b"/", &it.path].concat()))
            }
            Place::Nothing | Place::File(_) => false,
        };
        if is_free {
            place = Place::Nothing;
        }
        if let (Place::File(ours), Some(theirs)) = (&place, change.after)
            && *ours != theirs
        {
            let path = change.path.clone();
            let against_ours = vec![Change { path, before: Some(*ours), after: Some(theirs) }];
            if noise::without(against_ours, version, store)?.is_empty() {
                has_noise = true;
                continue;
            }
        }
        match merge_file(change, &place, store)? {
            Merged::Contained => {}
            Merged::Conflict => conflicts.push(change.path.clone()),
            Merged::Edit(edit) => {
                if edit.kind.is_none() {
                    gone.insert(edit.path.clone());
                }
                edits.push(edit);
            }
        }
    }
    if !conflicts.is_empty() {
        return Ok(Content::Conflict(conflicts));
    }
    Ok(match (edits.is_empty(), has_noise) {
        (false, _) => Content::Unmerged(edits),
        (true, true) => Content::Noise,
        (true, false) => Content::Contained,
    })
}

enum Merged {
    Contained,
    Edit(Edit),
    Conflict,
}

fn merge_file(change: &Change, ours: &Place, store: &mut RepoStore) -> Result<Merged, Error> {
    let edit = |kind: Option<EntryKind>, content: Source| {
        Merged::Edit(Edit { path: change.path.clone(), kind, content })
    };
    let take = |entry: Entry| edit(Some(entry.kind), Source::Object(entry.id));
    Ok(match (change.before, change.after, ours) {
        (_, Some(theirs), Place::File(ours)) if *ours == theirs => Merged::Contained,
        (Some(before), Some(theirs), Place::File(ours)) if *ours == before => take(theirs),
        (Some(before), Some(theirs), Place::File(ours)) => match merge_changed(before, *ours, theirs, store)?
        {
            Some((kind, Source::Object(id))) if kind == ours.kind && id == ours.id => Merged::Contained,
            Some((kind, content)) => edit(Some(kind), content),
            None => Merged::Conflict,
        },
        (None, Some(theirs), Place::Nothing) => take(theirs),
        (_, Some(_), _) => Merged::Conflict,
        (Some(before), None, Place::File(ours)) if *ours == before => edit(None, Source::Gone),
        (_, None, Place::File(_)) => Merged::Conflict,
        (_, None, _) => Merged::Contained,
    })
}

/// A file that both sides changed.
fn merge_changed(
    before: Entry,
    ours: Entry,
    theirs: Entry,
    store: &mut RepoStore,
) -> Result<Option<(EntryKind, Source)>, Error> {
    if !(before.is_file() && ours.is_file() && theirs.is_file()) {
        return Ok(None);
    }
    let kind = if ours.kind == before.kind { theirs.kind } else { ours.kind };
    if ours.id == theirs.id || theirs.id == before.id {
        return Ok(Some((kind, Source::Object(ours.id))));
    }
    if ours.id == before.id {
        return Ok(Some((kind, Source::Object(theirs.id))));
    }
    let mut texts = Vec::new();
    for id in [before.id, ours.id, theirs.id] {
        let content = ContentId(raw_id(id));
        if store.size(content).map_err(Error::Content)? > LARGEST {
            return Ok(None);
        }
        texts.push(store.get(content).map_err(Error::Content)?);
    }
    let [before, own, theirs] = texts.as_slice() else { return Ok(None) };
    Ok(lines::merge(before, own, theirs).map(|merged| {
        let is_ours = merged == *own;
        (kind, if is_ours { Source::Object(ours.id) } else { Source::Merged(merged) })
    }))
}

/// The tree of a version with the foreign changes merged.
pub(super) fn merged_tree(
    version: ObjectId,
    edits: &[Edit],
    store: &mut RepoStore,
) -> Result<ObjectId, Error> {
    let mut entries: BTreeMap<Vec<u8>, Option<Entry>> = BTreeMap::new();
    for edit in edits {
        let id = match &edit.content {
            Source::Gone => None,
            Source::Object(id) => Some(*id),
            Source::Merged(text) => Some(store.add(ObjectKind::Blob, text)?),
        };
        let entry = edit.kind.zip(id).map(|(kind, id)| Entry { kind, id });
        entries.insert(edit.path.clone(), entry);
    }
    edited(version, &entries, store)
}
