//! The history of a package: what each version's commit descends from and which refs it gets.
//!
//! Nothing here depends on the order in which versions are given, on a clock or on a machine: the rules are
//! `docs/repository-layout.md`.

use std::collections::HashSet;

use source_package::changelog;
use source_package::checksum::{ListedFile, sha256_hex};
use source_package::date::Date;
use source_package::version::Version;

use crate::identity::importer;
use crate::manifest::Manifest;
use crate::message;
use crate::object::{self, Commit, Kind, Tag};
use crate::refname;
use crate::store::RepoStore;
use crate::upstream::upstream_tag;
use crate::version::{StagedPatches, StagedUpstream, StagedVersion};
use crate::view::{VersionTag, View};
use crate::{Error, ObjectId};

/// What became of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Its commit.
    pub commit: ObjectId,
    /// The commit with patches applied.
    pub applied: Option<ObjectId>,
    /// The name of its tag.
    pub tag: String,
}

/// The history of one package while versions are added to it.
pub struct History<'a> {
    /// Where objects go.
    pub store: &'a mut RepoStore,
    /// The refs.
    pub view: View,
    /// Upstream commits that were made just now: no older commit can descend from them.
    new_upstreams: HashSet<ObjectId>,
}

impl<'a> History<'a> {
    /// Starts from the refs as they are.
    pub fn new(store: &'a mut RepoStore, view: View) -> History<'a> {
        History { store, view, new_upstreams: HashSet::new() }
    }

    /// The tag of a `.dsc` in a distro, if it was imported there before.
    pub fn find_dsc(
        &mut self,
        distro: &str,
        version: &Version,
        sha256: &str,
    ) -> Result<Option<VersionTag>, Error> {
        let tags = self.view.tags_of(distro, version, self.store)?;
        Ok(tags.into_iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == Some(sha256)))
    }

    /// The tag of a `.dsc` in any distro but this one.
    pub fn find_dsc_elsewhere(
        &mut self,
        distro: &str,
        version: &Version,
        sha256: &str,
    ) -> Result<Option<VersionTag>, Error> {
        for other in self.view.distros().into_iter().filter(|other| other != distro) {
            if let Some(tag) = self.find_dsc(&other, version, sha256)? {
                return Ok(Some(tag));
            }
        }
        Ok(None)
    }

    /// The applied tag of a `.dsc` in any distro but this one.
    pub fn find_applied_elsewhere(
        &mut self,
        distro: &str,
        version: &Version,
        sha256: &str,
    ) -> Result<Option<VersionTag>, Error> {
        for other in self.view.distros().into_iter().filter(|other| other != distro) {
            if let Some(tag) = self.find_applied(&other, version, sha256)? {
                return Ok(Some(tag));
            }
        }
        Ok(None)
    }

    /// The applied tag of a `.dsc` in a distro.
    pub fn find_applied(
        &mut self,
        distro: &str,
        version: &Version,
        sha256: &str,
    ) -> Result<Option<VersionTag>, Error> {
        let tags = self.view.applied_tags_of(distro, version, self.store)?;
        Ok(tags.into_iter().find(|tag| tag.manifest.fact("Dsc-Sha256") == Some(sha256)))
    }

    /// Adds a version: its commits, its tags, its `.dsc`. Its branch is moved by [`History::publish`].
    pub fn add(&mut self, distro: &str, version: &StagedVersion) -> Result<Added, Error> {
        if let Some(added) = self.added_before(distro, version)? {
            return Ok(added);
        }
        let known = self.find_dsc_elsewhere(distro, &version.dsc.version, &version.dsc_sha256)?;
        let (commit, parent) = match known {
            // Another distro has it, but without its patches or with another series: it stays one commit.
            Some(tag) => (tag.commit, self.version_parent(tag.commit)?),
            None => {
                let parent = self.changelog_parent(distro, &version.changelog.below)?;
                (self.version_commit(version, parent)?, parent)
            }
        };
        let tag = self.tag_version(distro, version, commit)?;
        self.keep_dsc(&tag, version)?;
        let applied = match &version.applied {
            Some(patches) => Some(self.add_applied(distro, version, patches, commit, parent)?),
            None => None,
        };
        Ok(Added { commit, applied, tag })
    }

