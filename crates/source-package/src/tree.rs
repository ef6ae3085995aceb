//! The tree of an unpacked source package, held as names and ids.
//!
//! Folders of an earlier version are not read until they are needed, so that the cost of a new Debian
//! revision follows its changes. Every write marks the folders above it as changed.

use std::collections::BTreeMap;
use std::io;

use crate::path::{Name, Shown, names, split_last};
use crate::store::{ContentId, ContentStore, FolderId};

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Id of its content.
        content: ContentId,
        /// True when it is executable; no other permission is kept.
        executable: bool,
    },
    /// A symbolic link; the content is its target.
    Link(ContentId),
    /// A named pipe. Git cannot hold it; it is listed in the manifest and made again by `export`.
    Fifo {
        /// True when it has an execute bit.
        executable: bool,
    },
    /// A folder, possibly empty.
    Folder(Folder),
}

/// A folder: stored earlier and unread, or loaded into memory.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Folder {
    stored: Option<FolderId>,
    entries: Option<BTreeMap<Name, Node>>,
}

/// Kind of the entry at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no entry.
    Missing,
    /// A regular file.
    File {
        /// Id of its content.
        content: ContentId,
        /// True when it is executable.
        executable: bool,
    },
    /// A symbolic link; the id is that of its target.
    Link(ContentId),
    /// A named pipe.
    Fifo,
    /// A folder.
    Folder,
}

/// End of a walk down from a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Number of names that are folders.
    pub folders: usize,
    /// Kind of the name behind them; `None` if all names are folders.
    pub stop: Option<Kind>,
}

/// Reason why a path cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A folder on the way is a symbolic link: following it could leave the tree.
    #[error("{} lies behind the symbolic link {}", Shown(path), Shown(link))]
    ThroughLink {
        /// Path that was asked for.
        path: Vec<u8>,
        /// Path of the link.
        link: Vec<u8>,
    },
    /// A folder on the way is a file.
    #[error("{} lies below {}, which is not a folder", Shown(path), Shown(file))]
    NotFolder {
        /// Path that was asked for.
        path: Vec<u8>,
        /// Path of the file that is in the way.
        file: Vec<u8>,
    },
    /// A folder stands where something else should go.
    #[error("{} is a folder that is not empty", Shown(.0))]
    IsFolder(Vec<u8>),
    /// Error of the content store.
    #[error("cannot read a stored file or folder: {0}")]
    Store(#[from] io::Error),
}

impl Folder {
    /// A folder without entries.
    pub fn new() -> Self {
        Folder { stored: None, entries: Some(BTreeMap::new()) }
    }

    /// A folder that is stored already and is read only when needed.
    pub fn stored(id: FolderId) -> Self {
        Folder { stored: Some(id), entries: None }
    }

    /// The id it is stored under, if it has not changed since.
    pub fn id(&self) -> Option<FolderId> {
        self.stored
    }

    /// Notes that the folder as it is now has been stored.
    pub fn set_id(&mut self, id: FolderId) {
        self.stored = Some(id);
    }

    /// The entries, read from the store if they were not yet.
    ///
    /// # Errors
    /// An object of the tree cannot be read.
    pub fn entries(&mut self, store: &mut dyn ContentStore) -> io::Result<&BTreeMap<Name, Node>> {
        Ok(self.load(store)?)
    }

    /// The entries for a change: the folder no longer counts as stored.
    ///
    /// # Errors
    /// An object of the tree cannot be read.
    pub fn entries_mut(&mut self, store: &mut dyn ContentStore) -> io::Result<&mut BTreeMap<Name, Node>> {
        self.load(store)?;
        self.stored = None;
        Ok(self.entries.get_or_insert_default())
    }

    /// The entries if they are in memory; `None` if the folder is stored and unread.
    pub fn loaded(&mut self) -> Option<&mut BTreeMap<Name, Node>> {
        self.entries.as_mut()
    }

    fn load(&mut self, store: &mut dyn ContentStore) -> io::Result<&mut BTreeMap<Name, Node>> {
        if self.entries.is_none() {
            let listed = match self.stored {
                Some(id) => store.folder(id)?.into_iter().collect(),
                None => BTreeMap::new(),
            };
            self.entries = Some(listed);
        }
        Ok(self.entries.get_or_insert_default())
    }
}

impl Node {
    /// Kind of the node, without its content.
    ///
    /// # Errors
    /// An object of the tree cannot be read.
    pub fn kind(&self) -> Kind {
        match self {
            Node::File { content, executable } => Kind::File { content: *content, executable: *executable },
            Node::Link(target) => Kind::Link(*target),
            Node::Fifo { .. } => Kind::Fifo,
            Node::Folder(_) => Kind::Folder,
        }
    }
}

/// A source tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The top folder.
    pub root: Folder,
}

impl Tree {
    /// A tree without entries.
    pub fn new() -> Self {
        Tree { root: Folder::new() }
    }

    /// A tree that is stored already.
    pub fn stored(id: FolderId) -> Self {
        Tree { root: Folder::stored(id) }
    }

    /// Kind of the entry at `path`, links not followed. Below a link or a file there is nothing.
    pub fn kind(&mut self, path: &[u8], store: &mut dyn ContentStore) -> io::Result<Kind> {
        Ok(self.find(path, store)?.map_or(Kind::Missing, |node| node.kind()))
    }

