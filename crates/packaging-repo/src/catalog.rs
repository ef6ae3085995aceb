//! Catalogue of a repository: its versions, the branches that publish them, and the versions that came late.

use std::collections::{BTreeMap, HashSet};

use source_package::version::Version;

use crate::object::{self, CommitObject};
use crate::record::Record;
use crate::repository::Repository;
use crate::store::RepoStore;
use crate::view::{VersionTag, View};
use crate::{Error, ObjectId};

/// A repository that is only read.
pub struct Catalog {
    /// Objects of the repository.
    pub store: RepoStore,
    /// Refs of the repository.
    pub view: View,
}

/// One version of one distro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Distro of the version.
    pub distro: String,
    /// Version of the source package.
    pub version: String,
    /// Its tag, without `refs/tags/`.
    pub tag: String,
    /// The SHA-256 of its `.dsc`: of several contents of a version, which one it is.
    pub dsc_sha256: String,
    /// Commit of the version.
    pub commit: ObjectId,
    /// The commit with patches applied; none if they do not apply.
    pub applied: Option<ObjectId>,
    /// Branches whose newest version it is, without `refs/heads/`.
    pub branches: Vec<String>,
    /// True when it came after its successor: no branch leads to it.
    pub late: bool,
}

impl Catalog {
    /// Opens a repository. Refs that are not on record are left out; without a record, every ref is taken for what it
    /// seems to be.
    ///
    /// # Errors
    /// The refs or the record cannot be read.
    pub fn open(repository: &Repository) -> Result<Catalog, Error> {
        let record = repository.record()?.unwrap_or_else(Record::believing_all);
        Ok(Catalog { store: repository.store(1)?, view: View::new(repository.refs()?, record) })
    }

    /// The tag of a version in a distro; of several contents that of the first one, or of the one whose `.dsc` has a SHA-256
    /// that begins like this.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn find(
        &mut self,
        distro: &str,
        version: &Version,
        dsc: Option<&str>,
        applied: bool,
    ) -> Result<Option<VersionTag>, Error> {
        let tags = self.view.tags_of(distro, version, &mut self.store)?;
        let is_meant = |tag: &VersionTag| {
            let sha256 = tag.manifest.fact("Dsc-Sha256").unwrap_or_default();
            dsc.is_none_or(|dsc| sha256.starts_with(dsc))
        };
        let tag = tags.into_iter().find(is_meant);
        let (Some(first), true) = (&tag, applied) else { return Ok(tag) };
        let tags = self.view.applied_tags_of(distro, version, &mut self.store)?;
        let sha256 = first.manifest.fact("Dsc-Sha256");
        Ok(tags.into_iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == sha256))
    }

    /// All versions, by distro and then in the order of versions.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn entries(&mut self) -> Result<Vec<CatalogEntry>, Error> {
        let (tips, reachable) = self.branches()?;
        let mut entries = Vec::new();
        for tag in self.version_tags()? {
            let (distro, _) = split_tag(&tag.name);
            let version = tag.manifest.version.clone();
            let sha256 = tag.manifest.fact("Dsc-Sha256").unwrap_or_default();
            entries.push(CatalogEntry {
                dsc_sha256: sha256.to_owned(),
                applied: self.applied(distro, &version, sha256)?,
                branches: tips.get(&tag.commit).cloned().unwrap_or_default(),
                late: !reachable.is_empty() && !reachable.contains(&tag.commit),
                distro: distro.to_owned(),
                tag: tag.name.trim_start_matches("refs/tags/").to_owned(),
                commit: tag.commit,
                version,
            });
        }
        entries.sort_by(|a, b| {
            let order = |entry: &CatalogEntry| Version::new(&entry.version).ok();
            (&a.distro, order(a), &a.tag).cmp(&(&b.distro, order(b), &b.tag))
        });
        Ok(entries)
    }

    /// All tags of versions, those of other contents included, patches unapplied.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn version_tags(&mut self) -> Result<Vec<VersionTag>, Error> {
        let mut tags = Vec::new();
        for distro in self.view.distros() {
            let mut names = self.view.below(&format!("refs/tags/{distro}/"));
            names.extend(self.view.below(&format!("refs/tags/reimport/{distro}/")));
            for name in names {
                tags.extend(self.view.version_tag(&name, &mut self.store)?);
            }
        }
        Ok(tags)
    }

    fn applied(&mut self, distro: &str, version: &str, sha256: &str) -> Result<Option<ObjectId>, Error> {
        let Ok(version) = Version::new(version) else { return Ok(None) };
        let tags = self.view.applied_tags_of(distro, &version, &mut self.store)?;
        let tag = tags.into_iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == Some(sha256));
        Ok(tag.map(|tag| tag.commit))
    }

    /// The branches by the version commit that they show, and all commits that they lead to.
    #[allow(clippy::type_complexity)]
    fn branches(&mut self) -> Result<(BTreeMap<ObjectId, Vec<String>>, HashSet<ObjectId>), Error> {
        let mut tips: BTreeMap<ObjectId, Vec<String>> = BTreeMap::new();
        let mut reachable = HashSet::new();
        for (name, tip) in self.view.branches() {
            let branch = name.trim_start_matches("refs/heads/");
            if branch.starts_with("applied/") {
                continue;
            }
            let shown = self.walk(tip, &mut reachable)?;
            tips.entry(shown).or_default().push(branch.to_owned());
        }
        Ok((tips, reachable))
    }

    /// Walks all ancestors of a branch; returns the version's commit that the branch shows: the tip, or what its last
    /// join brought in.
    fn walk(&mut self, tip: ObjectId, reachable: &mut HashSet<ObjectId>) -> Result<ObjectId, Error> {
        let mut shown = tip;
        while let Some(brought_in) = joined(&object::read_commit(shown, &mut self.store)?) {
            shown = brought_in;
        }
        let mut todo = vec![tip];
        while let Some(id) = todo.pop() {
            if reachable.insert(id) {
                todo.extend(object::read_commit(id, &mut self.store)?.parents);
            }
        }
        Ok(shown)
    }
}

fn joined(commit: &CommitObject) -> Option<ObjectId> {
    commit.trailer("Join").and(commit.parents.get(1).copied())
}

/// The distro in the name of a version's tag, and what follows it.
pub(crate) fn split_tag(name: &str) -> (&str, &str) {
    let short = name.trim_start_matches("refs/tags/").trim_start_matches("reimport/");
    short.split_once('/').unwrap_or((short, ""))
}
