//! Applies the patches one after the other, and leaves beside them what dpkg leaves.

use super::super::{Limits, Rules, apply_within, compressed};
use super::error::{ApplyAllError, SeriesError};
use super::links::{follow, resolve};
use super::list::{series, version2_series};
use super::{PATCHES, Patch, Series, below_patches};
use crate::store::ContentStore;
use crate::tree::{Kind, Node, Tree, push_name};

/// Which patches are applied by [`apply_all`].
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

/// Applies all patches of a package, and calls `after` after each. On success the tree is that of
/// `dpkg-source -x`, but for `.pc`. On failure it is that after the last patch that could be applied.
pub fn apply_all<S: ContentStore, E>(
    format: Format<'_>,
    limits: Limits,
    tree: &mut Tree,
    store: &mut S,
    mut after: impl FnMut(&Patch, &mut Tree, &mut S) -> Result<(), E>,
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
    let mut list = b"# During unpack\n".to_vec();
    for name in series.iter().flat_map(|series| &series.names) {
        let content = read_patch(name, limits, tree, store)?;
        let summary = apply_within(&content, rules, limits, tree, store)
            .map_err(|error| ApplyAllError::Patch { name: name.clone(), error })?;
        if rules == Rules::Version2 {
            list.extend_from_slice(name);
            list.push(b'\n');
            put_file(&below_patches(b".dpkg-source-applied"), &list, tree, store)?;
        }
        after(&Patch { name: name.clone(), content, summary }, tree, store).map_err(ApplyAllError::After)?;
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
    let path = below_patches(name);
    let content = match follow(&path, tree, store)? {
        Kind::File { content, .. } => content,
        Kind::Missing => return Err(SeriesError::NotFile { path, cause: "does not exist" }),
        _ => return Err(SeriesError::NotFile { path, cause: "is not a file" }),
    };
    if store.size(content)? > limits.max_patch {
        return Err(SeriesError::NotFile { path, cause: "is larger than a patch may be" });
    }
    compressed::content(name, store.get(content)?, limits.max_patch)
        .map_err(|error| SeriesError::Compressed { path, error })
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
