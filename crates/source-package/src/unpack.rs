//! Unpacks tarballs into a tree, as GNU tar does for dpkg (`dpkg-source(1)`).

use std::io::{self, Read};

use crate::limits::{Budget, OverLimit};
use crate::path::{Shown, climbs, names};
use crate::store::ContentStore;
use crate::tar::{Entry, EntryKind, TarError, TarReader};
use crate::tree::{Folder, Kind, Node, Tree, TreeError, push_name};

/// The longest target of a symbolic link that Linux takes.
const LONGEST_TARGET: usize = 4095;

/// Bytes behind the end of an archive that cost nothing: it is filled up to a whole record.
const PADDING: u64 = 1 << 20;

/// Reason why a tarball cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive is damaged.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// An entry is refused.
    #[error("entry {}: {reason}", Shown(path))]
    Entry {
        /// Name of the entry.
        path: Vec<u8>,
        /// Reason of the refusal.
        reason: EntryError,
    },
    /// A limit was passed.
    #[error(transparent)]
    Limit(#[from] OverLimit),
    /// The content could not be kept.
    #[error("cannot store the unpacked files: {0}")]
    Store(io::Error),
}

/// Reason why one entry is refused.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Its name is absolute.
    #[error("absolute names are not unpacked")]
    Absolute,
    /// A name with `..`.
    #[error("names with .. are not unpacked")]
    Climbs,
    /// It is a device.
    #[error("devices are not unpacked")]
    Device,
    /// A part of a file whose beginning is in another archive.
    #[error("continues a file of another archive")]
    Continuation,
    /// A name or a link's target longer than a file system takes.
    #[error("a name of more than 255 bytes, or a target of more than {LONGEST_TARGET}")]
    LongName,
    /// A name without a single character.
    #[error("the name is empty")]
    NoName,
    /// A hard link to something that is not there.
    #[error("hard link to {}, which is not in the archive before it", Shown(.0))]
    MissingTarget(Vec<u8>),
    /// A hard link to a folder.
    #[error("hard link to the folder {}", Shown(.0))]
    FolderTarget(Vec<u8>),
    /// A symbolic link to nothing.
    #[error("symbolic link without a target")]
    NoTarget,
    /// The place cannot be written.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Content of a tarball.
#[derive(Debug)]
pub struct Unpacked {
    /// Everything in it, names as they stand in the archive.
    pub tree: Tree,
    /// The newest time of change of an entry, in seconds since 1970.
    pub newest: i64,
    /// True when quilt's own folder was among the entries, left out or not.
    pub quilt_folder: bool,
}

/// Entries that are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclude {
    /// No entry is left out.
    Nothing,
    /// `.pc` at the top or one folder below: quilt's own folder, where links would be followed blindly.
    QuiltFolder,
}

/// Unpacks an uncompressed archive, to its end.
///
/// # Errors
/// [`UnpackError`] with the entry that is refused, the damage of the archive, or the limit.
pub fn unpack(
    archive: impl Read,
    exclude: Exclude,
    budget: &mut Budget,
    store: &mut dyn ContentStore,
) -> Result<Unpacked, UnpackError> {
    let mut reader = TarReader::new(archive);
    let mut tree = Tree::new();
    let mut newest = 0;
    let mut quilt_folder = false;
    while let Some(entry) = next_entry(&mut reader, budget)? {
        if is_quilt_folder(&entry.path) {
            quilt_folder = true;
            if exclude == Exclude::QuiltFolder {
                continue;
            }
        }
        add(&entry, &mut reader, &mut tree, budget, store)?;
        newest = newest.max(entry.mtime);
    }
    let left = budget.bytes_left().saturating_add(PADDING);
    reader.finish(left).map_err(|error| too_long(error, budget))?;
    Ok(Unpacked { tree, newest, quilt_folder })
}

/// The next entry, paid for with all that stands in front of its content.
fn next_entry<R: Read>(reader: &mut TarReader<R>, budget: &mut Budget) -> Result<Option<Entry>, UnpackError> {
    let left = budget.bytes_left();
    *reader.headers_left() = left;
    let entry = reader.next_entry().map_err(|error| too_long(error, budget))?;
    budget.take_bytes(left - *reader.headers_left())?;
    if let Some(entry) = &entry {
        budget.take(entry.path.len(), entry.size.max(entry.stored))?;
        let (holes, regions) = entry.sparse;
        budget.take_sparse(holes, regions)?;
    }
    Ok(entry)
}

/// Error of an entry without an end in the archive, which passes the limit of unpacked bytes.
fn too_long(error: TarError, budget: &Budget) -> UnpackError {
    match error {
        TarError::TooLong(_) => OverLimit::UnpackedBytes(budget.limits().unpacked_bytes).into(),
        error => error.into(),
    }
}

