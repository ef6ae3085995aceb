//! What can go wrong with the state.

use std::path::PathBuf;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Somebody else writes, or a deadlock was resolved against us: the transaction can be tried again.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The connection broke. What a transaction that was not committed did is gone.
    #[error("the connection to the database is lost: {0}")]
    Lost(String),
    /// The server or its disk cannot write now: no room, no memory, a read-only copy.
    #[error("the database cannot be written to: {0}")]
    Unable(String),
    /// This login may not do it.
    #[error("{0}")]
    Denied(String),
    /// What stands in the file makes no sense.
    #[error("damaged: {0}")]
    Damaged(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Why something could not be remembered or recalled.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The database. Its error is told here and is no source, or whoever shows the whole chain would tell it twice.
    #[error("state database: {0}")]
    Database(DbError),
    /// It cannot be opened, because it is damaged.
    #[error("the state database {name} is damaged: {cause}")]
    Damaged {
        /// The file.
        name: String,
        /// How.
        cause: String,
    },
    /// It cannot be opened.
    #[error("cannot open the state database {name}: {cause}")]
    Open {
        /// The file or the server.
        name: String,
        /// Why.
        cause: String,
    },
    /// The server is there and lets us not in.
    #[error("cannot log in to the state database {name}: {cause}")]
    Login {
        /// The server.
        name: String,
        /// Why.
        cause: String,
    },
    /// The login may not do it.
    #[error("state database: {what}; {who}")]
    Denied {
        /// What the database said.
        what: String,
        /// The login, and what it is for.
        who: String,
        /// What has to be done for it to be allowed.
        advice: String,
    },
    /// What the configuration says of it cannot be used.
    #[error("[state] url: {0}")]
    Location(String),
    /// There is none.
    #[error("there is no state database at {}; a first `package-import run` or `import` makes it", .0.display())]
    Missing(PathBuf),
    /// A newer program made it.
    #[error(
        "the state database has schema {found}, made by a newer package-import; this one knows schema {known}: upgrade it"
    )]
    Newer {
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// An older program made it.
    #[error(
        "the state database has schema {found}, this package-import needs {known}: stop what runs, then `package-import migrate`"
    )]
    Older {
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// It was copied while its original may still run.
    #[error("{0}")]
    Foreign(String),
    /// What was named does not exist.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be done now.
    #[error("{0}")]
    Refused(String),
    /// The lease is not ours any more: somebody else does this import.
    #[error("attempt {0} has lost its lease; what it did is void")]
    LeaseLost(i64),
    /// Another run is active on this host.
    #[error("a run is active on this host: {0}")]
    RunActive(String),
    /// A file beside the database.
    #[error("cannot {verb} {}: {error}", path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
}

impl From<DbError> for StateError {
    fn from(error: DbError) -> Self {
        StateError::Database(error)
    }
}

impl StateError {
    /// Whether the database is damaged, so that only a backup helps.
    pub fn is_damage(&self) -> bool {
        matches!(self, StateError::Database(DbError::Damaged(_)) | StateError::Damaged { .. })
    }

    /// Whether the database itself is out of reach, so that the same may work later.
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            StateError::Database(DbError::Busy(_) | DbError::Lost(_) | DbError::Unable(_))
                | StateError::Open { .. }
        )
    }

    /// Whether the login may not do it, so that the same works when it is given the right.
    pub fn is_denial(&self) -> bool {
        matches!(
            self,
            StateError::Denied { .. } | StateError::Login { .. } | StateError::Database(DbError::Denied(_))
        )
    }
}
