//! `config.toml`: settings of an installation, so that commands need few arguments.

pub mod limits;
pub mod repos;
pub mod web;

use std::path::{Path, PathBuf};

use archive::config::Archive;
use serde::Deserialize;
use state::open::Location;
use state::publications::LOCAL;

use crate::names::{self, NameError};
use crate::protocol::Trust;
use crate::publishing::config::{self as remotes, RemoteConfig, RemoteError};

pub use limits::LimitsConfig;

/// Everything that is allowed in `config.toml`. Unknown keys are errors: a misspelt limit would be no limit.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Options of imports.
    pub import: Import,
    /// Limits of one import.
    pub limits: LimitsConfig,
    /// Place of the state.
    pub state: State,
    /// Archives that are followed.
    pub archives: Vec<Archive>,
    /// Cache of fetched files.
    pub cache: Cache,
    /// Automatic repairs.
    pub repair: Repair,
    /// Remotes on which repositories are published.
    pub remotes: Vec<RemoteConfig>,
    /// Section `[repos]`: the role of this host's repositories.
    pub repos: repos::Repos,
    /// Settings of the checks. Only the checks read the values, but a section that no check reads is refused here
    /// as well, so that the mistake is found before an alert is missing.
    pub checks: toml::Table,
    /// Roles on the pages of `serve`: who may look, and who may change something.
    pub web: web::Web,
    /// Table `[notify]`, read by the crate `notify`, which refuses unknown keys when a command reads the configuration.
    pub notify: toml::Table,
}

/// Section `[cache]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Bytes of fetched files that are kept, beside those in use.
    pub limit: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Cache { limit: 20 << 30 }
    }
}

/// `[repair]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repair {
    /// True if repairs that replace nothing published run automatically; otherwise they are only listed.
    pub automatic: bool,
    /// Days for which what a repair has replaced is kept, so that `repair undo` can put it back.
    pub keep_days: u32,
}

impl Repair {
    /// The same in milliseconds.
    pub fn kept(&self) -> i64 {
        i64::from(self.keep_days) * 86_400_000
    }
}

impl Default for Repair {
    fn default() -> Self {
        Repair { automatic: true, keep_days: 90 }
    }
}

/// Section `[state]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// A PostgreSQL URL or `key=value` list without a password, or the path of an SQLite file; `state.db` in the
    /// root if not set. `$PACKAGE_IMPORT_STATE` goes first.
    pub url: Option<String>,
    /// A file with passwords, in the format of `~/.pgpass`.
    pub passfile: Option<PathBuf>,
}

/// The environment's word for `[state] url`.
const STATE_VARIABLE: &str = "PACKAGE_IMPORT_STATE";

impl State {
    /// Place of an installation's state: from the environment, else from the configuration.
    pub fn location(&self, root: &Path) -> Location {
        let given = std::env::var(STATE_VARIABLE).ok().filter(|value| !value.is_empty());
        Location::new(root, given.as_deref().or(self.url.as_deref()), self.passfile.as_deref())
    }
}

/// Section `[import]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Import {
    /// The distro of a `.dsc` given by hand.
    pub distro: String,
    /// The suite of a `.dsc` given by hand.
    pub suite: String,
    /// The branch that a clone checks out: `DISTRO/SUITE`. The first one made, if not set.
    pub default_branch: Option<String>,
    /// Keyrings for the signatures of `.dsc` files, instead of those of the system.
    pub keyrings: Vec<PathBuf>,
    /// True when a `.dsc` without SHA-256 is accepted (uploads before 2009).
    pub allow_weak_checksums: bool,
    /// True when repositories are repacked while nothing else is to be done: smaller, and faster to clone.
    pub repack: bool,
}

impl Default for Import {
    fn default() -> Self {
        Import {
            distro: "debian".into(),
            suite: "sid".into(),
            default_branch: None,
            keyrings: Vec::new(),
            allow_weak_checksums: false,
            repack: true,
        }
    }
}

impl Import {
    /// Trust in a `.dsc` that was given by hand without other options: it needs a signature by a key of the
    /// keyrings.
    pub fn trust(&self) -> Trust {
        let given = Some(&self.keyrings).filter(|keyrings| !keyrings.is_empty());
        Trust::Keyrings(given.cloned().unwrap_or_else(archive::signature::system_keyrings))
    }
}

/// Size above which a file is no configuration.
const LARGEST: u64 = 4 << 20;

