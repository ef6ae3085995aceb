//! What `config.toml` says about archives (`[[archives]]`).

mod lineage;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

pub use self::lineage::{Base, History, HistoryTrust};
use crate::location::Location;
use crate::pattern;

/// One archive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Its name in messages and in the state; unique.
    pub name: String,
    /// The distro whose branches and tags its packages get.
    pub distro: String,
    /// Where it is, the best first: `https://...`, `http://...`, `file:///...`.
    #[serde(default)]
    pub mirrors: Vec<Location>,
    /// Use the machine's own apt, with its sources and keyrings, in place of mirrors.
    #[serde(default)]
    pub apt: bool,
    /// What is followed.
    #[serde(default)]
    pub suites: Vec<Suite>,
    /// The components that are followed; all that have source packages if none is named.
    #[serde(default)]
    pub components: Vec<String>,
    /// The keyrings whose keys may sign the index.
    #[serde(default)]
    pub keyrings: Vec<PathBuf>,
    /// How often the suites are polled.
    #[serde(default = "poll_interval", deserialize_with = "duration")]
    pub poll_interval: Duration,
    /// Whether files without SHA-256 are taken (indices before 2009).
    #[serde(default)]
    pub allow_weak_checksums: bool,
    /// How files are transferred.
    #[serde(default)]
    pub transfer: Transfer,
    /// Where old versions come from.
    #[serde(default)]
    pub history: Option<History>,
    /// The distro that this one builds on.
    #[serde(default)]
    pub base: Option<Base>,
}

/// A suite, or with a pattern several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The name below `dists/`, perhaps with `*`, `?` and `[abc]`. With a slash at its end it is a flat archive's folder.
    pub name: String,
    /// The branch's name; `{suite}` stands for the suite's own. See [`Suite::branch`].
    #[serde(default)]
    pub branch: Option<String>,
    /// The suite gets no uploads any more: it is polled once a day at most, and `Valid-Until` is not looked at.
    #[serde(default)]
    pub end_of_life: bool,
}

/// Limits of what is transferred from one archive, by one process.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Transfer {
    /// Bytes a second for all connections together; no limit if not set.
    pub bandwidth: Option<u64>,
    /// Connections at the same time.
    pub connections: usize,
    /// Time for the name, the connection and its encryption.
    #[serde(deserialize_with = "duration")]
    pub connect_timeout: Duration,
    /// Time until an answer begins.
    #[serde(deserialize_with = "duration")]
    pub response_timeout: Duration,
    /// Time without a single byte.
    #[serde(deserialize_with = "duration")]
    pub stall_timeout: Duration,
    /// Bytes a second below which a transfer is given up; looked at every `rate_window`.
    pub minimum_rate: u64,
    /// See `minimum_rate`.
    #[serde(deserialize_with = "duration")]
    pub rate_window: Duration,
    /// The longest `Retry-After` that a fetch waits for. A longer one is an error that says when to come back.
    #[serde(deserialize_with = "duration")]
    pub longest_wait: Duration,
}

impl Default for Transfer {
    fn default() -> Self {
        Transfer {
            bandwidth: None,
            connections: 4,
            connect_timeout: Duration::from_secs(15),
            response_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            minimum_rate: 1000,
            rate_window: Duration::from_secs(30),
            longest_wait: Duration::from_secs(60),
        }
    }
}

fn poll_interval() -> Duration {
    Duration::from_secs(15 * 60)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(serde::de::Error::custom)
}

