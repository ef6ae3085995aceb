//! Applies the patches one after the other, and leaves the same files beside them as dpkg.

use std::io;

use super::super::{Limits, Rules, apply_within, compressed};
use super::error::{ApplyAllError, SeriesError, TooMuchWork};
use super::links::{resolve, resolve_counted};
use super::list::{series, version2_series};
use super::{PATCHES, Patch, Series, below_patches};
use crate::store::ContentStore;
use crate::tree::{Kind, Node, Tree, push_name};

/// Source format, which decides the patches that [`apply_all`] applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format<'a> {
    /// Those of a `3.0 (quilt)` package.
    Quilt {
        /// The distribution, which may have a series of its own.
        distro: &'a str,
    },
    /// Those of a `2.0` package.
    Version2,
}

/// Cost of a patch that does nothing, in bytes.
const PATCH_COST: u64 = 4 << 10;
/// Cost of looking up a name, as the number of bytes that could be read in that time.
const STEP_COST: u64 = 64;

/// Rest of the work that the patches of a package may cause, in bytes that are read and written.
pub struct Work {
    left: u64,
    most: u64,
}

impl Work {
    fn new(most: u64) -> Work {
        Work { left: most, most }
    }

    /// Counts bytes that were read or written.
    ///
    /// # Errors
    /// The package has used up its share.
    pub fn spend(&mut self, bytes: u64) -> Result<(), TooMuchWork> {
        self.left = self.left.checked_sub(bytes).ok_or(TooMuchWork(self.most))?;
        Ok(())
    }

    /// Takes entries that were looked at.
    ///
    /// # Errors
    /// The package has used up its share.
    pub fn look_up(&mut self, entries: u64) -> Result<(), TooMuchWork> {
        self.spend(entries.saturating_mul(STEP_COST))
    }
}

/// Applies all patches of a package, and calls `after` after each, which takes its own share of the work. On success the tree is that of
/// `dpkg-source -x`, but for `.pc`. On failure it is that after the last patch that could be applied.
///
/// # Errors
/// [`ApplyAllError`] with the patch that fails; the tree then has the patches before it.
pub fn apply_all<S: ContentStore, E>(
    format: Format<'_>,
    limits: Limits,
    tree: &mut Tree,
    store: &mut S,
    mut after: impl FnMut(&Patch, &mut Tree, &mut S, &mut Work) -> Result<(), E>,
) -> Result<Option<Series>, ApplyAllError<E>> {
    let (series, rules) = match format {
        Format::Quilt { distro } => {
            let series = series(distro, tree, store)?;
            check_quilt_folder(tree, store)?;
            link_series(series.as_ref(), tree, store)?;
            (series, Rules::Quilt)
        }
        Format::Version2 => (Some(version2_series(tree, store)?), Rules::Version2),
    };
    let mut work = Work::new(limits.max_series);
    let mut list = b"# During unpack\n".to_vec();
    for name in series.iter().flat_map(|series| &series.names) {
        let content = read_counted(name, limits, tree, store, &mut work)?;
        let summary = apply_within(&content, rules, limits, tree, store)
            .map_err(|error| ApplyAllError::Patch { name: name.clone(), error })?;
        work.spend(summary.work)?;
        if rules == Rules::Version2 {
            work.spend(list.len() as u64)?;
            list.extend_from_slice(name);
            list.push(b'\n');
            put_file(&below_patches(b".dpkg-source-applied"), &list, tree, store)?;
        }
        let patch = Patch { name: name.clone(), content, summary };
        after(&patch, tree, store, &mut work).map_err(ApplyAllError::After)?;
    }
    Ok(series)
}

/// Reads a patch of the series as it is now: an earlier patch may have changed it.
pub fn read_patch(
    name: &[u8],
    limits: Limits,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<Vec<u8>, SeriesError> {
    Ok(read_steps(name, limits, tree, store)?.0)
}

/// The same, as part of the work.
fn read_counted<E>(
    name: &[u8],
    limits: Limits,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
    work: &mut Work,
) -> Result<Vec<u8>, ApplyAllError<E>> {
    work.spend(PATCH_COST)?;
    let (content, steps) = read_steps(name, limits, tree, store)?;
    work.look_up(steps)?;
    work.spend(content.len() as u64)?;
    Ok(content)
}

fn read_steps(
    name: &[u8],
    limits: Limits,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<(Vec<u8>, u64), SeriesError> {
    let path = below_patches(name);
    let (_, kind, steps) = resolve_counted(&path, tree, store)?;
    let content = match kind {
        Kind::File { content, .. } => content,
        Kind::Missing => return Err(SeriesError::NotFile { path, cause: "does not exist" }),
        _ => return Err(SeriesError::NotFile { path, cause: "is not a file" }),
    };
    let limit = limits.max_patch;
    if store.size(content)? > limit {
        return Err(SeriesError::TooLarge { path, limit });
    }
    let content = compressed::content(name, store.get(content)?, limit);
    match content {
        Ok(content) => Ok((content, steps)),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err(SeriesError::TooLarge { path, limit })
        }
        Err(error) => Err(SeriesError::Compressed { path, error }),
    }
}

/// dpkg keeps its notes in `.pc`, so nothing else may stand there.
fn check_quilt_folder(tree: &mut Tree, store: &mut dyn ContentStore) -> Result<(), SeriesError> {
    match tree.kind(b".pc", store)? {
        Kind::Missing | Kind::Folder => Ok(()),
        _ => Err(SeriesError::NotFile { path: b".pc".to_vec(), cause: "is not a folder" }),
    }
}

/// Lets `series` lead to the series of the distribution, unless it is a file.
fn link_series(
    series: Option<&Series>,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<(), SeriesError> {
    let Some(file) = series.and_then(|series| series.file.as_ref()).filter(|file| *file != b"series") else {
        return Ok(());
    };
    let mut path = resolve(PATCHES, tree, store)?.0;
    push_name(&mut path, b"series");
    match tree.kind(&path, store)? {
        Kind::File { .. } => return Ok(()),
        Kind::Missing | Kind::Link(_) => {}
        Kind::Folder | Kind::Fifo => {
            return Err(SeriesError::NotFile { path, cause: "is neither a file nor a symbolic link" });
        }
    }
    let target = store.put_bytes(file)?;
    tree.put(&path, Node::Link(target), store)?;
    Ok(())
}

/// Writes a file; one that is there stays executable if it was.
fn put_file(
    path: &[u8],
    content: &[u8],
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<(), SeriesError> {
    let (path, kind) = resolve(path, tree, store)?;
    let executable = match kind {
        Kind::Missing => false,
        Kind::File { executable, .. } => executable,
        _ => return Err(SeriesError::NotFile { path, cause: "is not a file" }),
    };
    let content = store.put_bytes(content)?;
    tree.put(&path, Node::File { content, executable }, store)?;
    Ok(())
}
