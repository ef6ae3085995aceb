//! The history with patches applied: a commit for each patch, above one that descends from the version itself and from the
//! applied version before it.

use super::{History, Unapplied};
use crate::identity::importer;
use crate::message;
use crate::object::{Commit, Kind};
use crate::version::{StagedPatches, StagedVersion};
use crate::{Error, ObjectId};

impl History<'_> {
    /// Adds the commits of a version with its patches applied, and their tag.
    pub(super) fn add_applied(
        &mut self,
        distro: &str,
        version: &StagedVersion,
        patches: &StagedPatches,
        unapplied: &Unapplied<'_>,
    ) -> Result<ObjectId, Error> {
        let before = self.applied_before(distro, unapplied.parent)?;
        let of_patches = patches.patches.iter().flat_map(|patch| {
            let author = patch.author.as_ref();
            let (name, email) = (author.map(|author| author.name()), author.map(|author| author.email()));
            [Some(patch.name.as_str()), Some(patch.message.as_str()), name, email].into_iter().flatten()
        });
        let rules = unapplied.rules.max(message::rules_of(of_patches));
        let commit = self.applied_commits(version, patches, unapplied.commit, before, rules)?;
        self.tag_applied(distro, unapplied.tag, version, patches, commit, rules)?;
        Ok(commit)
    }

    fn applied_commits(
        &mut self,
        version: &StagedVersion,
        patches: &StagedPatches,
        unapplied: ObjectId,
        before: Option<ObjectId>,
        rules: u32,
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
            message: message::applied(&version.dsc, &version.dsc_sha256, series, rules),
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
                message: message::patch(
                    &version.dsc,
                    &version.dsc_sha256,
                    &patch.name,
                    &patch.message,
                    rules,
                ),
            };
            tip = self.store.add(Kind::Commit, &commit.encode())?;
        }
        Ok(tip)
    }
}
