//! Errors of an archive, a mirror or a file.

use std::io;

use source_package::checksum::Mismatch;
use source_package::dsc::DscError;

use crate::apt::AptError;
use crate::error::Code;
use crate::signature::SignatureError;

/// Kind of an error. The code of each is an interface.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The message of each says what it is.
#[non_exhaustive]
pub enum Problem {
    #[error("the name of the host is not known")]
    UnknownHost,
    #[error("cannot connect: {0}")]
    Connect(String),
    #[error("no encrypted connection: {0}")]
    Tls(String),
    #[error("no {0} in time")]
    Timeout(&'static str),
    #[error("it comes too slowly: {bytes} bytes in {seconds} s")]
    TooSlow { bytes: u64, seconds: u64 },
    #[error("the connection broke off: {0}")]
    Broken(String),
    #[error("the server's answer is no HTTP: {0}")]
    BadHttp(String),
    #[error("the server answered {0}")]
    ServerError(u16),
    #[error("the server refuses it with {0}{hint}", hint = refused_hint(*.0))]
    Refused(u16),
    #[error("the server wants fewer requests, or none now (it answered {0})")]
    Busy(u16),
    #[error("the server did not send the part that was asked for: {0}")]
    WrongPart(String),
    #[error("it is not there")]
    NotFound,
    #[error("redirected in a circle, or too often, last to {0}")]
    RedirectLoop(String),
    #[error("redirected to {0:?}, which is not followed")]
    BadRedirect(String),
    #[error("it ends after {found} of {expected} bytes")]
    Truncated { found: u64, expected: u64 },
    #[error("it does not end: more than {0} bytes")]
    Endless(u64),
    #[error("a web page came in its place; is this network behind a login page?")]
    WebPage,
    #[error("a list of a folder's files came in its place")]
    FolderListing,
    #[error("cannot read it: {0}")]
    Unreadable(io::Error),
    #[error("it is no regular file")]
    NotAFile,
    #[error("there is nothing in the mirror's folder; is it mounted?")]
    Unmounted,
    #[error("it ends before its signature does; the mirror may be in the middle of an update")]
    Unfinished,
    #[error("it is not signed")]
    Unsigned,
    #[error("there is text before or after what is signed")]
    TextAroundSignature,
    #[error(transparent)]
    Signature(SignatureError),
    #[error("{0}")]
    Keyring(String),
    #[error("the index is malformed: {0}")]
    BadRelease(String),
    #[error("{}", wrong_suite(asked, found))]
    WrongSuite { asked: String, found: String },
    #[error("the index has expired: it was valid until {0}")]
    Expired(String),
    #[error("the index is of {0}, which is in the future; is the clock right?")]
    FromFuture(String),
    #[error(
        "the index is older ({found}) than the one that was accepted last ({known}); if its archive's clock was wrong, \
         `package-import poll ARCHIVE --accept-older` takes it"
    )]
    RolledBack { found: String, known: String },
    #[error("there is no suite {0}: neither InRelease nor Release is there")]
    NoSuite(String),
    #[error("no suite fits {0:?}; the last list of suites that had some goes on to count, if there was one")]
    NoMatch(String),
    #[error("{found} suites fit {pattern:?}, more than {limit}")]
    TooManySuites { pattern: String, found: usize, limit: usize },
    #[error("component {0} has no index of source packages")]
    NoComponent(String),
    #[error("no component has an index of source packages")]
    NoSources,
    #[error("the list of source packages is not the one that the index names: {0}")]
    IndexMismatch(String),
    #[error("the list of source packages cannot be decompressed: {0}")]
    BadCompression(String),
    #[error("the list of source packages expands too much: {0}")]
    ExpandsTooMuch(String),
    #[error("the list of source packages is malformed: {0}")]
    BadSources(String),
    #[error("{0:?} leads out of the archive")]
    UnsafePath(String),
    #[error("{0}")]
    SizeMismatch(Mismatch),
    #[error("{0}")]
    ChecksumMismatch(Mismatch),
    #[error("the file was replaced after the index was made ({0})")]
    FileChanged(Mismatch),
    #[error("the .dsc and the index disagree: {0}")]
    DscDisagrees(String),
    #[error(transparent)]
    BadDsc(DscError),
    #[error("{0} has no SHA-256; allow_weak_checksums of the archive would take it")]
    WeakChecksums(String),
    #[error("the answer cannot be understood: {0}")]
    BadAnswer(String),
    #[error("the history has no version {0}")]
    UnknownVersion(String),
    #[error("cannot {action}: {error}")]
    Disk { action: &'static str, error: io::Error },
    #[error("the disk is full: cannot {action}")]
    DiskFull { action: &'static str },
    #[error(transparent)]
    Apt(AptError),
}

impl Problem {
    pub(crate) fn disk(action: &'static str, error: io::Error) -> Problem {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Problem::DiskFull { action },
            _ => Problem::Disk { action, error },
        }
    }

    /// Code of the failure.
    pub fn code(&self) -> Code {
        match self {
            Problem::UnknownHost => Code::UnknownHost,
            Problem::Connect(_) => Code::Connect,
            Problem::Tls(_) => Code::Tls,
            Problem::Timeout(_) => Code::Timeout,
            Problem::TooSlow { .. } => Code::TooSlow,
            Problem::Broken(_) => Code::BrokenConnection,
            Problem::BadHttp(_) => Code::BadHttp,
            Problem::ServerError(_) => Code::ServerError,
            Problem::Refused(_) => Code::Refused,
            Problem::Busy(_) => Code::Busy,
            Problem::WrongPart(_) => Code::WrongPart,
            Problem::NotFound => Code::NotFound,
            Problem::RedirectLoop(_) => Code::RedirectLoop,
            Problem::BadRedirect(_) => Code::BadRedirect,
            Problem::Truncated { .. } => Code::Truncated,
            Problem::Endless(_) => Code::EndlessFile,
            Problem::WebPage => Code::WebPage,
            Problem::FolderListing => Code::FolderListing,
            Problem::Unreadable(_) => Code::Unreadable,
            Problem::NotAFile => Code::NotAFile,
            Problem::Unmounted => Code::Unmounted,
            Problem::Unfinished => Code::Truncated,
            Problem::Unsigned => Code::Unsigned,
            Problem::TextAroundSignature => Code::TextAroundSignature,
            Problem::Signature(error) => signature_code(error),
            Problem::Keyring(_) => Code::NoKeyring,
            Problem::BadRelease(_) => Code::BadRelease,
            Problem::WrongSuite { .. } => Code::WrongSuite,
            Problem::Expired(_) => Code::Expired,
            Problem::FromFuture(_) => Code::FromFuture,
            Problem::RolledBack { .. } => Code::RolledBack,
            Problem::NoSuite(_) => Code::NoSuite,
            Problem::NoMatch(_) => Code::NoMatch,
            Problem::TooManySuites { .. } => Code::TooManySuites,
            Problem::NoComponent(_) => Code::NoComponent,
            Problem::NoSources => Code::NoSources,
            Problem::IndexMismatch(_) => Code::IndexMismatch,
            Problem::BadCompression(_) => Code::BadCompression,
            Problem::ExpandsTooMuch(_) => Code::ExpandsTooMuch,
            Problem::BadSources(_) => Code::BadSources,
            Problem::UnsafePath(_) => Code::UnsafePath,
            Problem::SizeMismatch(_) => Code::SizeMismatch,
            Problem::ChecksumMismatch(_) => Code::ChecksumMismatch,
            Problem::FileChanged(_) => Code::FileChanged,
            Problem::DscDisagrees(_) => Code::DscDisagrees,
            Problem::BadDsc(DscError::UnsupportedFormat(_)) => Code::UnsupportedFormat,
            Problem::BadDsc(_) => Code::BadDsc,
            Problem::WeakChecksums(_) => Code::WeakChecksums,
            Problem::BadAnswer(_) => Code::BadAnswer,
            Problem::UnknownVersion(_) => Code::UnknownVersion,
            Problem::Disk { .. } => Code::Disk,
            Problem::DiskFull { .. } => Code::DiskFull,
            Problem::Apt(error) => error.code(),
        }
    }
}

