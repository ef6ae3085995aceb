//! From the files of a source package to its tree, patches not applied.

mod error;
mod overlay;

use std::io::{self, Read};
use std::thread;

use crate::ahead::Ahead;
use crate::checksum::{Hashing, ListedFile};
use crate::compression::decompress;
use crate::dsc::Dsc;
use crate::layout::Layout;
use crate::limits::{Budget, OverLimit};
use crate::patch::{self, Rules};
use crate::store::ContentStore;
use crate::tar::TarError;
use crate::tree::Tree;
use crate::unpack::{Exclude, Unpacked, strip_top, unpack};

pub use error::SourceError;
use error::{compression, unpacking};
use overlay::{lay_over, place_component};

/// A larger file is decompressed on a thread of its own, if threads are allowed. A smaller one is read before that
/// would help.
const WORTH_A_THREAD: u64 = 512 << 10;

/// Source of the files of a source package.
pub trait SourceFiles {
    /// Opens one of the files that the `.dsc` lists. `attempt` counts those that could not be read, or turned out to be
    /// others; `None` if there is no further place where it may be.
    fn open(&mut self, listed: &ListedFile, attempt: usize) -> Option<io::Result<Box<dyn Read + Send>>>;
}

/// The upstream part of a source package.
#[derive(Debug)]
pub struct Upstream {
    /// Files of the upstream tarballs.
    pub tree: Tree,
    /// The newest time of change in its tarballs, in seconds since 1970.
    pub newest: i64,
    /// The tarballs as they were found, with all checksums, the main one first.
    pub tarballs: Vec<ListedFile>,
    /// True when another format would unpack them to another tree: quilt's own folder is among the entries.
    pub rule_matters: bool,
}

impl Upstream {
    /// Before any tarball is unpacked.
    pub fn empty() -> Upstream {
        Upstream { tree: Tree::new(), newest: 0, tarballs: Vec::new(), rule_matters: false }
    }
}

/// One reading of one source package.
pub struct Reading<'a> {
    /// Content of the `.dsc`.
    pub dsc: &'a Dsc,
    /// Roles of the files.
    pub layout: &'a Layout,
    /// Source of the files.
    pub files: &'a mut dyn SourceFiles,
    /// Resources that may be used.
    pub budget: &'a mut Budget,
    /// Number of threads that may be busy at once.
    pub threads: usize,
}

impl Reading<'_> {
    /// Unpacks the upstream tarballs. Those that `upstream` has already must be the first ones.
    ///
    /// # Errors
    /// [`SourceError`] with the file that is missing, differs from its listed hashes, or cannot be unpacked.
    pub fn upstream(
        &mut self,
        mut upstream: Upstream,
        store: &mut dyn ContentStore,
    ) -> Result<Upstream, SourceError> {
        let exclude = match self.layout {
            Layout::Quilt { .. } => Exclude::QuiltFolder,
            _ => Exclude::Nothing,
        };
        let known = upstream.tarballs.len();
        for (component, index) in self.layout.upstream().into_iter().skip(known) {
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
    ///
    /// # Errors
    /// The tarball or the diff cannot be read, or is refused as `dpkg-source` would.
    pub fn unapplied(&mut self, upstream: Tree, store: &mut dyn ContentStore) -> Result<Tree, SourceError> {
        match *self.layout {
            Layout::Native { tarball } => {
                let (unpacked, _) = self.tarball(tarball, Exclude::Nothing, store)?;
                Ok(strip_top(unpacked.tree))
            }
            Layout::Diff { diff: None, .. } => Ok(upstream),
            Layout::Diff { diff: Some(index), .. } => self.diff(index, upstream, store),
            Layout::Quilt { debian, .. } => {
                let (unpacked, found) = self.tarball(debian, Exclude::Nothing, store)?;
                lay_over(upstream, unpacked.tree, found.name, store)
            }
        }
    }

    /// Reads a small file as a whole: a signature.
    ///
    /// # Errors
    /// The file cannot be read, or has other checksums than the `.dsc` lists.
    pub fn small_file(&mut self, index: usize) -> Result<Vec<u8>, SourceError> {
        let listed = &self.dsc.files[index];
        let before = self.budget.clone();
        let budget = &mut *self.budget;
        let (bytes, _) = read_verified(listed, self.files, |hashing| {
            budget.clone_from(&before);
            read_whole(hashing, listed, budget)
        })?;
        Ok(bytes)
    }

    fn tarball(
        &mut self,
        index: usize,
        exclude: Exclude,
        store: &mut dyn ContentStore,
    ) -> Result<(Unpacked, ListedFile), SourceError> {
        let listed = &self.dsc.files[index];
        let before = self.budget.clone();
        let budget = &mut *self.budget;
        let is_worth_a_thread = self.threads > 1 && listed.size > WORTH_A_THREAD;
        read_verified(listed, self.files, |hashing| {
            budget.clone_from(&before);
            let limits = *budget.limits();
            let decoded = decompress(hashing, listed.size, &limits);
            let decoded = decoded.map_err(|error| compression(listed, error))?;
            let unpacked = if is_worth_a_thread {
                thread::scope(|scope| {
                    let ahead = Ahead::within(scope, decoded).map_err(TarError::Read)?;
                    unpack(ahead, exclude, budget, store)
                })
            } else {
                unpack(decoded, exclude, budget, store)
            };
            unpacked.map_err(|error| unpacking(listed, error))
        })
    }

    fn diff(
        &mut self,
        index: usize,
        mut tree: Tree,
        store: &mut dyn ContentStore,
    ) -> Result<Tree, SourceError> {
        let listed = &self.dsc.files[index];
        let before = self.budget.clone();
        let budget = &mut *self.budget;
        let (text, _) = read_verified(listed, self.files, |hashing| {
            budget.clone_from(&before);
            let limits = *budget.limits();
            let mut decoded =
                decompress(hashing, listed.size, &limits).map_err(|error| compression(listed, error))?;
            read_whole(&mut decoded, listed, budget)
        })?;
        patch::apply(&text, Rules::Version1, &mut tree, store)
            .map_err(|error| SourceError::Diff { name: listed.name.clone(), error })?;
        Ok(tree)
    }
}

/// Runs `use_it` on a file while it is being hashed, then compares it with the list. An error of the
/// comparison comes first: the content of a damaged file is of no interest.
fn read_verified<T>(
    listed: &ListedFile,
    files: &mut dyn SourceFiles,
    mut use_it: impl FnMut(&mut Hashing<Box<dyn Read + Send>>) -> Result<T, SourceError>,
) -> Result<(T, ListedFile), SourceError> {
    let read = |error| SourceError::Read { name: listed.name.clone(), error };
    let mut first = None;
    for attempt in 0.. {
        let Some(opened) = files.open(listed, attempt) else { break };
        let once = || {
            let mut hashing = Hashing::new(opened.map_err(read)?);
            let result = use_it(&mut hashing);
            let found = hashing.finish(&listed.name).map_err(read)?;
            listed.check(&found)?;
            Ok((result, found))
        };
        match once() {
            Ok((result, found)) => return Ok((result?, found)),
            // The error of the first place is reported.
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    Err(first.unwrap_or_else(|| read(io::ErrorKind::NotFound.into())))
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
