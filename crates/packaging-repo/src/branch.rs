//! Moves of branches: forward only, and never away from a commit that may have been cloned.

use source_package::version::Version;

use crate::collision::leads_to;
use crate::history::{Added, History};
use crate::message;
use crate::object::{self, Commit, CommitObject, Kind};
use crate::refs::packed::find_conflict;
use crate::refs::refname;
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

    /// Decides the target of a branch; [`History::settle`] moves it there.
    fn advance(&mut self, branch: String, version: &Version, commit: ObjectId) -> Result<(), Error> {
        let tip = match self.targets.get(&branch) {
            Some(tip) => Some(*tip),
            None => self.own_tip(&branch)?,
        };
        let target = match tip {
            Some(tip) => self.next(&branch, tip, version, commit)?,
            None => commit,
        };
        self.targets.insert(branch, target);
        Ok(())
    }

    /// Restores recorded refs that are gone, branches that were set back, and tags that others have replaced (those of
    /// others get another name): nothing published is lost.
    ///
    /// # Errors
    /// A ref cannot be written.
    pub fn put_back(&mut self) -> Result<(), Error> {
        let written: Vec<(String, ObjectId)> =
            self.view.record().written().map(|(name, id)| (name.clone(), id)).collect();
        for (name, id) in written {
            let now = self.view.taken(&name);
            if now == Some(id) || self.view.pending.contains_key(&name) || !self.store.contains(&id) {
                continue;
            }
            let is_back = match now {
                None => {
                    let other = find_conflict(&name, &self.view.before);
                    other.is_none_or(|other| self.view.is_removed(&other))
                }
                Some(_) if name.starts_with("refs/tags/") => {
                    self.keep_beside(&name, id)?;
                    false
                }
                Some(theirs) => {
                    let is_branch = name.starts_with("refs/heads/");
                    is_branch
                        && self.view.record().last(&name) == Some(id)
                        && leads_to(id, theirs, self.store)?
                }
            };
            if is_back {
                let commit = object::tag_target(id, self.store)?;
                match commit {
                    Some(commit) => self.view.set_tag(name, id, commit),
                    None => self.view.set(name, id),
                }
            }
        }
        Ok(())
    }

    /// Commit that the importer put a branch to last, even if somebody else has moved it since. A move that was begun
    /// when the importer was killed counts if the branch goes on from its target, or is gone: else it may not have
    /// happened, and the foreign commits that it had found on the branch were not set aside.
    pub(crate) fn own_tip(&mut self, branch: &str) -> Result<Option<ObjectId>, Error> {
        let (record, now) = (&self.view.record, self.view.before.get(branch).map(|value| value.id));
        let written = record.before_last(branch).or_else(|| record.last(branch));
        let is_there = |id: &ObjectId| self.store.contains(id);
        let Some(begun) = record.begun(branch).filter(is_there) else { return Ok(written.filter(is_there)) };
        let written = record.before_last(branch).filter(is_there);
        let is_done = match now {
            Some(now) => self.view.record.adopted(branch) == Some(now) || leads_to(now, begun, self.store)?,
            None => true,
        };
        Ok(if is_done { Some(begun) } else { written })
    }

    /// Next tip of a branch of ours for a version: it stays where it is unless the version is the highest there.
    fn next(
        &mut self,
        branch: &str,
        tip: ObjectId,
        version: &Version,
        commit: ObjectId,
    ) -> Result<ObjectId, Error> {
        let new = object::read_commit(commit, self.store)?;
        let old = object::read_commit(tip, self.store)?;
        let published = old.trailer("Version").and_then(|text| Version::new(text).ok());
        let is_older = published.as_ref().is_some_and(|published| version < published);
        if tip == commit || is_older || same_content(&old, &new) {
            return Ok(tip);
        }
        // Of two contents of one version the later one is shown, also when the earlier one is named again.
        if published.as_ref() == Some(version) && self.has_shown(tip, version, commit)? {
            return Ok(tip);
        }
        let descends = !is_join(&old) && self.descends(&new, tip, published.as_ref())?;
        if descends { Ok(commit) } else { self.join(branch, tip, commit) }
    }

    /// True when a branch has shown a commit of its present version before.
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

    /// True when `tip` is among the first parents of a commit. The walk ends at versions below the tip's:
    /// versions fall along a history, and the cost must not grow with its length.
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

    pub(crate) fn join(&mut self, branch: &str, tip: ObjectId, version: ObjectId) -> Result<ObjectId, Error> {
        let commit = object::read_commit(version, self.store)?;
        let branch = branch.trim_start_matches("refs/heads/");
        let join = Commit {
            tree: commit.tree,
            parents: vec![tip, version],
            author: commit.author.clone(),
            authored: commit.authored,
            committer: commit.committer.clone(),
            committed: commit.committed,
            message: message::join(branch, &commit),
        };
        self.store.add(Kind::Commit, &join.encode())
    }
}

/// A re-upload with another `.dsc` and the same tree, signed anew for example, is nothing new to show: a join for it would
/// make joins of all that follow.
fn same_content(old: &CommitObject, new: &CommitObject) -> bool {
    old.tree == new.tree && old.trailer("Version") == new.trailer("Version")
}

/// No version descends from a join: they hang on versions alone.
fn is_join(commit: &CommitObject) -> bool {
    commit.trailer("Join").is_some()
}