/// Advice about a status by which a server refuses a file.
fn refused_hint(status: u16) -> &'static str {
    match status {
        401 => ": it wants a name and a password, which only `apt = true` with apt's auth.conf can give",
        407 => ": the proxy wants a name and a password; they can stand in the proxy's address",
        _ => "",
    }
}

/// The name in the index is not the one that was asked for.
fn wrong_suite(asked: &str, found: &str) -> String {
    if found.is_empty() {
        return format!(
            "asked for {asked}, but the index has neither Codename nor Suite; `expect = \"\"` of the suite takes one without"
        );
    }
    let name = found.split(" or ").next().unwrap_or_default();
    format!(
        "asked for {asked}, but the index is of {found}; if that is right, set `expect = \"{name}\"` of the suite"
    )
}

fn signature_code(error: &SignatureError) -> Code {
    match error {
        SignatureError::Start(_) => Code::NoGpgv,
        SignatureError::NoKeyring | SignatureError::Keyring(_) => Code::NoKeyring,
        SignatureError::Unsigned => Code::Unsigned,
        SignatureError::NotGood(_) => Code::BadSignature,
        SignatureError::UnknownKey(_) => Code::UnknownKey,
    }
}

impl From<AptError> for Problem {
    fn from(error: AptError) -> Self {
        Problem::Apt(error)
    }
}

impl From<SignatureError> for Problem {
    fn from(error: SignatureError) -> Self {
        Problem::Signature(error)
    }
}
