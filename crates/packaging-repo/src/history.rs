//! The history of a package: what each version's commit descends from and which refs it gets.
//!
//! Nothing here depends on the order in which versions are given, on a clock or on a machine: the rules are
//! `docs/repository-layout.md`.

use std::collections::HashSet;

use source_package::version::Version;

use crate::manifest::Manifest;
use crate::message;
use crate::object::{self, Commit, Kind, Person, Tag};
use crate::refname;
use crate::store::RepoStore;
use crate::upstream::upstream_tag;
use crate::version::{StagedPatches, StagedUpstream, StagedVersion};
use crate::view::{VersionTag, View};
use crate::{Error, ObjectId};

/// Who commits and tags: the same on every machine.
pub fn importer() -> Person {
    Person { name: "package-import".into(), email: "package-import@localhost".into() }
}

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

    /// The applied commit of a `.dsc` in a distro.
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
        let parent = self.changelog_parent(distro, &version.changelog.below)?;
        let commit = self.version_commit(version, parent)?;
        let tag = self.tag_version(distro, version, commit)?;
        self.keep_dsc(distro, version, &tag)?;
        let applied = match &version.applied {
            Some(patches) => Some(self.add_applied(distro, version, patches, commit, parent)?),
            None => None,
        };
        Ok(Added { commit, applied, tag })
    }

    /// The first version below the top of the changelog that the repository has, of any distro; the version's
    /// own distro is asked first.
    fn changelog_parent(&mut self, distro: &str, below: &[String]) -> Result<Option<ObjectId>, Error> {
        let others = self.view.distros().into_iter().filter(|other| other != distro);
        let distros: Vec<String> = std::iter::once(distro.to_owned()).chain(others).collect();
        for text in below {
            // What stands in a changelog may be no version at all.
            let Ok(version) = Version::parse(text) else { continue };
            for distro in &distros {
                let name = refname::version_tag(distro, version.as_str());
                if let Some(tag) = self.view.version_tag(&name, self.store)? {
                    return Ok(Some(tag.commit));
                }
            }
        }
        Ok(None)
    }

    fn version_commit(&mut self, version: &StagedVersion, parent: Option<ObjectId>) -> Result<ObjectId, Error> {
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
            Some(parent) => object::read_commit(parent, self.store)?.trailer("Version").map(str::to_owned),
            None => None,
        };
        let text = self.store.read(content)?;
        Ok(message::news(&text, since.as_deref()))
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
        self.view.set(name, id);
        Ok(())
    }

    fn tag_version(&mut self, distro: &str, version: &StagedVersion, commit: ObjectId) -> Result<String, Error> {
        let text = version.dsc.version.as_str();
        let plain = refname::version_tag(distro, text);
        let name = match self.view.get(&plain) {
            None => plain,
            Some(_) => refname::reimport_tag(distro, text, &version.dsc_sha256),
        };
        let manifest = Manifest {
            source: version.dsc.source.to_string(),
            version: text.to_owned(),
            facts: vec![
                ("Format".into(), version.dsc.format.text.clone()),
                ("Dsc-Sha256".into(), version.dsc_sha256.clone()),
                ("Dsc-Size".into(), version.dsc_text.len().to_string()),
            ],
            files: version.dsc.files.clone(),
            escaped: version.tree.escaped.clone(),
            fifos: version.tree.fifos.clone(),
        };
        self.tag(&name, commit, version, &manifest)?;
        Ok(name)
    }

    fn tag(
        &mut self,
        name: &str,
        commit: ObjectId,
        version: &StagedVersion,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        let tag = Tag {
            target: commit,
            name: name.trim_start_matches("refs/tags/").to_owned(),
            tagger: importer(),
            date: version.changelog.date,
            message: manifest.to_message(&format!("{} {}", manifest.source, manifest.version)),
        };
        let id = self.store.add(Kind::Tag, &tag.encode())?;
        self.view.set(name.to_owned(), id);
        Ok(())
    }

    /// The `.dsc` itself, and the signatures of upstream tarballs beside it: anyone can verify again.
    fn keep_dsc(&mut self, distro: &str, version: &StagedVersion, tag: &str) -> Result<(), Error> {
        let id = self.store.add(Kind::Blob, &version.dsc_text)?;
        let name = refname::dsc(distro, version.dsc.version.as_str(), refname::reimport_hash(tag));
        if !version.signatures.is_empty() {
            let signatures = self.store.add_flat_tree(&version.signatures)?;
            self.view.set(refname::signatures(&name), signatures);
        }
        self.view.set(name, id);
        Ok(())
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
    fn applied_before(&mut self, distro: &str, mut from: Option<ObjectId>) -> Result<Option<ObjectId>, Error> {
        while let Some(id) = from {
            let commit = object::read_commit(id, self.store)?;
            let (version, sha256) = (commit.trailer("Version"), commit.trailer("Dsc-Sha256"));
            let (Some(version), Some(sha256)) = (version, sha256) else { return Ok(None) };
            let Ok(version) = Version::parse(version) else { return Ok(None) };
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
        let text = version.dsc.version.as_str();
        let plain = refname::applied_tag(distro, text);
        let name = match self.view.get(&plain) {
            None => plain,
            Some(_) => refname::applied_reimport_tag(distro, text, &version.dsc_sha256),
        };
        let manifest = Manifest {
            source: version.dsc.source.to_string(),
            version: text.to_owned(),
            facts: vec![
                ("Dsc-Sha256".into(), version.dsc_sha256.clone()),
                ("Series".into(), patches.series.clone().unwrap_or_else(|| "none".into())),
                ("Patches".into(), patches.patches.len().to_string()),
            ],
            files: Vec::new(),
            escaped: patches.escaped.clone(),
            fifos: patches.fifos.clone(),
        };
        self.tag(&name, commit, version, &manifest)
    }
}
