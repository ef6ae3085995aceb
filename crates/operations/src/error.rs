//! Errors of questions and actions.

use std::io;

use importer::config::ConfigError;
use importer::inspect::InspectError;
use state::StateError;

/// Class of an error, by what a caller does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The request, or the configuration, cannot be used.
    Usage,
    /// It may not be done: by this role or login, or now.
    Refused,
    /// There is nothing of that name.
    NotFound,
    /// The database, the repository or a file cannot be used now.
    Unavailable,
}

/// Error of a question or an action. The text says what happened, to what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The user's role does not allow it.
    #[error("{actor} may not {action}: it takes the role {needed}, and {actor} has {role}")]
    Role {
        /// Name of the user.
        actor: String,
        /// Name of the action.
        action: &'static str,
        /// The role that may.
        needed: crate::Role,
        /// The role that was given.
        role: crate::Role,
    },
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// A root whose state is gone.
    #[error(
        "there are repositories without a state: `package-import restore --state-only BACKUP` brings it back, \
         `package-import adopt` makes a new one from them"
    )]
    Stateless(#[source] StateError),
    /// Error of the state.
    #[error(transparent)]
    State(#[from] StateError),
    /// Error of the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Error of a repository.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// An error of this machine that an import meets, too: its text has stage and code.
    #[error("{0}")]
    Failed(String),
    /// A file or folder.
    #[error("{what}")]
    File {
        /// Description of what was tried.
        what: String,
        /// Error of the file system.
        #[source]
        error: io::Error,
    },
}

impl Error {
    /// Class of the error.
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
