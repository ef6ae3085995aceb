//! Errors of questions and actions.

use std::io;

use backup::BackupError;
use importer::config::ConfigError;
use importer::inspect::InspectError;
use importer::packager::CloneError;
use state::{DbError, StateError};

use crate::accounts::AccountError;

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
    /// Error of an account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Error of a backup.
    #[error(transparent)]
    Backup(Box<BackupError>),
    /// Error of a clone for packagers.
    #[error(transparent)]
    Clone(CloneError),
    /// Database file that was copied while it was written to.
    #[error("the copy is no good; copy it while nothing runs, or use backup and restore")]
    Torn(#[source] DbError),
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
            Error::Stateless(_)
            | Error::Failed(_)
            | Error::File { .. }
            | Error::Torn(_)
            | Error::Clone(_) => Class::Unavailable,
            Error::Account(error) => match error {
                AccountError::Name(_) | AccountError::Password => Class::Usage,
                AccountError::Exists(_) => Class::Refused,
                AccountError::Unknown(_) => Class::NotFound,
                _ => Class::Unavailable,
            },
            Error::Backup(error) => match error.as_ref() {
                BackupError::NoBackup(_) | BackupError::NotInBackup { .. } => Class::NotFound,
                BackupError::NotEmpty(_) | BackupError::OtherKey(_) | BackupError::Newer { .. } => {
                    Class::Refused
                }
                _ => Class::Unavailable,
            },
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

    /// An error of a file, from the description of what was tried.
    pub(crate) fn file(what: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |error| Error::File { what: what.to_owned(), error }
    }

    /// True when another run is active on this host.
    pub fn is_run_active(&self) -> bool {
        matches!(self.of_state(), Some(StateError::RunActive(_)))
    }

    /// The text, followed by those of the errors that it comes from.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }

    /// The error of the state that it comes from, if it does.
    pub fn of_state(&self) -> Option<&StateError> {
        match self {
            Error::State(error) | Error::Stateless(error) => Some(error),
            _ => None,
        }
    }
}
