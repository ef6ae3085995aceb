//! Moves branches to their targets, over foreign pushes: the archive's version wins by a merge, and foreign changes
//! that it lacks are set aside first. All of it is one transaction, so nothing moves before it is durable.

use std::collections::BTreeSet;

use super::ancestry::{common, leads_to, maker};
use super::triage::{Content, Edit, Sides, compare, merged_tree};
use super::{ASIDE, Collision, Kind, shown};
use crate::history::History;
use crate::identity::importer;
use crate::message;
use crate::object::{self, Commit};
use crate::refs::packed::find_conflict;
use crate::store::RepoStore;
use crate::view::View;
use crate::{Error, ObjectId};
use source_package::version::Version;

/// Patches of one version whose trees are looked at.
const PATCHES: usize = 400;

impl History<'_> {
    /// Moves all branches of ours to their targets, those without a version in this plan included, and reports the
    /// foreign pushes to them.
    ///
    /// # Errors
    /// [`Error`] when the repository cannot be read or written.
    pub fn settle(&mut self) -> Result<Vec<Collision>, Error> {
        let planned: BTreeSet<String> = self.targets.keys().cloned().collect();
        let on_record: Vec<String> = self.view.record().written().map(|(name, _)| name.clone()).collect();
        for branch in
            on_record.into_iter().filter(|it| it.starts_with("refs/heads/") && !it.starts_with(ASIDE))
        {
            if planned.contains(&branch) || find_conflict(&branch, &self.view.before).is_some() {
                continue;
            }
            if let Some(tip) = self.own_tip(&branch)? {
                self.targets.insert(branch, tip);
            }
        }
        let mut found = Vec::new();
        for (branch, target) in std::mem::take(&mut self.targets) {
            found.extend(self.settle_branch(branch, target)?);
        }
        Ok(found)
    }

    fn settle_branch(&mut self, branch: String, target: ObjectId) -> Result<Option<Collision>, Error> {
        let ours = self.own_tip(&branch)?;
        let now = self.view.before.get(&branch).map(|value| value.id);
        let Some(theirs) = now.filter(|now| Some(*now) != ours && *now != target) else {
            let is_removed = now.is_none() && self.view.record().was_written(&branch);
            if now != Some(target) || ours != Some(target) {
                self.view.set(branch.clone(), target);
            }
            return Ok(is_removed.then(|| Collision { ours, ..blank(branch, Kind::Rewritten) }));
        };
        let (who, made) = maker(theirs, self.store).unzip();
        let mut collision =
            Collision { who, made, ours, theirs: Some(theirs), ..blank(branch.clone(), Kind::Rewritten) };
        if self.store.kind(theirs)? != object::Kind::Commit {
            // No commit can descend from it. Only who writes to the folder itself can put it there.
            collision.aside = Some(self.set_aside(&branch, theirs, "refs/tags/collisions/"));
            self.view.set(branch, target);
            return Ok(Some(collision));
        }
        if leads_to(target, theirs, self.store)? {
            // It was set back, or has come to where we are going already.
            let is_set_back = ours.map_or(Ok(false), |ours| leads_to(ours, theirs, self.store))?;
            self.view.set(branch, target);
            return Ok(is_set_back.then_some(collision));
        }
        let content = judged(&branch, target, theirs, ours, &mut self.view, self.store)?;
        let is_forward = self.view.record().adopted(&branch) == Some(theirs)
            || ours.map_or(Ok(true), |ours| leads_to(theirs, ours, self.store))?;
        collision.kind = kind_of(&content, is_forward);
        if collision.kind == Kind::Adopted {
            self.view.adopt(branch, target, theirs);
            return Ok(Some(collision));
        }
        if matches!(collision.kind, Kind::Rewritten | Kind::Unmerged | Kind::Conflict) {
            collision.aside = Some(self.set_aside(&branch, theirs, ASIDE));
        }
        match &content {
            Content::Unmerged(edits) => {
                collision.paths = shown(edits.iter().map(|edit| edit.path.as_slice()));
                collision.offer = self.offer(&branch, target, theirs, edits, collision.aside.as_deref())?;
            }
            Content::Conflict(paths) => collision.paths = shown(paths.iter().map(Vec::as_slice)),
            _ => {}
        }
        let join = self.join(&branch, theirs, target)?;
        self.view.set(branch, join);
        Ok(Some(collision))
    }

    /// Gives a foreign object a name of its own. Returns the name.
    fn set_aside(&mut self, branch: &str, theirs: ObjectId, folder: &str) -> String {
        let hex = theirs.to_string();
        let short = branch.trim_start_matches("refs/heads/");
        let names =
            [12, 20, 40].map(|digits| format!("{folder}{short}/{}", hex.get(..digits).unwrap_or(&hex)));
        let free = names.iter().find(|name| self.view.is_free_for(name, theirs));
        let [.., longest] = &names;
        let name = free.unwrap_or(longest).clone();
        self.view.set(name.clone(), theirs);
        name
    }

    /// A branch that merges the version and the foreign change. Its name is that of the set-aside ref, with a suffix.
    fn offer(
        &mut self,
        branch: &str,
        target: ObjectId,
        theirs: ObjectId,
        edits: &[Edit],
        aside: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let Some(aside) = aside else { return Ok(None) };
        let version = object::read_commit(target, self.store)?;
        let commit = Commit {
            tree: merged_tree(version.tree, edits, self.store)?,
            parents: vec![target, theirs],
            author: importer(),
            authored: version.committed,
            committer: importer(),
            committed: version.committed,
            message: message::offer(branch.trim_start_matches("refs/heads/"), &version, theirs),
        };
        let id = self.store.add(object::Kind::Commit, &commit.encode())?;
        let name = format!("{aside}-merged");
        if !self.view.is_free_for(&name, id) {
            return Ok(None);
        }
        self.view.set(name.clone(), id);
        Ok(Some(name))
    }
}

