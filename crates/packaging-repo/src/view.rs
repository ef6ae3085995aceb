//! The refs as they will be: the present ones with the pending changes of an import.
//!
//! A ref is *ours* if it is where the importer has put it, by the record; only these are ever opened and trusted. A ref
//! of somebody else only means that its name is taken.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use source_package::version::Version;

use crate::manifest::Manifest;
use crate::object;
use crate::record::Record;
use crate::refs::refname;
use crate::refs::{Decided, Edit, Refs, Value};
use crate::store::RepoStore;
use crate::{Error, ObjectId};

const TAGS: &str = "refs/tags/";

/// A version's tag, opened.
#[derive(Clone, Debug)]
pub struct VersionTag {
    /// The full name of the ref.
    pub name: String,
    /// Id of the commit.
    pub commit: ObjectId,
    /// Manifest in the tag's message.
    pub manifest: Manifest,
}

/// Refs with pending changes.
pub struct View {
    pub(crate) before: Refs,
    pub(crate) pending: Refs,
    pub(crate) record: Record,
    /// Branches that stay where somebody else put them: the importer's tip, and the foreign tip, whose content is the
    /// same.
    adopted: BTreeMap<String, (ObjectId, ObjectId)>,
    /// Decisions of a person about foreign refs.
    decided: Decided,
    /// The commits and manifests of tags, by the tag's id.
    opened: HashMap<ObjectId, Option<(ObjectId, Manifest)>>,
}

impl View {
    /// The refs at present, and which of them are recorded.
    pub fn new(before: Refs, record: Record) -> View {
        View {
            before,
            pending: Refs::new(),
            record,
            adopted: BTreeMap::new(),
            decided: Decided::default(),
            opened: HashMap::new(),
        }
    }

    /// Object that a ref points to, foreign refs and pending changes included.
    pub fn taken(&self, name: &str) -> Option<ObjectId> {
        self.pending.get(name).or_else(|| self.before.get(name)).map(|value| value.id)
    }

    /// Object that a ref of ours points to, pending changes included.
    pub fn get(&self, name: &str) -> Option<ObjectId> {
        let pending = self.pending.get(name).map(|value| value.id);
        pending.or_else(|| {
            let id = self.before.get(name)?.id;
            self.record.knows(name, id).then_some(id)
        })
    }

    /// True when a name is free, or has this value already.
    pub(crate) fn is_free_for(&self, name: &str, id: ObjectId) -> bool {
        self.taken(name).is_none_or(|taken| taken == id)
    }

    /// Records a change of a branch, or of a ref that names no commit.
    pub fn set(&mut self, name: String, id: ObjectId) {
        self.pending.insert(name, Value { id, peeled: None });
    }

    /// Records an annotated tag of a commit.
    pub fn set_tag(&mut self, name: String, id: ObjectId, commit: ObjectId) {
        self.pending.insert(name, Value { id, peeled: Some(commit) });
    }

    /// Removes a ref, by a person's decision: another ref leads to its object.
    pub(crate) fn remove(&mut self, name: &str, id: ObjectId) {
        self.decided.removed.push((name.to_owned(), id));
    }

    /// Allows a tag to be written over a foreign one, by a person's decision: the foreign object has another name.
    pub(crate) fn replace(&mut self, name: &str) {
        self.decided.replaced.push(name.to_owned());
    }

    /// True when a person has decided that a ref is removed.
    pub(crate) fn is_removed(&self, name: &str) -> bool {
        self.decided.removed.iter().any(|(removed, _)| removed == name)
    }

    /// Decisions of a person about foreign refs.
    pub fn decided(&self) -> &Decided {
        &self.decided
    }

    /// Leaves a branch where somebody else put it: the content is that of the importer's tip.
    pub(crate) fn adopt(&mut self, name: String, ours: ObjectId, theirs: ObjectId) {
        self.adopted.insert(name, (ours, theirs));
    }

    /// Names of the importer's refs below a prefix, sorted.
    pub fn below(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> = below(&self.pending, prefix).map(|(name, _)| name.clone()).collect();
        let known = below(&self.before, prefix).filter(|(name, value)| self.record.knows(name, value.id));
        names.extend(known.map(|(name, _)| name.clone()));
        names.sort();
        names.dedup();
        names
    }

    /// The importer's branches of suites, and their tips: also where a foreign commit with the same content stands.
    pub fn branches(&self) -> Vec<(String, ObjectId)> {
        let tip = |(name, value): (&String, &Value)| {
            let is_adopted = self.record.adopted(name) == Some(value.id);
            let tip = if is_adopted { self.record.last(name) } else { self.get(name) };
            Some((name.clone(), tip?))
        };
        let of_suites = |(name, _): &(&String, &Value)| !name.starts_with(refname::ASIDE);
        below(&self.before, "refs/heads/").filter(of_suites).filter_map(tip).collect()
    }

