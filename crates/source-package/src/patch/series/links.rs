//! Targets of paths in a package: files that dpkg reads and writes for its patches must not be outside.

use std::collections::VecDeque;

use super::error::SeriesError;
use crate::path::{Name, names};
use crate::store::ContentStore;
use crate::tree::{Kind, Tree};

/// Largest number of links that are followed in a row.
const MAX_LINKS: usize = 40;

/// Target of a path with all links followed.
///
/// # Errors
/// [`SeriesError::Insecure`] when a link leaves the tree.
pub(super) fn resolve(
    path: &[u8],
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<(Vec<u8>, Kind), SeriesError> {
    let (place, kind, _) = resolve_counted(path, tree, store)?;
    Ok((place, kind))
}

/// The same, and the number of names that were looked up on the way.
pub(super) fn resolve_counted(
    path: &[u8],
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<(Vec<u8>, Kind, u64), SeriesError> {
    let outside = || SeriesError::NotFile { path: path.to_vec(), cause: "leads out of the source package" };
    let mut ahead: VecDeque<Name> = names(path).map(Name::from).collect();
    let mut at: Vec<Name> = Vec::new();
    let (mut links, mut steps) = (0, 0);
    let (at, kind) = loop {
        while ahead.front().is_some_and(|name| &**name == b"..") {
            ahead.pop_front();
            if at.pop().is_none() {
                return Err(outside());
            }
        }
        let down = ahead.iter().take_while(|name| &***name != b"..").map(|name| &**name);
        let walked = tree.walk(at.iter().map(|name| &**name), down, store)?;
        steps += (at.len() + walked.folders + 1) as u64;
        at.extend(ahead.drain(..walked.folders));
        let (Some(kind), Some(name)) = (walked.stop, ahead.front().cloned()) else {
            if ahead.is_empty() {
                break (at, Kind::Folder);
            }
            continue;
        };
        ahead.pop_front();
        let Kind::Link(target) = kind else {
            at.push(name);
            break (at, if ahead.is_empty() { kind } else { Kind::Missing });
        };
        links += 1;
        let target = store.get(target)?;
        if links > MAX_LINKS || target.len() > 4095 {
            at.push(name);
            break (at, Kind::Missing);
        }
        if target.first() == Some(&b'/') {
            return Err(outside());
        }
        names(&target).rev().for_each(|name| ahead.push_front(name.into()));
    };
    Ok((at.join(&b'/'), kind, steps))
}

/// Kind of a path's target, with all links followed.
pub(super) fn follow(
    path: &[u8],
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<Kind, SeriesError> {
    Ok(resolve(path, tree, store)?.1)
}
