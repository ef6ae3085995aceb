//! The history of a package: what each version's commit descends from and which refs it gets.
//!
//! Nothing here depends on the order in which versions are given, on a clock or on a machine: the rules are
//! `docs/repository-layout.md`.

mod applied;
mod find;
mod tags;

use std::collections::HashSet;

use source_package::changelog;
use source_package::version::Version;

use crate::identity::importer;
use crate::message;
use crate::object::{self, Commit, Kind};
use crate::refname;
use crate::store::RepoStore;
use crate::version::StagedVersion;
use crate::view::View;
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
        let applied = match &version.applied {
            Some(patches) => Some(self.add_applied(distro, &tag, version, patches, commit, parent)?),
            None => None,
        };
        Ok(Added { commit, applied, tag })
    }

    /// One plan may name the same `.dsc` twice: for two suites, or by two paths.
    fn added_before(&mut self, distro: &str, version: &StagedVersion) -> Result<Option<Added>, Error> {
        let (number, sha256) = (&version.dsc.version, &version.dsc_sha256);
        let Some(tag) = self.find_dsc(distro, number, sha256)? else { return Ok(None) };
        let applied = self.find_applied(distro, number, sha256)?.map(|tag| tag.commit);
        Ok(Some(Added { commit: tag.commit, applied, tag: tag.name }))
    }

    /// The first version below the top of the changelog that the repository has, of any distro; the version's
    /// own distro is asked first.
    fn changelog_parent(&mut self, distro: &str, below: &[Version]) -> Result<Option<ObjectId>, Error> {
        let distros = self.distros_from(distro);
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
}
