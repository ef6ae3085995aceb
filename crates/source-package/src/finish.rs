//! Changes that dpkg-source makes to a tree after unpacking and patching (`Dpkg::Source::Package`, `extract`).

use std::io;

use crate::dsc::Format;
use crate::links::{Target, TraversalError, check_debian, resolve};
use crate::path::Shown;
use crate::store::ContentStore;
use crate::tree::{Folder, Kind, Node, Tree, TreeError, push_name};

/// Reason why a tree cannot be finished.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// Something reachable from `debian/` leads out of the source.
    #[error(transparent)]
    Traversal(#[from] TraversalError),
    /// `debian/source/format` cannot be written.
    #[error("cannot write {}: a folder on the way is missing, or is none", Shown(.0))]
    Format(Vec<u8>),
    /// A place cannot be written.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Error of the content store.
    #[error("cannot read or keep a file: {0}")]
    Store(#[from] io::Error),
}

/// Changes that [`finish`] made, so that they can be undone: patches apply to the tree as it was before.
#[derive(Debug, Default)]
pub struct Finished {
    rules: Option<(Vec<u8>, Node)>,
    format: Option<Vec<u8>>,
    source: Option<Vec<u8>>,
    looked_at: u64,
}

/// Checks for links out of `debian/`, writes a missing `debian/source/format`, makes `debian/rules` executable.
///
/// # Errors
/// [`FinishError::Traversal`] for a link out of the package, [`FinishError::Format`] when `debian/source/format` is
/// no file.
pub fn finish(
    tree: &mut Tree,
    format: &Format,
    store: &mut dyn ContentStore,
) -> Result<Finished, FinishError> {
    let mut done = Finished { looked_at: check_debian(tree, store)?, ..Finished::default() };
    if format.recorded {
        record_format(tree, format, store, &mut done)?;
    }
    make_rules_executable(tree, store, &mut done)?;
    Ok(done)
}

impl Finished {
    /// Number of entries of the tree that were looked at.
    pub fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// Takes the changes back.
    ///
    /// # Errors
    /// A folder of the tree cannot be read.
    pub fn undo(self, tree: &mut Tree, store: &mut dyn ContentStore) -> Result<(), TreeError> {
        if let Some((path, node)) = self.rules {
            tree.put(&path, node, store)?;
        }
        for path in self.format.iter().chain(&self.source) {
            tree.remove(path, store)?;
        }
        Ok(())
    }
}

fn record_format(
    tree: &mut Tree,
    format: &Format,
    store: &mut dyn ContentStore,
    done: &mut Finished,
) -> Result<(), FinishError> {
    let wanted = b"debian/source/format".to_vec();
    if exists(&wanted, tree, store)? {
        return Ok(());
    }
    if !exists(b"debian/source", tree, store)? {
        // dpkg makes this folder alone, not debian/ above it.
        let Target::Inside(debian) = resolve(b"debian", tree, store)? else {
            return Err(FinishError::Format(wanted));
        };
        if !debian.is_empty() && tree.kind(&debian, store)? != Kind::Folder {
            return Err(FinishError::Format(wanted));
        }
        let mut source = debian;
        push_name(&mut source, b"source");
        if tree.kind(&source, store)? != Kind::Missing {
            return Err(FinishError::Format(wanted));
        }
        tree.put(&source, Node::Folder(Folder::new()), store)?;
        done.source = Some(source);
    }
    let Target::Inside(place) = resolve(&wanted, tree, store)? else {
        return Err(FinishError::Format(wanted));
    };
    let content = store.put_bytes(format!("{}\n", format.text).as_bytes())?;
    tree.put(&place, Node::File { content, executable: false }, store)?;
    done.format = Some(place);
    Ok(())
}

fn make_rules_executable(
    tree: &mut Tree,
    store: &mut dyn ContentStore,
    done: &mut Finished,
) -> Result<(), FinishError> {
    let Target::Inside(mut path) = resolve(b"debian", tree, store)? else { return Ok(()) };
    push_name(&mut path, b"rules");
    if let Kind::File { content, executable: false } = tree.kind(&path, store)? {
        tree.put(&path, Node::File { content, executable: true }, store)?;
        done.rules = Some((path, Node::File { content, executable: false }));
    }
    Ok(())
}

/// True when something exists at a path, links followed.
pub(crate) fn exists(path: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> io::Result<bool> {
    match resolve(path, tree, store)? {
        Target::Inside(place) => Ok(place.is_empty() || tree.kind(&place, store)? != Kind::Missing),
        Target::Null => Ok(true),
        // Only links out of the source to an existing target, and those were refused before.
        Target::Nowhere | Target::Outside { .. } | Target::Broken => Ok(false),
    }
}