/// Why archives cannot be used as they are configured.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Two archives with one name.
    #[error("two archives are called {0:?}; give one of them another name")]
    SameName(String),
    /// Nowhere to look.
    #[error("archive {0:?} has neither mirrors nor `apt = true`")]
    NoMirror(String),
    /// Two kinds of source at once.
    #[error("archive {0:?} has both mirrors and `apt = true`; make two archives of it")]
    AptAndMirrors(String),
    /// No suite.
    #[error("archive {0:?} follows no suites; add [[archives.suites]] with a name")]
    NoSuite(String),
    /// Nothing to check signatures with.
    #[error("archive {0:?} has no keyrings; nothing that it publishes could be trusted")]
    NoKeyring(String),
    /// A name that cannot be a suite's or a component's.
    #[error("archive {archive:?}: {name:?} cannot be the name of a {what}")]
    BadName {
        /// The archive.
        archive: String,
        /// `suite` or `component`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A branch is needed and none is given.
    #[error("archive {archive:?}: suite {suite:?} needs `branch`: its name cannot be a branch's")]
    NeedsBranch {
        /// The archive.
        archive: String,
        /// The suite.
        suite: String,
    },
    /// A pattern whose suites would all get one branch.
    #[error(
        "archive {archive:?}: the branch of {suite:?} needs {{suite}} in it, for the suites that it matches"
    )]
    OneBranch {
        /// The archive.
        archive: String,
        /// The pattern.
        suite: String,
    },
    /// Two suites with one branch.
    #[error("{first} and {second} would both be the branch {branch:?}; give one of them another `branch`")]
    SameBranch {
        /// The first, as `archive NAME, suite NAME`.
        first: String,
        /// The second.
        second: String,
        /// The branch, `DISTRO/NAME`.
        branch: String,
    },
    /// A branch in the place of a folder of branches.
    #[error(
        "{first} would be the branch {outer:?} and {second} the branch {inner:?}, which Git cannot have together; give one of \
         them another `branch`"
    )]
    BranchBelow {
        /// The one with the shorter name.
        first: String,
        /// The other.
        second: String,
        /// The branch of the first, `DISTRO/NAME`.
        outer: String,
        /// The branch of the second.
        inner: String,
    },
    /// Nothing to check old signatures with.
    #[error(
        "archive {0:?}: history has no keyrings; without them `trust = \"served\"` has to say that the service is believed"
    )]
    NoHistoryKeyring(String),
    /// A service is believed that anybody on the way can speak for.
    #[error(
        "archive {0:?}: history is believed as it is served, so its url has to be https:// or of this machine"
    )]
    PlainHistory(String),
    /// The base is nobody's distro.
    #[error(
        "archive {archive:?}: no other archive has the distro {base:?}, on which this one is said to build"
    )]
    NoBase {
        /// The archive.
        archive: String,
        /// The distro.
        base: String,
    },
    /// A limit that lets nothing through.
    #[error("archive {archive:?}: transfer.{key} cannot be 0")]
    Zero {
        /// The archive.
        archive: String,
        /// The key.
        key: &'static str,
    },
}

/// Checks all archives, alone and together.
pub fn check(archives: &[Archive]) -> Result<(), ConfigError> {
    let mut names = HashMap::new();
    let mut branches: HashMap<String, String> = HashMap::new();
    for archive in archives {
        if names.insert(&archive.name, ()).is_some() {
            return Err(ConfigError::SameName(archive.name.clone()));
        }
        archive.check()?;
        lineage::check(archive, archives)?;
        for suite in archive.suites.iter().filter(|suite| !pattern::is_pattern(&suite.name)) {
            let Some(name) = suite.fixed_branch() else { continue };
            let branch = format!("{}/{name}", archive.distro);
            let here = format!("archive {}, suite {}", archive.name, suite.name);
            if let Some(first) = branches.insert(branch.clone(), here.clone()) {
                return Err(ConfigError::SameBranch { first, second: here, branch });
            }
        }
    }
    check_folders(&branches)
}

/// No branch may be a folder of another.
fn check_folders(branches: &HashMap<String, String>) -> Result<(), ConfigError> {
    for (inner, second) in branches {
        let mut outer = inner.as_str();
        while let Some((shorter, _)) = outer.rsplit_once('/') {
            outer = shorter;
            if let Some(first) = branches.get(outer) {
                let (first, second) = (first.clone(), second.clone());
                let (outer, inner) = (outer.to_owned(), inner.clone());
                return Err(ConfigError::BranchBelow { first, second, outer, inner });
            }
        }
    }
    Ok(())
}

