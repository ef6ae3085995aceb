//! The tree while a patch works on it: it behaves like a file system, with a way back.
//!
//! Every change is noted, so that a patch that fails half-way leaves the tree as it was. Files have numbers like
//! inodes, because patch tells by them which files it has written itself.

use std::collections::HashMap;

use super::error::{Context, PatchError};
use crate::links;
use crate::path::{names, split_last};
use crate::store::{ContentId, ContentStore};
use crate::tree::{Kind, Node, Tree, Walked, push_name};

/// The longest name of an entry that file systems take.
const LONGEST_NAME: usize = 255;

/// Kind, size and inode of the file at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) kind: Kind,
    pub(super) size: u64,
    pub(super) inode: u64,
}

/// The tree and the record of its changes.
pub(super) struct TreeJournal<'a> {
    tree: &'a mut Tree,
    pub(super) store: &'a mut dyn ContentStore,
    undo: Vec<(Vec<u8>, Option<Node>)>,
    inodes: HashMap<Vec<u8>, u64>,
    next_inode: u64,
    /// Number of steps that links may still take.
    steps_left: u64,
}

/// A path as the tree knows it: without empty names and `.`.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(path.len());
    for name in names(path) {
        push_name(&mut clean, name);
    }
    clean
}

/// True when the last part of a path can only be a folder.
fn means_folder(path: &[u8]) -> bool {
    matches!(split_last(path).1, b"" | b".")
}

impl<'a> TreeJournal<'a> {
    pub(super) fn new(tree: &'a mut Tree, store: &'a mut dyn ContentStore) -> Self {
        TreeJournal {
            tree,
            store,
            undo: Vec::new(),
            inodes: HashMap::new(),
            next_inode: 0,
            steps_left: links::MOST_STEPS,
        }
    }

    /// A number for a file that has no place in the tree yet.
    pub(super) fn new_inode(&mut self) -> u64 {
        self.next_inode += 1;
        self.next_inode
    }

    /// File at a path. Links are never followed.
    ///
    /// # Errors
    /// [`PatchError::ThroughLink`] when there is a link on the way.
    pub(super) fn stat(&mut self, path: &[u8], at: Context<'_>) -> Result<Option<Stat>, PatchError> {
        let place = clean(path);
        let followed = if means_folder(path) { &place[..] } else { split_last(&place).0 };
        if let Some(link) = self.tree.link_on_the_way(followed, self.store)? {
            return Err(PatchError::ThroughLink { line: at.line, path: at.path.to_vec(), link });
        }
        if place.is_empty() {
            return Ok(Some(Stat { kind: Kind::Folder, size: 1, inode: 0 }));
        }
        let kind = self.tree.kind(&place, self.store)?;
        let size = match kind {
            Kind::Missing => return Ok(None),
            Kind::File { content, .. } | Kind::Link(content) => self.store.size(content)?,
            Kind::Fifo => 0,
            Kind::Folder => 1,
        };
        if means_folder(path) && kind != Kind::Folder {
            return Ok(None);
        }
        Ok(Some(Stat { kind, size, inode: self.inode(place) }))
    }

    fn inode(&mut self, place: Vec<u8>) -> u64 {
        let next = &mut self.next_inode;
        *self.inodes.entry(place).or_insert_with(|| {
            *next += 1;
            *next
        })
    }

    pub(super) fn is_folder(&mut self, path: &[u8]) -> Result<bool, PatchError> {
        let place = clean(path);
        Ok(place.is_empty() || self.tree.kind(&place, self.store)? == Kind::Folder)
    }

    /// The first symbolic link on the way to a path, the last name included.
    pub(super) fn link(&mut self, path: &[u8]) -> Result<Option<Vec<u8>>, PatchError> {
        Ok(self.tree.link_on_the_way(&clean(path), self.store)?)
    }

    /// Number of names of a path that are folders, one below the other, and the kind of the next one.
    fn walk(&mut self, path: &[u8]) -> Result<Walked, PatchError> {
        Ok(self.tree.walk(std::iter::empty(), names(path), self.store)?)
    }

    /// Number of existing folders among those that a path names.
    pub(super) fn folders_there(&mut self, path: &[u8]) -> Result<usize, PatchError> {
        Ok(self.walk(path)?.folders)
    }

    /// True when something above a path is no folder.
    pub(super) fn is_blocked(&mut self, path: &[u8]) -> Result<bool, PatchError> {
        let place = clean(path);
        let above = if means_folder(path) { &place[..] } else { split_last(&place).0 };
        Ok(!matches!(self.walk(above)?.stop, None | Some(Kind::Missing)))
    }

    /// Makes a folder and those above it.
    pub(super) fn make_folder(&mut self, path: &[u8], at: Context<'_>) -> Result<(), PatchError> {
        let walked = self.walk(path)?;
        let missing = match walked.stop {
            None => return Ok(()),
            Some(Kind::Missing) => names(path).skip(walked.folders),
            Some(_) => return Err(at.target("a folder above it is a file")),
        };
        if missing.clone().any(|name| name.len() > LONGEST_NAME) {
            return Err(at.target("the name of a folder is too long"));
        }
        // Removing the first missing folder removes those below it.
        let mut first = Vec::new();
        names(path).take(walked.folders + 1).for_each(|name| push_name(&mut first, name));
        self.undo.push((first, None));
        self.tree.make_folder(path, self.store)?;
        Ok(())
    }

