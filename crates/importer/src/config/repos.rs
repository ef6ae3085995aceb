//! `[repos]` of `config.toml`: what the repositories of this host are.

use serde::Deserialize;

use crate::publishing::config::RemoteConfig;

/// `[repos]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Repos {
    /// Whether they are kept for good.
    pub mode: Mode,
    /// Bytes that a cache may have; what was used longest ago goes first.
    pub limit: u64,
}

impl Default for Repos {
    fn default() -> Self {
        Repos { mode: Mode::Local, limit: 100 << 30 }
    }
}

/// What the repositories of a host are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The truth: they stay.
    Local,
    /// A cache of what the one remote has: they may go at any instant.
    Cache,
}

/// Why `[repos]` cannot be meant as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "[repos] mode = \"cache\" needs exactly one [[remotes]], which has the repositories, and there are {remotes}; let that server \
     mirror to others"
)]
pub struct Wrong {
    remotes: usize,
}

impl Repos {
    /// Whether they are a cache.
    pub fn is_cache(&self) -> bool {
        self.mode == Mode::Cache
    }

    /// Checks it together with the remotes.
    ///
    /// # Errors
    /// Not one remote.
    pub fn check(&self, remotes: &[RemoteConfig]) -> Result<(), Wrong> {
        if self.is_cache() && remotes.len() != 1 { Err(Wrong { remotes: remotes.len() }) } else { Ok(()) }
    }
}
