//! Repositories as a cache of a remote: fetches a package's repository, and publishes the result of an import
//! before that counts as imported.

use std::collections::{BTreeMap, BTreeSet};

use packaging_repo::cache;
use packaging_repo::foreign;
use packaging_repo::record::vouched::Vouched;
use packaging_repo::refs::fence::Fence;
use packaging_repo::repository::Repository;
use packaging_repo::seal::{Key, PackageKey};
use packaging_repo::{Error, ObjectId};
use remote::problem::Problem;
use remote::publish::Foreign;
use remote::refs::Advertised;
use source_package::version::PackageName;
use state::StateError;
use state::publication::collisions;
use state::publishing::cached::{self, Cached, Done};
use state::publishing::ends::There;

use super::entrance::Entrance;
use super::job::{self, Job, desired};
use super::trouble::of_repository;
use crate::failure::{Code, Failure, Stage};
use crate::queue::session::Session;

/// A package whose repository is a cache.
pub struct Package<'a> {
    /// The session of the run.
    pub session: &'a Session,
    /// The remote with the repository.
    pub entrance: &'a Entrance,
    /// Name of the package.
    pub package: &'a str,
    /// Number of the package's row.
    pub id: i64,
}

/// The reason why a repository could not be fetched or published.
#[derive(Debug)]
pub enum Trouble {
    /// An error of the remote.
    Remote(Problem),
    /// An error of this host, or of the state.
    Here(Failure),
    /// Another worker has the package by now.
    Lost(StateError),
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Trouble {
        Trouble::Remote(problem)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Here(error.into())
    }
}

impl Trouble {
    /// The error as a failure of an import.
    pub fn failure(&self) -> Failure {
        match self {
            Trouble::Remote(problem) => Failure::reported(Stage::Publish, problem.code().into(), problem),
            Trouble::Here(failure) => failure.clone(),
            Trouble::Lost(error) => Failure::new(Stage::Worker, Code::Lost, error),
        }
    }
}

/// The local repository of a package.
pub struct Here {
    /// True if it was fetched just now.
    pub is_brought: bool,
    /// Fingerprint of the importer's refs.
    pub stands: String,
}

/// The result of publishing.
pub enum Published {
    /// There is nothing to publish: the package was never imported.
    Nothing,
    /// Everything was published and read back.
    There(Box<Done>),
    /// Somebody else has pushed refs whose objects are not here: they have to be fetched first.
    Moved,
}