    /// The first version below the top of the changelog that the repository has, of any distro; the version's
    /// own distro is asked first.
    fn changelog_parent(&mut self, distro: &str, below: &[Version]) -> Result<Option<ObjectId>, Error> {
        let others = self.view.distros().into_iter().filter(|other| other != distro);
        let distros: Vec<String> = std::iter::once(distro.to_owned()).chain(others).collect();
        for version in below {
            for distro in &distros {
                let name = refname::version_tag(distro, version.as_str());
                if let Some(tag) = self.view.version_tag(&name, self.store)? {
                    return Ok(Some(tag.commit));
                }
            }
        }
        Ok(None)
    }

    /// One plan may name the same `.dsc` twice: for two suites, or by two paths.
    fn added_before(&mut self, distro: &str, version: &StagedVersion) -> Result<Option<Added>, Error> {
        let (number, sha256) = (&version.dsc.version, &version.dsc_sha256);
        let Some(tag) = self.find_dsc(distro, number, sha256)? else { return Ok(None) };
        let applied = self.find_applied(distro, number, sha256)?.map(|tag| tag.commit);
        Ok(Some(Added { commit: tag.commit, applied, tag: tag.name }))
    }

    /// The version that a version's commit descends from.
    fn version_parent(&mut self, commit: ObjectId) -> Result<Option<ObjectId>, Error> {
        let Some(&first) = object::read_commit(commit, self.store)?.parents.first() else { return Ok(None) };
        let is_version = object::read_commit(first, self.store)?.trailer("Version").is_some();
        Ok(is_version.then_some(first))
    }

    fn version_commit(
        &mut self,
        version: &StagedVersion,
        parent: Option<ObjectId>,
    ) -> Result<ObjectId, Error> {
        let mut parents: Vec<ObjectId> = parent.into_iter().collect();
        if let Some(upstream) = &version.upstream {
            self.keep_upstream(upstream)?;
            if !self.descends_from_upstream(parent, upstream.commit)? {
                parents.push(upstream.commit);
            }
        }
        let news = self.news(version, parent)?;
        let commit = Commit {
            tree: version.tree.id,
            parents,
            author: version.changelog.author.clone(),
            authored: version.changelog.date,
            committer: importer(),
            committed: version.changelog.date,
            message: message::version(&version.dsc, &version.dsc_sha256, &news),
        };
        self.store.add(Kind::Commit, &commit.encode())
    }

    /// The changelog's entries that are new since the parent.
    fn news(&mut self, version: &StagedVersion, parent: Option<ObjectId>) -> Result<String, Error> {
        let Some(content) = version.changelog.content else { return Ok(String::new()) };
        let since = match parent {
            Some(parent) => object::read_commit(parent, self.store)?
                .trailer("Version")
                .and_then(|text| Version::new(text).ok()),
            None => None,
        };
        Ok(changelog::text_since(&self.store.read(content)?, since.as_ref()))
    }

    /// Whether an upstream commit is among the ancestors of a version. Version commits hang on each other by their
    /// first parent, so that is the only way to walk.
    fn descends_from_upstream(&mut self, from: Option<ObjectId>, upstream: ObjectId) -> Result<bool, Error> {
        if self.new_upstreams.contains(&upstream) {
            self.new_upstreams.remove(&upstream);
            return Ok(false);
        }
        let mut at = from;
        while let Some(id) = at {
            let commit = object::read_commit(id, self.store)?;
            if id == upstream || commit.parents.contains(&upstream) {
                return Ok(true);
            }
            at = commit.parents.first().copied();
        }
        Ok(false)
    }

