//! The states of a check.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A state, in the words of Nagios; a later one is worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Normal, or the norm is not known yet.
    #[default]
    Ok,
    /// There is nothing to judge.
    Unknown,
    /// There is more than normal.
    Warning,
    /// Far more than normal.
    Critical,
}

impl State {
    /// The state as a check prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Unknown => "UNKNOWN",
            State::Warning => "WARNING",
            State::Critical => "CRITICAL",
        }
    }

    /// True when an operator should be told.
    pub fn alerts(self) -> bool {
        self >= State::Warning
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