    /// Walks down from the folder at `base` for as long as there are folders: once, whatever the length of the way.
    pub fn walk<'n>(
        &mut self,
        base: impl Iterator<Item = &'n [u8]>,
        names: impl Iterator<Item = &'n [u8]>,
        store: &mut dyn ContentStore,
    ) -> io::Result<Walked> {
        let mut folder = &mut self.root;
        for name in base {
            match folder.load(store)?.get_mut(name) {
                Some(Node::Folder(below)) => folder = below,
                _ => return Ok(Walked { folders: 0, stop: Some(Kind::Missing) }),
            }
        }
        let mut folders = 0;
        for name in names {
            match folder.load(store)?.get_mut(name) {
                Some(Node::Folder(below)) => folder = below,
                Some(node) => return Ok(Walked { folders, stop: Some(node.kind()) }),
                None => return Ok(Walked { folders, stop: Some(Kind::Missing) }),
            }
            folders += 1;
        }
        Ok(Walked { folders, stop: None })
    }

    /// The node at `path`, links not followed.
    ///
    /// # Errors
    /// An object of the tree cannot be read.
    pub fn find(&mut self, path: &[u8], store: &mut dyn ContentStore) -> io::Result<Option<&mut Node>> {
        let mut parts = names(path).peekable();
        let mut folder = &mut self.root;
        while let Some(name) = parts.next() {
            let Some(node) = folder.load(store)?.get_mut(name) else { return Ok(None) };
            if parts.peek().is_none() {
                return Ok(Some(node));
            }
            let Node::Folder(below) = node else { return Ok(None) };
            folder = below;
        }
        Ok(None)
    }

    /// The first symbolic link on the way to `path` (the last name included), if there is one.
    pub fn link_on_the_way(
        &mut self,
        path: &[u8],
        store: &mut dyn ContentStore,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut walked = Vec::new();
        let mut folder = &mut self.root;
        for name in names(path) {
            push_name(&mut walked, name);
            match folder.load(store)?.get_mut(name) {
                Some(Node::Link(_)) => return Ok(Some(walked)),
                Some(Node::Folder(below)) => folder = below,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The folder at `path`, made if it is missing. Links are never followed. The empty path is the top.
    ///
    /// # Errors
    /// [`TreeError`] when the path leads through a link or a file.
    pub fn make_folder(
        &mut self,
        path: &[u8],
        store: &mut dyn ContentStore,
    ) -> Result<&mut Folder, TreeError> {
        let mut walked = Vec::new();
        let mut folder = &mut self.root;
        for name in names(path) {
            push_name(&mut walked, name);
            let node =
                folder.entries_mut(store)?.entry(name.into()).or_insert_with(|| Node::Folder(Folder::new()));
            folder = match node {
                Node::Folder(below) => below,
                Node::Link(_) => return Err(TreeError::ThroughLink { path: path.to_vec(), link: walked }),
                _ => return Err(TreeError::NotFolder { path: path.to_vec(), file: walked }),
            };
        }
        Ok(folder)
    }

    /// Puts `node` at `path`, and creates the folders above it. An earlier entry is replaced, except a
    /// folder that is not empty.
    ///
    /// # Errors
    /// [`TreeError::IsFolder`] when a folder with entries is there; others when the path leads through a
    /// link or a file.
    pub fn put(&mut self, path: &[u8], node: Node, store: &mut dyn ContentStore) -> Result<(), TreeError> {
        let (above, name) = split_last(path);
        let folder = self.make_folder(above, store)?;
        if let Some(Node::Folder(old)) = folder.load(store)?.get_mut(name)
            && !old.load(store)?.is_empty()
        {
            return Err(TreeError::IsFolder(path.to_vec()));
        }
        folder.entries_mut(store)?.insert(name.into(), node);
        Ok(())
    }

    /// Removes the entry at `path`, with everything below it. Returns it.
    ///
    /// # Errors
    /// An object of the tree cannot be read.
    pub fn remove(&mut self, path: &[u8], store: &mut dyn ContentStore) -> io::Result<Option<Node>> {
        if self.find(path, store)?.is_none() {
            return Ok(None);
        }
        let (above, name) = split_last(path);
        let mut folder = &mut self.root;
        for part in names(above) {
            match folder.entries_mut(store)?.get_mut(part) {
                Some(Node::Folder(below)) => folder = below,
                _ => return Ok(None),
            }
        }
        Ok(folder.entries_mut(store)?.remove(name))
    }

    /// Takes away the folder at `path` if it is empty, with those above it that have nothing else in them. Returns the
    /// highest of them and its path.
    pub fn take_empty(
        &mut self,
        path: &[u8],
        store: &mut dyn ContentStore,
    ) -> io::Result<Option<(Vec<u8>, Node)>> {
        // The highest folder that has one entry alone, and so has everything on the way below it.
        let mut highest = None;
        let mut walked = Vec::new();
        let mut folder = &mut self.root;
        for name in names(path) {
            let only = folder.load(store)?.len() == 1 && !walked.is_empty();
            push_name(&mut walked, name);
            let Some(Node::Folder(below)) = folder.load(store)?.get_mut(name) else { return Ok(None) };
            highest = match highest {
                Some(highest) if only => Some(highest),
                _ => Some(walked.len()),
            };
            folder = below;
        }
        if !folder.load(store)?.is_empty() {
            return Ok(None);
        }
        let Some(length) = highest else { return Ok(None) };
        walked.truncate(length);
        Ok(self.remove(&walked, store)?.map(|node| (walked, node)))
    }
}

/// Appends a name to a path.
pub fn push_name(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}
