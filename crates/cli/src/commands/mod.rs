//! One file a subcommand.

pub mod export;
pub mod import;
pub mod import_package;
pub mod repack;
pub mod show;
pub mod verify;

use std::path::PathBuf;

use importer::config::{Config, ConfigError};

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

    /// Reads the configuration.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(self.config.as_deref(), &self.root)
    }
}
