//! One package on one remote: the wanted refs are those of its repository, so nothing has to be remembered between
//! tries.

use std::path::Path;
use std::time::Duration;

use bounded::Deadline;
use packaging_repo::ObjectId;
use packaging_repo::published;
use packaging_repo::repository::Repository;
use remote::abilities::Abilities;
use remote::address::Scheme;
use remote::plan::Plan;
use remote::problem::Problem;
use remote::publish::{Aside, Desired, Foreign, Published, Publisher};
use remote::refs::{Advertised, Wanted};
use remote::server::Server;
use remote::transport::{ByHistory, Transport};
use serde::Serialize;
use source_package::version::PackageName;
use state::publishing::ends::There;

use super::entrance::Entrance;
use super::folder::Folder;
use super::trouble::of_repository;

/// Time to wait for the lock of a repository, to set something aside. A longer import is not waited for.
const LOCK: Duration = Duration::from_secs(10);
/// Largest number of refs that are named of each kind.
const NAMED: usize = 20;

/// One package of a remote.
pub struct Job<'a> {
    /// Root of the installation.
    pub root: &'a Path,
    /// Remote to publish on.
    pub entrance: &'a Entrance,
    /// Name of the package.
    pub package: &'a str,
}

/// Result of publishing.
pub struct Done {
    /// State of the remote, as it was read back.
    pub there: There,
    /// Names of the refs that were moved.
    pub moved: Vec<String>,
    /// True when the remote was asked at all.
    pub is_asked: bool,
    /// Number of branches that others have moved on the remote, and that were fetched: an import joins them, and then
    /// they are published.
    pub taken_in: usize,
}

/// Foreign and refused refs of a remote, for operators and programs.
#[derive(Debug, Default, Serialize)]
struct Detail {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    foreign: Vec<DetailForeign>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocked: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
}

#[derive(Debug, Serialize)]
struct DetailForeign {
    name: String,
    ours: String,
    theirs: String,
}

impl Job<'_> {
    fn name(&self) -> Result<PackageName, Problem> {
        PackageName::new(self.package).map_err(|error| Problem::Local(error.to_string()))
    }

    fn repository(&self) -> Result<Repository, Problem> {
        Repository::open(&self.root.join("repos"), &self.name()?)
            .map_err(|error| Problem::Local(error.to_string()))
    }

    /// Publishes the package. If the repository has not changed since everything was on the remote (`known`), the
    /// remote is not asked.
    ///
    /// # Errors
    /// The [`Problem`] that kept it from being published.
    pub fn publish(&self, known: Option<&str>, abilities: &mut Abilities) -> Result<Done, Problem> {
        let repository = self.repository()?;
        let desired = desired(&repository)?;
        let here = desired.fingerprint();
        if known == Some(here.as_str()) {
            let there = There { there: here.clone(), here, ..There::default() };
            return Ok(Done { there, moved: Vec::new(), is_asked: false, taken_in: 0 });
        }
        self.with_server(repository.path(), &desired, |publisher, server| {
            let mut taken_in = 0;
            let mut aside = |foreign: &[Foreign]| {
                taken_in += keep(&repository, server, foreign)?;
                Ok(())
            };
            let done = publisher.publish(&desired, abilities, &mut aside)?;
            let there = there(&done, here.clone());
            Ok(Done { moved: done.moved, there, is_asked: true, taken_in })
        })
    }

    /// Previews publishing.
    ///
    /// # Errors
    /// The [`Problem`] that keeps the remote from being read.
    pub fn look(&self, abilities: &Abilities) -> Result<Plan, Problem> {
        let repository = self.repository()?;
        let desired = desired(&repository)?;
        self.with_server(repository.path(), &desired, |publisher, _| {
            publisher.look(&desired, abilities).map(|(plan, _)| plan)
        })
    }

    /// Checks that the remote answers, with this package's address.
    ///
    /// # Errors
    /// Only a problem that concerns all packages of the remote.
    pub fn probe(&self) -> Result<(), Problem> {
        // The package need not exist there.
        match self.read(&Repository::place(&self.root.join("repos"), &self.name()?)) {
            Err(problem) if problem.is_of_remote() => Err(problem),
            _ => Ok(()),
        }
    }

    /// Lists the remote's refs. The repository at `ours` need not exist.
    ///
    /// # Errors
    /// Errors of the remote.
    pub fn read(&self, ours: &Path) -> Result<Advertised, Problem> {
        self.with_server(ours, &Desired::default(), |_, server| server.read())
    }

    /// Fetches the objects of refs, durably.
    ///
    /// # Errors
    /// Errors of the remote.
    pub fn fetch(&self, repository: &Repository, refs: &[(String, ObjectId)]) -> Result<(), Problem> {
        if refs.is_empty() {
            return Ok(());
        }
        self.with_server(repository.path(), &Desired::default(), |_, server| server.fetch(refs))
    }

    /// Pushes the desired refs, and reads them back. `aside` gets the refs that others have moved, before anything is
    /// pushed.
    ///
    /// # Errors
    /// Errors of the remote, and of `aside`.
    pub fn push(
        &self,
        repository: &Repository,
        desired: &Desired,
        abilities: &mut Abilities,
        aside: Aside<'_>,
    ) -> Result<Published, Problem> {
        self.with_server(repository.path(), desired, |publisher, _| {
            publisher.publish(desired, abilities, aside)
        })
    }

    fn with_server<T>(
        &self,
        ours: &Path,
        desired: &Desired,
        work: impl FnOnce(&Publisher<'_>, &dyn Server) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let entrance = self.entrance;
        let address = entrance.address(&self.name()?);
        let (objects, refs) = (ours.join("objects"), published::packed_refs(ours));
        let head = desired.head.as_deref().map(|head| head.trim_start_matches("refs/heads/"));
        let judge = ByHistory { git: &entrance.git, objects: &objects };
        let most = entrance.config.batch;
        if let (Scheme::Path, Some(path)) = (address.scheme(), address.folder()) {
            let base = entrance.template.server();
            let server = Folder::new(&path, &base, ours, head, entrance.entry.limit);
            return work(&Publisher { server: &server, judge: &judge, most }, &server);
        }
        let server = Transport {
            git: &entrance.git,
            entry: &entrance.entry,
            address: &address,
            package: self.package,
            branch: head.unwrap_or("main"),
            objects: &objects,
            refs: &refs,
            pace: &|| entrance.pace(),
        };
        work(&Publisher { server: &server, judge: &judge, most }, &server)
    }
}