    fn keep_upstream(&mut self, upstream: &StagedUpstream) -> Result<(), Error> {
        let Some(name) = upstream_tag(upstream, &mut self.view, self.store)? else { return Ok(()) };
        self.new_upstreams.insert(upstream.commit);
        let date = object::read_commit(upstream.commit, self.store)?.committed;
        let title = format!("{} upstream {}", upstream.manifest.source, upstream.version);
        let tag = Tag {
            target: upstream.commit,
            name: name.trim_start_matches("refs/tags/").to_owned(),
            tagger: importer(),
            date,
            message: upstream.manifest.to_message(&title),
        };
        let id = self.store.add(Kind::Tag, &tag.encode())?;
        self.view.set_tag(name, id, upstream.commit);
        Ok(())
    }

    fn tag_version(
        &mut self,
        distro: &str,
        version: &StagedVersion,
        commit: ObjectId,
    ) -> Result<String, Error> {
        let manifest = Manifest {
            source: version.dsc.source.to_string(),
            version: version.dsc.version.to_string(),
            facts: vec![
                ("Format".into(), version.dsc.format.text.clone()),
                ("Dsc-Sha256".into(), version.dsc_sha256.clone()),
                ("Dsc-Size".into(), version.dsc_text.len().to_string()),
            ],
            files: version.dsc.files.clone(),
            escaped: version.tree.escaped.clone(),
            fifos: version.tree.fifos.clone(),
        };
        let name = self.free_tag(refname::version_tag(distro, &manifest.version), || {
            refname::reimport_tag(distro, &manifest.version, &version.dsc_sha256)
        });
        self.tag(&name, commit, version.changelog.date, &manifest)?;
        Ok(name)
    }

    /// The plain name, if nobody has it; the first content of a version keeps it.
    fn free_tag(&self, plain: String, other: impl FnOnce() -> String) -> String {
        if self.view.get(&plain).is_none() { plain } else { other() }
    }

    fn tag(&mut self, name: &str, commit: ObjectId, date: Date, manifest: &Manifest) -> Result<(), Error> {
        let tag = Tag {
            target: commit,
            name: name.trim_start_matches("refs/tags/").to_owned(),
            tagger: importer(),
            date,
            message: manifest.to_message(&format!("{} {}", manifest.source, manifest.version)),
        };
        let id = self.store.add(Kind::Tag, &tag.encode())?;
        self.view.set_tag(name.to_owned(), id, commit);
        Ok(())
    }

    /// The `.dsc` itself, and the signatures of upstream tarballs beside it: anyone can verify again.
    fn keep_dsc(&mut self, tag: &str, version: &StagedVersion) -> Result<(), Error> {
        let id = self.store.add(Kind::Blob, &version.dsc_text)?;
        self.view.set(refname::dsc_of_tag(tag), id);
        if !version.signatures.is_empty() {
            let signatures = self.store.add_flat_tree(&version.signatures)?;
            self.view.set(refname::signatures_of_tag(tag), signatures);
        }
        Ok(())
    }

    /// Takes a version over that another distro has: the same commits, tags and `.dsc` under names of this one.
    pub fn adopt(
        &mut self,
        distro: &str,
        known: &VersionTag,
        applied: Option<&VersionTag>,
    ) -> Result<Added, Error> {
        let date = object::read_commit(known.commit, self.store)?.committed;
        let (version, sha256) =
            (&known.manifest.version, known.manifest.fact("Dsc-Sha256").unwrap_or_default());
        let tag = self.free_tag(refname::version_tag(distro, version), || {
            refname::reimport_tag(distro, version, sha256)
        });
        self.tag(&tag, known.commit, date, &known.manifest)?;
        for of in [refname::dsc_of_tag, refname::signatures_of_tag] {
            if let Some(id) = self.view.get(&of(&known.name)) {
                self.view.set(of(&tag), id);
            }
        }
        if let Some(applied) = applied {
            let name = self.free_tag(refname::applied_tag(distro, version), || {
                refname::applied_reimport_tag(distro, version, sha256)
            });
            self.tag(&name, applied.commit, date, &applied.manifest)?;
        }
        Ok(Added { commit: known.commit, applied: applied.map(|tag| tag.commit), tag })
    }

