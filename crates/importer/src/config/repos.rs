//! `[repos]` of `config.toml`: the role of this host's repositories.

use serde::Deserialize;

use crate::publishing::config::RemoteConfig;

/// Section `[repos]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repos {
    /// Role of the repositories.
    pub mode: Mode,
    /// Maximum size of a cache in bytes; the least recently used repositories are removed first.
    pub limit: u64,
}

impl Default for Repos {
    fn default() -> Self {
        Repos { mode: Mode::Local, limit: 100 << 30 }
    }
}

/// The role of a host's repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The repositories are the primary copy: they are kept.
    Local,
    /// The repositories are a cache of the one remote: they may be removed at any time.
    Cache,
}

/// Error for a section `[repos]` that does not fit the remotes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "[repos] mode = \"cache\" needs exactly one [[remotes]], which has the repositories, and there are {remotes}; let that server \
     mirror to others"
)]
pub struct Wrong {
    remotes: usize,
}

impl Repos {
    /// True if the repositories are a cache.
    pub fn is_cache(&self) -> bool {
        self.mode == Mode::Cache
    }

    /// Checks the section together with the remotes.
    ///
    /// # Errors
    /// A cache without exactly one remote.
    pub fn check(&self, remotes: &[RemoteConfig]) -> Result<(), Wrong> {
        if self.is_cache() && remotes.len() != 1 { Err(Wrong { remotes: remotes.len() }) } else { Ok(()) }
    }
}
