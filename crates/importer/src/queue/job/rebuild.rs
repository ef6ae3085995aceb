//! A package is built anew beside its repository: all that was imported is imported again, in the order and in the groups
//! in which it came, because commits hang on what was there before them.

use std::fs;
use std::path::PathBuf;

use packaging_repo::repository::Repository;
use repair::Plan;
use source_package::version::PackageName;
use state::groups;
use state::publications::{self, Publication};

use super::{Watch, Work};
use crate::child;
use crate::failure::Failure;
use crate::inspect::InspectError;
use crate::protocol::{Event, Request, VersionRequest};

/// Folder, below the folder of all repositories, in which repositories are rebuilt.
const BESIDE: &str = ".package-import-rebuild";

/// A package that was built anew.
pub(super) struct Built {
    /// The root of an installation that has nothing else.
    pub(super) root: PathBuf,
    /// Versions that could not be built, with the reasons.
    pub(super) without: Vec<String>,
    /// Number of versions that were built.
    versions: usize,
}

impl Built {
    /// One in this root, with nothing in it that was imported.
    pub(super) fn within(root: PathBuf) -> Built {
        Built { root, without: Vec::new(), versions: 0 }
    }
}

impl Work<'_> {
    /// Builds a package anew, and plans what would make the repository the same.
    pub(super) fn planned_anew(&mut self, watch: Watch<'_>) -> Result<(Plan, Vec<String>), InspectError> {
        let built = match self.rebuild(watch) {
            Ok(built) => built,
            Err(why) => {
                self.remove_beside();
                return Err(InspectError::NotBuilt(why));
            }
        };
        let plan = self.look(Some(built.root));
        self.remove_beside();
        let plan = plan?;
        self.keep_findings(&plan.findings);
        Ok((plan, built.without))
    }

    /// Imports everything again into a repository beside.
    pub(super) fn rebuild(&mut self, watch: Watch<'_>) -> Result<Built, String> {
        let (session, id) = (self.session, self.claim.package_id);
        let groups = session
            .patiently("what was published", || session.store.read(|tx| groups::as_imported(tx, id)))
            .map_err(|error| error.to_string())?;
        self.remove_beside();
        let root = self.beside();
        fs::create_dir_all(&root).map_err(|error| format!("cannot create {}: {error}", root.display()))?;
        let mut built = Built::within(root);
        for group in &groups {
            self.build(group, &mut built, watch)?;
        }
        // Files that are not there any more are found missing only by the import.
        if built.versions == 0 && !groups.is_empty() {
            let why = built.without.first().map_or("nothing was imported", String::as_str);
            return Err(format!("nothing can be imported again: {why}"));
        }
        Ok(built)
    }

    /// Imports everything again into a repository beside, all at once, as if all versions had been there from the start. None
    /// may lack.
    pub(super) fn rebuild_whole(&mut self, watch: Watch<'_>) -> Result<(), String> {
        let (session, id) = (self.session, self.claim.package_id);
        let all = session
            .patiently("what was published", || session.store.read(|tx| publications::all(tx, id, i64::MAX)))
            .map_err(|error| error.to_string())?;
        let mut all: Vec<Publication> = all.into_iter().filter(|it| it.done.is_some()).collect();
        all.sort_by_key(|it| it.id);
        self.remove_beside();
        let (versions, lacking) = self.requests_beside(&all);
        if let Some(why) = lacking {
            return Err(why);
        }
        if versions.is_empty() {
            return Err("nothing can be imported again: nothing was imported".to_owned());
        }
        let root = self.beside();
        fs::create_dir_all(&root).map_err(|error| format!("cannot create {}: {error}", root.display()))?;
        let mut built = Built::within(root);
        self.import_group(versions, &mut built, watch)?;
        built.without.into_iter().next().map_or(Ok(()), Err)
    }

    /// The repository that was built anew.
    pub(super) fn repository_beside(&self) -> PathBuf {
        let repos = self.beside().join("repos");
        match PackageName::new(&self.claim.package) {
            Ok(name) => Repository::place(&repos, &name),
            // The name of a claimed package was checked; there is nothing in that folder.
            Err(_) => repos,
        }
    }

    /// Imports a group.
    fn build(&mut self, group: &[Publication], built: &mut Built, watch: Watch<'_>) -> Result<(), String> {
        let mut versions = Vec::new();
        for publication in group {
            // What a file's absence means for the queue is no matter of a repair.
            let (wait, gone) = (self.wait.take(), std::mem::take(&mut self.gone));
            let failures = std::mem::take(&mut self.failures);
            let (_, requests) = self.requests(std::slice::from_ref(publication), true);
            let reason = (self.failures.first().map(|(failure, ..)| failure.to_string()))
                .or_else(|| self.wait.as_ref().map(|wait| wait.reason.clone()));
            (self.wait, self.gone, self.failures) = (wait, gone, failures);
            if self.cancelled {
                return Err("it was interrupted".to_owned());
            }
            if self.parked_on.take().is_some() {
                return Err(format!("{} is out of reach: try again later", publication.what.archive));
            }
            if requests.is_empty() {
                let reason = reason.unwrap_or_else(|| "its files are not to be had".to_owned());
                built.without.push(format!("built without {}: {reason}", publication.what.version));
            }
            versions.extend(requests);
        }
        if versions.is_empty() {
            return Ok(());
        }
        // Whatever a version waited for when it came, it was imported then.
        versions.iter_mut().for_each(|version| version.base = None);
        self.import_group(versions, built, watch)
    }

    /// Imports versions together.
    fn import_group(
        &mut self,
        versions: Vec<VersionRequest>,
        built: &mut Built,
        watch: Watch<'_>,
    ) -> Result<(), String> {
        let request = self.request(versions).map_err(|failure| failure.to_string())?;
        let request = Request {
            root: built.root.clone(),
            fence: None,
            collisions: Default::default(),
            word: None,
            stands: None,
            ..request
        };
        let ended = self.import_beside(&request, watch).map_err(|failure| failure.to_string())?;
        if let Some(failure) = ended.failure {
            return Err(failure.to_string());
        }
        built.versions += ended.reports.iter().flatten().filter(|report| report.commit.is_some()).count();
        for report in ended.reports.iter().flatten().filter(|report| report.code.is_some()) {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let version = text(&report.version);
            let version = if version.is_empty() { "a version" } else { &version };
            let line = format!("built without {version}: {}", text(&report.message));
            self.log.line(&line);
            if report.commit.is_none() {
                built.without.push(line);
            }
        }
        Ok(())
    }

    fn import_beside(&mut self, request: &Request, watch: Watch<'_>) -> Result<child::Ended, Failure> {
        let (session, claim) = (self.session, self.claim);
        let ended = child::run(
            &session.program,
            request,
            |pid| session.started(claim.attempt, pid),
            |event| {
                if let Event::Reading(index) = event
                    && let Some(version) = request.versions.get(*index)
                {
                    watch(claim, version);
                }
            },
        );
        session.is_over(claim.attempt);
        ended
    }

    /// Root in which the package is built anew.
    pub(super) fn beside(&self) -> PathBuf {
        self.session.root.join("repos").join(BESIDE).join(self.claim.attempt.to_string())
    }

    /// Removes rebuilt repositories, also those left by earlier attempts.
    pub(super) fn remove_beside(&self) {
        let folder = self.session.root.join("repos").join(BESIDE);
        let _ = fs::remove_dir_all(self.beside());
        let _ = fs::remove_dir(&folder);
    }
}
