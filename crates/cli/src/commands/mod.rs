//! One file a subcommand.

pub mod export;
pub mod import;
pub mod import_package;
pub mod repack;
pub mod show;
pub mod verify;

use std::path::PathBuf;

use anyhow::Error;
use importer::config::{Config, ConfigError};
use state::Store;

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
        Ok(self.config()?.state.location(&self.root).open()?)
    }

    /// Opens the state, made if there is none.
    pub fn state_or_make(&self) -> Result<Store, Error> {
        Ok(self.config()?.state.location(&self.root).open_or_make()?)
    }

    /// Reads the configuration.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), &self.root)
    }
}

/// Who gives a command, for the records: the person behind `sudo`, not root.
pub fn actor() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let user = user.filter(|user| !user.is_empty()).unwrap_or_else(|| importer::root::user_id().to_string());
    format!("{user}@{}", importer::root::host_name())
}
