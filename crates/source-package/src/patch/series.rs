//! The patches of a source package: which there are, in which order, and what dpkg leaves beside them.

use std::io;

use super::names::{is_space, skip_spaces};
use super::{Limits, PatchError, Rules, Summary, apply_within, compressed};
use crate::path::{Shown, names, split_last};
use crate::store::ContentStore;
use crate::tree::{Kind, Node, Tree, TreeError, push_name};

const PATCHES: &[u8] = b"debian/patches";

/// How many links in a row are followed.
const MAX_LINKS: usize = 40;

/// The names of the patches of a package, in the order in which they are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The name of the file below `debian/patches` that lists them; `None` where no file does (`2.0`).
    pub file: Option<Vec<u8>>,
    /// The names, below `debian/patches`.
    pub names: Vec<Vec<u8>>,
}

/// A patch that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Its name below `debian/patches`.
    pub name: Vec<u8>,
    /// Its text, decompressed.
    pub content: Vec<u8>,
    /// What it did.
    pub summary: Summary,
}

/// Why the patches of a package cannot be listed or read.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// A patch outside of `debian/patches`.
    #[error("{} names a patch outside of its folder: {}", Shown(file), Shown(name))]
    Insecure {
        /// The series file.
        file: Vec<u8>,
        /// The name.
        name: Vec<u8>,
    },
    /// A patch or series that is not there, or is no file.
    #[error("{} {cause}", Shown(path))]
    NotFile {
        /// Its path.
        path: Vec<u8>,
        /// What is wrong.
        cause: &'static str,
    },
    /// A patch that cannot be decompressed.
    #[error("cannot decompress {}: {error}", Shown(path))]
    Compressed {
        /// Its path.
        path: Vec<u8>,
        /// What the decoder says.
        error: io::Error,
    },
    /// The store failed.
    #[error("cannot read or keep a file: {0}")]
    Store(#[from] io::Error),
    /// The tree refuses a change.
    #[error("{0}")]
    Tree(TreeError),
}

/// Why a package cannot be patched. `E` is the error of the caller's own work after each patch.
#[derive(Debug, thiserror::Error)]
pub enum ApplyAllError<E> {
    /// The patches cannot be listed or read.
    #[error("{0}")]
    Series(#[from] SeriesError),
    /// A patch does not apply.
    #[error("failed to apply {}: {error}", Shown(name))]
    Patch {
        /// Its name.
        name: Vec<u8>,
        /// Why.
        error: PatchError,
    },
    /// The caller's work failed.
    #[error("{0}")]
    After(E),
}

impl From<TreeError> for SeriesError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Store(error) => SeriesError::Store(error),
            other => SeriesError::Tree(other),
        }
    }
}