/// A tree whose only entry is a folder becomes that folder; any other stays as it is.
pub fn strip_top(mut tree: Tree) -> Tree {
    let Some(entries) = tree.root.loaded() else { return tree };
    if entries.len() == 1
        && let Some(mut only) = entries.first_entry()
        && let Node::Folder(folder) = only.get_mut()
    {
        return Tree { root: std::mem::take(folder) };
    }
    tree
}

fn is_quilt_folder(path: &[u8]) -> bool {
    let mut parts = path.split(|&byte| byte == b'/');
    parts.next() == Some(b".pc") || parts.next() == Some(b".pc")
}

fn add<R: Read>(
    entry: &Entry,
    reader: &mut TarReader<R>,
    tree: &mut Tree,
    budget: &mut Budget,
    store: &mut dyn ContentStore,
) -> Result<(), UnpackError> {
    let refuse = |reason| UnpackError::Entry { path: entry.path.clone(), reason };
    let path = match checked_path(&entry.path).map_err(refuse)? {
        Some(path) => path,
        // The top itself: `./` is in most archives.
        None if matches!(entry.kind, EntryKind::Folder | EntryKind::Note) => return Ok(()),
        None => return Err(refuse(EntryError::NoName)),
    };
    let node = match entry.kind {
        EntryKind::Note => return Ok(()),
        EntryKind::Device => return Err(refuse(EntryError::Device)),
        EntryKind::Continuation => return Err(refuse(EntryError::Continuation)),
        EntryKind::Folder => return add_folder(&path, tree, store).map_err(refuse),
        EntryKind::Fifo => Node::Fifo { executable: entry.executable },
        EntryKind::Link if entry.link.is_empty() => return Err(refuse(EntryError::NoTarget)),
        EntryKind::Link if entry.link.len() > LONGEST_TARGET => return Err(refuse(EntryError::LongName)),
        EntryKind::Link => Node::Link(store.put_bytes(&entry.link).map_err(UnpackError::Store)?),
        EntryKind::HardLink if entry.link.len() > LONGEST_TARGET => return Err(refuse(EntryError::LongName)),
        EntryKind::HardLink => {
            let node = hard_link(&entry.link, tree, store).map_err(refuse)?;
            if let Node::File { content, .. } = node {
                // It is a copy: a checkout has its bytes once more.
                budget.take_bytes(store.size(content).map_err(UnpackError::Store)?)?;
            }
            node
        }
        EntryKind::File => {
            let content = store.put(entry.size, &mut reader.content()).map_err(stored_or_read)?;
            Node::File { content, executable: entry.executable }
        }
    };
    tree.put(&path, node, store).map_err(|error| refuse(error.into()))
}

/// A broken archive surfaces while its content is being stored; tell the two apart.
fn stored_or_read(error: io::Error) -> UnpackError {
    match error.downcast::<TarError>() {
        Ok(error) => UnpackError::Tar(error),
        Err(error) => UnpackError::Store(error),
    }
}

/// The path without empty names and `.`; `None` for the top itself.
fn checked_path(path: &[u8]) -> Result<Option<Vec<u8>>, EntryError> {
    if path.first() == Some(&b'/') {
        return Err(EntryError::Absolute);
    }
    if climbs(path) {
        return Err(EntryError::Climbs);
    }
    if path.is_empty() {
        return Err(EntryError::NoName);
    }
    let mut clean = Vec::with_capacity(path.len());
    for name in names(path) {
        if name.len() > 255 {
            return Err(EntryError::LongName);
        }
        push_name(&mut clean, name);
    }
    Ok((!clean.is_empty()).then_some(clean))
}

/// A folder replaces a file or a link, and joins a folder that is there already.
fn add_folder(path: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> Result<(), EntryError> {
    match tree.kind(path, store).map_err(TreeError::from)? {
        Kind::Folder => Ok(()),
        _ => Ok(tree.put(path, Node::Folder(Folder::new()), store)?),
    }
}

fn hard_link(target: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> Result<Node, EntryError> {
    let missing = || EntryError::MissingTarget(target.to_vec());
    let path = checked_path(target)?.ok_or_else(missing)?;
    match tree.find(&path, store).map_err(TreeError::from)? {
        None => Err(missing()),
        Some(Node::Folder(_)) => Err(EntryError::FolderTarget(target.to_vec())),
        // With a slash at its end a name is a folder's.
        Some(_) if target.ends_with(b"/") => Err(missing()),
        Some(node) => Ok(node.clone()),
    }
}

#[cfg(test)]
#[path = "unpack_tests.rs"]
mod tests;
