//! Walks through the history. A plan may have thousands of versions that depend on each other, and each asks for much
//! the same as the one before: results are kept, so that no part is walked twice.

use std::collections::{HashMap, HashSet};

use source_package::changelog;
use source_package::links::{Target, resolve};
use source_package::store::{ContentStore, FolderId};
use source_package::tree::{self, Tree};
use source_package::version::Version;

use super::History;
use crate::object::{self, CommitObject};
use crate::store::RepoStore;
use crate::{Error, ObjectId, raw_id};

/// Number of versions of changelogs that are kept in memory: further ones are read again.
const KEPT: usize = 500_000;

/// Results of walks through the history.
#[derive(Default)]
pub(super) struct Walked {
    descents: Descents,
    /// By distro: the applied commit above a version commit, or above the nearest one before it that has one.
    applied: HashMap<String, HashMap<ObjectId, Option<ObjectId>>>,
    /// The versions that the changelogs of version commits name below their own, and how many these are.
    named: HashMap<ObjectId, HashSet<Version>>,
    kept: usize,
}

/// By an upstream commit: whether version commits descend from it.
#[derive(Default)]
pub(crate) struct Descents(HashMap<ObjectId, HashMap<ObjectId, bool>>);

impl Descents {
    /// True when an upstream commit is among the ancestors of a version. Version commits are linked by their first
    /// parent, so only first parents are walked.
    pub(crate) fn descends(
        &mut self,
        from: Option<ObjectId>,
        upstream: ObjectId,
        store: &mut RepoStore,
    ) -> Result<bool, Error> {
        let known = self.0.entry(upstream).or_default();
        let (mut way, mut at, mut answer) = (Vec::new(), from, false);
        while let Some(id) = at {
            if let Some(found) = known.get(&id) {
                answer = *found;
                break;
            }
            way.push(id);
            let commit = object::read_commit(id, store)?;
            if id == upstream || commit.parents.contains(&upstream) {
                answer = true;
                break;
            }
            at = commit.parents.first().copied();
        }
        known.extend(way.into_iter().map(|id| (id, answer)));
        Ok(answer)
    }
}

impl Walked {
    /// A version commit was just made that descends from an upstream commit.
    pub(super) fn note_descent(&mut self, upstream: ObjectId, commit: ObjectId) {
        self.descents.0.entry(upstream).or_default().insert(commit, true);
    }

    /// A version that was there before gets applied commits now.
    pub(super) fn forget_applied(&mut self) {
        self.applied.clear();
    }
}

impl History<'_> {
    /// True when an upstream commit is among the ancestors of a version.
    pub(super) fn descends_from_upstream(
        &mut self,
        from: Option<ObjectId>,
        upstream: ObjectId,
    ) -> Result<bool, Error> {
        if self.new_upstreams.remove(&upstream) {
            return Ok(false);
        }
        self.walked.descents.descends(from, upstream, self.store)
    }

    /// The applied commit of a version, or of the nearest one before it that has one.
    pub(super) fn applied_before(
        &mut self,
        distro: &str,
        from: Option<ObjectId>,
    ) -> Result<Option<ObjectId>, Error> {
        let distros = self.distros_from(distro);
        let mut known = self.walked.applied.remove(distro).unwrap_or_default();
        let (mut way, mut at, mut answer) = (Vec::new(), from, None);
        while let Some(id) = at {
            if let Some(found) = known.get(&id) {
                answer = *found;
                break;
            }
            way.push(id);
            let commit = object::read_commit(id, self.store)?;
            // A commit that is no version's ends the walk.
            let Some((version, sha256)) = version_of(&commit) else { break };
            answer = self.applied_of(&distros, &version, sha256)?;
            if answer.is_some() {
                break;
            }
            at = commit.parents.first().copied();
        }
        known.extend(way.into_iter().map(|id| (id, answer)));
        self.walked.applied.insert(distro.to_owned(), known);
        Ok(answer)
    }

    /// The applied commit of a version, in the first of some distros that has one.
    fn applied_of(
        &mut self,
        distros: &[String],
        version: &Version,
        sha256: &str,
    ) -> Result<Option<ObjectId>, Error> {
        for distro in distros {
            if let Some(tag) = self.find_applied(distro, version, sha256)? {
                return Ok(Some(tag.commit));
            }
        }
        Ok(None)
    }

    /// True when the changelog of a version's commit names another version below its own.
    pub(super) fn names_version(
        &mut self,
        commit: ObjectId,
        source: &str,
        of: &Version,
        other: &Version,
    ) -> Result<bool, Error> {
        if let Some(named) = self.walked.named.get(&commit) {
            return Ok(named.contains(other));
        }
        let named = self.versions_named_by(commit, source, of)?;
        let is_named = named.contains(other);
        if self.walked.kept + named.len() <= KEPT {
            self.walked.kept += named.len();
            self.walked.named.insert(commit, named);
        }
        Ok(is_named)
    }

    fn versions_named_by(
        &mut self,
        commit: ObjectId,
        source: &str,
        of: &Version,
    ) -> Result<HashSet<Version>, Error> {
        let mut tree = Tree::stored(FolderId(raw_id(self.tree_of(commit)?)));
        let Target::Inside(path) =
            resolve(b"debian/changelog", &mut tree, self.store).map_err(Error::Content)?
        else {
            return Ok(HashSet::new());
        };
        let found = tree.kind(&path, self.store).map_err(Error::Content)?;
        let tree::Kind::File { content, .. } = found else { return Ok(HashSet::new()) };
        let text = self.store.get(content).map_err(Error::Content)?;
        Ok(changelog::lineage(&text, source, of).below.into_iter().collect())
    }
}

/// The version that a commit is of, and the SHA-256 of its `.dsc`.
fn version_of(commit: &CommitObject) -> Option<(Version, &str)> {
    Some((Version::new(commit.trailer("Version")?).ok()?, commit.trailer("Dsc-Sha256")?))
}
