//! Lost parts of a repository come back from a remote that has them: nothing need be imported again. A remote is not
//! believed. Objects are named anew by their content, and count if they are those of the record; without a record, refs count as
//! far as the state confirms them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use bounded::Deadline;
use packaging_repo::refs::fence::Fence;
use packaging_repo::refs::refname;
use packaging_repo::repository::Repository;
use packaging_repo::{ObjectId, cache, foreign, mend};
use remote::refs::Advertised;
use repair::{Act, Plan, Step};
use source_package::finding::Finding;
use source_package::version::PackageName;

use super::Work;
use crate::publishing::entrance::Entrance;
use crate::publishing::job::Job;

/// Findings of a repository that came back without something that was imported.
const LACKING: [Finding; 8] = [
    Finding::TagGone,
    Finding::TagDiffers,
    Finding::AppliedGone,
    Finding::AppliedDiffers,
    Finding::DscGone,
    Finding::DscDiffers,
    Finding::BranchGone,
    Finding::ObjectsMissing,
];

/// The reason why a remote is of no use.
type Useless = String;

impl Work<'_> {
    /// Fetches the objects of all refs on record into a repository beside; none if no remote has all of them. Returns the root of
    /// an installation that has nothing else.
    pub(super) fn fetched_beside(&mut self) -> Option<PathBuf> {
        let remotes = self.session.remotes()?;
        for entrance in &remotes.all {
            self.remove_beside();
            match self.fetch_beside(entrance) {
                Ok(root) => {
                    self.log.line(&format!("remote {} has what is lost", entrance.config.name));
                    return Some(root);
                }
                Err(why) => self.useless(entrance, &why),
            }
            if self.session.is_stopping() {
                break;
            }
        }
        self.remove_beside();
        None
    }

    fn fetch_beside(&self, entrance: &Entrance) -> Result<PathBuf, Useless> {
        let name = self.name()?;
        let here = mend::open(&self.session.root.join("repos"), &name).map_err(text)?;
        let record = here.record().map_err(text)?.ok_or("there is no record of what is lost")?;
        let root = self.beside();
        let repos = root.join("repos");
        fs::create_dir_all(&repos).map_err(text)?;
        let beside = Repository::open_or_init(&repos, &name).map_err(text)?;
        let job = Job { root: &root, entrance, package: &self.claim.package };
        let mut there = job.read(beside.path()).map_err(text)?.refs;
        there.retain(|name, _| record.last(name).is_some());
        let guard = beside.lock(Deadline::after(cache::LOCK)).map_err(text)?;
        fetch(&job, &beside, &there)?;
        match mend::first_missing(&beside, record.written().map(|(_, id)| id)).map_err(text)? {
            Some(missing) => return Err(format!("it lacks {missing}")),
            None => mend::take_copy(&beside, &guard, &there, None).map_err(text)?,
        }
        Ok(root)
    }

    /// Fetches a repository of which nothing is left, if a remote has all that was imported. Returns whether it is there again.
    pub(super) fn fetched_whole(&mut self) -> bool {
        let Some(remotes) = self.session.remotes() else { return false };
        for entrance in &remotes.all {
            match self.fetch_whole(entrance) {
                Ok(()) if self.is_confirmed() => {
                    self.log.line(&format!("the repository came back from remote {}", entrance.config.name));
                    return true;
                }
                // Present parts stay: an import adds those that are missing.
                Ok(()) => return false,
                Err(why) => self.useless(entrance, &why),
            }
            if self.session.is_stopping() {
                break;
            }
        }
        false
    }

    fn fetch_whole(&self, entrance: &Entrance) -> Result<(), Useless> {
        let (name, repos) = (self.name()?, self.session.root.join("repos"));
        let place = Repository::place(&repos, &name);
        let job = Job { root: &self.session.root, entrance, package: &self.claim.package };
        let Advertised { mut refs, head } = job.read(&place).map_err(text)?;
        let expected = self.expected();
        for version in &expected.versions {
            let tag = format!("refs/tags/{}", version.tag);
            let lacking = [refname::dsc_of_tag(&tag), tag].into_iter().find(|name| !refs.contains_key(name));
            lacking.map_or(Ok(()), |name| Err(format!("it lacks {name}")))?;
        }
        let mut distros: BTreeSet<String> = self.session.config.distros().into_iter().collect();
        distros.extend(expected.versions.iter().map(|it| it.distro.clone()));
        refs.retain(|name, _| foreign::is_of_importer(name, &distros) || mend::is_aside(name));
        let repository = Repository::open_or_init(&repos, &name).map_err(text)?;
        let guard = repository.lock_fenced(self.fence(), cache::patience()).map_err(text)?;
        fetch(&job, &repository, &refs)?;
        let head = head.as_deref().and_then(|head| head.strip_prefix("refs/heads/"));
        mend::take_copy(&repository, &guard, &refs, head).map_err(text)
    }

    /// Has the record made of what the state confirms. True if that is all that was imported.
    fn is_confirmed(&mut self) -> bool {
        let before = self.failures.len();
        let healed = self.heal_all();
        self.failures.truncate(before);
        let lacks = |plan: &Plan| plan.findings.iter().any(|it| LACKING.contains(&it.code));
        healed && self.look(None).is_ok_and(|plan| !lacks(&plan))
    }

    pub(super) fn fence(&self) -> Fence {
        Fence { epoch: self.session.epoch, token: u64::try_from(self.claim.attempt).unwrap_or(0) }
    }

    fn name(&self) -> Result<PackageName, Useless> {
        PackageName::new(&self.claim.package).map_err(text)
    }

    fn useless(&mut self, entrance: &Entrance, why: &str) {
        self.log.line(&format!("remote {} is of no use for the repair: {why}", entrance.config.name));
    }
}

/// Fetches what refs lead to, and names it anew.
fn fetch(job: &Job<'_>, into: &Repository, refs: &BTreeMap<String, ObjectId>) -> Result<(), Useless> {
    if refs.is_empty() {
        return Err("it has nothing of the package".to_owned());
    }
    let wanted: Vec<(String, ObjectId)> = refs.iter().map(|(name, id)| (name.clone(), *id)).collect();
    job.fetch(into, &wanted).map_err(text)?;
    mend::index_anew(into).map_err(text)
}

fn text(error: impl ToString) -> Useless {
    error.to_string()
}

/// True for the step that imports everything again because nothing is left.
pub(super) fn imports_all(step: &Step) -> bool {
    step.act == Act::Queue && step.subject == "repository"
}