/// Reason why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        error: std::io::Error,
    },
    /// The file is malformed.
    #[error("{}: {error}", path.display())]
    Parse {
        /// Path of the file.
        path: PathBuf,
        /// Line and description of the error.
        error: Box<toml::de::Error>,
    },
    /// A name in the checks' sections that no check reads.
    #[error("{}: {error}", path.display())]
    Checks {
        /// Path of the file.
        path: PathBuf,
        /// The wrong name, and the one that may have been meant.
        error: check_sections::Wrong,
    },
    /// The section of the pages cannot be used.
    #[error("{}: {error}", path.display())]
    Web {
        /// Path of the file.
        path: PathBuf,
        /// Description of the error.
        error: web::Wrong,
    },
    /// An unusable table `[notify]`.
    #[error("{}: {error}", path.display())]
    Notify {
        /// The file.
        path: PathBuf,
        /// Description of the error.
        error: String,
    },
    /// The archives do not fit together.
    #[error("{}: {error}", path.display())]
    Archives {
        /// Path of the file.
        path: PathBuf,
        /// Description of the error.
        error: Box<archive::config::ConfigError>,
    },
    /// The remotes cannot be meant.
    #[error("{}: {error}", path.display())]
    Remotes {
        /// Path of the file.
        path: PathBuf,
        /// Description of the error.
        error: Box<RemoteError>,
    },
    /// Section `[repos]` does not fit the rest of the configuration.
    #[error("{}: {error}", path.display())]
    Repos {
        /// Path of the file.
        path: PathBuf,
        /// Error in the section.
        error: repos::Wrong,
    },
    /// The name of an archive has another meaning.
    #[error(
        "{}: no archive can be called {LOCAL:?}, which is where packages imported by hand come from; give it another name",
        path.display()
    )]
    ArchiveName {
        /// Path of the file.
        path: PathBuf,
    },
    /// An archive's distro, or a suite's branch, cannot be a part of a branch's name.
    #[error("{}: {error}", path.display())]
    Name {
        /// Path of the file.
        path: PathBuf,
        /// Description of the error.
        error: NameError,
    },
}

impl Config {
    /// Reads `given`, else `config.toml` in the root, else the one in `/etc/package-import`; without any of
    /// them the defaults apply.
    ///
    /// # Errors
    /// [`ConfigError`] when a file cannot be read or parsed, or has a value that cannot be used.
    pub fn load(given: Option<&Path>, root: &Path) -> Result<Config, ConfigError> {
        if let Some(path) = given {
            return Config::read(path);
        }
        let places = [root.join("config.toml"), PathBuf::from("/etc/package-import/config.toml")];
        match places.iter().find(|path| path.exists()) {
            Some(path) => Config::read(path),
            None => Ok(Config::default()),
        }
    }

    /// The distros whose refs this installation writes, sorted.
    pub fn distros(&self) -> Vec<String> {
        let mut distros: Vec<String> = self.archives.iter().map(|archive| archive.distro.clone()).collect();
        distros.push(self.import.distro.clone());
        distros.sort();
        distros.dedup();
        distros
    }

    fn read(path: &Path) -> Result<Config, ConfigError> {
        let text = bounded::file::read_text(path, LARGEST)
            .map_err(|error| ConfigError::Read { path: path.to_owned(), error })?;
        let config: Config = toml::from_str(&text)
            .map_err(|error| ConfigError::Parse { path: path.to_owned(), error: Box::new(error) })?;
        names::check(&config.import.distro, Some(&config.import.suite))
            .map_err(|error| ConfigError::Name { path: path.to_owned(), error })?;
        check_sections::names_and_keys(&config.checks)
            .map_err(|error| ConfigError::Checks { path: path.to_owned(), error })?;
        remotes::check(&config.remotes)
            .map_err(|error| ConfigError::Remotes { path: path.to_owned(), error: Box::new(error) })?;
        config
            .repos
            .check(&config.remotes)
            .map_err(|error| ConfigError::Repos { path: path.to_owned(), error })?;
        config.web.check().map_err(|error| ConfigError::Web { path: path.to_owned(), error })?;
        let archives = archive::config::check(&config.archives);
        archives.map_err(|error| ConfigError::Archives { path: path.to_owned(), error: Box::new(error) })?;
        for archive in &config.archives {
            if archive.name == LOCAL {
                return Err(ConfigError::ArchiveName { path: path.to_owned() });
            }
            let named = |error| ConfigError::Name { path: path.to_owned(), error };
            names::check(&archive.distro, None).map_err(named)?;
            // Of a pattern's suites each is checked when it is found.
            let fixed = archive.suites.iter().filter(|suite| !suite.name.contains(['*', '?', '[', '!', '^']));
            for branch in fixed.filter_map(|suite| suite.fixed_branch()) {
                names::check(&archive.distro, Some(&branch)).map_err(named)?;
            }
        }
        let given = &config.import;
        names::check(&given.distro, Some(&given.suite))
            .map_err(|error| ConfigError::Name { path: path.to_owned(), error })?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        Config::load(Some(&path), folder.path()).map_err(|error| error.to_string())
    }

    const ARCHIVE: &str = "[[archives]]\nname = 'a'\ndistro = 'debian'\nmirrors = ['file:///m']\nkeyrings = ['/k']\n[[archives.suites]]\nname = 'sid'\n";

    #[test]
    fn archives_are_checked_when_they_are_read() {
        assert_eq!(load(ARCHIVE).unwrap().archives.len(), 1);
        assert!(load(&ARCHIVE.repeat(2)).unwrap_err().contains("two archives"));
        assert!(load(&ARCHIVE.replace("debian", "upstream")).unwrap_err().contains("upstream"));
        assert_eq!(load("[cache]\nlimit = 5\n").unwrap().cache.limit, 5);
    }

    #[test]
    fn what_no_check_reads_is_refused() {
        assert!(load("[checks.quue]\n").unwrap_err().ends_with("did you mean [checks.queue]?"));
        assert!(load("[checks.failures]\nwarnign = 5\n").unwrap_err().contains("[checks.failures] warnign"));
        assert!(load("[cheks.queue]\n").unwrap_err().contains("cheks"));
        assert!(load("[checks.queue.upload]\nwarning = 5\n").is_ok());
    }
}