    /// Makes the folders above a file, for which a name that is longer by `more` bytes must fit too.
    pub(super) fn make_way(&mut self, path: &[u8], more: usize, at: Context<'_>) -> Result<(), PatchError> {
        let place = clean(path);
        let (above, name) = split_last(&place);
        if name.len() + more > LONGEST_NAME {
            return Err(at.target("its name is too long"));
        }
        self.make_folder(above, at)
    }

    /// Puts a file or a link in place of whatever file or link is there.
    pub(super) fn put(&mut self, path: &[u8], node: Node, inode: u64) -> Result<(), PatchError> {
        let place = clean(path);
        let old = self.tree.remove(&place, self.store)?;
        self.undo.push((place.clone(), old));
        self.tree.put(&place, node, self.store)?;
        self.inodes.insert(place, inode);
        Ok(())
    }

    /// Takes a file or a link away.
    pub(super) fn take(&mut self, path: &[u8]) -> Result<Option<Node>, PatchError> {
        let place = clean(path);
        let old = self.tree.remove(&place, self.store)?;
        self.inodes.remove(&place);
        if old.is_some() {
            self.undo.push((place, old.clone()));
        }
        Ok(old)
    }

    /// True when dpkg could set the time of a file, links followed.
    pub(super) fn may_be_touched(&mut self, path: &[u8]) -> Result<bool, PatchError> {
        Ok(links::may_be_touched(&clean(path), self.tree, self.store, &mut self.steps_left)?)
    }

    /// Moves a file or a link, in place of an earlier one at `to`.
    pub(super) fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), PatchError> {
        let inode = self.inode(clean(from));
        if let Some(node) = self.take(from)? {
            self.put(to, node, inode)?;
        }
        Ok(())
    }

    /// Removes the folders above a file for as long as they are empty.
    pub(super) fn remove_empty_folders(&mut self, path: &[u8]) -> Result<(), PatchError> {
        let place = clean(path);
        let above = split_last(&place).0;
        if let Some((folder, old)) = self.tree.take_empty(above, self.store)? {
            self.undo.push((folder, Some(old)));
        }
        Ok(())
    }

    /// Reads a file or the target of a link.
    pub(super) fn read(
        &mut self,
        content: ContentId,
        limit: u64,
        at: Context<'_>,
    ) -> Result<Vec<u8>, PatchError> {
        if self.store.size(content)? > limit {
            return Err(at.too_large(limit));
        }
        Ok(self.store.get(content)?)
    }

    /// Takes back everything that was done below a folder, or everything.
    pub(super) fn undo(&mut self, below: Option<&[u8]>) -> Result<(), PatchError> {
        for (path, old) in std::mem::take(&mut self.undo).into_iter().rev() {
            if below.is_some_and(|folder| names(&path).next() != Some(folder)) {
                continue;
            }
            self.tree.remove(&path, self.store)?;
            if let Some(node) = old {
                self.tree.put(&path, node, self.store)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::memory::MemoryStore;

    const HERE: Context<'static> = Context { line: 1, path: b"x" };

    fn file(store: &mut MemoryStore, content: &[u8]) -> Node {
        Node::File { content: store.put_bytes(content).unwrap(), executable: false }
    }

    #[test]
    fn everything_can_be_taken_back() {
        let mut store = MemoryStore::default();
        let mut tree = Tree::new();
        let node = file(&mut store, b"one");
        tree.put(b"a/b/c", node.clone(), &mut store).unwrap();
        tree.put(b"d", node.clone(), &mut store).unwrap();
        let before = tree.clone();
        let mut journal = TreeJournal::new(&mut tree, &mut store);
        journal.rename(b"a/b/c", b"d").unwrap();
        journal.remove_empty_folders(b"a/b/c").unwrap();
        assert!(journal.stat(b"a", HERE).unwrap().is_none());
        journal.make_folder(b"a/x/y", HERE).unwrap();
        journal.put(b"a/x/y/z", node, 7).unwrap();
        assert_eq!(journal.stat(b"a/x/./y//z", HERE).unwrap().unwrap().inode, 7);
        journal.take(b"d").unwrap();
        journal.undo(None).unwrap();
        tree.root.entries_mut(&mut store).unwrap();
        assert_eq!(format!("{tree:?}"), format!("{before:?}"));
    }

    #[test]
    fn links_are_never_followed() {
        let mut store = MemoryStore::default();
        let mut tree = Tree::new();
        let target = store.put_bytes(b"d").unwrap();
        tree.put(b"l", Node::Link(target), &mut store).unwrap();
        let mut journal = TreeJournal::new(&mut tree, &mut store);
        assert!(matches!(journal.stat(b"l", HERE).unwrap().unwrap().kind, Kind::Link(_)));
        assert!(matches!(journal.stat(b"l/", HERE), Err(PatchError::ThroughLink { .. })));
        assert!(matches!(journal.stat(b"l/x", HERE), Err(PatchError::ThroughLink { .. })));
    }
}
