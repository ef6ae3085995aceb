//! Source trees as Git trees.

use std::borrow::Cow;

use gix_object::{Kind, TreeRefIter, tree::EntryKind};
use source_package::path::Name;
use source_package::store::{ContentId, ContentStore, FolderId};
use source_package::tree::{Folder, Node, Tree, push_name};

use crate::escape::{self, Need};
use crate::object::{TreeEntry, encode_tree};
use crate::store::RepoStore;
use crate::{Error, ObjectId, raw_id};

/// Entries of a tree that Git cannot hold as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Specials {
    /// Paths whose last name is stored escaped.
    pub escaped: Vec<Vec<u8>>,
    /// Named pipes, and their execute bit.
    pub fifos: Vec<(Vec<u8>, bool)>,
}

/// The entries of a tree object, names as they are stored.
pub(crate) fn decode(id: ObjectId, content: &[u8]) -> impl Iterator<Item = Result<(Name, Node), Error>> {
    TreeRefIter::from_bytes(content, gix_hash::Kind::Sha1).map(move |entry| {
        let entry = entry.map_err(|_| Error::Malformed { id, what: "tree" })?;
        let raw = raw_id(entry.oid.to_owned());
        let node = match entry.mode.kind() {
            EntryKind::Tree => Node::Folder(Folder::stored(FolderId(raw))),
            EntryKind::Blob => Node::File { content: ContentId(raw), executable: false },
            EntryKind::BlobExecutable => Node::File { content: ContentId(raw), executable: true },
            EntryKind::Link => Node::Link(ContentId(raw)),
            EntryKind::Commit => return Err(Error::Malformed { id, what: "tree (it has a submodule)" }),
        };
        Ok((Name::from(entry.filename.as_ref() as &[u8]), node))
    })
}

impl RepoStore {
    /// Writes the changed parts of a tree. Empty folders stay; named pipes are left out.
    ///
    /// # Errors
    /// An object cannot be read or written.
    pub fn write_tree(&mut self, tree: &mut Tree) -> Result<ObjectId, Error> {
        self.write_folder(&mut tree.root)
    }

    fn write_folder(&mut self, folder: &mut Folder) -> Result<ObjectId, Error> {
        if let Some(id) = folder.id() {
            return Ok(ObjectId::Sha1(id.0));
        }
        let mut entries = Vec::new();
        if let Some(children) = folder.loaded() {
            for (name, node) in children {
                let (mode, id) = match node {
                    Node::Folder(below) => ("40000", self.write_folder(below)?),
                    Node::File { content, executable: true } => ("100755", ObjectId::Sha1(content.0)),
                    Node::File { content, .. } => ("100644", ObjectId::Sha1(content.0)),
                    Node::Link(target) => ("120000", ObjectId::Sha1(target.0)),
                    Node::Fifo { .. } => continue,
                };
                let name = self.stored_name(name, node)?;
                entries.push(TreeEntry { mode, name, id });
            }
        }
        let id = self.add(Kind::Tree, &encode_tree(entries))?;
        folder.set_id(FolderId(raw_id(id)));
        Ok(id)
    }

    fn stored_name<'n>(&mut self, name: &'n [u8], node: &Node) -> Result<Cow<'n, [u8]>, Error> {
        let escaped = match (escape::need(name), node) {
            (Need::Never, _) => false,
            (Need::Always, _) => true,
            (Need::IfContentIsRefused(rule), Node::File { content, .. }) => {
                // A larger file is refused whatever its content is, and must not fill the memory.
                if self.size(*content).map_err(Error::Content)? > escape::LARGEST_LOOKED_AT {
                    true
                } else {
                    let content = self.get(*content).map_err(Error::Content)?;
                    escape::content_is_refused(rule, Some(&content))
                }
            }
            (Need::IfContentIsRefused(rule), Node::Link(_)) => escape::content_is_refused(rule, None),
            // Git expects a file there.
            (Need::IfContentIsRefused(_), Node::Folder(_)) => true,
            (Need::IfContentIsRefused(_), Node::Fifo { .. }) => false,
        };
        Ok(if escaped { Cow::Owned(escape::escape(name)) } else { Cow::Borrowed(name) })
    }

    /// Entries that Git cannot hold as they are, of the folders that are in memory. `inherited` are the escaped paths
    /// of the stored tree that this one was made from: they are looked at, too, so that the answer does not depend on
    /// the folders that happen to be in memory.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn specials(&mut self, tree: &mut Tree, inherited: &[Vec<u8>]) -> Result<Specials, Error> {
        for path in inherited {
            tree.find(path, self).map_err(Error::Content)?;
        }
        let mut specials = Specials::default();
        self.collect(&mut tree.root, &mut Vec::new(), &mut specials)?;
        Ok(specials)
    }

    fn collect(
        &mut self,
        folder: &mut Folder,
        path: &mut Vec<u8>,
        found: &mut Specials,
    ) -> Result<(), Error> {
        let Some(children) = folder.loaded() else { return Ok(()) };
        for (name, node) in children {
            let length = path.len();
            push_name(path, name);
            if let Cow::Owned(_) = self.stored_name(name, node)? {
                found.escaped.push(path.clone());
            }
            match node {
                Node::Fifo { executable } => found.fifos.push((path.clone(), *executable)),
                Node::Folder(below) => self.collect(below, path, found)?,
                _ => {}
            }
            path.truncate(length);
        }
        Ok(())
    }
}
