//! Sources of a distro's packages: the service for old versions, and the distro that it builds on.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{Archive, ConfigError, duration};
use crate::location::Location;

/// A service that has old versions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The address of a service like Debian's snapshot.debian.org.
    pub url: Location,
    /// The least time between two requests.
    #[serde(default = "request_interval", deserialize_with = "duration")]
    pub request_interval: Duration,
    /// The keyrings whose keys may have signed an old `.dsc`, those of retired maintainers among them. A key that has
    /// expired since it signed counts.
    #[serde(default)]
    pub keyrings: Vec<PathBuf>,
    /// Reason why its content is trusted.
    #[serde(default)]
    pub trust: HistoryTrust,
    /// True when signatures with MD5, SHA-1 or RIPEMD-160 are accepted, as those before about 2012 are. They are never
    /// accepted for present publications.
    #[serde(default)]
    pub allow_weak_digests: bool,
    /// Longest time that the first import of a package waits for a service that cannot be reached.
    #[serde(default = "history_wait", deserialize_with = "duration")]
    pub longest_wait: Duration,
}

/// Reason why an old version is trusted. No index lists it any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryTrust {
    /// The `.dsc` is signed by a key of the keyrings.
    #[default]
    Signed,
    /// The service is trusted, except where gpgv finds that a `.dsc` was changed after it was signed.
    Served,
}

/// The distro whose packages this one's are built on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its name: the `distro` of another archive.
    pub distro: String,
    /// Longest time that a version waits for the one that it was built on, from its first sight.
    #[serde(default = "base_wait", deserialize_with = "duration")]
    pub longest_wait: Duration,
    /// Patterns of versions that are this distro's own; by default those with its name in them, and rebuilds.
    #[serde(default)]
    pub own: Option<Vec<String>>,
}

impl Base {
    /// Patterns of versions that do not belong to the base.
    pub fn own(&self, distro: &str) -> Vec<String> {
        self.own.clone().unwrap_or_else(|| vec![format!("*{distro}*"), "*build[0-9]*".to_owned()])
    }
}

fn history_wait() -> Duration {
    Duration::from_secs(3 * 24 * 3600)
}

fn base_wait() -> Duration {
    Duration::from_secs(12 * 3600)
}

fn request_interval() -> Duration {
    Duration::from_secs(1)
}

/// Checks the configured history and base of an archive.
pub(super) fn check(archive: &Archive, archives: &[Archive]) -> Result<(), ConfigError> {
    let name = || archive.name.clone();
    if let Some(history) = &archive.history {
        match history.trust {
            HistoryTrust::Signed if history.keyrings.is_empty() => {
                return Err(ConfigError::NoHistoryKeyring(name()));
            }
            HistoryTrust::Served if !is_safe(&history.url) => return Err(ConfigError::PlainHistory(name())),
            _ => {}
        }
    }
    if let Some(base) = &archive.base {
        let is_there = archives.iter().any(|other| other.distro == base.distro);
        if !is_there || base.distro == archive.distro {
            return Err(ConfigError::NoBase { archive: name(), base: base.distro.clone() });
        }
    }
    Ok(())
}

/// True when nobody on the way can answer in a service's place.
fn is_safe(url: &Location) -> bool {
    match url {
        Location::Folder(_) => true,
        Location::Web { base, host } => {
            let bare = host.rsplit_once(':').map_or(host.as_str(), |(bare, _)| bare);
            base.starts_with("https://") || matches!(bare, "127.0.0.1" | "localhost" | "[::1]")
        }
    }
}
