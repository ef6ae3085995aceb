//! Trees of others, compared file by file. They may hold whatever a push can bring: other modes, submodules, any depth.
//! Folders do not count, and empty ones least: no checkout has them.

use std::collections::BTreeMap;

use gix_object::tree::EntryKind;
use gix_object::{Kind, TreeRefIter};

use crate::object::{TreeEntry, encode_tree};
use crate::store::RepoStore;
use crate::{Error, ObjectId};

/// Deeper than this no tree is looked at.
const DEEPEST: usize = 200;
/// More folders than this are not looked at for one comparison.
const FOLDERS: usize = 400_000;
/// More files that differ than this are not listed.
const DIFFERENCES: usize = 200_000;

/// A file, a link or a submodule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Kind of the entry.
    pub kind: EntryKind,
    /// Id of the object.
    pub id: ObjectId,
}

impl Entry {
    /// True for a file with content.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, EntryKind::Blob | EntryKind::BlobExecutable)
    }
}

/// A file that is not the same in two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path, names as they are stored.
    pub path: Vec<u8>,
    /// Entry in the first tree.
    pub before: Option<Entry>,
    /// Entry in the second tree.
    pub after: Option<Entry>,
}

/// Entry of a tree at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// There is no entry.
    Nothing,
    /// A file.
    File(Entry),
    /// A folder.
    Folder(ObjectId),
    /// Nothing can be there: a file has the name of one of its folders, which is this path.
    Below(Vec<u8>),
}

type Entries = BTreeMap<Vec<u8>, Entry>;

/// The entries of a tree. Of two with one name the last counts.
fn read(id: ObjectId, store: &mut RepoStore) -> Result<Entries, Error> {
    let content = store.read_kind(id, Kind::Tree)?;
    TreeRefIter::from_bytes(&content, gix_hash::Kind::Sha1)
        .map(|entry| {
            let entry = entry.map_err(|_| Error::Malformed { id, what: "tree" })?;
            let name: &[u8] = entry.filename.as_ref();
            Ok((name.to_owned(), Entry { kind: entry.mode.kind(), id: entry.oid.to_owned() }))
        })
        .collect()
}

/// All files that differ between two trees, by path.
pub(super) fn differences(
    before: Option<ObjectId>,
    after: Option<ObjectId>,
    store: &mut RepoStore,
) -> Result<Vec<Change>, Error> {
    let mut comparison = Comparison { store, folders: 0, path: Vec::new(), depth: 0, found: Vec::new() };
    comparison.folders(before, after)?;
    comparison.found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(comparison.found)
}

struct Comparison<'s> {
    store: &'s mut RepoStore,
    folders: usize,
    path: Vec<u8>,
    depth: usize,
    found: Vec<Change>,
}

impl Comparison<'_> {
    fn folders(&mut self, before: Option<ObjectId>, after: Option<ObjectId>) -> Result<(), Error> {
        if before == after {
            return Ok(());
        }
        self.folders += 1;
        if self.folders > FOLDERS || self.depth > DEEPEST || self.found.len() > DIFFERENCES {
            return Err(Error::TooMuchToCompare);
        }
        let read =
            |id: Option<ObjectId>, store: &mut RepoStore| id.map_or(Ok(Entries::new()), |id| read(id, store));
        let (before, mut after) = (read(before, self.store)?, read(after, self.store)?);
        for (name, entry) in before {
            let other = after.remove(&name);
            self.entries(&name, Some(entry), other)?;
        }
        after.into_iter().try_for_each(|(name, entry)| self.entries(&name, None, Some(entry)))
    }

    fn entries(&mut self, name: &[u8], before: Option<Entry>, after: Option<Entry>) -> Result<(), Error> {
        if before == after {
            return Ok(());
        }
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        let folder = |entry: Option<Entry>| entry.filter(|it| it.kind == EntryKind::Tree).map(|it| it.id);
        let file = |entry: Option<Entry>| entry.filter(|it| it.kind != EntryKind::Tree);
        if file(before).is_some() || file(after).is_some() {
            let path = self.path.clone();
            self.found.push(Change { path, before: file(before), after: file(after) });
        }
        self.depth += 1;
        self.folders(folder(before), folder(after))?;
        self.depth -= 1;
        self.path.truncate(length);
        Ok(())
    }
}

/// Entry of a tree at a path.
pub(super) fn find(tree: ObjectId, path: &[u8], store: &mut RepoStore) -> Result<Place, Error> {
    let (mut at, mut done) = (tree, Vec::new());
    let mut names = path.split(|&byte| byte == b'/').peekable();
    while let Some(name) = names.next() {
        if !done.is_empty() {
            done.push(b'/');
        }
        done.extend_from_slice(name);
        let Some(entry) = read(at, store)?.get(name).copied() else { return Ok(Place::Nothing) };
        match (entry.kind == EntryKind::Tree, names.peek().is_some()) {
            (true, true) => at = entry.id,
            (true, false) => return Ok(Place::Folder(entry.id)),
            (false, true) => return Ok(Place::Below(done)),
            (false, false) => return Ok(Place::File(entry)),
        }
    }
    Ok(Place::Nothing)
}

/// A tree with some files changed: each gets the given entry, or is removed. A folder is removed with its last file.
pub(super) fn edited(
    tree: ObjectId,
    edits: &BTreeMap<Vec<u8>, Option<Entry>>,
    store: &mut RepoStore,
) -> Result<ObjectId, Error> {
    let edits: Edits<'_> = edits.iter().map(|(path, entry)| (path.as_slice(), *entry)).collect();
    match write(Some(tree), &edits, store)? {
        Some(id) => Ok(id),
        None => store.add(Kind::Tree, b""),
    }
}

/// Paths, and their new entries.
type Edits<'e> = Vec<(&'e [u8], Option<Entry>)>;

fn write(
    tree: Option<ObjectId>,
    edits: &[(&[u8], Option<Entry>)],
    store: &mut RepoStore,
) -> Result<Option<ObjectId>, Error> {
    let mut entries = tree.map_or(Ok(Entries::new()), |id| read(id, store))?;
    let mut below: BTreeMap<&[u8], Edits<'_>> = BTreeMap::new();
    for (path, entry) in edits {
        match path.iter().position(|&byte| byte == b'/') {
            Some(at) => below.entry(&path[..at]).or_default().push((&path[at + 1..], *entry)),
            None => match entry {
                Some(entry) => drop(entries.insert(path.to_vec(), *entry)),
                // A folder is removed with its files.
                None if entries.get(*path).is_some_and(|it| it.kind == EntryKind::Tree) => {}
                None => drop(entries.remove(*path)),
            },
        }
    }
    for (name, edits) in below {
        let folder = entries.get(name).filter(|it| it.kind == EntryKind::Tree).map(|it| it.id);
        match write(folder, &edits, store)? {
            Some(id) => drop(entries.insert(name.to_vec(), Entry { kind: EntryKind::Tree, id })),
            None if folder.is_some() => drop(entries.remove(name)),
            None => {}
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let listed = entries.iter().map(|(name, entry)| TreeEntry {
        mode: match entry.kind {
            EntryKind::Tree => "40000",
            EntryKind::Blob => "100644",
            EntryKind::BlobExecutable => "100755",
            EntryKind::Link => "120000",
            EntryKind::Commit => "160000",
        },
        name: name.into(),
        id: entry.id,
    });
    store.add(Kind::Tree, &encode_tree(listed.collect())).map(Some)
}
