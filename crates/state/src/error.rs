//! Errors of the state.

use std::path::PathBuf;

/// Cause of a failed statement.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Another session is writing, or a deadlock was resolved against us: the transaction can be tried again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The connection broke. A transaction that was not committed is rolled back.
    #[error("the connection to the database is lost: {0}")]
    Lost(String),
    /// The server or its disk cannot write now: no room, no memory, a read-only copy.
    #[error("the database cannot be written to: {0}")]
    Unable(String),
    /// This login may not do it.
    #[error("{0}")]
    Denied(String),
    /// The content of the file is not a valid database.
    #[error("damaged: {0}")]
    Damaged(String),
    /// Any other error of the database.
    #[error("{0}")]
    Other(String),
}

/// Error of reading or writing the state.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Error of the database. Its text is part of this error's own text, so it is not given as source, or it would be
    /// printed twice in a chain.
    #[error("state database: {0}")]
    Database(DbError),
    /// It cannot be opened, because it is damaged.
    #[error("the state database {name} is damaged: {cause}")]
    Damaged {
        /// Name of the file or server.
        name: String,
        /// Text of the damage, as the database reports it.
        cause: String,
    },
    /// It cannot be opened.
    #[error("cannot open the state database {name}: {cause}")]
    Open {
        /// The file or the server.
        name: String,
        /// Text of the cause.
        cause: String,
    },
    /// The server answers and refuses the login.
    #[error("cannot log in to the state database {name}: {cause}")]
    Login {
        /// Name of the server.
        name: String,
        /// Text of the cause.
        cause: String,
    },
    /// The login may not do it.
    #[error("state database: {what}; {who}")]
    Denied {
        /// Text of the refusal, as the database reports it.
        what: String,
        /// Login, and the role that it is for.
        who: String,
        /// Advice: the statement or role that would allow it.
        advice: String,
    },
    /// The `[state]` section of the configuration cannot be used; the text says why.
    #[error("[state] url: {0}")]
    Location(String),
    /// There is no file of this name.
    #[error("there is no state database at {}; a first `package-import run` or `import` makes it", .0.display())]
    Missing(PathBuf),
    /// A newer program made it.
    #[error(
        "the state database has schema {found}, made by a newer package-import; this one knows schema {known}: upgrade it"
    )]
    Newer {
        /// Number of its schema.
        found: i64,
        /// Number of this program's schema.
        known: i64,
    },
    /// An older program made it.
    #[error(
        "the state database has schema {found}, this package-import needs {known}: stop what runs, then `package-import migrate`"
    )]
    Older {
        /// Number of its schema.
        found: i64,
        /// Number of this program's schema.
        known: i64,
    },
    /// It was copied while its original may still run.
    #[error("{0}")]
    Foreign(String),
    /// No row has the given name or number; the text says which.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be done now.
    #[error("{0}")]
    Refused(String),
    /// The lease is lost: another worker does this import.
    #[error("attempt {0} has lost its lease; what it did is void")]
    LeaseLost(i64),
    /// Another run is active on this host.
    #[error("a run is active on this host: {0}")]
    RunActive(String),
    /// A file beside the database.
    #[error("cannot {verb} {}: {error}", path.display())]
    File {
        /// Verb of what was tried, for the message.
        verb: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        error: std::io::Error,
    },
}

impl From<DbError> for StateError {
    fn from(error: DbError) -> Self {
        StateError::Database(error)
    }
}

impl StateError {
    /// True when the database is damaged, so that only a backup helps.
    pub fn is_damage(&self) -> bool {
        matches!(self, StateError::Database(DbError::Damaged(_)) | StateError::Damaged { .. })
    }

    /// True when the database cannot be reached now, so that the same call may succeed later.
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            StateError::Database(DbError::Busy(_) | DbError::Lost(_) | DbError::Unable(_))
                | StateError::Open { .. }
        )
    }

    /// True when the login has not the right, so that the same call succeeds once the right is granted.
    pub fn is_denial(&self) -> bool {
        matches!(
            self,
            StateError::Denied { .. } | StateError::Login { .. } | StateError::Database(DbError::Denied(_))
        )
    }
}
