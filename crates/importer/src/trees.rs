//! Storing a source tree.

use packaging_repo::store::RepoStore;
use packaging_repo::version::StagedTree;
use source_package::tree::Tree;

use crate::failure::Failure;

/// Writes a tree and notes the entries that Git cannot hold.
pub(crate) fn store_tree(
    tree: &mut Tree,
    inherited: &[Vec<u8>],
    store: &mut RepoStore,
) -> Result<StagedTree, Failure> {
    let specials = store.specials(tree, inherited)?;
    let id = store.write_tree(tree)?;
    Ok(StagedTree { id, escaped: specials.escaped, fifos: specials.fifos })
}