/// The fingerprint of what a repository has to be published; `None` if that cannot be said.
pub fn fingerprint(root: &Path, package: &str) -> Option<String> {
    let repository = Repository::open(&root.join("repos"), &PackageName::new(package).ok()?).ok()?;
    Some(desired(&repository).ok()?.fingerprint())
}

/// Refs that a remote is to have.
pub(super) fn desired(repository: &Repository) -> Result<Desired, Problem> {
    let published = published::of(repository).map_err(|error| Problem::Local(error.to_string()))?;
    let Some(published) = published else {
        return Err(Problem::Local(format!(
            "the imports into {} have no record yet: the next import writes it",
            repository.path().display()
        )));
    };
    let refs = published.refs.into_iter();
    let refs = refs.map(|(name, value)| Wanted { name, id: value.id, peeled: value.peeled }).collect();
    Ok(Desired { refs, head: published.head })
}

/// Fetches and keeps the foreign refs of a remote, before any ref is moved there: a branch is treated as if it had been
/// pushed to the local repository, so that its content is compared; other refs are set aside. Returns the number of
/// branches.
fn keep(repository: &Repository, server: &dyn Server, foreign: &[Foreign]) -> Result<usize, Problem> {
    let mut found: Vec<(String, ObjectId)> = foreign.iter().map(|it| (it.name.clone(), it.theirs)).collect();
    server.fetch(&found)?;
    let taken_in = published::take_in(repository, &found, Deadline::after(LOCK)).map_err(of_repository)?;
    found.retain(|(name, _)| !taken_in.contains(name));
    if !found.is_empty() {
        published::set_aside(repository, &found, Deadline::after(LOCK)).map_err(of_repository)?;
    }
    Ok(taken_in.len())
}

/// Refs that are in the way of an import, in the form of the state's rows.
pub(super) fn detail_of_blocking(blocking: &[(String, Option<String>)]) -> String {
    let what = || "what is to be imported".to_owned();
    let blocked = blocking.iter().take(NAMED).map(|(name, _)| (what(), name.clone())).collect();
    serde_json::to_string(&Detail { blocked, ..Detail::default() }).unwrap_or_default()
}

/// The refs that were read back, in the form of the state's rows.
pub(super) fn there(done: &Published, here: String) -> There {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let head = done.wrong_head.as_ref().map(|head| head.clone().unwrap_or_default());
    let detail = Detail {
        foreign: done
            .foreign
            .iter()
            .take(NAMED)
            .map(|it| DetailForeign {
                name: it.name.clone(),
                ours: it.ours.to_string(),
                theirs: it.theirs.to_string(),
            })
            .collect(),
        blocked: done.blocked.iter().take(NAMED).cloned().collect(),
        refused: done.refused.iter().take(NAMED).cloned().collect(),
        head,
    };
    let is_odd = !done.is_complete() || detail.head.is_some();
    There {
        here,
        there: done.fingerprint.clone(),
        foreign: count(done.foreign.len() + done.blocked.len()),
        refused: count(done.refused.len()),
        kept: count(done.kept),
        detail: is_odd.then(|| serde_json::to_string(&detail).unwrap_or_default()),
    }
}
