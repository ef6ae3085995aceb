//! List of the patches of a package, in their order.

use super::super::names::{is_space, skip_spaces};
use super::error::SeriesError;
use super::links::{follow, resolve};
use super::{PATCHES, Series, below_patches};
use crate::store::ContentStore;
use crate::tree::{Kind, Node, Tree};

/// The patches of a `3.0 (quilt)` package for a distribution: its own series file if there is one, else the common one.
/// `None`: the package has neither.
///
/// # Errors
/// The series is too large, names what no patch can be called, or cannot be read.
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
///
/// # Errors
/// The folder of the patches, or a patch, cannot be read.
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
