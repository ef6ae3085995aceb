//! An installation: its folder, its configuration, its state.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use importer::checking::{self, Check, Checked};
use importer::config::{Config, ConfigError};
use importer::queue::heartbeat::Pulse;
use importer::queue::session::{Session, Start};
use state::driver::Kind;
use state::versions::Expected;
use state::{StateError, Store};

use crate::error::Error;
use crate::given::absolute;
use crate::looking_back::LookBack;

/// Place of an installation. Nothing of it is open yet.
pub struct Installation {
    /// Root folder.
    pub root: PathBuf,
    config: Option<PathBuf>,
}

/// An installation whose state is open: what every question and every action takes.
pub struct Opened {
    /// Root folder.
    pub root: PathBuf,
    /// Configuration of the installation.
    pub config: Config,
    /// State of the installation.
    pub store: Store,
}

impl Installation {
    /// From the folder and the configuration that were named; else they are looked for at their usual places.
    pub fn new(root: Option<PathBuf>, config: Option<PathBuf>) -> Installation {
        Installation { root: importer::root::locate(root), config }
    }

    /// Absolute path of the root, for processes with another current folder.
    ///
    /// # Errors
    /// The current folder cannot be found.
    pub fn absolute_root(&self) -> Result<PathBuf, Error> {
        absolute(&self.root)
    }

    /// Opens it; the state has to exist.
    ///
    /// # Errors
    /// There is no state, it belongs to another machine or program, or it cannot be opened; the configuration cannot be used.
    pub fn open(&self) -> Result<Opened, Error> {
        self.opened(Installation::state)
    }

    /// Opens it; the state is made if there is none.
    ///
    /// # Errors
    /// As of [`Installation::open`], except that a state may be missing.
    pub fn open_or_make(&self) -> Result<Opened, Error> {
        self.opened(Installation::state_or_make)
    }

    fn opened(&self, state: fn(&Installation) -> Result<Store, Error>) -> Result<Opened, Error> {
        let store = state(self)?;
        Ok(Opened { root: self.root.clone(), config: self.config()?, store })
    }

    /// Opens it as it was at a time: nothing can be changed in it.
    ///
    /// # Errors
    /// As of [`Installation::open`]; or the time is still to come, or before what is kept.
    pub fn open_at(&self, at: Option<LookBack>) -> Result<Opened, Error> {
        let mut opened = self.open()?;
        if let Some(LookBack(at)) = at {
            opened.store = opened.store.looking_back(at)?;
        }
        Ok(opened)
    }

    /// Opens the state, which has to exist.
    ///
    /// # Errors
    /// As of [`Installation::open`]. [`Error::Stateless`] when there are repositories without a state.
    pub fn state(&self) -> Result<Store, Error> {
        let opened = self.config()?.state.location(&self.root).open();
        match opened {
            Ok(store) => self.beside_repositories(store),
            Err(error @ StateError::Missing(_)) if importer::inspect::has_repositories(&self.root) => {
                Err(Error::Stateless(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens or creates the state, for taking the root over as it is.
    ///
    /// # Errors
    /// The configuration cannot be used, or the database cannot be opened.
    pub fn state_to_adopt(&self) -> Result<Store, Error> {
        Ok(self.config()?.state.location(&self.root).open_or_make()?)
    }

    /// Refuses an empty state beside repositories: everything would seem to be well, and imports would not know the
    /// imported versions.
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
    ///
    /// # Errors
    /// As of [`Installation::open`], except that a state may be missing or empty.
    pub fn state_if_any(&self) -> Result<Option<Store>, Error> {
        match self.state() {
            Ok(store) => Ok(Some(store)),
            // A state that is empty knows nothing about the repositories either.
            Err(error)
                if matches!(error.of_state(), Some(StateError::Missing(_) | StateError::Foreign(_))) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens the state, made if there is none.
    ///
    /// # Errors
    /// As of [`Installation::open`], except that a state may be missing.
    pub fn state_or_make(&self) -> Result<Store, Error> {
        self.beside_repositories(self.config()?.state.location(&self.root).open_or_make()?)
    }

    /// Begins to work on the queue.
    ///
    /// # Errors
    /// As of [`Installation::open_or_make`]; with `alone`, another run is active on this host.
    pub fn begin(&self, config: Config, mode: &str, jobs: usize, alone: bool) -> Result<Arc<Session>, Error> {
        let root = self.absolute_root()?;
        let program = own_program()?;
        let start = Start {
            store: self.beside_repositories(config.state.location(&root).open_or_make()?)?,
            root,
            config,
            program,
            host: &importer::root::host_name(),
            mode,
            jobs,
        };
        Ok(Session::begin(start, alone)?)
    }

    /// The heartbeat of a session, on a connection of its own.
    ///
    /// # Errors
    /// The database has no connection left.
    pub fn pulse(&self, session: &Arc<Session>) -> Result<Pulse, Error> {
        let location = session.config.state.location(&session.root);
        // A server may have no connection left, which is an error at once. A file that is open can be opened again.
        let mut ready = match session.store.kind() {
            Kind::Postgres => Some(location.open()?),
            Kind::Sqlite => None,
        };
        Ok(Pulse::start(Arc::clone(session), move || ready.take().map_or_else(|| location.open(), Ok)))
    }

    /// Checks the repository of a package below a root, its own or that of a backup, in a process of its own.
    ///
    /// # Errors
    /// The child cannot be started, or the repository cannot be read.
    pub fn check(&self, root: &Path, package: &str, expected: &Expected) -> Result<Checked, Error> {
        let (program, limits) = (own_program()?, self.config()?.limits);
        let check = Check { program: &program, root, package, expected, limits: &limits };
        Ok(checking::verify(&check, |_| {})?)
    }

    /// The packages that are named, or all that have a repository.
    pub(crate) fn with_repository(&self, named: &[String]) -> Result<Vec<String>, Error> {
        if named.is_empty() { Ok(importer::inspect::packages(&self.root)?) } else { Ok(named.to_vec()) }
    }

    /// The program that children are started from.
    pub(crate) fn program(&self) -> Result<PathBuf, Error> {
        own_program()
    }

    /// The file that the configuration is read from, if there is one.
    pub fn config_file(&self) -> Option<PathBuf> {
        let places = [self.root.join("config.toml"), PathBuf::from("/etc/package-import/config.toml")];
        self.config.clone().or_else(|| places.into_iter().find(|path| path.exists()))
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// A file cannot be read or parsed, or has a value that cannot be used.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let config = Config::load(self.config.as_deref(), &self.root)?;
        notify::Config::of(&config.notify).map_err(|error| ConfigError::Notify {
            path: self.config_file().unwrap_or_default(),
            error: error.to_string(),
        })?;
        Ok(config)
    }
}

/// The program that children are started from.
fn own_program() -> Result<PathBuf, Error> {
    env::current_exe().map_err(Error::file("cannot find my own program"))
}