impl Package<'_> {
    fn name(&self) -> Result<PackageName, Trouble> {
        PackageName::new(self.package)
            .map_err(|error| Trouble::Here(Failure::new(Stage::Verify, Code::BadDsc, error)))
    }

    fn repos(&self) -> std::path::PathBuf {
        self.session.root.join("repos")
    }

    fn key(&self, name: &PackageName) -> Result<PackageKey, Trouble> {
        Ok(Key::open_or_make(&self.repos())?.of_package(name))
    }

    fn job(&self) -> Job<'_> {
        Job { root: &self.session.root, entrance: self.entrance, package: self.package }
    }

    fn row(&self) -> Result<Option<Cached>, Trouble> {
        let store = &self.session.store;
        let read = || store.read(|tx| cached::get(tx, self.id));
        let row = self.session.patiently("what the remote has of a package", read);
        row.map_err(|error| Trouble::Here(Failure::new(Stage::State, Code::Unreachable, error)))
    }

    fn vouched(&self, row: Option<&Cached>, key: &PackageKey) -> Result<Vouched, Trouble> {
        let Some(row) = row else { return Ok(Vouched::default()) };
        Vouched::parse(&row.record, key).ok_or_else(|| {
            let message = format!(
                "what the state has on record of the repository of {} was not sealed by this installation: its key \
                 (package-import-key in the root) has to be that of all other hosts",
                self.package
            );
            Trouble::Here(Failure::new(Stage::Verify, Code::BrokenRecord, message))
        })
    }

    /// Fetches the repository from the remote, unless the local one is up to date. With `look`, the remote is asked in
    /// any case.
    ///
    /// # Errors
    /// Errors of the remote, of files, or of a seal.
    pub fn bring(&self, fence: Fence, look: bool) -> Result<Here, Trouble> {
        let (name, row) = (self.name()?, self.row()?);
        let stands = self.stands()?;
        let is_current = |row: &Cached| row.done == stands || row.begun == stands;
        // Without a row nothing was ever published; the local repository is from an import that could not be published.
        if !look && row.as_ref().is_none_or(|row| stands.is_some() && is_current(row)) {
            return Ok(Here { is_brought: false, stands: stands.unwrap_or_else(nothing) });
        }
        let vouched = self.vouched(row.as_ref(), &self.key(&name)?)?;
        let there = match self.job().read(&Repository::place(&self.repos(), &name)) {
            Err(Problem::Missing { .. }) => Default::default(),
            other => other?,
        };
        let mut distros: BTreeSet<String> = self.session.config.distros().into_iter().collect();
        distros.extend(vouched.names().filter_map(|name| distro_of(name)));
        let mut refs: BTreeMap<String, ObjectId> = there.refs;
        refs.retain(|name, _| foreign::is_of_importer(name, &distros));
        let is_here = Repository::open(&self.repos(), &name).is_ok();
        if refs.is_empty() && !is_here {
            return Ok(Here { is_brought: false, stands: nothing() });
        }
        let repository = Repository::open_or_init(&self.repos(), &name)?;
        let guard = repository.lock_fenced(fence, cache::patience())?;
        let wanted: Vec<(String, ObjectId)> = refs.iter().map(|(name, id)| (name.clone(), *id)).collect();
        self.job().fetch(&repository, &wanted)?;
        let head = there.head.as_deref().and_then(|head| head.strip_prefix("refs/heads/"));
        let ours = cache::take_over(&repository, &guard, &refs, head, &vouched)?;
        Ok(Here { is_brought: true, stands: fingerprint(&ours) })
    }

    /// Fingerprint of the local repository; `None` if there is none.
    fn stands(&self) -> Result<Option<String>, Trouble> {
        let repository = match Repository::open(&self.repos(), &self.name()?) {
            Err(Error::NoRepository(_)) => return Ok(None),
            other => other?,
        };
        Ok(Some(desired(&repository)?.fingerprint()))
    }

    /// Publishes the local repository for an attempt, and reads the refs back. `stands` is the expected fingerprint
    /// of the local repository.
    ///
    /// # Errors
    /// Errors of the remote, of files, or of the state.
    pub fn publish(&self, attempt: i64, stands: &str) -> Result<Published, Trouble> {
        let name = self.name()?;
        let repository = match Repository::open(&self.repos(), &name) {
            Err(Error::NoRepository(_)) if stands == nothing() => return Ok(Published::Nothing),
            other => other?,
        };
        let removed = || {
            let message = format!("somebody has removed {}, or a part of it", repository.path().display());
            Trouble::Here(Failure::new(Stage::Commit, Code::Repository, message))
        };
        let Some(record) = cache::standing(&repository)? else {
            // The record of what was just imported may have been removed.
            return if stands == nothing() { Ok(Published::Nothing) } else { Err(removed()) };
        };
        let (desired, row) = (desired(&repository)?, self.row()?);
        let here = desired.fingerprint();
        if here != stands {
            return Err(removed());
        }
        if desired.refs.is_empty() && row.is_none() {
            return Ok(Published::Nothing);
        }
        if let Some(row) = row.as_ref().filter(|row| row.done.as_ref() == Some(&here)) {
            let there = There { here: here.clone(), there: here, ..There::default() };
            return Ok(self.done(there, row.record.clone()));
        }
        let key = self.key(&name)?;
        let mut vouched = self.vouched(row.as_ref(), &key)?;
        vouched.begin(&record);
        self.note_begun(attempt, &here, &vouched.encode(&key))?;
        fail::fail_point!("cache::begun");
        let Some(done) = self.push(&repository, &desired)? else { return Ok(Published::Moved) };
        fail::fail_point!("cache::published");
        if !done.foreign.is_empty() || !done.blocked.is_empty() {
            return Ok(Published::Moved);
        }
        if let Some((name, why)) = done.refused.first() {
            return Err(Problem::Refused(format!("{name}: {why}")).into());
        }
        if done.kept > 0 {
            let why = "it takes no refs below refs/dsc/, and where repositories are a cache it has to have all of them";
            return Err(Problem::Refused(why.into()).into());
        }
        vouched.settle(&record);
        Ok(self.done(job::there(&done, here), vouched.encode(&key)))
    }

    fn done(&self, there: There, record: String) -> Published {
        let (host, remote) = (self.session.host.clone(), self.entrance.config.name.clone());
        Published::There(Box::new(Done { host, remote, there, record }))
    }

    fn note_begun(&self, attempt: i64, here: &str, record: &str) -> Result<(), Trouble> {
        let session = self.session;
        let note =
            || session.store.write(|tx| cached::begin(tx, self.id, attempt, &session.host, here, record));
        match session.patiently("what is about to be published", note) {
            Err(error @ StateError::LeaseLost(_)) => Err(Trouble::Lost(error)),
            Err(error) => Err(Trouble::Here(Failure::new(Stage::State, Code::Unreachable, error))),
            Ok(()) => Ok(()),
        }
    }

    /// Pushes. `None`, with nothing pushed, if somebody else has moved refs on the remote.
    fn push(
        &self,
        repository: &Repository,
        desired: &remote::publish::Desired,
    ) -> Result<Option<remote::publish::Published>, Trouble> {
        let mut abilities = self.entrance.abilities();
        let mut is_moved = false;
        let mut aside = |_: &[Foreign]| {
            is_moved = true;
            Err(Problem::Raced(1))
        };
        let pushed = self.job().push(repository, desired, &mut abilities, &mut aside);
        self.entrance.learn(&abilities);
        match pushed {
            Err(_) if is_moved => Ok(None),
            other => Ok(Some(other?)),
        }
    }

    /// Checks whether the remote still has everything that was read back there, and whether refs that are in the way are
    /// still there. What it lacks is restored by an import; `None` if one is needed.
    ///
    /// # Errors
    /// Errors of the remote, of files, or of the state.
    pub fn look(&self) -> Result<Option<There>, Trouble> {
        let (name, row, blocking) = (self.name()?, self.row()?, self.blocking()?);
        let Some(row) = row else { return self.look_at_new(&name, &blocking) };
        let vouched = self.vouched(Some(&row), &self.key(&name)?)?;
        let there = match self.job().read(&Repository::place(&self.repos(), &name)) {
            Err(Problem::Missing { .. }) => Default::default(),
            other => other?,
        };
        let is_whole = vouched.expected().all(|(name, id)| there.refs.get(name) == Some(&id));
        let is_still = blocking.iter().all(|(name, theirs)| is_at(&there, name, theirs.as_deref()));
        let foreign = i64::try_from(blocking.len()).unwrap_or(i64::MAX);
        let detail = (foreign > 0).then(|| job::detail_of_blocking(&blocking));
        Ok(row.done.filter(|_| is_whole && is_still).map(|here| There {
            here: here.clone(),
            there: here,
            foreign,
            detail,
            ..There::default()
        }))
    }

    /// Looks at a package of which nothing was published yet.
    fn look_at_new(
        &self,
        name: &PackageName,
        blocking: &[(String, Option<String>)],
    ) -> Result<Option<There>, Trouble> {
        let Some((first, _)) = blocking.first() else { return self.take_in(name).map(Some) };
        let there = self.job().read(&Repository::place(&self.repos(), name))?;
        if blocking.iter().all(|(name, theirs)| is_at(&there, name, theirs.as_deref())) {
            return Err(
                Problem::Refused(format!("{first}, which somebody else made there, is in the way")).into()
            );
        }
        Ok(None)
    }

    /// Refs that keep the package from being imported, as the state has them.
    fn blocking(&self) -> Result<Vec<(String, Option<String>)>, Trouble> {
        let read = self.session.store.read(|tx| collisions::blocking(tx, self.id));
        read.map_err(|error| Trouble::Here(Failure::new(Stage::State, Code::Unreachable, error)))
    }

    /// Publishes and records a repository that was imported before repositories were a cache.
    fn take_in(&self, name: &PackageName) -> Result<There, Trouble> {
        let repository = Repository::open(&self.repos(), name).map_err(|_| {
            Problem::Local(format!(
                "{} was imported before repositories were a cache: run `package-import publish {0}` on the host that has its \
                 repository",
                self.package
            ))
        })?;
        let Some(record) = cache::standing(&repository)? else {
            return Err(of_repository(Error::NoRepository(repository.path().to_owned())).into());
        };
        let desired = desired(&repository)?;
        let Some(done) = self.push(&repository, &desired)?.filter(|it| it.is_complete() && it.kept == 0)
        else {
            let why = "refs of it are somebody else's there, or are refused: publish it from a host with [repos] mode = \"local\" first";
            return Err(Problem::Refused(why.into()).into());
        };
        let key = self.key(name)?;
        let mut vouched = Vouched::default();
        vouched.settle(&record);
        let there = job::there(&done, desired.fingerprint());
        let Published::There(done) = self.done(there.clone(), vouched.encode(&key)) else { return Ok(there) };
        let noted = self.session.store.write(|tx| cached::done(tx, self.id, &done));
        noted.map_err(|error| Trouble::Here(Failure::new(Stage::State, Code::StateFailed, error)))?;
        Ok(there)
    }
}

fn fingerprint(refs: &BTreeMap<String, ObjectId>) -> String {
    remote::refs::fingerprint(refs.iter().map(|(name, id)| (name.as_str(), id)))
}

/// The fingerprint of an empty set of refs.
fn nothing() -> String {
    fingerprint(&BTreeMap::new())
}

fn is_at(there: &Advertised, name: &str, object: Option<&str>) -> bool {
    let now = there.refs.get(name).map(ToString::to_string);
    now.is_some() && (object.is_none() || now.as_deref() == object)
}

/// The distro of a branch or tag.
fn distro_of(name: &str) -> Option<String> {
    let rest = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"))?;
    let (distro, _) = rest.split_once('/')?;
    Some(distro.to_owned())
}
