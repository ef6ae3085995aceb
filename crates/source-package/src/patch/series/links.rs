//! Where a path of the package leads: what dpkg reads and writes for its patches may not lie outside.

use super::error::SeriesError;
use crate::path::{names, split_last};
use crate::store::ContentStore;
use crate::tree::{Kind, Tree, push_name};

/// How many links in a row are followed.
const MAX_LINKS: usize = 40;

/// Where a path leads when links are followed, which must not leave the tree.
pub(super) fn resolve(
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

/// What a path leads to when links are followed.
pub(super) fn follow(
    path: &[u8],
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<Kind, SeriesError> {
    Ok(resolve(path, tree, store)?.1)
}
