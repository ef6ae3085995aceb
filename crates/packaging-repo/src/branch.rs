//! How branches move: forward only, and never away from what somebody may have cloned.

use source_package::version::Version;

use crate::history::{Added, History};
use crate::message;
use crate::object::{self, Commit, CommitObject, Kind};
use crate::refname;
use crate::{Error, ObjectId};

impl History<'_> {
    /// Publishes a version in a suite: the branches move to it if it is the highest there. Versions of one plan are
    /// published in ascending order.
    pub fn publish(
        &mut self,
        distro: &str,
        suite: &str,
        version: &Version,
        added: &Added,
    ) -> Result<(), Error> {
        self.advance(refname::branch(distro, suite), version, added.commit)?;
        if let Some(applied) = added.applied {
            self.advance(refname::applied_branch(distro, suite), version, applied)?;
        }
        Ok(())
    }

    fn advance(&mut self, branch: String, version: &Version, commit: ObjectId) -> Result<(), Error> {
        let Some(tip) = self.view.get(&branch) else {
            self.view.set(branch, commit);
            return Ok(());
        };
        let new = object::read_commit(commit, self.store)?;
        let old = object::read_commit(tip, self.store)?;
        let published = old.trailer("Version").and_then(|text| Version::new(text).ok());
        let is_older = published.as_ref().is_some_and(|published| version < published);
        if tip == commit || is_older || same_content(&old, &new) {
            return Ok(());
        }
        // Of two contents of one version the later one is shown, also when the earlier one is named again.
        if published.as_ref() == Some(version) && self.has_shown(tip, version, commit)? {
            return Ok(());
        }
        let descends = !is_join(&old) && self.descends(&new, tip, published.as_ref())?;
        let target = if descends { commit } else { self.join(&branch, tip, commit, &new)? };
        self.view.set(branch, target);
        Ok(())
    }

    /// Whether a branch has shown a commit of its present version before.
    fn has_shown(&mut self, tip: ObjectId, version: &Version, commit: ObjectId) -> Result<bool, Error> {
        let mut at = tip;
        loop {
            let shown = object::read_commit(at, self.store)?;
            let of = shown.trailer("Version").and_then(|text| Version::new(text).ok());
            if of.as_ref() != Some(version) {
                return Ok(false);
            }
            if at == commit || shown.parents.contains(&commit) {
                return Ok(true);
            }
            let Some(&first) = shown.parents.first() else { return Ok(false) };
            at = first;
        }
    }

    /// Whether `tip` is among the first parents of a commit. The walk ends at versions below the tip's: history
    /// goes down, and the cost must not grow with its length.
    fn descends(
        &mut self,
        from: &CommitObject,
        tip: ObjectId,
        published: Option<&Version>,
    ) -> Result<bool, Error> {
        let mut parents = from.parents.clone();
        while let Some(&first) = parents.first() {
            if parents.contains(&tip) {
                return Ok(true);
            }
            let commit = object::read_commit(first, self.store)?;
            let version = commit.trailer("Version").and_then(|text| Version::new(text).ok());
            if let (Some(version), Some(published)) = (version, published)
                && version < *published
            {
                return Ok(false);
            }
            parents = commit.parents;
        }
        Ok(false)
    }

    fn join(
        &mut self,
        branch: &str,
        tip: ObjectId,
        version: ObjectId,
        commit: &CommitObject,
    ) -> Result<ObjectId, Error> {
        let branch = branch.trim_start_matches("refs/heads/");
        let join = Commit {
            tree: commit.tree,
            parents: vec![tip, version],
            author: commit.author.clone(),
            authored: commit.authored,
            committer: commit.committer.clone(),
            committed: commit.committed,
            message: message::join(branch, commit),
        };
        self.store.add(Kind::Commit, &join.encode())
    }
}

/// A re-upload has the same version and another `.dsc`.
fn same_content(old: &CommitObject, new: &CommitObject) -> bool {
    old.tree == new.tree && ["Version", "Dsc-Sha256"].iter().all(|key| old.trailer(key) == new.trailer(key))
}

/// No version descends from a join: they hang on versions alone.
fn is_join(commit: &CommitObject) -> bool {
    commit.trailer("Join").is_some()
}
