//! Backups: taking one, and bringing one back.

use std::path::PathBuf;

use ::backup::package::{self, Brought};
use ::backup::reconcile;
pub use ::backup::reconcile::Damaged;
use ::backup::restore::{self, Here, Restored};
use ::backup::take::{self, Taken};
use ::backup::{BackupError, check};
use importer::queue::session::VERSION;
use importer::root::host_name;
use serde::Serialize;
use source_package::code::Code;
use source_package::version::PackageName;
use state::events::By;
use state::words::Lane;
use state::{Store, events, operate, queue};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::given::absolute;
use crate::installation::{Installation, Opened};
use crate::role::{Permit, Role};

/// Called with the number of parts that are done, and of all.
pub type Progress<'a> = &'a dyn Fn(usize, usize);

/// Copies the installation while it works. On record: `backup`, one entry, and the time of the last backup.
pub struct Backup<'a> {
    /// Folder of the backups.
    pub destination: PathBuf,
    /// Number of backups that are kept; 0 keeps all.
    pub keep: usize,
    /// True when logs are copied, too.
    pub logs: bool,
    /// Called with the number of repositories that are copied, and of all.
    pub watch: Progress<'a>,
}

impl Action<Installation> for Backup<'_> {
    const NAME: &'static str = "backup";
    const ROLE: Role = Role::Admin;
    type Done = Taken;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let repositories = check::repositories(&at.root)?.len() as u64;
        let path = absolute(&self.destination)?.display().to_string();
        let change = Change::new(Kind::Path, path).number_of(repositories);
        Ok(Preview::of([change.after("a backup with so many repositories".to_owned())]))
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<Taken, Error> {
        let destination = absolute(&self.destination)?;
        let (store, root, config) = (at.state()?, at.absolute_root()?, at.config_file());
        let wanted = take::TakeOptions {
            store: &store,
            root: &root,
            config: config.as_deref(),
            destination: &destination,
            keep: self.keep,
            logs: self.logs,
            program: VERSION,
            host: &host_name(),
            actor: permit.by().actor,
        };
        Ok(take::take(&wanted, self.watch)?)
    }
}

/// Brings a backup back into an empty root, or the state alone beside repositories. On record, in the state that is brought
/// back: `restore`, one entry, and a new epoch.
pub struct Restore<'a> {
    /// The backup, or a folder of backups, of which the newest is used.
    pub source: PathBuf,
    /// True for the state alone.
    pub state_only: bool,
    /// Called with the number of files that are checked, then of repositories that are recorded, and of all.
    pub watch: Progress<'a>,
}

impl Action<Installation> for Restore<'_> {
    const NAME: &'static str = "restore";
    const ROLE: Role = Role::Admin;
    type Done = Restored;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let backup = check::newest(&absolute(&self.source)?)?;
        let repositories = if self.state_only { 0 } else { check::repositories(&backup)?.len() as u64 };
        let path = at.absolute_root()?.display().to_string();
        let change = Change::new(Kind::Path, path).number_of(repositories);
        Ok(Preview::of([
            change.after(format!("so many repositories, and the state, of {}", backup.display()))
        ]))
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<Restored, Error> {
        let (source, root) = (absolute(&self.source)?, at.absolute_root()?);
        let (backup, mut damaged) = restore::find(&source, self.watch)?;
        if self.state_only {
            damaged.clear();
        } else {
            damaged = restore::files(&backup, &root, damaged)?;
        }
        // The configuration came with the files.
        let location = at.config()?.state.location(&root);
        let here = Here { root: &root, host: &host_name(), actor: permit.by().actor, program: VERSION };
        Ok(restore::state(&backup, &location, &here, &damaged, self.watch)?)
    }
}

/// Brings single repositories back into an installation that is there, and queues all that is published of them. On record:
/// `restore` and `requeue`, an entry each for a package.
pub struct RestorePackages {
    /// The backup, or a folder of backups, of which the newest is used.
    pub source: PathBuf,
    /// The packages.
    pub packages: Vec<PackageName>,
}

/// Repositories that were brought back, and those that were not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackagesBrought {
    /// The backup that was used.
    pub backup: PathBuf,
    /// Repositories that are back.
    pub brought: Vec<Brought>,
    /// Packages whose repository is as it was, with the reason.
    pub failed: Vec<Damaged>,
}

