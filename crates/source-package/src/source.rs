//! From the files of a source package to its tree, patches not applied.

use std::io::{self, Read};

use crate::checksum::{Hashing, ListedFile, Mismatch};
use crate::compression::decompress;
use crate::dsc::Dsc;
use crate::layout::Layout;
use crate::limits::{Budget, OverLimit};
use crate::links::{Target, resolve};
use crate::patch::{self, PatchError, Rules};
use crate::path::Name;
use crate::store::ContentStore;
use crate::tar::TarError;
use crate::tree::{Folder, Kind, Node, Tree, TreeError, push_name};
use crate::unpack::{Exclude, UnpackError, Unpacked, strip_top, unpack};

/// Where the files of a source package are read from.
pub trait SourceFiles {
    /// Opens one of the files that the `.dsc` lists.
    fn open(&mut self, name: &str) -> io::Result<Box<dyn Read + Send>>;
}

/// Why a source package cannot be read. Every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be opened or read.
    #[error("cannot read {name}: {error}")]
    Read {
        /// The file.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// A file is not the one that was listed.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The compression is unknown or damaged.
    #[error("cannot decompress {name}: {error}")]
    Compression {
        /// The file.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// The tarball cannot be unpacked.
    #[error("cannot unpack {name}: {error}")]
    Unpack {
        /// The file.
        name: String,
        /// Why.
        error: UnpackError,
    },
    /// A limit was passed outside a tarball.
    #[error("{name}: {limit}")]
    Limit {
        /// The file.
        name: String,
        /// Which.
        limit: OverLimit,
    },
    /// The Debian tarball cannot be laid over the upstream tree.
    #[error("cannot lay {name} over the upstream files: {error}")]
    Overlay {
        /// The file.
        name: String,
        /// Why.
        error: TreeError,
    },
    /// A component cannot take its place.
    #[error("cannot unpack {name} into the folder {folder}: something that is no folder is in the way")]
    Component {
        /// The file.
        name: String,
        /// The folder.
        folder: String,
    },
    /// The `.diff.gz` does not apply.
    #[error("cannot apply {name}: {error}")]
    Diff {
        /// The file.
        name: String,
        /// Why.
        error: PatchError,
    },
    /// The store failed.
    #[error("cannot read or keep an unpacked file: {0}")]
    Store(#[from] io::Error),
}

impl SourceError {
    /// Whether a file is simply not there.
    pub fn is_missing_file(&self) -> bool {
        matches!(self, SourceError::Read { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

/// The upstream part of a source package.
#[derive(Debug)]
pub struct Upstream {
    /// Its files.
    pub tree: Tree,
    /// The newest time of change in its tarballs, in seconds since 1970.
    pub newest: i64,
    /// The tarballs as they were found, with all checksums, the main one first.
    pub tarballs: Vec<ListedFile>,
    /// Whether another format would unpack them to another tree: quilt's own folder is among the entries.
    pub rule_matters: bool,
}

/// One reading of one source package.
pub struct Reading<'a> {
    /// What the package is.
    pub dsc: &'a Dsc,
    /// Which file is what.
    pub layout: &'a Layout,
    /// Where the files are.
    pub files: &'a mut dyn SourceFiles,
    /// What may be used.
    pub budget: &'a mut Budget,
}

impl Reading<'_> {
    /// Unpacks the upstream tarballs.
    pub fn upstream(&mut self, store: &mut dyn ContentStore) -> Result<Upstream, SourceError> {
        let exclude = match self.layout {
            Layout::Quilt { .. } => Exclude::QuiltFolder,
            _ => Exclude::Nothing,
        };
        let mut upstream =
            Upstream { tree: Tree::new(), newest: 0, tarballs: Vec::new(), rule_matters: false };
        for (component, index) in self.layout.upstream() {
            let exclude = if component.is_none() { exclude } else { Exclude::Nothing };
            let (unpacked, found) = self.tarball(index, exclude, store)?;
            upstream.newest = upstream.newest.max(unpacked.newest);
            upstream.rule_matters |= component.is_none() && unpacked.quilt_folder;
            let tree = strip_top(unpacked.tree);
            match component {
                None => upstream.tree = tree,
                Some(folder) => place_component(folder, &found.name, tree, &mut upstream.tree, store)?,
            }
            upstream.tarballs.push(found);
        }
        Ok(upstream)
    }

    /// The package's tree as `dpkg-source --skip-patches -x` leaves it before its last touches (see
    /// [`crate::finish`]). `upstream` is the tree of the upstream tarballs; a native package has none.
    pub fn unapplied(&mut self, upstream: Tree, store: &mut dyn ContentStore) -> Result<Tree, SourceError> {
        match *self.layout {
            Layout::Native { tarball } => {
                let (unpacked, _) = self.tarball(tarball, Exclude::Nothing, store)?;
                Ok(strip_top(unpacked.tree))
            }
            Layout::Diff { diff: None, .. } => Ok(upstream),
            Layout::Diff { diff: Some(index), .. } => self.diff(index, upstream, store),
            Layout::Quilt { debian, .. } => {
                let (mut unpacked, found) = self.tarball(debian, Exclude::Nothing, store)?;
                let mut tree = upstream;
                tree.remove(b"debian", store)?;
                let over = &mut unpacked.tree.root;
                let overlaid = check_replaced_links(over, &mut Vec::new(), &mut tree, store)
                    .and_then(|()| overlay(&mut tree.root, unpacked.tree.root, &mut Vec::new(), store));
                overlaid.map_err(|error| SourceError::Overlay { name: found.name, error })?;
                Ok(tree)
            }
        }
    }

    /// Reads a small file as a whole: a signature.
    pub fn small_file(&mut self, index: usize) -> Result<Vec<u8>, SourceError> {
        let listed = &self.dsc.files[index];
        let read = |error| SourceError::Read { name: listed.name.clone(), error };
        let mut hashing = Hashing::new(self.files.open(&listed.name).map_err(read)?);
        let bytes = read_whole(&mut hashing, listed, self.budget)?;
        listed.check(&hashing.finish(&listed.name).map_err(read)?)?;
        Ok(bytes)
    }

    fn tarball(
        &mut self,
        index: usize,
        exclude: Exclude,
        store: &mut dyn ContentStore,
    ) -> Result<(Unpacked, ListedFile), SourceError> {
        let listed = &self.dsc.files[index];
        let budget = &mut *self.budget;
        read_verified(listed, self.files, |mut hashing| {
            let limits = *budget.limits();
            let decoded = decompress(&mut hashing, listed.size, &limits);
            let decoded = decoded.map_err(|error| compression(listed, error))?;
            unpack(decoded, exclude, budget, store).map_err(|error| unpacking(listed, error))
        })
    }

    fn diff(
        &mut self,
        index: usize,
        mut tree: Tree,
        store: &mut dyn ContentStore,
    ) -> Result<Tree, SourceError> {
        let listed = &self.dsc.files[index];
        let budget = &mut *self.budget;
        let (text, _) = read_verified(listed, self.files, |mut hashing| {
            let limits = *budget.limits();
            let mut decoded =
                decompress(&mut hashing, listed.size, &limits).map_err(|error| compression(listed, error))?;
            read_whole(&mut decoded, listed, budget)
        })?;
        patch::apply(&text, Rules::Version1, &mut tree, store)
            .map_err(|error| SourceError::Diff { name: listed.name.clone(), error })?;
        Ok(tree)
    }
}

/// Runs `use_it` on a file while it is being hashed, then compares with what was listed. The comparison comes
/// first: what a damaged file contains is of no interest.
fn read_verified<T>(
    listed: &ListedFile,
    files: &mut dyn SourceFiles,
    use_it: impl FnOnce(&mut Hashing<Box<dyn Read + Send>>) -> Result<T, SourceError>,
) -> Result<(T, ListedFile), SourceError> {
    let read = |error| SourceError::Read { name: listed.name.clone(), error };
    let mut hashing = Hashing::new(files.open(&listed.name).map_err(read)?);
    let result = use_it(&mut hashing);
    let found = hashing.finish(&listed.name).map_err(read)?;
    listed.check(&found)?;
    Ok((result?, found))
}

fn read_whole(
    input: &mut dyn Read,
    listed: &ListedFile,
    budget: &mut Budget,
) -> Result<Vec<u8>, SourceError> {
    let most = budget.limits().text_bytes;
    let mut bytes = Vec::new();
    let read = input.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| compression(listed, error))?;
    if bytes.len() as u64 > most {
        return Err(SourceError::Limit { name: listed.name.clone(), limit: OverLimit::UnpackedBytes(most) });
    }
    let taken = budget.take(0, bytes.len() as u64);
    taken.map_err(|limit| SourceError::Limit { name: listed.name.clone(), limit })?;
    Ok(bytes)
}

fn compression(listed: &ListedFile, error: io::Error) -> SourceError {
    let name = listed.name.clone();
    match error.downcast::<OverLimit>() {
        Ok(limit) => SourceError::Limit { name, limit },
        Err(error) => SourceError::Compression { name, error },
    }
}

/// Reading a tar archive meets errors of the layer below: tell a damaged compression from a damaged archive.
fn unpacking(listed: &ListedFile, error: UnpackError) -> SourceError {
    match error {
        UnpackError::Tar(TarError::Read(error)) => compression(listed, error),
        UnpackError::Limit(limit) => SourceError::Limit { name: listed.name.clone(), limit },
        error => SourceError::Unpack { name: listed.name.clone(), error },
    }
}

/// A component replaces what is at its folder's place; only a link that leads nowhere stays in the way.
fn place_component(
    folder: &str,
    file: &str,
    component: Tree,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<(), SourceError> {
    let path = folder.as_bytes();
    if let Kind::Link(_) = tree.kind(path, store)?
        && !leads_somewhere(path, tree, store)?
    {
        return Err(SourceError::Component { name: file.to_owned(), folder: folder.to_owned() });
    }
    tree.remove(path, store)?;
    let placed = tree.put(path, Node::Folder(component.root), store);
    placed.map_err(|error| SourceError::Overlay { name: file.to_owned(), error })
}

fn leads_somewhere(path: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> io::Result<bool> {
    Ok(match resolve(path, tree, store)? {
        Target::Inside(place) => place.is_empty() || tree.kind(&place, store)? != Kind::Missing,
        Target::Null => true,
        Target::Outside { exists } => exists,
        Target::Nowhere | Target::Broken => false,
    })
}

/// dpkg looks where a link leads before it replaces it, and gives up on one that cannot be resolved.
fn check_replaced_links(
    over: &mut Folder,
    path: &mut Vec<u8>,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<(), TreeError> {
    for (name, node) in over.loaded().into_iter().flatten() {
        let length = path.len();
        push_name(path, name);
        match tree.kind(path, store)? {
            Kind::Link(_) if resolve(path, tree, store)? == Target::Broken => {
                return Err(TreeError::ThroughLink { path: path.clone(), link: path.clone() });
            }
            Kind::Folder => {
                if let Node::Folder(below) = node {
                    check_replaced_links(below, path, tree, store)?;
                }
            }
            _ => {}
        }
        path.truncate(length);
    }
    Ok(())
}

/// Lays `over` over `under`: folders join, files and links replace, and only an empty folder gives way to a file.
fn overlay(
    under: &mut Folder,
    mut over: Folder,
    path: &mut Vec<u8>,
    store: &mut dyn ContentStore,
) -> Result<(), TreeError> {
    let Some(entries) = over.loaded().map(std::mem::take) else { return Ok(()) };
    for (name, node) in entries {
        let length = path.len();
        push_name(path, &name);
        overlay_entry(under, name, node, path, store)?;
        path.truncate(length);
    }
    Ok(())
}

fn overlay_entry(
    under: &mut Folder,
    name: Name,
    node: Node,
    path: &mut Vec<u8>,
    store: &mut dyn ContentStore,
) -> Result<(), TreeError> {
    let entries = under.entries_mut(store)?;
    match (entries.get_mut(&name), node) {
        (Some(Node::Folder(old)), Node::Folder(new)) => overlay(old, new, path, store),
        (Some(Node::Folder(old)), node) => {
            if !old.entries(store)?.is_empty() {
                return Err(TreeError::IsFolder(path.clone()));
            }
            entries.insert(name, node);
            Ok(())
        }
        (_, node) => {
            entries.insert(name, node);
            Ok(())
        }
    }
}
