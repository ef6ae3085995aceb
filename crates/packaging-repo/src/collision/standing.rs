//! Known open collisions: whether they end by themselves.

use super::ancestry::maker;
use super::branches::{blank, judged_from, kind_of, shown_version};
use super::triage::Content;
use super::{ASIDE, Collision, Kind, branch_of_aside, shown};
use crate::history::History;
use crate::{Error, ObjectId};

/// A collision that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The full name of the ref.
    pub name: String,
    /// Kind of the collision.
    pub kind: Kind,
    /// Object that the importer had put the ref to.
    pub ours: Option<ObjectId>,
    /// Object that the ref was found at.
    pub theirs: Option<ObjectId>,
}

impl History<'_> {
    /// Reason why a collision is over once all changes are made; `None` if it still stands.
    ///
    /// # Errors
    /// [`Error`] when the repository cannot be read or written.
    pub fn ended(&mut self, it: &Standing) -> Result<Option<&'static str>, Error> {
        let now = self.view.taken(&it.name);
        match it.kind {
            Kind::TagDiffers | Kind::Blocked if now != it.theirs => Ok(Some("gone")),
            Kind::Unmerged | Kind::Conflict => {
                let Some(theirs) = it.theirs.filter(|id| self.store.contains(id)) else { return Ok(None) };
                let Some(tip) = self.view.get(&it.name) else {
                    // A branch that no suite maps to, and that was removed.
                    return Ok((now.is_none() && it.ours.is_none()).then_some("gone"));
                };
                let is_in = self.is_in_version(&it.name, tip, theirs, it.ours)?;
                Ok(is_in.then_some("contained"))
            }
            _ => Ok(None),
        }
    }

    /// True when the version that a branch shows has all changes of the foreign commit.
    fn is_in_version(
        &mut self,
        branch: &str,
        tip: ObjectId,
        theirs: ObjectId,
        ours: Option<ObjectId>,
    ) -> Result<bool, Error> {
        let content = self.content(branch, tip, theirs, ours)?;
        Ok(matches!(content, Content::Same | Content::Contained | Content::Noise))
    }

    /// Comparison of the foreign commit with the version that a branch shows.
    fn content(
        &mut self,
        branch: &str,
        tip: ObjectId,
        theirs: ObjectId,
        ours: Option<ObjectId>,
    ) -> Result<Content, Error> {
        // Joins have their commits for ancestors; versions do not.
        let version = shown_version(tip, self.store)?;
        judged_from(branch, version, theirs, ours, &mut self.view, self.store)
    }

    /// Refs that were set aside by an import that was killed before it reported them.
    ///
    /// # Errors
    /// [`Error`] when the repository cannot be read or written.
    pub fn untold(&mut self, told: &[(String, ObjectId)]) -> Result<Vec<Collision>, Error> {
        let mut found = Vec::new();
        for name in self.view.below(ASIDE) {
            let (Some(theirs), Some((branch, _))) = (self.view.get(&name), branch_of_aside(&name)) else {
                continue;
            };
            let Some(tip) = self.view.get(&branch) else { continue };
            if told.iter().any(|(name, id)| *name == branch && *id == theirs) {
                continue;
            }
            let (who, made) = maker(theirs, self.store).unzip();
            let content = self.content(&branch, tip, theirs, None)?;
            let paths = match &content {
                Content::Unmerged(edits) => shown(edits.iter().map(|edit| edit.path.as_slice())),
                Content::Conflict(paths) => shown(paths.iter().map(Vec::as_slice)),
                _ => Vec::new(),
            };
            let offer = Some(format!("{name}-merged")).filter(|offer| self.view.get(offer).is_some());
            found.push(Collision {
                kind: kind_of(&content, false),
                who,
                made,
                theirs: Some(theirs),
                paths,
                aside: Some(name),
                offer,
                ..blank(branch, Kind::Conflict)
            });
        }
        Ok(found)
    }
}
