//! Carries out a person's decision about a collision. No pushed object becomes unreachable: an object that loses its
//! name is in the history of a branch, or gets another name first.

use std::fmt;
use std::str::FromStr;

use super::ancestry::leads_to;
use super::{ASIDE, Kind, Standing};
use crate::history::History;
use crate::object;
use crate::refs::refname;
use crate::view::VersionTag;
use crate::{Error, ObjectId};

/// Folder of foreign tags that were set aside.
pub(crate) const TAGS_ASIDE: &str = "refs/tags/collisions/";

/// Decisions that are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The change is not wanted: the branch that was set aside is removed. The commit stays in the history of its
    /// branch.
    Drop,
    /// Everything stays as it is, and is not reported any more.
    Keep,
    /// Ours gets the plain name; theirs is set aside.
    TakeTag,
}

impl Decision {
    /// The word for this value.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Drop => "drop",
            Decision::Keep => "keep",
            Decision::TakeTag => "take-tag",
        }
    }

    /// Reason why this decision is not possible for a kind of collision; `None` if it is.
    pub fn refused_for(self, kind: Kind) -> Option<&'static str> {
        match (self, kind) {
            (Decision::Drop, Kind::TagDiffers) => Some(
                "a tag that was pushed is never removed: --keep leaves it where it is, --take-tag gives the name to ours",
            ),
            (Decision::TakeTag, kind) if kind != Kind::TagDiffers => {
                Some("--take-tag is for tags that differ")
            }
            (Decision::Keep, Kind::Blocked) => {
                Some("nothing can be imported while it is there: --drop gives it another name")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Decision {
    type Err = String;

    fn from_str(word: &str) -> Result<Decision, String> {
        let all = [Decision::Drop, Decision::Keep, Decision::TakeTag];
        all.into_iter().find(|it| it.as_str() == word).ok_or_else(|| format!("{word:?} is no decision"))
    }
}

impl History<'_> {
    /// Carries a decision out; the inner error says why that cannot be done, and then nothing is changed.
    ///
    /// # Errors
    /// [`Error`] when the repository cannot be read or written.
    pub fn decide(
        &mut self,
        it: &Standing,
        decision: Decision,
        set_aside: &[&str],
    ) -> Result<Result<(), String>, Error> {
        if let Some(why) = decision.refused_for(it.kind) {
            return Ok(Err(why.to_owned()));
        }
        match (decision, it.kind) {
            (Decision::Keep, _) => Ok(Ok(())),
            (Decision::TakeTag, _) => self.take_tag(it),
            (Decision::Drop, Kind::Blocked) => self.give_way(it),
            (Decision::Drop, _) if set_aside.is_empty() => self.give_way(it),
            (Decision::Drop, _) => self.drop_aside(it, set_aside),
        }
    }

    /// Removes the names under which something was set aside, if a branch leads to it.
    fn drop_aside(&mut self, it: &Standing, names: &[&str]) -> Result<Result<(), String>, Error> {
        let (Some(theirs), Some(tip)) = (it.theirs, self.view.get(&it.name)) else {
            return Ok(Err(format!("{} is not there: nothing else would lead to what was pushed", it.name)));
        };
        if !leads_to(tip, theirs, self.store)? {
            return Ok(Err(format!("{} does not lead to {theirs}: it would be lost", it.name)));
        }
        for name in names.iter().filter(|name| name.starts_with(ASIDE)) {
            if let Some(id) = self.view.get(name) {
                self.view.remove(name, id);
            }
        }
        Ok(Ok(()))
    }

    /// Renames a ref that the importer did not write.
    pub(crate) fn give_way(&mut self, it: &Standing) -> Result<Result<(), String>, Error> {
        let Some(theirs) = it.theirs.filter(|id| self.view.taken(&it.name) == Some(*id)) else {
            return Ok(Err(format!("{} is not where it was found any more; it is looked at again", it.name)));
        };
        let is_commit = self.store.kind(theirs)? == object::Kind::Commit;
        let short =
            it.name.trim_start_matches("refs/").trim_start_matches("heads/").trim_start_matches("tags/");
        let folder = if is_commit && it.name.starts_with("refs/heads/") { ASIDE } else { TAGS_ASIDE };
        self.rename(&it.name, theirs, &format!("{folder}{short}"))
    }

    fn rename(&mut self, name: &str, theirs: ObjectId, folder: &str) -> Result<Result<(), String>, Error> {
        let Some(aside) = self.free_aside(folder, theirs) else {
            return Ok(Err(format!("no name below {folder} is free")));
        };
        self.keep_at(&aside, theirs)?;
        self.view.remove(name, theirs);
        Ok(Ok(()))
    }

    pub(crate) fn free_aside(&self, folder: &str, theirs: ObjectId) -> Option<String> {
        let hex = theirs.to_string();
        let names = [12, 20, 40].map(|digits| format!("{folder}/{}", hex.get(..digits).unwrap_or(&hex)));
        names.into_iter().find(|name| self.view.is_free_for(name, theirs))
    }

    pub(crate) fn keep_at(&mut self, name: &str, id: ObjectId) -> Result<(), Error> {
        match object::tag_target(id, self.store)? {
            Some(target) => self.view.set_tag(name.to_owned(), id, target),
            None => self.view.set(name.to_owned(), id),
        }
        Ok(())
    }

    /// The importer's object under the plain name, the foreign one under a name of its own.
    fn take_tag(&mut self, it: &Standing) -> Result<Result<(), String>, Error> {
        let Some(theirs) = it.theirs.filter(|id| self.view.taken(&it.name) == Some(*id)) else {
            return Ok(Err(format!("{} is not where it was found any more; it is looked at again", it.name)));
        };
        let Some(ours) = self.ours_of(&it.name, it.ours)? else {
            return Ok(Err(format!("there is no tag of an import that could be {}", it.name)));
        };
        let short = it.name.trim_start_matches("refs/tags/");
        let Some(aside) = self.free_aside(&format!("{TAGS_ASIDE}{short}"), theirs) else {
            return Ok(Err(format!("no name below {TAGS_ASIDE}{short} is free")));
        };
        // The `.dsc` goes with its tag, so its name has to be free, too.
        for place in [refname::dsc_of_tag, refname::signatures_of_tag] {
            let new = place(&it.name);
            if let Some(kept) = self.view.get(&place(&ours.name)) {
                if !self.view.is_free_for(&new, kept) {
                    return Ok(Err(format!("{new} is somebody else's: resolve that first")));
                }
                self.view.set(new, kept);
            }
        }
        self.keep_at(&aside, theirs)?;
        self.put_tag(&it.name, &ours)?;
        self.view.replace(&it.name);
        Ok(Ok(()))
    }

    /// The importer's tag that should have a name: by the recorded object, else the only tag of that version.
    fn ours_of(&mut self, name: &str, recorded: Option<ObjectId>) -> Result<Option<VersionTag>, Error> {
        let known = super::judge::same_name(name, &mut self.view, self.store)?;
        let is_recorded = |tag: &&VersionTag| recorded.is_some() && self.view.get(&tag.name) == recorded;
        Ok(known.iter().find(is_recorded).or(known.first()).cloned())
    }
}
