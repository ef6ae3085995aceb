//! What went wrong with a version, in words that programs can rely on: stage and code.

use std::fmt;
use std::io;

use archive::signature::SignatureError;
use packaging_repo::Error as RepoError;
use serde::{Deserialize, Serialize};
use source_package::dsc::DscError;
use source_package::finish::FinishError;
use source_package::layout::LayoutError;
use source_package::limits::OverLimit;
use source_package::links::TraversalError;
use source_package::printable::Printable;
use source_package::source::SourceError;
use source_package::tree::TreeError;
use source_package::unpack::{EntryError, UnpackError};

/// The part of an import in which a failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Finding out what was published.
    Poll,
    /// Getting the files.
    Fetch,
    /// Signature, `.dsc` and checksums.
    Verify,
    /// Decompressing and unpacking.
    Unpack,
    /// Applying patches.
    Patch,
    /// Writing objects.
    Commit,
    /// Moving refs.
    Publish,
    /// The state database.
    State,
    /// The child process itself.
    Worker,
}

impl Stage {
    /// The stage that a word names.
    pub fn from_word(word: &str) -> Option<Stage> {
        use Stage::{Commit, Fetch, Patch, Poll, Publish, State, Unpack, Verify, Worker};
        let all = [Poll, Fetch, Verify, Unpack, Patch, Commit, Publish, State, Worker];
        all.into_iter().find(|stage| stage.as_str() == word)
    }

    /// The stage as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Poll => "poll",
            Stage::Fetch => "fetch",
            Stage::Verify => "verify",
            Stage::Unpack => "unpack",
            Stage::Patch => "patch",
            Stage::Commit => "commit",
            Stage::Publish => "publish",
            Stage::State => "state",
            Stage::Worker => "worker",
        }
    }
}

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// A word for the kind of failure; the list stands in `docs/failures.md`.
    pub code: String,
    /// The cause, for a person.
    pub message: String,
}

impl Failure {
    /// A failure with a code of ours.
    pub fn new(stage: Stage, code: &str, message: impl ToString) -> Failure {
        Failure { stage, code: code.to_owned(), message: Printable(&message.to_string()).to_string() }
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
            SignatureError::Start(_) => "no-gpgv",
            SignatureError::NoKeyring | SignatureError::Keyring(_) => "no-keyring",
            SignatureError::Unsigned => "unsigned",
            SignatureError::NotGood(_) | SignatureError::UnknownKey(_) => "bad-signature",
        };
        Failure::new(Stage::Verify, code, error)
    }
}

impl From<DscError> for Failure {
    fn from(error: DscError) -> Self {
        let code = match error {
            DscError::UnsupportedFormat(_) => "unsupported-format",
            DscError::Weak(_) => "weak-checksums",
            DscError::TooLarge { .. } => "dsc-too-large",
            _ => "bad-dsc",
        };
        Failure::new(Stage::Verify, code, error)
    }
}

impl From<LayoutError> for Failure {
    fn from(error: LayoutError) -> Self {
        Failure::new(Stage::Verify, "bad-file-list", error)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let (stage, code) = match &error {
            SourceError::Read { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                (Stage::Fetch, "missing-file")
            }
            SourceError::Read { .. } => (Stage::Fetch, "unreadable-file"),
            SourceError::Mismatch(mismatch) if mismatch.what == "size" => (Stage::Verify, "size-mismatch"),
            SourceError::Mismatch(_) => (Stage::Verify, "checksum-mismatch"),
            SourceError::Compression { .. } => (Stage::Unpack, "bad-compression"),
            SourceError::Unpack { error, .. } => unpack_code(error),
            SourceError::Limit { limit, .. } => (Stage::Unpack, limit_code(limit)),
            SourceError::Overlay { error: TreeError::Store(error), .. } => store_code(error),
            SourceError::Overlay { .. } | SourceError::Component { .. } => (Stage::Unpack, "overlay"),
            SourceError::Diff { error, .. } => match error.store_error() {
                Some(error) => store_code(error),
                None if error.is_limit() => (Stage::Patch, "too-much-work"),
                None => (Stage::Patch, "diff-does-not-apply"),
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
            FinishError::Traversal(TraversalError::TooLong(_)) => (Stage::Unpack, "too-many-links"),
            FinishError::Traversal(_) => (Stage::Unpack, "link-out-of-source"),
            FinishError::Tree(TreeError::Store(error)) => store_code(error),
            FinishError::Format(_) | FinishError::Tree(_) => (Stage::Unpack, "no-debian-folder"),
            FinishError::Store(error) => store_code(error),
        };
        Failure::new(stage, code, &error)
    }
}

impl From<RepoError> for Failure {
    fn from(error: RepoError) -> Self {
        let (stage, code) = match (&error, error.disk_error()) {
            (RepoError::Fenced { .. }, _) => (Stage::Publish, "superseded"),
            (RepoError::RefMoved { .. }, _) => (Stage::Publish, "ref-moved"),
            (RepoError::Locked(_), _) => (Stage::Publish, "locked"),
            (RepoError::BadRefName(_), _) => (Stage::Publish, "bad-ref-name"),
            (RepoError::TagExists { .. }, _) => (Stage::Publish, "tag-exists"),
            (RepoError::NameConflict { .. }, _) => (Stage::Publish, "ref-blocked"),
            (RepoError::BrokenRecord(_), _) => (Stage::Verify, "broken-record"),
            (RepoError::WritesTooMuch(_), _) => (Stage::Commit, "writes-too-much"),
            (RepoError::NoGit { .. }, _) => (Stage::Worker, "cannot-start"),
            (RepoError::Busy(_), _) => (Stage::Worker, "lock-held"),
            (_, Some(error)) => store_code(error),
            (_, None) => (Stage::Commit, "repository"),
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

fn unpack_code(error: &UnpackError) -> (Stage, &'static str) {
    match error {
        UnpackError::Tar(_) => (Stage::Unpack, "bad-tar"),
        UnpackError::Limit(limit) => (Stage::Unpack, limit_code(limit)),
        UnpackError::Store(error) => store_code(error),
        UnpackError::Entry { reason, .. } => (
            Stage::Unpack,
            match reason {
                EntryError::Absolute | EntryError::Climbs => "unsafe-path",
                EntryError::Tree(TreeError::Store(error)) => return store_code(error),
                EntryError::Tree(TreeError::ThroughLink { .. }) => "through-link",
                EntryError::Device => "device",
                EntryError::MissingTarget(_) | EntryError::FolderTarget(_) => "bad-hard-link",
                EntryError::LongName => "path-too-long",
                EntryError::NoName
                | EntryError::NoTarget
                | EntryError::Continuation
                | EntryError::Tree(_) => "bad-entry",
            },
        ),
    }
}

fn limit_code(limit: &OverLimit) -> &'static str {
    match limit {
        OverLimit::UnpackedBytes(_) => "too-many-bytes",
        OverLimit::Entries(_) => "too-many-entries",
        OverLimit::PathLength(_) => "path-too-long",
        OverLimit::ExpansionRatio(_) => "expands-too-much",
        OverLimit::HoleBytes(_) => "too-many-holes",
    }
}

/// A failure of the disk is not the package's fault, and a full one needs another answer than a broken one.
fn store_code(error: &io::Error) -> (Stage, &'static str) {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<RepoError>());
    if let Some(RepoError::WritesTooMuch(_)) = inner {
        return (Stage::Commit, "writes-too-much");
    }
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (Stage::Commit, "disk-full"),
        io::ErrorKind::FileTooLarge => (Stage::Commit, "file-too-large"),
        _ => (Stage::Commit, "store"),
    }
}
