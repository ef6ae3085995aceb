//! Errors of backups.

use std::io;
use std::path::{Path, PathBuf};

use state::StateError;

/// Reason why a backup could not be taken, checked or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Error of the state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state could not be copied.
    #[error("cannot copy the state to {}: {error}", path.display())]
    Copy {
        /// The copy.
        path: PathBuf,
        /// Error of the state.
        error: Box<StateError>,
    },
    /// A repository could not be read.
    #[error(transparent)]
    Repository(#[from] packaging_repo::Error),
    /// Error of a file.
    #[error("cannot {verb} {}: {error}", path.display())]
    File {
        /// Verb of what was tried, for the message.
        verb: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        error: io::Error,
    },
    /// A repository is changed without a pause.
    #[error("{} changes faster than it can be copied; try again when less is going on", .0.display())]
    Restless(PathBuf),
    /// Another backup is at work.
    #[error("{0}: another backup into this folder is at work")]
    Busy(bounded::lock::Held),
    /// As many backups were made in one second as can have a name.
    #[error("{} has too many backups of one second; try again", .0.display())]
    TooMany(PathBuf),
    /// There is no backup at this path.
    #[error("{} holds no finished backup", .0.display())]
    NoBackup(PathBuf),
    /// The backup has changed since it was made.
    #[error("the backup {} is damaged and was not used: {}", path.display(), problems.join("; "))]
    Damaged {
        /// Path of the backup.
        path: PathBuf,
        /// Some of the problems.
        problems: Vec<String>,
    },
    /// A newer program made it.
    #[error("the backup {} has form {found}, made by a newer package-import: upgrade this one", path.display())]
    Newer {
        /// Path of the backup.
        path: PathBuf,
        /// Number of its form.
        found: u32,
    },
    /// It lacks a package.
    #[error("the backup {} has no repository of {package}; an older one may have it", path.display())]
    NotInBackup {
        /// The package.
        package: String,
        /// The backup.
        path: PathBuf,
    },
    /// It is of another installation.
    #[error(
        "the backup {} is of another installation: its key is not the one of this root, which would take no ref of it for \
         its own", .0.display()
    )]
    OtherKey(PathBuf),
    /// Something would be overwritten.
    #[error("{} is not empty, and nothing is overwritten: move it away (of a state.db also -wal and -shm), or name what you want \
         with --package", .0.display())]
    NotEmpty(PathBuf),
}

impl BackupError {
    pub(crate) fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
        let path = path.to_owned();
        move |error| BackupError::File { verb, path, error }
    }
}
