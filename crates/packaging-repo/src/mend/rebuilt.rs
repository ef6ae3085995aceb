//! A repository that was built anew beside the old one, and what of the old one has to become what the new one has.

use std::path::{Path, PathBuf};

use source_package::version::{PackageName, Version};

use super::is_aside;
use crate::collision::{self, Standing, TAGS_ASIDE, shown_version};
use crate::foreign::{self, Kind};
use crate::history::History;
use crate::object;
use crate::record::Record;
use crate::repository::Repository;
use crate::store::RepoStore;
use crate::{Error, ObjectId};

/// A repository that was built anew.
pub struct Rebuilt {
    repository: Repository,
    record: Record,
}

impl Rebuilt {
    /// Opens the one of a package below `repos`; `None` if nothing was imported into it.
    ///
    /// # Errors
    /// Its files.
    pub fn open(repos: &Path, package: &PackageName) -> Result<Option<Rebuilt>, Error> {
        match Repository::open(repos, package) {
            Ok(repository) => {
                let record = repository.record()?.unwrap_or_default();
                Ok(Some(Rebuilt { repository, record }))
            }
            Err(Error::NoRepository(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The repository itself.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The folder of its objects.
    pub fn objects(&self) -> PathBuf {
        self.repository.path().join("objects")
    }

    /// The record that the old repository should have: the old one, with what the new one has instead. A branch that
    /// shows what the new one shows stays: its joins depend on what was pushed, and on when. So does one that shows a
    /// higher version, which could not be built. `store` reads both.
    ///
    /// # Errors
    /// The objects of the new one cannot be read.
    pub fn record_after(&self, old: Option<&Record>, store: &mut RepoStore) -> Result<Record, Error> {
        let Some(old) = old else { return Ok(self.record.clone()) };
        let mut record = old.clone();
        for (name, id) in self.record.written() {
            let is_known = old.knows(name, id) || (is_branch(name) && shows_as_much(old, name, id, store)?);
            if !is_known {
                record.confirm(name.clone(), id);
            }
        }
        Ok(record)
    }
}

fn is_branch(name: &str) -> bool {
    name.starts_with("refs/heads/")
}

/// True if the old branch shows the version that the new one shows, or a higher one.
fn shows_as_much(old: &Record, name: &str, new: ObjectId, store: &mut RepoStore) -> Result<bool, Error> {
    let Some(tip) = old.last(name).filter(|id| store.contains(id)) else { return Ok(false) };
    let shown = shown_version(new, store)?;
    // An old commit that cannot be read shows nothing.
    let Ok(before) = shown_version(tip, store) else { return Ok(false) };
    if before == shown {
        return Ok(true);
    }
    let mut version = |id| -> Option<Version> {
        let text = object::read_commit(id, store).ok()?.trailer("Version")?.to_owned();
        Version::new(&text).ok()
    };
    Ok(version(before).zip(version(shown)).is_some_and(|(before, shown)| before > shown))
}

impl History<'_> {
    /// Gives tags and other refs the values of a repository that was built anew. Values of others get names of their
    /// own; those that an import had written are replaced. Before branches are settled; `old` is the record until now.
    ///
    /// # Errors
    /// The objects.
    pub fn take_rebuilt(&mut self, rebuilt: &Rebuilt, old: Option<&Record>) -> Result<(), Error> {
        for (name, id) in rebuilt.record.written().filter(|(name, _)| !is_branch(name)) {
            let now = self.view.before.get(name).map(|value| value.id);
            let Some(now) = now.filter(|now| *now != id) else { continue };
            if !old.is_some_and(|old| old.knows(name, now)) {
                let short = name.trim_start_matches("refs/").trim_start_matches("tags/");
                let Some(aside) = self.free_aside(&format!("{TAGS_ASIDE}{short}"), now) else { continue };
                self.keep_at(&aside, now)?;
            }
            self.keep_at(name, id)?;
            self.view.replace(name);
        }
        Ok(())
    }

    /// Gives what others have put into the importer's namespaces other names, if a repository that was built anew does
    /// not have it. After everything else.
    ///
    /// # Errors
    /// The objects.
    pub fn set_strangers_aside(&mut self) -> Result<(), Error> {
        for it in foreign::find(&self.view, &[], self.store)? {
            let is_adopted = it.theirs.is_some() && self.view.record().adopted(&it.name) == it.theirs;
            let is_ours = is_branch(&it.name) && it.ours.is_some();
            if is_aside(&it.name) || is_adopted || is_ours || matches!(it.kind, Kind::Gone | Kind::Outside) {
                continue;
            }
            let kind = collision::Kind::Rewritten;
            // It stays where no name is free for it.
            let _ = self.give_way(&Standing { name: it.name, kind, ours: it.ours, theirs: it.theirs })?;
        }
        Ok(())
    }
}