/// A collision of which no more is known.
pub(super) fn blank(name: String, kind: Kind) -> Collision {
    Collision {
        name,
        kind,
        who: None,
        made: None,
        ours: None,
        theirs: None,
        paths: Vec::new(),
        aside: None,
        offer: None,
    }
}

pub(super) fn kind_of(content: &Content, is_forward: bool) -> Kind {
    match content {
        Content::Unmerged(_) => Kind::Unmerged,
        Content::Conflict(_) => Kind::Conflict,
        _ if !is_forward => Kind::Rewritten,
        Content::Same => Kind::Adopted,
        Content::Contained => Kind::Contained,
        Content::Noise => Kind::Noise,
    }
}

/// Compares a commit that somebody else has put on a branch with the target of ours. A comparison that is impossible
/// or costs too much becomes a conflict for a person.
pub(super) fn judged(
    branch: &str,
    target: ObjectId,
    theirs: ObjectId,
    ours: Option<ObjectId>,
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Content, Error> {
    let mut starts = common(theirs, target, store)?;
    // Commit that they found on the branch: if they have its content, they have changed nothing, whatever their history
    // is.
    starts.extend(ours);
    compared(branch, target, theirs, &starts, view, store)
}

/// The version's commit that a branch of ours shows: its tip, or what its last join brought in.
pub(crate) fn shown_version(tip: ObjectId, store: &mut RepoStore) -> Result<ObjectId, Error> {
    let mut version = tip;
    loop {
        let commit = object::read_commit(version, store)?;
        match commit.trailer("Join").and(commit.parents.get(1)) {
            Some(&brought_in) => version = brought_in,
            None => return Ok(version),
        }
    }
}

/// The same once a branch has their commit in its history: `version` is the commit that it shows, and `ours` where the
/// importer had put it when theirs came.
pub(super) fn judged_from(
    branch: &str,
    version: ObjectId,
    theirs: ObjectId,
    ours: Option<ObjectId>,
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Content, Error> {
    let mut starts = common(theirs, version, store)?;
    starts.extend(ours.filter(|id| store.contains(id)));
    compared(branch, version, theirs, &starts, view, store)
}

fn compared(
    branch: &str,
    version: ObjectId,
    theirs: ObjectId,
    starts: &[ObjectId],
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Content, Error> {
    let compared = sides(branch, version, starts, view, store).and_then(|sides| {
        let tree = super::ancestry::links(theirs, store)?.tree;
        compare(tree, &sides, store)
    });
    match compared {
        Err(
            Error::TooMuchToCompare
            | Error::Missing(_)
            | Error::Malformed { .. }
            | Error::WrongKind { .. }
            | Error::Content(_),
        ) => Ok(Content::Conflict(Vec::new())),
        other => other,
    }
}

fn sides(
    branch: &str,
    version: ObjectId,
    starts: &[ObjectId],
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Sides, Error> {
    let mut bases = Vec::new();
    for start in starts {
        bases.push(variants(branch, *start, view, store)?);
    }
    Ok(Sides { bases, version: variants(branch, version, view, store)? })
}

/// The tree of a commit, and the trees of the same version with more or fewer of its patches applied, if the commit is
/// one of the importer's.
pub(super) fn variants(
    name: &str,
    commit: ObjectId,
    view: &mut View,
    store: &mut RepoStore,
) -> Result<Vec<ObjectId>, Error> {
    let mut trees = vec![super::ancestry::links(commit, store)?.tree];
    let Ok(read) = object::read_commit(commit, store) else { return Ok(trees) };
    let version = read.trailer("Version").and_then(|text| Version::new(text).ok());
    let (Some(version), Some(sha256)) = (version, read.trailer("Dsc-Sha256")) else { return Ok(trees) };
    let short = name.trim_start_matches("refs/heads/").trim_start_matches("applied/");
    let own = short.split('/').next().unwrap_or_default().to_owned();
    let others = view.distros().into_iter().filter(|it| *it != own);
    for distro in std::iter::once(own.clone()).chain(others).collect::<Vec<_>>() {
        let is_it = |tag: &crate::view::VersionTag| tag.manifest.fact("Dsc-Sha256") == Some(sha256);
        let unapplied = view.tags_of(&distro, &version, store)?.into_iter().find(is_it);
        let applied = view.applied_tags_of(&distro, &version, store)?.into_iter().find(is_it);
        if let Some(tag) = unapplied {
            trees.push(object::read_commit(tag.commit, store)?.tree);
        }
        let mut at = applied.map(|tag| tag.commit);
        for _ in 0..PATCHES {
            let Some(id) = at else { break };
            let commit = object::read_commit(id, store)?;
            trees.push(commit.tree);
            at = commit.trailer("Patch").and(commit.parents.first().copied());
        }
        if trees.len() > 1 {
            break;
        }
    }
    let mut seen = BTreeSet::new();
    trees.retain(|tree| seen.insert(*tree));
    Ok(trees)
}