    /// Looks for the signature of an upstream tarball beside the `.dsc` of another version.
    pub fn find_signature(&mut self, listed: &ListedFile) -> Result<Option<Vec<u8>>, Error> {
        for name in self.view.below("refs/dsc/").into_iter().filter(|name| name.ends_with("@asc")) {
            let Some(id) = self.view.get(&name) else { continue };
            for (file, content) in self.store.read_flat_tree(id)? {
                if file == listed.name && listed.checksums.sha256.as_deref() == Some(&sha256_hex(&content)) {
                    return Ok(Some(content));
                }
            }
        }
        Ok(None)
    }

    /// The tree of a commit.
    pub fn tree_of(&mut self, commit: ObjectId) -> Result<ObjectId, Error> {
        Ok(object::read_commit(commit, self.store)?.tree)
    }

    fn add_applied(
        &mut self,
        distro: &str,
        version: &StagedVersion,
        patches: &StagedPatches,
        unapplied: ObjectId,
        parent: Option<ObjectId>,
    ) -> Result<ObjectId, Error> {
        let before = self.applied_before(distro, parent)?;
        let commit = self.applied_commits(version, patches, unapplied, before)?;
        self.tag_applied(distro, version, patches, commit)?;
        Ok(commit)
    }

    /// The applied commit of a version, or of the nearest one before it that has one.
    fn applied_before(
        &mut self,
        distro: &str,
        mut from: Option<ObjectId>,
    ) -> Result<Option<ObjectId>, Error> {
        while let Some(id) = from {
            let commit = object::read_commit(id, self.store)?;
            let (version, sha256) = (commit.trailer("Version"), commit.trailer("Dsc-Sha256"));
            let (Some(version), Some(sha256)) = (version, sha256) else { return Ok(None) };
            let Ok(version) = Version::new(version) else { return Ok(None) };
            let others = self.view.distros().into_iter().filter(|other| other != distro);
            for distro in std::iter::once(distro.to_owned()).chain(others) {
                if let Some(tag) = self.find_applied(&distro, &version, sha256)? {
                    return Ok(Some(tag.commit));
                }
            }
            from = commit.parents.first().copied();
        }
        Ok(None)
    }

    fn applied_commits(
        &mut self,
        version: &StagedVersion,
        patches: &StagedPatches,
        unapplied: ObjectId,
        before: Option<ObjectId>,
    ) -> Result<ObjectId, Error> {
        let facts = &version.changelog;
        let series = patches.series.as_deref();
        let base = Commit {
            tree: patches.base,
            parents: before.into_iter().chain([unapplied]).collect(),
            author: facts.author.clone(),
            authored: facts.date,
            committer: importer(),
            committed: facts.date,
            message: message::applied(&version.dsc, &version.dsc_sha256, series),
        };
        let mut tip = self.store.add(Kind::Commit, &base.encode())?;
        for patch in &patches.patches {
            let commit = Commit {
                tree: patch.tree,
                parents: vec![tip],
                author: patch.author.clone().unwrap_or_else(|| facts.author.clone()),
                authored: patch.date.unwrap_or(facts.date),
                committer: importer(),
                committed: facts.date,
                message: message::patch(&version.dsc, &version.dsc_sha256, &patch.name, &patch.message),
            };
            tip = self.store.add(Kind::Commit, &commit.encode())?;
        }
        Ok(tip)
    }

    fn tag_applied(
        &mut self,
        distro: &str,
        version: &StagedVersion,
        patches: &StagedPatches,
        commit: ObjectId,
    ) -> Result<(), Error> {
        let manifest = Manifest {
            source: version.dsc.source.to_string(),
            version: version.dsc.version.to_string(),
            facts: vec![
                ("Dsc-Sha256".into(), version.dsc_sha256.clone()),
                ("Series".into(), patches.series.clone().unwrap_or_else(|| "none".into())),
                ("Patches".into(), patches.patches.len().to_string()),
            ],
            files: Vec::new(),
            escaped: patches.escaped.clone(),
            fifos: patches.fifos.clone(),
        };
        let name = self.free_tag(refname::applied_tag(distro, &manifest.version), || {
            refname::applied_reimport_tag(distro, &manifest.version, &version.dsc_sha256)
        });
        self.tag(&name, commit, version.changelog.date, &manifest)
    }
}
