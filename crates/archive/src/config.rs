//! Configuration of archives: `[[archives]]` in `config.toml`.

mod error;
mod lineage;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

pub use self::error::ConfigError;
pub use self::lineage::{Base, History, HistoryTrust};
use crate::location::Location;
use crate::pattern;

/// One archive.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// Its name in messages and in the state; unique.
    pub name: String,
    /// Distro of its branches and tags.
    pub distro: String,
    /// Addresses, the best first: `https://...`, `http://...`, `file:///...`.
    #[serde(default)]
    pub mirrors: Vec<Location>,
    /// Use the machine's own apt, with its sources and keyrings, in place of mirrors.
    #[serde(default)]
    pub apt: bool,
    /// Suites that are followed.
    #[serde(default)]
    pub suites: Vec<Suite>,
    /// The components that are followed; all that have source packages if none is named.
    #[serde(default)]
    pub components: Vec<String>,
    /// The keyrings whose keys may sign the index.
    #[serde(default)]
    pub keyrings: Vec<PathBuf>,
    /// Interval at which the suites are polled.
    #[serde(default = "poll_interval", deserialize_with = "duration")]
    pub poll_interval: Duration,
    /// True when files without SHA-256 are accepted (indices before 2009).
    #[serde(default)]
    pub allow_weak_checksums: bool,
    /// Age of a suite's lists above which a warning is given.
    #[serde(default)]
    pub stale_after: Option<StaleAfter>,
    /// Limits of transfers.
    #[serde(default)]
    pub transfer: Transfer,
    /// Service that has old versions.
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
    /// `Codename` or `Suite` of its index, if that is not the name that is asked for; empty for an index with neither.
    #[serde(default)]
    pub expect: Option<String>,
    /// The components that are followed, in place of the archive's.
    #[serde(default)]
    pub components: Option<Vec<String>>,
    /// True when the suite gets no uploads any more: it is polled once a day at most, and `Valid-Until` is not checked.
    #[serde(default)]
    pub end_of_life: bool,
    /// Age of its lists above which a warning is given, in place of the archive's.
    #[serde(default)]
    pub stale_after: Option<StaleAfter>,
}

/// Allowed age of lists: a duration, or `never` for any age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleAfter(Duration);

impl<'de> Deserialize<'de> for StaleAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "never" {
            return Ok(StaleAfter(Duration::ZERO));
        }
        match humantime::parse_duration(&text) {
            Ok(time) if time.is_zero() => Err(serde::de::Error::custom("a time, or \"never\"")),
            Ok(time) => Ok(StaleAfter(time)),
            Err(error) => Err(serde::de::Error::custom(format!("{error}; a time such as 36h, or \"never\""))),
        }
    }
}

/// Limits of the transfers from one archive, by one process.
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
    /// Bytes a second below which a transfer is given up; measured over `rate_window`.
    pub minimum_rate: u64,
    /// Time over which `minimum_rate` is measured.
    #[serde(deserialize_with = "duration")]
    pub rate_window: Duration,
    /// Longest `Retry-After` that a fetch waits for. A longer one is an error with the time of the next try.
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

/// Checks all archives, alone and together.
///
/// # Errors
/// [`ConfigError`] with the first archive, suite or key that cannot be used.
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
        let own = self.suites.iter().flat_map(|suite| suite.components.iter().flatten());
        if let Some(component) = self.components.iter().chain(own).find(|name| !is_path(name)) {
            return Err(bad("component", component));
        }
        self.suites.iter().try_for_each(|suite| suite.check(self, &bad))
    }

    /// The components of a suite that are followed; all that have source packages if none is named.
    pub fn components<'a>(&'a self, suite: &'a Suite) -> &'a [String] {
        suite.components.as_deref().unwrap_or(&self.components)
    }

    /// Age of a suite's lists above which a warning is given; zero for any age; `None` if nothing is configured, so
    /// that the suite's own past decides.
    pub fn stale_after(&self, suite: &Suite) -> Option<Duration> {
        if suite.end_of_life {
            return Some(Duration::ZERO);
        }
        suite.stale_after.or(self.stale_after).map(|limit| limit.0)
    }

    /// Interval at which a suite is polled.
    pub fn interval(&self, suite: &Suite) -> Duration {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        if suite.end_of_life { self.poll_interval.max(DAY) } else { self.poll_interval }
    }
}

impl Suite {
    /// A suite with nothing but its name.
    pub fn named(name: &str) -> Suite {
        Suite {
            name: name.to_owned(),
            branch: None,
            expect: None,
            components: None,
            end_of_life: false,
            stale_after: None,
        }
    }

    fn check(
        &self,
        archive: &Archive,
        bad: &impl Fn(&'static str, &str) -> ConfigError,
    ) -> Result<(), ConfigError> {
        let plain: String = self.name.chars().filter(|c| !"*?[]!^".contains(*c)).collect();
        // A pattern of stars alone leaves no name, and a flat archive may be the mirror's own folder.
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
    /// A configured branch counts. Else a suite that is asked for by an alias (`stable`) has its codename's
    /// branch; but where several suites share a codename (`noble` and `noble-updates` in Ubuntu) the name stays.
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

/// True when a path of an archive stays below its folder. Any printable character is allowed.
pub(crate) fn stays_below(path: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= 255;
    path.len() <= 1024 && !path.chars().any(|c| c.is_control() || c == '\\') && path.split('/').all(part)
}

/// One or more names with slashes between them, none of which leads out of the folder.
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