impl RestorePackages {
    /// The backup may lack the newest versions, so everything that is published is looked at again.
    fn bring(&self, at: &Opened, from: &Source, name: &PackageName, by: By<'_>) -> Result<Brought, Error> {
        let brought = package::bring(&from.backup, &from.root, name)?;
        reconcile::one(&at.store, &from.root, name, VERSION)?;
        let default = format!("backup {}", from.backup.display());
        let by = By { actor: by.actor, reason: Some(by.reason.unwrap_or(&default)) };
        let before = brought.set_aside.as_ref().map(|path| path.display().to_string());
        let after = from.backup.display().to_string();
        at.store.write(|tx| {
            let (name, before) = (name.as_str(), before.as_deref());
            events::record(tx, by.actor, "restore", name, by.reason, before, Some(&after))
        })?;
        let id = at.store.write(|tx| queue::package_id(tx, name.as_str()))?;
        operate::requeue(&at.store, &[(id, name.to_string())], by)?;
        Ok(brought)
    }
}

/// A backup, and the root that repositories are brought back into.
struct Source {
    backup: PathBuf,
    root: PathBuf,
}

impl Action<Installation> for RestorePackages {
    const NAME: &'static str = "restore-packages";
    const ROLE: Role = Role::Admin;
    type Done = PackagesBrought;

    fn look(&self, _: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let backup = check::newest(&absolute(&self.source)?)?;
        let after = format!("brought back from {}, and queued", backup.display());
        let change = |name: &PackageName| Change::new(Kind::Package, name.as_str()).after(after.clone());
        Ok(Preview::of(self.packages.iter().map(change)))
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<PackagesBrought, Error> {
        let backup = check::newest(&absolute(&self.source)?)?;
        let opened = at.open()?;
        let from = Source { backup, root: at.absolute_root()? };
        let (mut brought, mut failed) = (Vec::new(), Vec::new());
        for name in &self.packages {
            // A package that cannot be brought back does not stop the others.
            match self.bring(&opened, &from, name, permit.by()) {
                Ok(one) => brought.push(one),
                Err(error) => failed.push(Damaged { package: name.to_string(), cause: error.with_causes() }),
            }
        }
        Ok(PackagesBrought { backup: from.backup, brought, failed })
    }
}

/// Takes a root over as it is: one that was copied, or whose state is older than its repositories, new, or empty. On record:
/// `adopt`, one entry, and `reconcile`, an entry for each package of which versions are recorded.
pub struct Adopt<'a> {
    /// Called with the number of repositories that are recorded, and of all.
    pub watch: Progress<'a>,
}

/// Result of taking a root over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adopted {
    /// The epoch that has begun.
    pub epoch: i64,
    /// Jobs that were running, and are queued again.
    pub taken_back: usize,
    /// Versions that repositories had and the state did not.
    pub reconciled: usize,
    /// Packages that failed because the state was older than their repositories, and are tried again.
    pub retried: usize,
    /// Repositories that cannot be read.
    pub damaged: Vec<Damaged>,
}

/// Tries packages again that failed because the state was older than their repositories: it is not any more.
fn retry_older(store: &Store, by: By<'_>) -> Result<usize, Error> {
    let failing = store.read(|tx| operate::failing_with(tx, Code::OlderThanRepositories))?;
    if !failing.is_empty() {
        operate::retry(store, &failing, Code::OlderThanRepositories.as_str(), 0, Lane::Operator, by)?;
    }
    Ok(failing.len())
}

impl Action<Installation> for Adopt<'_> {
    const NAME: &'static str = "adopt";
    const ROLE: Role = Role::Admin;
    type Done = Adopted;

    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let repositories = check::repositories(&at.root)?.len() as u64;
        let path = at.absolute_root()?.display().to_string();
        let change = Change::new(Kind::Path, path).number_of(repositories);
        Ok(Preview::of([change.after("so many repositories on record, in a new epoch".to_owned())]))
    }

    fn act(&self, at: &Installation, permit: &Permit<'_>) -> Result<Adopted, Error> {
        let store = at.state_to_adopt()?;
        if let Some(path) = store.path() {
            // A file that was copied while it was written to may be torn.
            state::driver::sqlite::check_file(&path).map_err(Error::Torn)?;
        }
        let floor = reconcile::highest_epoch(&at.root)?;
        let by = permit.by();
        let why = (by.actor, "adopt", by.reason);
        let (epoch, taken_back) = state::identity::take_over(&store, &host_name(), floor, why, VERSION)?;
        let done = reconcile::all(&store, &at.root, VERSION, self.watch)?;
        let retried = retry_older(&store, by)?;
        Ok(Adopted { epoch, taken_back, reconciled: done.versions, retried, damaged: done.damaged })
    }
}

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Error {
        Error::Backup(Box::new(error))
    }
}
