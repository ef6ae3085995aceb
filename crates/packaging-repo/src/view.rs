//! The refs as they will be: those that are there, overlaid with what an import is about to change.

use std::collections::{BTreeMap, HashMap};

use source_package::version::Version;

use crate::manifest::Manifest;
use crate::object::{self, TagObject};
use crate::refname;
use crate::refs::{Edit, Expected};
use crate::store::RepoStore;
use crate::{Error, ObjectId};

/// A version's tag, opened.
#[derive(Clone, Debug)]
pub struct VersionTag {
    /// The full name of the ref.
    pub name: String,
    /// The commit.
    pub commit: ObjectId,
    /// Its message.
    pub manifest: Manifest,
}

/// Refs with pending changes.
pub struct View {
    before: BTreeMap<String, ObjectId>,
    pending: BTreeMap<String, ObjectId>,
    opened: HashMap<ObjectId, Option<TagObject>>,
}

impl View {
    /// The refs as they are now.
    pub fn new(before: BTreeMap<String, ObjectId>) -> View {
        View { before, pending: BTreeMap::new(), opened: HashMap::new() }
    }

    /// Where a ref points, pending changes included.
    pub fn get(&self, name: &str) -> Option<ObjectId> {
        self.pending.get(name).or_else(|| self.before.get(name)).copied()
    }

    /// Notes a change.
    pub fn set(&mut self, name: String, id: ObjectId) {
        self.pending.insert(name, id);
    }

    /// Names below a prefix, sorted.
    pub fn below(&self, prefix: &str) -> Vec<String> {
        let under = |refs: &BTreeMap<String, ObjectId>| {
            let range = refs.range(prefix.to_owned()..);
            range.map(|(name, _)| name.clone()).take_while(|name| name.starts_with(prefix)).collect::<Vec<_>>()
        };
        let mut names = under(&self.before);
        names.extend(under(&self.pending));
        names.sort();
        names.dedup();
        names
    }

    /// The distros that have tags, sorted.
    pub fn distros(&self) -> Vec<String> {
        let mut distros: Vec<String> = self
            .below("refs/tags/")
            .iter()
            .filter_map(|name| name.strip_prefix("refs/tags/")?.split_once('/'))
            .map(|(distro, _)| distro.to_owned())
            .filter(|distro| !refname::is_reserved(distro))
            .collect();
        distros.dedup();
        distros
    }

    /// Opens the tag of a version; a ref that is no tag of ours is `None`.
    pub fn version_tag(&mut self, name: &str, store: &mut RepoStore) -> Result<Option<VersionTag>, Error> {
        let Some(id) = self.get(name) else { return Ok(None) };
        if !self.opened.contains_key(&id) {
            let opened = object::read_tag(id, store)?;
            self.opened.insert(id, opened);
        }
        let Some(Some(tag)) = self.opened.get(&id) else { return Ok(None) };
        let Ok(manifest) = Manifest::parse(&tag.message) else { return Ok(None) };
        Ok(Some(VersionTag { name: name.to_owned(), commit: tag.target, manifest }))
    }

    /// All tags of a version in a distro: the plain one first, then those of other content.
    pub fn tags_of(
        &mut self,
        distro: &str,
        version: &Version,
        store: &mut RepoStore,
    ) -> Result<Vec<VersionTag>, Error> {
        let mut names = vec![refname::version_tag(distro, version.as_str())];
        names.extend(self.below(&refname::reimport_folder(distro, version.as_str())));
        let mut tags = Vec::new();
        for name in names {
            tags.extend(self.version_tag(&name, store)?);
        }
        Ok(tags)
    }

    /// The changes as edits of a transaction: nothing may have moved in between.
    pub fn edits(&self) -> Vec<Edit> {
        let changed = self.pending.iter().filter(|(name, id)| self.before.get(*name) != Some(id));
        changed
            .map(|(name, id)| Edit {
                name: name.clone(),
                expected: self.before.get(name).map_or(Expected::MustNotExist, |old| Expected::MustBe(*old)),
                new: Some(*id),
            })
            .collect()
    }
}