impl Archive {
    fn check(&self) -> Result<(), ConfigError> {
        let name = || self.name.clone();
        if self.apt && !self.mirrors.is_empty() {
            return Err(ConfigError::AptAndMirrors(name()));
        }
        if !self.apt {
            if self.mirrors.is_empty() {
                return Err(ConfigError::NoMirror(name()));
            }
            if self.suites.is_empty() {
                return Err(ConfigError::NoSuite(name()));
            }
            if self.keyrings.is_empty() {
                return Err(ConfigError::NoKeyring(name()));
            }
        }
        for (key, zero) in [
            ("bandwidth", self.transfer.bandwidth == Some(0)),
            ("connections", self.transfer.connections == 0),
        ] {
            if zero {
                return Err(ConfigError::Zero { archive: name(), key });
            }
        }
        let bad = |what, name: &str| ConfigError::BadName {
            archive: self.name.clone(),
            what,
            name: name.to_owned(),
        };
        if let Some(component) = self.components.iter().find(|name| !is_path(name)) {
            return Err(bad("component", component));
        }
        self.suites.iter().try_for_each(|suite| suite.check(self, &bad))
    }

    /// How often a suite is polled.
    pub fn interval(&self, suite: &Suite) -> Duration {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        if suite.end_of_life { self.poll_interval.max(DAY) } else { self.poll_interval }
    }
}

impl Suite {
    fn check(
        &self,
        archive: &Archive,
        bad: &impl Fn(&'static str, &str) -> ConfigError,
    ) -> Result<(), ConfigError> {
        let plain: String = self.name.chars().filter(|c| !"*?[]!^".contains(*c)).collect();
        // Of a pattern of stars alone nothing is left, and a flat archive may be the mirror's own folder.
        let nothing_left = plain.is_empty() && pattern::is_pattern(&self.name);
        let flat = self.name.ends_with('/');
        let own_folder = flat && matches!(plain.as_str(), "./" | "/");
        if !(nothing_left || own_folder || is_path(plain.strip_suffix('/').unwrap_or(&plain))) {
            return Err(bad("suite", &self.name));
        }
        let (archive, suite) = (archive.name.clone(), self.name.clone());
        match &self.branch {
            None if self.name.contains('/') => Err(ConfigError::NeedsBranch { archive, suite }),
            Some(branch) if pattern::is_pattern(&self.name) && !branch.contains("{suite}") => {
                Err(ConfigError::OneBranch { archive, suite })
            }
            _ => Ok(()),
        }
    }

    /// The branch, as far as it is known before the index is.
    pub fn fixed_branch(&self) -> Option<String> {
        match &self.branch {
            Some(branch) => Some(branch.replace("{suite}", &self.name)),
            None => Some(self.name.clone()),
        }
    }

    /// The branch of a suite that this entry stands for.
    ///
    /// What is configured counts. Else a suite that is asked for by an alias (`stable`) has its codename's branch;
    /// but where several suites share a codename (`noble` and `noble-updates` in Ubuntu) the name stays.
    pub fn branch(&self, asked: &str, codename: Option<&str>) -> String {
        if let Some(branch) = &self.branch {
            return branch.replace("{suite}", asked);
        }
        match codename {
            Some(codename) if !asked.starts_with(codename) => codename.to_owned(),
            _ => asked.to_owned(),
        }
    }
}

/// One or more names with slashes between them, none of which leads elsewhere.
pub(crate) fn is_path(text: &str) -> bool {
    let part = |part: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+~:,=".contains(&byte);
        !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(fits)
    };
    text.len() <= 1024 && text.split('/').all(part)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
