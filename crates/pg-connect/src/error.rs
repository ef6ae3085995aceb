//! Errors, as sentences for the person who has to remove the cause. None of them quotes a whole connection string.

use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;

/// Reason why a connection string cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It holds a password.
    #[error("a password does not belong in a connection string: put it into a pass file (mode 0600)")]
    Password,
    /// An unknown key, or a value that asks for something unsupported.
    #[error("the key \"{0}\" is not supported in a connection string")]
    UnknownKey(String),
    /// A key that occurs twice.
    #[error("the key \"{0}\" is given twice")]
    Twice(String),
    /// The value of a key cannot be used. The value itself is not shown: it may be a misplaced password.
    #[error("the value of \"{key}\" must be {wanted}")]
    Value {
        /// Name of the key.
        key: String,
        /// Values that are allowed.
        wanted: &'static str,
    },
    /// The text is neither a URL nor `key=value` words.
    #[error("malformed connection string: {0}")]
    Malformed(&'static str),
    /// Lists of different lengths.
    #[error("{0} and host are lists of different lengths")]
    Lists(&'static str),
}

/// Reason why there is no connection: the error of each server, in the order of the attempts.
#[derive(Debug)]
pub struct ConnectError {
    /// Server and failure; never empty.
    pub attempts: Vec<(String, Failure)>,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (server, failure)) in self.attempts.iter().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}cannot connect to {server}: {failure}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {}

impl ConnectError {
    /// True when the same call may succeed later: a server is unreachable, is starting, or has no connection left. A
    /// login that is refused or a bad file of certificates needs a person.
    pub fn may_pass(&self) -> bool {
        self.attempts.iter().any(|(_, failure)| match failure {
            Failure::TimedOut(_) | Failure::TooManyWaiting(_) | Failure::Thread(_) | Failure::Lost => true,
            Failure::Refused { source, note: None } => source.code().is_none_or(|code| {
                let code = code.code();
                code.starts_with("08") || code.starts_with("53") || code.starts_with("57P")
            }),
            _ => false,
        })
    }
}

/// Error of one server.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No user was given, and the system does not know one either.
    #[error("no user is given, and the name of this process's user is unknown")]
    NoUser,
    /// The root certificates cannot be used.
    #[error("the root certificates in {} cannot be used: {reason}", path.display())]
    RootCertificates {
        /// Path of the file.
        path: PathBuf,
        /// Description of the error.
        reason: String,
    },
    /// `verify-ca` and `verify-full` need trusted certificates.
    #[error("sslmode {0} needs sslrootcert, the file of the authority's certificate (or \"system\")")]
    NoRootCertificates(&'static str),
    /// It took too long.
    #[error("no answer within {0} s (connect_timeout)")]
    TimedOut(u64),
    /// Servers that do not answer already occupy several threads.
    #[error("{0} earlier attempts are still without an answer")]
    TooManyWaiting(usize),
    /// The system refused a thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The connecting thread ended without a result, which is a defect.
    #[error("the attempt ended without a result")]
    Lost,
    /// The server, or the network on the way to it, refused.
    #[error("{}{}", describe(source), note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default())]
    Refused {
        /// Error of the client library.
        source: postgres::Error,
        /// Reason why there was no password, if there was none.
        note: Option<String>,
    },
    /// The TLS library refused its configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// Message of a [`postgres::Error`], with its cause: its own text is only a category ("db error"). For a certificate
/// that is not trusted, advice is added.
pub fn describe(error: &postgres::Error) -> String {
    let text = told(error);
    match certificate_advice(&text) {
        Some(advice) => format!("{text}: {advice}"),
        None => text,
    }
}

/// Advice about a server's certificate that is not trusted.
fn certificate_advice(text: &str) -> Option<&'static str> {
    let (_, why) = text.split_once("invalid peer certificate")?;
    Some(if why.contains("xpired") || why.contains("NotValidYet") || why.contains("not valid yet") {
        "renew the certificate of the server, or set the clock right"
    } else if why.contains("NotValidForName") || why.contains("not valid for name") {
        "use the name that stands in its subjectAltName, or have it certified for this one"
    } else {
        "if the server has a new certificate, put it, or that of its authority, into the file that sslrootcert names"
    })
}

fn told(error: &postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{}: {} ({})", db.severity(), db.message(), db.code().code());
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let detail = error.to_string();
        if !text.contains(&detail) {
            text = format!("{text}: {detail}");
        }
        cause = error.source();
    }
    text
}
