//! Why something was not answered or not done.

use std::io;

use importer::config::ConfigError;
use importer::inspect::InspectError;
use state::StateError;

/// What kind of error it is: what a caller does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// What was asked for, or the configuration, cannot be used as it is.
    Usage,
    /// It may not be done: by this role or login, or now.
    Refused,
    /// What was named does not exist.
    NotFound,
    /// The database, the repository or a file cannot be used now.
    Unavailable,
}

/// Why something was not answered or not done. The text says what happened, to what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The role of whoever asks may not do it.
    #[error("{actor} may not {action}: it takes the role {needed}, and {actor} has {role}")]
    Role {
        /// Who asks.
        actor: String,
        /// The action.
        action: &'static str,
        /// The role that may.
        needed: crate::Role,
        /// The role that was given.
        role: crate::Role,
    },
    /// What was named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// A root whose state is gone.
    #[error(
        "there are repositories without a state: `package-import restore --state-only BACKUP` brings it back, \
         `package-import adopt` makes a new one from them"
    )]
    Stateless(#[source] StateError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A repository.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// Something of this machine that an import needs, too: its text has stage and code.
    #[error("{0}")]
    Failed(String),
    /// A file or folder.
    #[error("{what}")]
    File {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        error: io::Error,
    },
}

impl Error {
    /// What a caller does about it.
    pub fn class(&self) -> Class {
        match self {
            Error::Usage(_) | Error::Config(_) => Class::Usage,
            Error::Role { .. } => Class::Refused,
            Error::NotFound(_) => Class::NotFound,
            Error::Stateless(_) | Error::Failed(_) | Error::File { .. } => Class::Unavailable,
            Error::Inspect(InspectError::Name(_) | InspectError::Version(_)) => Class::Usage,
            Error::Inspect(_) => Class::Unavailable,
            Error::State(error) => match error {
                StateError::Location(_) => Class::Usage,
                StateError::Unknown(_) => Class::NotFound,
                StateError::Refused(_)
                | StateError::Denied { .. }
                | StateError::Foreign(_)
                | StateError::RunActive(_)
                | StateError::LeaseLost(_)
                | StateError::Newer { .. }
                | StateError::Older { .. } => Class::Refused,
                _ => Class::Unavailable,
            },
        }
    }

    /// The error of the state that it comes from, if it does.
    pub fn of_state(&self) -> Option<&StateError> {
        match self {
            Error::State(error) | Error::Stateless(error) => Some(error),
            _ => None,
        }
    }
}
