//! Derives upstream trees again from their tarballs, as far as these are available, and compares them with the
//! repository's: no hash in the repository itself can prove them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bounded::file::open_regular;
use packaging_repo::catalog::Catalog;
use packaging_repo::object::Kind;
use packaging_repo::record::unsealed::signed_part;
use packaging_repo::refs::refname;
use packaging_repo::repository::Repository;
use packaging_repo::store::RepoStore;
use packaging_repo::verify::Problem;
use packaging_repo::{Error, ObjectId, upstream};
use source_package::checksum::ListedFile;
use source_package::dsc::Dsc;
use source_package::finding::Finding;
use source_package::layout::Layout;
use source_package::limits::Budget;
use source_package::source::{Reading, SourceFiles, Upstream};

use crate::config::LimitsConfig;
use crate::failure::Failure;
use crate::read_version::upstream_tarballs;
use crate::trees::store_tree;

/// Folder of fetched files, below the root.
pub const CACHED: &str = "cache/files";

/// Places of tarballs: the cache, and the folders of files that were imported by hand.
pub struct Places {
    cache: PathBuf,
    folders: BTreeSet<PathBuf>,
}

/// Files by their names.
struct Files(BTreeMap<String, PathBuf>);

impl SourceFiles for Files {
    fn open(&mut self, listed: &ListedFile, attempt: usize) -> Option<io::Result<Box<dyn Read + Send>>> {
        let path = self.0.get(&listed.name).filter(|_| attempt == 0)?;
        Some(open_regular(path).map(|file| Box::new(file) as Box<dyn Read + Send>))
    }
}

impl Places {
    /// Places of an installation; `dscs` are the paths of files that were imported by hand.
    pub fn new(root: &Path, dscs: &[PathBuf]) -> Places {
        let folders = dscs.iter().filter_map(|dsc| dsc.parent()).map(Path::to_owned).collect();
        Places { cache: root.join(CACHED), folders }
    }

    /// Finds all of some files, or none. Their hashes are checked when they are read.
    fn find(&self, wanted: &[&ListedFile]) -> Option<Files> {
        let find = |file: &&ListedFile| {
            let cached = file.checksums.sha256.as_ref().and_then(|sha256| {
                let path = self.cache.join(sha256.get(..2)?).join(sha256);
                path.is_file().then_some(path)
            });
            let beside = || {
                let paths = self.folders.iter().map(|folder| folder.join(&file.name));
                paths
                    .into_iter()
                    .find(|path| path.metadata().is_ok_and(|it| it.is_file() && it.len() == file.size))
            };
            Some((file.name.clone(), cached.or_else(beside)?))
        };
        wanted.iter().map(find).collect::<Option<_>>().map(Files)
    }
}

/// Upstream trees that differ from those of their tarballs. A tree whose tarballs are missing is not reported.
pub fn upstreams(
    repository: &Repository,
    places: &Places,
    limits: &LimitsConfig,
) -> Result<Vec<Problem>, Error> {
    let mut catalog = Catalog::open(repository)?;
    let (mut problems, mut seen) = (Vec::new(), BTreeSet::new());
    for tag in catalog.version_tags()? {
        let Some(id) = catalog.view.get(&refname::dsc_of_tag(&tag.name)) else { continue };
        let Ok(text) = catalog.store.read_kind(id, Kind::Blob) else { continue };
        let Ok(dsc) = Dsc::parse(signed_part(&text)) else { continue };
        let Ok(layout) = Layout::of(&dsc) else { continue };
        let tarballs = upstream_tarballs(&dsc, &layout);
        if tarballs.is_empty() {
            continue;
        }
        let (version, rule) = (dsc.version.upstream(), layout.unpack_rule());
        let found = upstream::find(version, rule, &tarballs, &mut catalog.view, &mut catalog.store)?;
        let Some(found) = found.filter(|found| !seen.contains(&found.commit)) else { continue };
        let Some(files) = places.find(&tarballs) else { continue };
        seen.insert(found.commit);
        let from: Vec<String> = files.0.values().map(|path| path.display().to_string()).collect();
        match derive(&dsc, &layout, files, limits, &mut catalog.store) {
            Ok(tree) if tree != found.tree => problems.push(Problem {
                code: Finding::UpstreamDiffers,
                subject: refname::upstream_tag(version),
                message: format!(
                    "commit {} has the tree {}, its tarballs have {tree} ({}): what it shows is not what upstream released",
                    found.commit,
                    found.tree,
                    from.join(", ")
                ),
            }),
            _ => {}
        }
    }
    Ok(problems)
}

/// Tree of tarballs. Objects that the repository lacks go into a pack that is never finished.
fn derive(
    dsc: &Dsc,
    layout: &Layout,
    mut files: Files,
    limits: &LimitsConfig,
    store: &mut RepoStore,
) -> Result<ObjectId, Failure> {
    store.keep_free(limits.disk_reserve);
    store.allow(limits.written_bytes);
    let mut budget = Budget::new(limits.reading());
    let mut reading = Reading { dsc, layout, files: &mut files, budget: &mut budget, threads: 1 };
    let mut read = reading.upstream(Upstream::empty(), store)?;
    Ok(store_tree(&mut read.tree, &[], store)?.id)
}
