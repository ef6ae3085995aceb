//! Reasons why a check has no data to judge. Each kind has its own status, which options can set.

use crate::threshold::ThresholdError;

/// Reason why a check has no answer, as a sentence with advice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No data yet: no database, no run, no views. `--no-data` sets the status.
    #[error("{0}")]
    NoData(String),
    /// The time limit is reached: a lock, a hanging disk, a silent server. `--timeout-state` sets the status.
    #[error("{0}")]
    TimedOut(String),
    /// The check's own options, configuration or rights are wrong: always UNKNOWN.
    #[error("{0}")]
    Unusable(String),
    /// An unusable threshold in the configuration. The kit adds section and key.
    #[error("config.toml: {error}")]
    Threshold {
        /// Name of the key: `warning` or `critical`.
        key: &'static str,
        /// Error of the threshold.
        error: ThresholdError,
    },
    /// The database is damaged, and in what way if that is not all there is to say. [`Check::DAMAGED`] has the status,
    /// and what to do.
    ///
    /// [`Check::DAMAGED`]: crate::Check::DAMAGED
    #[error("database damaged{0}")]
    Damaged(String),
}

impl Trouble {
    /// There is no data to judge, and what to do.
    pub fn no_data(text: impl Into<String>) -> Trouble {
        Trouble::NoData(text.into())
    }

    /// The check cannot be made, and what to do.
    pub fn unusable(text: impl Into<String>) -> Trouble {
        Trouble::Unusable(text.into())
    }
}