    /// The distros that have tags, sorted. The cost grows with the number of distros, not of tags.
    pub fn distros(&self) -> Vec<String> {
        let mut distros = Vec::new();
        let mut from = TAGS.to_owned();
        loop {
            let first = |refs: &Refs| refs.range(from.clone()..).next().map(|(name, _)| name.clone());
            let next = [&self.before, &self.pending].into_iter().filter_map(first).min();
            let Some(rest) = next.as_deref().and_then(|name| name.strip_prefix(TAGS)) else { return distros };
            match rest.split_once('/') {
                Some((distro, _)) => {
                    // The character behind the slash in ASCII sorts after all names below the folder.
                    from = format!("{TAGS}{distro}0");
                    if !refname::is_reserved(distro) {
                        distros.push(distro.to_owned());
                    }
                }
                None => from = format!("{TAGS}{rest}\0"),
            }
        }
    }

    /// Opens the tag of a version; `None` if it is no tag, or not ours.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn version_tag(&mut self, name: &str, store: &mut RepoStore) -> Result<Option<VersionTag>, Error> {
        let Some(id) = self.get(name) else { return Ok(None) };
        let opened = match self.opened.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let tag = object::read_tag(id, store)?;
                free.insert(tag.and_then(|tag| Some((tag.target, Manifest::parse(&tag.message).ok()?))))
            }
        };
        let Some((commit, manifest)) = opened else { return Ok(None) };
        Ok(Some(VersionTag { name: name.to_owned(), commit: *commit, manifest: manifest.clone() }))
    }

    /// All tags of a version in a distro: the plain one first, then those of other content.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn tags_of(
        &mut self,
        distro: &str,
        version: &Version,
        store: &mut RepoStore,
    ) -> Result<Vec<VersionTag>, Error> {
        let version = version.as_str();
        self.open_tags(
            refname::version_tag(distro, version),
            &refname::reimport_folder(distro, version),
            store,
        )
    }

    /// The same for the applied tags.
    ///
    /// # Errors
    /// An object cannot be read.
    pub fn applied_tags_of(
        &mut self,
        distro: &str,
        version: &Version,
        store: &mut RepoStore,
    ) -> Result<Vec<VersionTag>, Error> {
        let version = version.as_str();
        self.open_tags(
            refname::applied_tag(distro, version),
            &refname::applied_reimport_folder(distro, version),
            store,
        )
    }

    fn open_tags(
        &mut self,
        plain: String,
        others: &str,
        store: &mut RepoStore,
    ) -> Result<Vec<VersionTag>, Error> {
        let mut tags = Vec::new();
        for name in std::iter::once(plain).chain(self.below(others)) {
            tags.extend(self.version_tag(&name, store)?);
        }
        Ok(tags)
    }

    /// The changes as edits of a transaction: no ref may have moved in between.
    pub fn edits(&self) -> Vec<Edit> {
        let old = |name: &String| self.before.get(name).map(|value| value.id);
        let changed = self.pending.iter().filter(|(name, value)| old(name) != Some(value.id));
        changed.map(|(name, value)| Edit { name: name.clone(), expected: old(name), new: *value }).collect()
    }

    /// Record after the changes.
    pub fn record_after(&self) -> Record {
        let mut after =
            self.record.with(&self.before, self.pending.iter().map(|(name, value)| (name, value.id)));
        self.adopted.iter().for_each(|(name, (ours, theirs))| after.adopt(name, *ours, *theirs));
        self.decided.removed.iter().for_each(|(name, _)| after.forget(name));
        after
    }

    /// The values of all published refs, before the changes or after them.
    pub fn published(&self, after: bool) -> BTreeMap<String, ObjectId> {
        let record = if after { self.record_after() } else { self.record.clone() };
        let mut refs: BTreeMap<String, ObjectId> =
            self.before.iter().map(|(name, value)| (name.clone(), value.id)).collect();
        if after {
            refs.retain(|name, _| !self.is_removed(name));
            refs.extend(self.pending.iter().map(|(name, value)| (name.clone(), value.id)));
        }
        refs.retain(|name, id| record.publishes(name, *id));
        refs
    }

    /// Record before the changes.
    pub fn record(&self) -> &Record {
        &self.record
    }
}

/// Refs below a prefix.
pub(crate) fn below<'a>(refs: &'a Refs, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    refs.range(prefix.to_owned()..).take_while(move |(name, _)| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distros_are_found_without_a_look_at_every_tag() {
        let value = Value { id: ObjectId::null(gix_hash::Kind::Sha1), peeled: None };
        let names = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), value)).collect::<Refs>();
        let mut view = View::new(
            names(&[
                "refs/heads/zebra/x",
                "refs/tags/applied/debian/1",
                "refs/tags/debian",
                "refs/tags/debian-x/1",
                "refs/tags/debian/1",
                "refs/tags/debian/2/x",
                "refs/tags/debian0/1",
                "refs/tags/reimport/a/1",
                "refs/tags/upstream/1",
            ]),
            Record::believing_all(),
        );
        view.pending = names(&["refs/tags/aaa/1", "refs/tags/debian/3", "refs/tags/zzz/1"]);
        assert_eq!(view.distros(), ["aaa", "debian-x", "debian", "debian0", "zzz"]);
    }
}
