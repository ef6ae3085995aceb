//! The trees of the applied branch: one before the first patch, one after each.

use packaging_repo::ObjectId;
use packaging_repo::history::History;
use packaging_repo::store::RepoStore;
use packaging_repo::version::{StagedPatch, StagedPatches, StagedTree};
use packaging_repo::view::VersionTag;
use source_package::dsc::{Dsc, Family};
use source_package::finish::{FinishError, finish};
use source_package::patch::series::{
    ApplyAllError, Format, Patch, SeriesError, TooMuchWork, Work, apply_all, series,
};
use source_package::patch::{Limits, PatchError};
use source_package::patch_header::PatchHeader;
use source_package::store::FolderId;
use source_package::tree::Tree;

use crate::failure::{Code, Failure, Stage};
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
    let applied = apply_all(format, limits, &mut tree, store, |patch, tree, store, work| {
        let id = store_finished(tree, dsc, store, work)?;
        staged.patches.push(described(patch, id));
        Ok(())
    });
    match applied {
        Ok(series) => staged.series = series.and_then(|series| series.file).map(|name| lossy(&name)),
        Err(error) => return unapplicable(error),
    }
    // dpkg's own notes may change the tree after the last patch, or without any.
    match finish(&mut tree, &dsc.format, store) {
        Ok(_) => {}
        Err(FinishError::Store(error)) => return Err(error.into()),
        Err(error) => return Ok(Err(Failure::new(Stage::Patch, Code::LinkOutOfSource, error))),
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
    store: &mut RepoStore,
    work: &mut Work,
) -> Result<ObjectId, Failure> {
    let before = store.added();
    // In between, a tree may have entries that dpkg refuses at the end; they are checked when all patches are applied.
    let id = match finish(tree, &dsc.format, store) {
        Ok(finished) => {
            work.look_up(finished.looked_at()).map_err(too_much)?;
            let id = store.write_tree(tree)?;
            finished.undo(tree, store).map_err(|error| Failure::new(Stage::Commit, Code::Store, error))?;
            id
        }
        Err(FinishError::Store(error)) => return Err(error.into()),
        Err(_) => store.write_tree(tree)?,
    };
    work.spend(store.added() - before).map_err(too_much)?;
    Ok(id)
}

fn too_much(error: TooMuchWork) -> Failure {
    Failure::new(Stage::Patch, Code::TooMuchWork, error)
}

/// Turns errors of patches into a version without them. An error of the disk or a limit is none of the patches: the
/// version fails, and is tried again when the cause has changed.
fn unapplicable(error: ApplyAllError<Failure>) -> Result<Result<StagedPatches, Failure>, Failure> {
    let text = error.to_string();
    let code = match error {
        ApplyAllError::After(failure) => return Err(failure),
        ApplyAllError::Series(SeriesError::Store(error)) => return Err(error.into()),
        ApplyAllError::Patch { error: PatchError::Store(error), .. } => return Err(error.into()),
        ApplyAllError::Work(error) => return Err(too_much(error)),
        ApplyAllError::Patch { error, .. } if error.is_limit() => {
            return Err(Failure::new(Stage::Patch, Code::TooMuchWork, text));
        }
        ApplyAllError::Series(SeriesError::TooLarge { .. }) => {
            return Err(Failure::new(Stage::Patch, Code::TooMuchWork, text));
        }
        ApplyAllError::Patch { .. } => Code::PatchDoesNotApply,
        ApplyAllError::Series(SeriesError::NotFile { .. }) => Code::MissingPatch,
        ApplyAllError::Series(_) => Code::BadSeries,
    };
    Ok(Err(Failure::new(Stage::Patch, code, text)))
}

fn described(patch: &Patch, tree: ObjectId) -> StagedPatch {
    let header = PatchHeader::parse(&patch.content);
    let name = lossy(&patch.name);
    let subject = header.subject.unwrap_or_else(|| name.clone());
    StagedPatch {
        name,
        tree,
        author: header.author,
        date: header.date,
        message: format!("{subject}\n\n{}", header.body),
    }
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// True when a distro would use the series that another distro's applied commit was made with.
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
        .map_err(|error| Failure::new(Stage::Patch, Code::BadSeries, error))?;
    let own = own.and_then(|series| series.file).map_or_else(|| "none".to_owned(), |name| lossy(&name));
    Ok(own == used)
}
