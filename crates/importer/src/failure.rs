//! Failure of a version, in words that programs can rely on: stage and code.

use std::fmt;
use std::io;

use archive::signature::SignatureError;
use packaging_repo::Error as RepoError;
use serde::{Deserialize, Serialize};
pub use source_package::code::{Code, FailureCode, Stage};
use source_package::dsc::DscError;
use source_package::finish::FinishError;
use source_package::layout::LayoutError;
use source_package::limits::OverLimit;
use source_package::links::TraversalError;
use source_package::printable::Printable;
use source_package::source::SourceError;
use source_package::tree::TreeError;
use source_package::unpack::{EntryError, UnpackError};

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stage of the import.
    pub stage: Stage,
    /// A word for the kind of failure; the list stands in `docs/failures.md`.
    pub code: FailureCode,
    /// The cause, for a person.
    pub message: String,
}

impl Failure {
    /// A failure that this program has found.
    pub fn new(stage: Stage, code: Code, message: impl ToString) -> Failure {
        Failure::reported(stage, code.into(), message)
    }

    /// A failure that a child, a row or a signal names.
    pub fn reported(stage: Stage, code: FailureCode, message: impl ToString) -> Failure {
        Failure { stage, code, message: Printable(&message.to_string()).to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}: {}", self.stage.as_str(), self.code, self.message)
    }
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        let code = match error {
            SignatureError::Start(_) => Code::NoGpgv,
            SignatureError::NoKeyring | SignatureError::Keyring(_) => Code::NoKeyring,
            SignatureError::Unsigned => Code::Unsigned,
            SignatureError::NotGood(_) | SignatureError::UnknownKey(_) => Code::BadSignature,
        };
        Failure::new(Stage::Verify, code, error)
    }
}

impl From<DscError> for Failure {
    fn from(error: DscError) -> Self {
        let code = match error {
            DscError::UnsupportedFormat(_) => Code::UnsupportedFormat,
            DscError::Weak(_) => Code::WeakChecksums,
            DscError::TooLarge { .. } => Code::DscTooLarge,
            _ => Code::BadDsc,
        };
        Failure::new(Stage::Verify, code, error)
    }
}

impl From<LayoutError> for Failure {
    fn from(error: LayoutError) -> Self {
        Failure::new(Stage::Verify, Code::BadFileList, error)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let (stage, code) = match &error {
            SourceError::Read { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                (Stage::Fetch, Code::MissingFile)
            }
            SourceError::Read { .. } => (Stage::Fetch, Code::UnreadableFile),
            SourceError::Mismatch(mismatch) if mismatch.what == "size" => (Stage::Verify, Code::SizeMismatch),
            SourceError::Mismatch(_) => (Stage::Verify, Code::ChecksumMismatch),
            SourceError::Compression { .. } => (Stage::Unpack, Code::BadCompression),
            SourceError::Unpack { error, .. } => unpack_code(error),
            SourceError::Limit { limit, .. } => (Stage::Unpack, limit_code(limit)),
            SourceError::Overlay { error: TreeError::Store(error), .. } => store_code(error),
            SourceError::Overlay { .. } | SourceError::Component { .. } => (Stage::Unpack, Code::Overlay),
            SourceError::Diff { error, .. } => match error.store_error() {
                Some(error) => store_code(error),
                None if error.is_limit() => (Stage::Patch, Code::TooMuchWork),
                None => (Stage::Patch, Code::DiffDoesNotApply),
            },
            SourceError::Store(error) => store_code(error),
        };
        Failure::new(stage, code, &error)
    }
}

impl From<FinishError> for Failure {
    fn from(error: FinishError) -> Self {
        let (stage, code) = match &error {
            FinishError::Traversal(TraversalError::Store(error)) => store_code(error),
            FinishError::Traversal(TraversalError::TooLong(_)) => (Stage::Unpack, Code::TooManyLinks),
            FinishError::Traversal(_) => (Stage::Unpack, Code::LinkOutOfSource),
            FinishError::Tree(TreeError::Store(error)) => store_code(error),
            FinishError::Format(_) | FinishError::Tree(_) => (Stage::Unpack, Code::NoDebianFolder),
            FinishError::Store(error) => store_code(error),
        };
        Failure::new(stage, code, &error)
    }
}

impl From<RepoError> for Failure {
    fn from(error: RepoError) -> Self {
        let (stage, code) = match (&error, error.disk_error()) {
            (RepoError::Fenced { .. }, _) => (Stage::Publish, Code::Superseded),
            (RepoError::RefMoved { .. }, _) => (Stage::Publish, Code::RefMoved),
            (RepoError::Locked(_), _) => (Stage::Publish, Code::Locked),
            (RepoError::BadRefName(_), _) => (Stage::Publish, Code::BadRefName),
            (RepoError::TagExists { .. }, _) => (Stage::Publish, Code::TagExists),
            (RepoError::NameConflict { .. }, _) => (Stage::Publish, Code::RefBlocked),
            (RepoError::BrokenRecord(_), _) => (Stage::Verify, Code::BrokenRecord),
            (RepoError::WritesTooMuch(_), _) => (Stage::Commit, Code::WritesTooMuch),
            (RepoError::NoGit { .. }, _) => (Stage::Worker, Code::CannotStart),
            (RepoError::Busy(_), _) => (Stage::Worker, Code::LockHeld),
            (_, Some(error)) => store_code(error),
            (_, None) => (Stage::Commit, Code::Repository),
        };
        Failure::new(stage, code, &error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let (stage, code) = store_code(&error);
        Failure::new(stage, code, &error)
    }
}

fn unpack_code(error: &UnpackError) -> (Stage, Code) {
    match error {
        UnpackError::Tar(_) => (Stage::Unpack, Code::BadTar),
        UnpackError::Limit(limit) => (Stage::Unpack, limit_code(limit)),
        UnpackError::Store(error) => store_code(error),
        UnpackError::Entry { reason, .. } => (
            Stage::Unpack,
            match reason {
                EntryError::Absolute | EntryError::Climbs => Code::UnsafePath,
                EntryError::Tree(TreeError::Store(error)) => return store_code(error),
                EntryError::Tree(TreeError::ThroughLink { .. }) => Code::ThroughLink,
                EntryError::Device => Code::Device,
                EntryError::MissingTarget(_) | EntryError::FolderTarget(_) => Code::BadHardLink,
                EntryError::LongName => Code::PathTooLong,
                EntryError::NoName
                | EntryError::NoTarget
                | EntryError::Continuation
                | EntryError::Tree(_) => Code::BadEntry,
            },
        ),
    }
}

fn limit_code(limit: &OverLimit) -> Code {
    match limit {
        OverLimit::UnpackedBytes(_) => Code::TooManyBytes,
        OverLimit::Entries(_) => Code::TooManyEntries,
        OverLimit::PathLength(_) => Code::PathTooLong,
        OverLimit::ExpansionRatio(_) => Code::ExpandsTooMuch,
        OverLimit::HoleBytes(_) => Code::TooManyHoles,
    }
}

/// A failure of the disk is not the package's fault, and a full one needs another answer than a broken one.
fn store_code(error: &io::Error) -> (Stage, Code) {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<RepoError>());
    if let Some(RepoError::WritesTooMuch(_)) = inner {
        return (Stage::Commit, Code::WritesTooMuch);
    }
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (Stage::Commit, Code::DiskFull),
        io::ErrorKind::FileTooLarge => (Stage::Commit, Code::FileTooLarge),
        _ => (Stage::Commit, Code::Store),
    }
}
