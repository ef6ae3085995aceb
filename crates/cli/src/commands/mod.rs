//! One file a subcommand.

pub mod adopt;
pub mod archives;
pub mod audit;
pub mod backup;
pub mod baseline;
pub mod collision;
pub mod collisions;
pub mod completions;
pub mod enqueue;
pub mod export;
pub mod failures;
pub mod freshness;
pub mod history;
pub mod hold;
pub mod import;
pub mod import_package;
pub mod log;
pub mod man;
pub mod metrics;
pub mod migrate;
pub mod poll;
pub mod prioritize;
pub mod prune;
pub mod queue;
pub mod quiesce;
pub mod release;
pub mod repack;
pub mod requeue;
pub mod restore;
pub mod resume;
pub mod retry;
pub mod run;
pub mod samples;
pub mod set;
pub mod show;
pub mod signature;
pub mod status;
pub mod suppress;
pub mod tune;
pub mod unsuppress;
pub mod verify;
pub mod workers;

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Error};
use importer::config::{Config, ConfigError};
use importer::queue::pulse::Pulse;
use importer::queue::session::{Session, Start};
use state::driver::Kind;
use state::{StateError, Store};

/// The installation that a command works on.
pub struct Installation {
    /// Its folder.
    pub root: PathBuf,
    config: Option<PathBuf>,
}

impl Installation {
    /// From the options that every subcommand has.
    pub fn new(root: Option<PathBuf>, config: Option<PathBuf>) -> Installation {
        Installation { root: importer::root::locate(root), config }
    }

    /// Opens the state, which has to be there.
    pub fn state(&self) -> Result<Store, Error> {
        let opened = self.config()?.state.location(&self.root).open();
        match opened {
            Ok(store) => self.beside_repositories(store),
            Err(error @ StateError::Missing(_)) if importer::inspect::has_repositories(&self.root) => {
                Err(error).context(
                    "there are repositories without a state: `package-import restore --state-only BACKUP` \
                    brings it back, `package-import adopt` makes a new one from them",
                )
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens or makes the state for whoever takes the root over as it is.
    pub fn state_to_adopt(&self) -> Result<Store, Error> {
        Ok(self.config()?.state.location(&self.root).open_or_make()?)
    }

    /// Refuses a state that knows nothing beside repositories: everything would seem to be well, and imports would not know
    /// what they have.
    fn beside_repositories(&self, store: Store) -> Result<Store, Error> {
        if store.read(state::versions::is_without_packages)?
            && importer::inspect::has_repositories(&self.root)
        {
            let (state, repos) = (store.name().to_owned(), self.root.join("repos"));
            return Err(StateError::Foreign(format!(
                "the state {state} is new or empty, and {} has repositories: `package-import restore --state-only BACKUP` \
                 brings the state back (move this one away first), `package-import adopt` puts on record what the \
                 repositories have",
                repos.display()
            ))
            .into());
        }
        Ok(store)
    }

    /// Opens the state; a root may have only repositories.
    pub fn state_if_any(&self) -> Result<Option<Store>, Error> {
        match self.state() {
            Ok(store) => Ok(Some(store)),
            // One that knows nothing of the repositories has nothing to say about them either.
            Err(error)
                if error.chain().any(|it| {
                    matches!(it.downcast_ref(), Some(StateError::Missing(_) | StateError::Foreign(_)))
                }) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens the state, made if there is none.
    pub fn state_or_make(&self) -> Result<Store, Error> {
        self.beside_repositories(self.config()?.state.location(&self.root).open_or_make()?)
    }

    /// Begins to work on the queue.
    pub fn begin(&self, config: Config, mode: &str, jobs: usize, alone: bool) -> Result<Arc<Session>, Error> {
        let root = std::path::absolute(&self.root).context("cannot find the current folder")?;
        let start = Start {
            store: self.beside_repositories(config.state.location(&root).open_or_make()?)?,
            root,
            config,
            program: env::current_exe().context("cannot find my own program")?,
            host: &importer::root::host_name(),
            mode,
            jobs,
        };
        Ok(Session::begin(start, alone)?)
    }

    /// The heartbeat of a session, on a connection of its own.
    pub fn pulse(&self, session: &Arc<Session>) -> Result<Pulse, Error> {
        let location = session.config.state.location(&session.root);
        // A server may have no connection left, which is said at once. A file that is open can be opened again.
        let mut ready = match session.store.kind() {
            Kind::Postgres => Some(location.open()?),
            Kind::Sqlite => None,
        };
        Ok(Pulse::start(Arc::clone(session), move || ready.take().map_or_else(|| location.open(), Ok)))
    }

    /// The file that the configuration is read from, if there is one.
    pub fn config_file(&self) -> Option<PathBuf> {
        let places = [self.root.join("config.toml"), PathBuf::from("/etc/package-import/config.toml")];
        self.config.clone().or_else(|| places.into_iter().find(|path| path.exists()))
    }

    /// Reads the configuration.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), &self.root)
    }
}

/// Who gives a command, for the records: the person behind `sudo`, not root.
pub fn actor() -> String {
    let set = |name: &str| env::var(name).ok().filter(|user| !user.is_empty());
    let user = set("SUDO_USER").or_else(importer::root::user_name);
    let user = user.unwrap_or_else(|| importer::root::user_id().to_string());
    format!("{user}@{}", importer::root::host_name())
}