/// The patches of a `3.0 (quilt)` package for a distribution: its own series file if there is one, else the common one.
/// `None`: the package has neither.
pub fn series(
    distro: &str,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<Option<Series>, SeriesError> {
    let own = [distro.to_ascii_lowercase().as_bytes(), b".series"].concat();
    for file in [own, b"series".to_vec()] {
        let path = below_patches(&file);
        let names = match follow(&path, tree, store)? {
            Kind::Missing => continue,
            Kind::File { content, .. } => parse(&path, &store.get(content)?)?,
            _ => Vec::new(),
        };
        return Ok(Some(Series { file: Some(file), names }));
    }
    Ok(None)
}

/// The patches of a `2.0` package: the files in `debian/patches` with plain names, sorted.
pub fn version2_series(tree: &mut Tree, store: &mut dyn ContentStore) -> Result<Series, SeriesError> {
    let mut found = Vec::new();
    let (folder, kind) = resolve(PATCHES, tree, store)?;
    if kind == Kind::Folder
        && let Some(Node::Folder(folder)) = tree.find(&folder, store)?
    {
        // The names come sorted by their bytes.
        found.extend(folder.entries(store)?.keys().filter(|name| is_plain(name)).map(|name| name.to_vec()));
    }
    let mut names = Vec::new();
    for name in found {
        if matches!(follow(&below_patches(&name), tree, store)?, Kind::File { .. }) {
            names.push(name);
        }
    }
    Ok(Series { file: None, names })
}

/// Letters, digits, `_` and `-`, as for `run-parts`. (The pattern that dpkg uses lets one line end follow.)
fn is_plain(name: &[u8]) -> bool {
    let name = name.strip_suffix(b"\n").unwrap_or(name);
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn below_patches(name: &[u8]) -> Vec<u8> {
    [PATCHES, b"/", name].concat()
}

/// Reads a series file: a name a line. Options behind a name have no effect in dpkg.
fn parse(file: &[u8], text: &[u8]) -> Result<Vec<Vec<u8>>, SeriesError> {
    let mut names = Vec::new();
    for line in text.split(|&byte| byte == b'\n') {
        let line = without_comment(trim(line));
        let name: &[u8] = line.split(|&byte| is_space(byte)).next().unwrap_or_default();
        // dpkg takes a "0" for an empty line.
        if line.is_empty() || line == b"0" {
            continue;
        }
        let climbs = name.starts_with(b"../") || memchr::memmem::find(name, b"/../").is_some();
        if climbs {
            return Err(SeriesError::Insecure { file: file.to_vec(), name: name.to_vec() });
        }
        names.push(name.to_vec());
    }
    Ok(names)
}

fn trim(line: &[u8]) -> &[u8] {
    let line = skip_spaces(line);
    let blanks = line.iter().rev().take_while(|&&byte| is_space(byte)).count();
    &line[..line.len() - blanks]
}

/// Cuts a comment off: a `#` at the beginning or behind white space.
fn without_comment(line: &[u8]) -> &[u8] {
    let begin = memchr::memchr_iter(b'#', line).find(|&at| at == 0 || is_space(line[at - 1]));
    begin.map_or(line, |at| trim(&line[..at]))
}

/// Where a path leads when links are followed, which must not leave the tree.
fn resolve(
    path: &[u8],
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<(Vec<u8>, Kind), SeriesError> {
    let outside = || SeriesError::NotFile { path: path.to_vec(), cause: "leads out of the source package" };
    let mut todo: Vec<Vec<u8>> = names(path).rev().map(<[u8]>::to_vec).collect();
    let mut walked = Vec::new();
    let mut links = 0;
    while let Some(name) = todo.pop() {
        if name == b".." {
            if walked.is_empty() {
                return Err(outside());
            }
            walked.truncate(split_last(&walked).0.len());
            continue;
        }
        let above = walked.len();
        push_name(&mut walked, &name);
        match tree.kind(&walked, store)? {
            Kind::Link(target) => {
                links += 1;
                let target = store.get(target)?;
                if links > MAX_LINKS || target.len() > 4095 {
                    return Ok((walked, Kind::Missing));
                }
                if target.first() == Some(&b'/') {
                    return Err(outside());
                }
                walked.truncate(above);
                todo.extend(names(&target).rev().map(<[u8]>::to_vec));
            }
            Kind::Folder => {}
            Kind::Missing => return Ok((walked, Kind::Missing)),
            kind if todo.is_empty() => return Ok((walked, kind)),
            _ => return Ok((walked, Kind::Missing)),
        }
    }
    Ok((walked, Kind::Folder))
}

fn follow(path: &[u8], tree: &mut Tree, store: &mut dyn ContentStore) -> Result<Kind, SeriesError> {
    Ok(resolve(path, tree, store)?.1)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn parsed(text: &[u8]) -> Vec<Vec<u8>> {
        parse(b"series", text).unwrap()
    }

    #[test]
    fn comments_options_and_spaces_are_cut_off() {
        let text = b"# c\n\n  one.patch  \ntwo.patch -p1 # x\nthree#3\n#four\nfive\t#5\r\n0\n00\nlast";
        assert_eq!(parsed(text), [&b"one.patch"[..], b"two.patch", b"three#3", b"five", b"00", b"last"]);
    }

    #[test]
    fn paths_that_climb_are_refused() {
        assert!(parse(b"series", b"../x\n").is_err());
        assert!(parse(b"series", b"a/../x\n").is_err());
        assert_eq!(parsed(b"a..b/x\n").len(), 1);
    }

    #[test]
    fn plain_names() {
        assert!(is_plain(b"01_a-b") && is_plain(b"a\n"));
        assert!(!is_plain(b"a.patch") && !is_plain(b"") && !is_plain(b"\xe4"));
    }
}
