//! The upstream tree of a version: known to the repository, read for another version, or unpacked.

use packaging_repo::history::History;
use packaging_repo::store::RepoStore;
use packaging_repo::upstream;
use packaging_repo::version::StagedUpstream;
use source_package::checksum::ListedFile;
use source_package::dsc::{Dsc, Family};
use source_package::layout::Layout;
use source_package::source::{Reading, Upstream};
use source_package::store::FolderId;
use source_package::tree::{Node, Tree};

use super::Stager;
use crate::failure::{Code, Failure, Stage};
use crate::trees::store_tree;

impl Stager<'_> {
    /// The upstream tree: known to the repository, read for another version of this plan, or unpacked now.
    pub(super) fn upstream(
        &mut self,
        reading: &mut Reading<'_>,
        history: &mut History<'_>,
    ) -> Result<(Option<StagedUpstream>, Tree), Failure> {
        let tarballs = upstream_tarballs(reading.dsc, reading.layout);
        if tarballs.is_empty() {
            let tree = reading.upstream(Upstream::empty(), history.store)?.tree;
            return Ok((None, tree));
        }
        let rule = reading.layout.unpack_rule();
        let version = reading.dsc.version.upstream().to_owned();
        let main = tarballs.first().and_then(|file| file.checksums.sha256.clone()).unwrap_or_default();
        let staged = self.upstreams.get(&main).map_or(&[][..], Vec::as_slice);
        let staged = upstream::longest(staged, rule, &tarballs).cloned();
        let known = match staged {
            Some(staged) if staged.manifest.files.len() == tarballs.len() => Some(staged),
            staged => {
                let found = upstream::find(&version, rule, &tarballs, &mut history.view, history.store)?;
                let both: Vec<StagedUpstream> = staged.into_iter().chain(found).collect();
                upstream::longest(&both, rule, &tarballs).cloned()
            }
        };
        let (begun, escaped) = match known {
            Some(known) if known.manifest.files.len() == tarballs.len() => {
                let tree = stored_tree(&known, history.store)?;
                return Ok((Some(known), tree));
            }
            Some(known) => (begun(&known, history.store)?, known.manifest.escaped),
            None => (Upstream::empty(), Vec::new()),
        };
        let mut read = reading.upstream(begun, history.store)?;
        let rule = if read.rule_matters { rule } else { upstream::RULE_ANY };
        let tree = store_tree(&mut read.tree, &escaped, history.store)?;
        let source = self.package.as_str();
        let staged =
            upstream::stage(source, &version, rule, tree, read.newest, read.tarballs, history.store)?;
        self.upstreams.entry(main).or_default().push(staged.clone());
        Ok((Some(staged), read.tree))
    }
}

/// Tarballs of the upstream commit. A 1.0 package whose only tarball is not called `.orig` has no upstream.
pub(crate) fn upstream_tarballs<'d>(dsc: &'d Dsc, layout: &Layout) -> Vec<&'d ListedFile> {
    let tarballs: Vec<&ListedFile> = layout.upstream().iter().map(|&(_, index)| &dsc.files[index]).collect();
    let named =
        dsc.format.family != Family::V1 || tarballs.iter().all(|file| file.name.contains(".orig.tar"));
    if named { tarballs } else { Vec::new() }
}

/// Upstream tarballs that are known, where others come behind them: a component that was added later.
fn begun(known: &StagedUpstream, store: &mut RepoStore) -> Result<Upstream, Failure> {
    Ok(Upstream {
        tree: stored_tree(known, store)?,
        newest: upstream::newest(known, store)?,
        tarballs: known.manifest.files.clone(),
        rule_matters: known.manifest.fact("Unpack-Rule") != Some(upstream::RULE_ANY),
    })
}

/// A stored upstream tree, with the named pipes that Git does not hold.
fn stored_tree(upstream: &StagedUpstream, store: &mut RepoStore) -> Result<Tree, Failure> {
    let mut tree = Tree::stored(FolderId(packaging_repo::raw_id(upstream.tree)));
    for (path, executable) in &upstream.manifest.fifos {
        tree.put(path, Node::Fifo { executable: *executable }, store)
            .map_err(|error| Failure::new(Stage::Commit, Code::Store, error))?;
    }
    Ok(tree)
}
