//! Puts one tree into another as dpkg-source does: a component into its folder, the Debian tarball over everything.

use std::io;

use super::error::SourceError;
use crate::links::{Resolver, Target, resolve};
use crate::path::Name;
use crate::store::ContentStore;
use crate::tree::{Folder, Kind, Node, Tree, TreeError, push_name};

/// A component replaces the entry at its folder's place; only a link that leads nowhere stays in the way.
pub(super) fn place_component(
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

/// Replaces the folder `debian` by that of the Debian tarball, and lays its other files over those of upstream.
pub(super) fn lay_over(
    upstream: Tree,
    mut debian: Tree,
    file: String,
    store: &mut dyn ContentStore,
) -> Result<Tree, SourceError> {
    let mut tree = upstream;
    tree.remove(b"debian", store)?;
    let mut resolver = Resolver::new(&mut tree, store);
    let overlaid = check_replaced_links(&mut debian.root, &mut Vec::new(), &mut resolver)
        .and_then(|()| overlay(&mut tree.root, debian.root, &mut Vec::new(), store));
    overlaid.map_err(|error| SourceError::Overlay { name: file, error })?;
    Ok(tree)
}

/// dpkg looks where a link leads before it replaces it, and gives up on one that cannot be resolved.
fn check_replaced_links(
    over: &mut Folder,
    path: &mut Vec<u8>,
    resolver: &mut Resolver<'_>,
) -> Result<(), TreeError> {
    for (name, node) in over.loaded().into_iter().flatten() {
        let length = path.len();
        push_name(path, name);
        match resolver.tree.kind(path, resolver.store)? {
            // One that takes too many steps is none that can be resolved.
            Kind::Link(_) if matches!(resolver.resolve(path)?, Some(Target::Broken) | None) => {
                return Err(TreeError::ThroughLink { path: path.clone(), link: path.clone() });
            }
            Kind::Folder => {
                if let Node::Folder(below) = node {
                    check_replaced_links(below, path, resolver)?;
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
