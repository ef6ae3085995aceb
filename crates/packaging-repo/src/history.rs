//! The history of a package: the parents and refs of each version's commit.
//!
//! Nothing here depends on the order in which versions are given, on a clock or on a machine: the rules are
//! `docs/repository-layout.md`.

mod applied;
mod descent;
mod find_by_dsc;
mod tags;

use std::collections::{BTreeMap, HashMap, HashSet};

use source_package::changelog;
use source_package::version::Version;

use crate::identity::importer;
use crate::manifest::{IMPORT_RULES, RAISED_RULES};
use crate::message;
use crate::object::{self, Commit, Kind};
use crate::refs::refname;
use crate::store::RepoStore;
use crate::version::StagedVersion;
use crate::view::View;
use crate::{Error, ObjectId};
pub(crate) use descent::Descents;
use descent::Walked;

/// Objects that were made for a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Commit of the version.
    pub commit: ObjectId,
    /// The commit with patches applied.
    pub applied: Option<ObjectId>,
    /// The name of its tag.
    pub tag: String,
}

/// Objects of a version, made before its patches are applied.
pub(crate) struct Unapplied<'a> {
    /// Name of its tag.
    pub(crate) tag: &'a str,
    /// Id of its commit.
    pub(crate) commit: ObjectId,
    /// The version that it descends from.
    pub(crate) parent: Option<ObjectId>,
    /// The import rules of its commit.
    pub(crate) rules: u32,
}

/// The history of one package while versions are added to it.
pub struct History<'a> {
    /// Store of the objects.
    pub store: &'a mut RepoStore,
    /// Refs, with the changes that are pending.
    pub view: View,
    /// Targets of branches, which are moved at the end.
    pub(crate) targets: BTreeMap<String, ObjectId>,
    /// Upstream commits that were made just now: no older commit can descend from them.
    new_upstreams: HashSet<ObjectId>,
    /// Results of walks through the history, for reuse.
    walked: Walked,
    /// The signatures of upstream tarballs that the repository has, by name and SHA-256, once one was asked for.
    signatures: Option<HashMap<(String, String), ObjectId>>,
}

impl<'a> History<'a> {
    /// Starts from the refs as they are.
    pub fn new(store: &'a mut RepoStore, view: View) -> History<'a> {
        let new_upstreams = HashSet::new();
        History {
            store,
            view,
            targets: BTreeMap::new(),
            new_upstreams,
            walked: Walked::default(),
            signatures: None,
        }
    }

    /// Adds a version: its commits, its tags, its `.dsc`. Its branch is moved by [`History::publish`].
    ///
    /// # Errors
    /// [`Error`] when an object cannot be read or written, or a name cannot be a ref.
    pub fn add(&mut self, distro: &str, version: &StagedVersion) -> Result<Added, Error> {
        if let Some(added) = self.added_before(distro, version)? {
            return Ok(added);
        }
        let known = self.find_dsc_elsewhere(distro, &version.dsc.version, &version.dsc_sha256)?;
        let is_known = known.is_some();
        let (commit, parent, rules) = match known {
            // Another distro has it, but without its patches or with another series: it stays one commit.
            Some(tag) => {
                let rules = tag.manifest.raised.unwrap_or(IMPORT_RULES);
                (tag.commit, self.version_parent(tag.commit)?, rules)
            }
            None => {
                let parent = self.changelog_parent(distro, version)?;
                let (commit, rules) = self.version_commit(version, parent)?;
                (commit, parent, rules)
            }
        };
        let tag = self.tag_version(distro, version, commit, rules)?;
        let applied = match &version.applied {
            Some(patches) => {
                let place = Unapplied { tag: &tag, commit, parent, rules };
                let applied = self.add_applied(distro, version, patches, &place)?;
                if is_known {
                    self.walked.forget_applied();
                }
                Some(applied)
            }
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

    /// The first of these versions that the repository has, of any distro; the version's own distro is asked first. Of two
    /// that name each other, the lower one is the parent.
    fn changelog_parent(&mut self, distro: &str, version: &StagedVersion) -> Result<Option<ObjectId>, Error> {
        let distros = self.distros_from(distro);
        let own = &version.dsc.version;
        for older in &version.changelog.below {
            for distro in &distros {
                let name = refname::version_tag(distro, older.as_str());
                if let Some(tag) = self.view.version_tag(&name, self.store)? {
                    let is_loop = older.compare(own).is_gt()
                        && self.names_version(tag.commit, version.dsc.source.as_str(), older, own)?;
                    if !is_loop {
                        return Ok(Some(tag.commit));
                    }
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
    ) -> Result<(ObjectId, u32), Error> {
        let mut parents: Vec<ObjectId> = parent.into_iter().collect();
        if let Some(upstream) = &version.upstream {
            self.keep_upstream(upstream)?;
            if !self.descends_from_upstream(parent, upstream.commit)? {
                parents.push(upstream.commit);
            }
        }
        let news = self.news(version, parent)?;
        let author = &version.changelog.author;
        let facts = &version.changelog;
        // An ordinary version has the same commit under the first import rules, and keeps their number.
        let is_raised = facts.order.is_some() || facts.by_position.is_some();
        let rules = if is_raised { RAISED_RULES } else { IMPORT_RULES };
        let rules = rules.max(message::rules_of([news.as_str(), author.name(), author.email()]));
        let commit = Commit {
            tree: version.tree.id,
            parents,
            author: version.changelog.author.clone(),
            authored: version.changelog.date,
            committer: importer(),
            committed: version.changelog.date,
            message: message::version(&version.dsc, &version.dsc_sha256, &news, rules),
        };
        let id = self.store.add(Kind::Commit, &commit.encode())?;
        if let Some(upstream) = &version.upstream {
            self.walked.note_descent(upstream.commit, id);
        }
        Ok((id, rules))
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
        let text = self.store.read(content)?;
        Ok(match &version.changelog.order {
            Some(order) => changelog::text_in(&text, order, since.as_ref()),
            None => changelog::text_since(&text, since.as_ref()),
        })
    }
}
