//! Files that dpkg looks at before it builds a source: everything that can be reached from `debian/`, links included.

use std::collections::HashSet;
use std::io;

use super::{MOST_STEPS, Resolver, Target};
use crate::path::{Name, Shown};
use crate::store::ContentStore;
use crate::tree::{Kind, Node, Tree, push_name};

/// A path reachable from `debian/` that dpkg refuses.
#[derive(Debug, thiserror::Error)]
pub enum TraversalError {
    /// A link leads out of the source.
    #[error("{} points outside the source package", Shown(.0))]
    Outside(Vec<u8>),
    /// A link leads in circles, or through a file.
    #[error("{} is a link that cannot be resolved", Shown(.0))]
    Broken(Vec<u8>),
    /// The chain of links is longer than any real one.
    #[error("following {} and the links before it takes more than {MOST_STEPS} steps", Shown(.0))]
    TooLong(Vec<u8>),
    /// Error of the content store.
    #[error("cannot read a stored link: {0}")]
    Store(#[from] io::Error),
}

/// Checks everything that can be reached from `debian/`, links included. Tells how many entries it looked at.
///
/// # Errors
/// [`TraversalError`] with the path that leads out of the package, or cannot be resolved.
pub fn check_debian(tree: &mut Tree, store: &mut dyn ContentStore) -> Result<u64, TraversalError> {
    let mut resolver = Resolver::new(tree, store);
    let mut seen = HashSet::new();
    let mut looked_at = 0;
    let mut folders = Vec::new();
    visit(b"debian".to_vec(), &mut resolver, &mut folders)?;
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        let Some(Node::Folder(node)) = resolver.tree.find(&folder, resolver.store)? else { continue };
        let entries = node.entries(resolver.store)?;
        looked_at += entries.len() as u64;
        let children: Vec<(Name, bool)> = entries
            .iter()
            .filter(|(_, node)| matches!(node, Node::Folder(_) | Node::Link(_)))
            .map(|(name, node)| (name.clone(), matches!(node, Node::Folder(_))))
            .collect();
        for (name, is_folder) in children {
            let mut path = folder.clone();
            push_name(&mut path, &name);
            if is_folder {
                folders.push(path);
            } else {
                visit(path, &mut resolver, &mut folders)?;
            }
        }
    }
    Ok(looked_at + (MOST_STEPS - resolver.steps_left))
}

fn visit(
    path: Vec<u8>,
    resolver: &mut Resolver<'_>,
    folders: &mut Vec<Vec<u8>>,
) -> Result<(), TraversalError> {
    match resolver.resolve(&path)? {
        None => return Err(TraversalError::TooLong(path)),
        Some(Target::Outside { .. }) => return Err(TraversalError::Outside(path)),
        Some(Target::Broken) => return Err(TraversalError::Broken(path)),
        Some(Target::Nowhere | Target::Null) => {}
        Some(Target::Inside(place)) if place.is_empty() => folders.push(place),
        Some(Target::Inside(place)) => {
            if resolver.tree.kind(&place, resolver.store)? == Kind::Folder {
                folders.push(place);
            }
        }
    }
    Ok(())
}
