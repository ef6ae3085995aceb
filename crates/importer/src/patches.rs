//! The trees of the applied branch: one before the first patch, one after each.

use packaging_repo::history::History;
use packaging_repo::store::RepoStore;
use packaging_repo::version::{StagedPatch, StagedPatches, StagedTree};
use packaging_repo::view::VersionTag;
use source_package::dsc::{Dsc, Family};
use source_package::finish::{FinishError, finish};
use source_package::patch::Limits;
use source_package::patch::series::{ApplyAllError, Format, Patch, SeriesError, apply_all, series};
use source_package::patch_header::PatchHeader;
use source_package::store::FolderId;
use source_package::tree::Tree;

use crate::failure::{Failure, Stage};
use crate::trees::store_tree;

/// Applies the patches of a version. The outer error is ours, the inner one the package's: the patches do not apply.
pub fn stage(
    distro: &str,
    dsc: &Dsc,
    mut tree: Tree,
    unapplied: &StagedTree,
    inherited: &[Vec<u8>],
    limits: Limits,
    store: &mut RepoStore,
) -> Result<Result<StagedPatches, Failure>, Failure> {
    let mut staged = StagedPatches {
        series: None,
        base: unapplied.id,
        patches: Vec::new(),
        escaped: unapplied.escaped.clone(),
        fifos: unapplied.fifos.clone(),
    };
    let format = match dsc.format.family {
        Family::Quilt => Format::Quilt { distro },
        Family::V2 => Format::Version2,
        Family::V1 | Family::Native => return Ok(Ok(staged)),
    };
    let applied = apply_all(format, limits, &mut tree, store, |patch, tree, store| {
        let finished = store_finished(tree, dsc, inherited, store)?;
        staged.patches.push(described(patch, &finished));
        Ok(())
    });
    match applied {
        Ok(series) => staged.series = series.and_then(|series| series.file).map(|name| lossy(&name)),
        Err(ApplyAllError::After(failure)) => return Err(failure),
        Err(error) => return unapplicable(&error),
    }
    // dpkg's own notes may change the tree after the last patch, or without any.
    match finish(&mut tree, &dsc.format, store) {
        Ok(_) => {}
        Err(FinishError::Store(error)) => return Err(error.into()),
        Err(error) => return Ok(Err(Failure::new(Stage::Patch, "link-out-of-source", error))),
    }
    let last = store_tree(&mut tree, inherited, store)?;
    match staged.patches.last_mut() {
        Some(patch) => patch.tree = last.id,
        None => staged.base = last.id,
    }
    staged.escaped = last.escaped;
    staged.fifos = last.fifos;
    Ok(Ok(staged))
}

/// Stores the tree after a patch with dpkg's last touches, and takes them back for the next patch.
fn store_finished(
    tree: &mut Tree,
    dsc: &Dsc,
    inherited: &[Vec<u8>],
    store: &mut RepoStore,
) -> Result<StagedTree, Failure> {
    // In between, a tree may have what dpkg refuses at the end; that is looked at when all patches are applied.
    match finish(tree, &dsc.format, store) {
        Ok(finished) => {
            let stored = store_tree(tree, inherited, store)?;
            finished.undo(tree, store).map_err(|error| Failure::new(Stage::Commit, "store", error))?;
            Ok(stored)
        }
        Err(FinishError::Store(error)) => Err(error.into()),
        Err(_) => store_tree(tree, inherited, store),
    }
}

fn unapplicable(error: &ApplyAllError<Failure>) -> Result<Result<StagedPatches, Failure>, Failure> {
    let code = match error {
        ApplyAllError::Patch { .. } => "patch-does-not-apply",
        ApplyAllError::Series(SeriesError::NotFile { .. }) => "missing-patch",
        ApplyAllError::Series(_) | ApplyAllError::After(_) => "bad-series",
    };
    Ok(Err(Failure::new(Stage::Patch, code, error)))
}

fn described(patch: &Patch, tree: &StagedTree) -> StagedPatch {
    let header = PatchHeader::parse(&patch.content);
    let name = lossy(&patch.name);
    let subject = header.subject.unwrap_or_else(|| name.clone());
    StagedPatch {
        name,
        tree: tree.id,
        author: header.author,
        date: header.date,
        message: format!("{subject}\n\n{}", header.body),
    }
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Whether a distro would use the series that another distro's applied commit was made with.
pub fn same_series(
    distro: &str,
    tag: &VersionTag,
    applied: &VersionTag,
    history: &mut History<'_>,
) -> Result<bool, Failure> {
    let used = applied.manifest.fact("Series").unwrap_or("none");
    if tag.manifest.fact("Format") != Some("3.0 (quilt)") {
        return Ok(true);
    }
    let id = history.tree_of(tag.commit)?;
    let mut tree = Tree::stored(FolderId(packaging_repo::raw_id(id)));
    let own = series(distro, &mut tree, history.store)
        .map_err(|error| Failure::new(Stage::Patch, "bad-series", error))?;
    let own = own.and_then(|series| series.file).map_or_else(|| "none".to_owned(), |name| lossy(&name));
    Ok(own == used)
}
