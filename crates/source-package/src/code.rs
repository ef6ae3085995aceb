//! The codes of failures: an interface. One table has for each its stages, its class, and whether a host or mount is
//! out of order. `docs/failures.md` and `docs/archives.md` have the meaning of each and advice; a test compares them
//! with this table.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words;

words! {
    /// The part of an import in which a failure happened.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    Stage {
        /// Polling an archive.
        Poll = "poll",
        /// Fetching the files.
        Fetch = "fetch",
        /// Signature, `.dsc` and checksums.
        Verify = "verify",
        /// Decompressing and unpacking the tarballs.
        Unpack = "unpack",
        /// Applying the patches.
        Patch = "patch",
        /// Writing Git objects.
        Commit = "commit",
        /// Moving refs.
        Publish = "publish",
        /// Reading or writing the state database.
        State = "state",
        /// The child process itself.
        Worker = "worker",
    }
}

words! {
    /// Class of a code: the meaning of a failure for the next try.
    Class {
        /// It may go away by itself.
        Transient = "transient",
        /// It stays until something is changed.
        Permanent = "permanent",
        /// The meaning is not known yet.
        Unknown = "unknown",
        /// A failure of the machine, not of the package: it never counts against the package.
        Infrastructure = "infrastructure",
    }
}

/// Makes the table: the code, its word, its stages, its class; `elsewhere` is the class in stages other than `poll` and
/// `fetch`; `outage` marks those of a host, not of a file.
macro_rules! codes {
    ($($code:ident = $word:literal [$($stage:ident)+] $class:ident $(elsewhere $elsewhere:ident)? $(($outage:ident))?,)*) => {
        words! {
            /// The kind of a failure, as a word.
            #[allow(missing_docs)] // docs/failures.md says what each means.
            Code { $($code = $word,)* }
        }

        impl Code {
            fn row(self) -> Row {
                match self {
                    $(Code::$code => {
                        let row = Row {
                            stages: &[$(Stage::$stage),+],
                            class: Class::$class,
                            elsewhere: Class::$class,
                            is_outage: false,
                        };
                        $(let row = Row { elsewhere: Class::$elsewhere, ..row };)?
                        $(let row = row.$outage();)?
                        row
                    })*
                }
            }
        }
    };
}

struct Row {
    stages: &'static [Stage],
    class: Class,
    elsewhere: Class,
    is_outage: bool,
}

impl Row {
    fn outage(self) -> Row {
        Row { is_outage: true, ..self }
    }
}

codes! {
    // An index, a list or a file of an archive.
    UnknownHost = "unknown-host" [Poll Fetch] Transient (outage),
    Connect = "connect" [Poll Fetch] Transient (outage),
    Tls = "tls" [Poll Fetch] Transient (outage),
    Timeout = "timeout" [Poll Fetch] Transient (outage),
    TooSlow = "too-slow" [Poll Fetch] Transient,
    BrokenConnection = "broken-connection" [Poll Fetch] Transient (outage),
    BadHttp = "bad-http" [Poll Fetch] Transient,
    ServerError = "server-error" [Poll Fetch] Transient (outage),
    Refused = "refused" [Poll Fetch] Unknown,
    Busy = "busy" [Poll Fetch] Transient (outage),
    WrongPart = "wrong-part" [Poll Fetch] Transient,
    NotFound = "not-found" [Poll Fetch] Unknown,
    RedirectLoop = "redirect-loop" [Poll Fetch] Transient,
    BadRedirect = "bad-redirect" [Poll Fetch] Unknown,
    Truncated = "truncated" [Poll Fetch] Transient,
    EndlessFile = "endless-file" [Poll Fetch] Transient,
    WebPage = "web-page" [Poll Fetch] Transient,
    FolderListing = "folder-listing" [Poll Fetch] Transient,
    Unreadable = "unreadable" [Poll Fetch] Transient,
    NotAFile = "not-a-file" [Poll Fetch] Permanent,
    Unmounted = "unmounted" [Poll Fetch] Transient (outage),
    TextAroundSignature = "text-around-signature" [Poll Fetch] Unknown,
    UnknownKey = "unknown-key" [Poll Fetch] Permanent,
    BadRelease = "bad-release" [Poll Fetch] Unknown,
    WrongSuite = "wrong-suite" [Poll Fetch] Permanent,
    Expired = "expired" [Poll Fetch] Transient,
    FromFuture = "from-future" [Poll Fetch] Transient,
    RolledBack = "rolled-back" [Poll Fetch] Transient,
    NoSuite = "no-suite" [Poll Fetch] Permanent,
    NoMatch = "no-match" [Poll Fetch] Permanent,
    TooManySuites = "too-many-suites" [Poll Fetch] Permanent,
    SameBranch = "same-branch" [Poll Fetch] Permanent,
    NoComponent = "no-component" [Poll Fetch] Permanent,
    NoSources = "no-sources" [Poll Fetch] Permanent,
    IndexMismatch = "index-mismatch" [Poll Fetch] Transient,
    BadSources = "bad-sources" [Poll Fetch] Unknown,
    FileChanged = "file-changed" [Poll Fetch] Transient,
    DscDisagrees = "dsc-disagrees" [Poll Fetch] Permanent,
    BadAnswer = "bad-answer" [Poll Fetch] Transient,
    UnknownVersion = "unknown-version" [Poll Fetch] Permanent,
    UnknownPackage = "unknown-package" [Poll Fetch] Permanent,
    Disk = "disk" [Poll Fetch] Infrastructure,
    NoApt = "no-apt" [Poll Fetch] Infrastructure,
    AptFailed = "apt-failed" [Poll Fetch] Transient (outage),
    AptState = "apt-state" [Poll Fetch] Infrastructure,
    // In an archive the error may be corrected, or another mirror may have the right file; in a package that is here,
    // it stays.
    BadSignature = "bad-signature" [Poll Fetch Verify] Unknown elsewhere Permanent,
    BadCompression = "bad-compression" [Poll Fetch Unpack] Unknown elsewhere Permanent,
    ExpandsTooMuch = "expands-too-much" [Poll Fetch Unpack] Unknown elsewhere Permanent,
    SizeMismatch = "size-mismatch" [Poll Fetch Verify] Transient elsewhere Permanent,
    ChecksumMismatch = "checksum-mismatch" [Poll Fetch Verify] Transient elsewhere Permanent,
    // An archive together with a package.
    Unsigned = "unsigned" [Poll Fetch Verify] Permanent,
    NoGpgv = "no-gpgv" [Poll Fetch Verify] Infrastructure,
    NoKeyring = "no-keyring" [Poll Fetch Verify] Infrastructure,
    BadDsc = "bad-dsc" [Poll Fetch Verify] Permanent,
    UnsupportedFormat = "unsupported-format" [Poll Fetch Verify] Permanent,
    WeakChecksums = "weak-checksums" [Poll Fetch Verify] Permanent,
    UnsafePath = "unsafe-path" [Poll Fetch Unpack] Permanent,
    DiskFull = "disk-full" [Poll Fetch Commit] Infrastructure,
    // Files given by hand, and rows.
    MissingFile = "missing-file" [Fetch] Unknown,
    UnreadableFile = "unreadable-file" [Fetch] Transient,
    NoDsc = "no-dsc" [Fetch] Permanent,
    NoArchive = "no-archive" [Fetch] Infrastructure,
    BadRow = "bad-row" [Fetch State] Infrastructure,
    // The `.dsc`, and the record of its repository.
    BadFileList = "bad-file-list" [Verify] Permanent,
    OtherPackage = "other-package" [Verify] Permanent,
    DscTooLarge = "dsc-too-large" [Verify] Permanent,
    RepositoryDamaged = "repository-damaged" [Verify] Permanent,
    BrokenRecord = "broken-record" [Verify] Infrastructure,
    NotOnRecord = "not-on-record" [Verify] Permanent,
    // Tarballs.
    BadTar = "bad-tar" [Unpack] Permanent,
    ThroughLink = "through-link" [Unpack] Permanent,
    Device = "device" [Unpack] Permanent,
    BadHardLink = "bad-hard-link" [Unpack] Permanent,
    BadEntry = "bad-entry" [Unpack] Permanent,
    PathTooLong = "path-too-long" [Unpack] Permanent,
    LinkOutOfSource = "link-out-of-source" [Unpack Patch] Permanent,
    TooManyLinks = "too-many-links" [Unpack] Permanent,
    NoDebianFolder = "no-debian-folder" [Unpack] Permanent,
    Overlay = "overlay" [Unpack] Permanent,
    TooManyBytes = "too-many-bytes" [Unpack] Permanent,
    TooManyEntries = "too-many-entries" [Unpack] Permanent,
    TooManyHoles = "too-many-holes" [Unpack] Permanent,
    // Patches.
    DiffDoesNotApply = "diff-does-not-apply" [Patch] Permanent,
    TooMuchWork = "too-much-work" [Patch] Permanent,
    PatchDoesNotApply = "patch-does-not-apply" [Patch] Permanent,
    MissingPatch = "missing-patch" [Patch] Permanent,
    BadSeries = "bad-series" [Patch] Permanent,
    // Objects.
    FillsDisk = "fills-disk" [Commit] Permanent,
    Store = "store" [Commit] Infrastructure,
    FileTooLarge = "file-too-large" [Commit Worker] Permanent,
    WritesTooMuch = "writes-too-much" [Commit] Permanent,
    Repository = "repository" [Commit] Unknown,
    Repack = "repack" [Commit] Unknown,
    // Refs.
    Superseded = "superseded" [Publish] Infrastructure,
    TagExists = "tag-exists" [Publish] Transient,
    BadRefName = "bad-ref-name" [Publish] Permanent,
    Blocked = "blocked" [Publish] Permanent,
    RefBlocked = "ref-blocked" [Publish] Permanent,
    RefMoved = "ref-moved" [Publish] Transient,
    Locked = "locked" [Publish] Transient,
    RepositoryLost = "repository-lost" [Publish] Infrastructure,
    // The remote of the repositories, if these are a cache.
    RemoteAway = "remote-away" [Publish] Transient (outage),
    RemoteNoEntry = "remote-no-entry" [Publish] Infrastructure,
    RemotePaced = "remote-paced" [Publish] Transient (outage),
    RemoteMissing = "remote-missing" [Publish] Unknown,
    RemoteRefused = "remote-refused" [Publish] Unknown,
    RemoteTooLarge = "remote-too-large" [Publish] Permanent,
    StaleLock = "stale-lock" [Publish] Unknown,
    RemoteRaced = "remote-raced" [Publish] Transient,
    RemoteLate = "remote-late" [Publish] Transient,
    RemoteLocal = "remote-local" [Publish] Infrastructure,
    RemoteFailed = "remote-failed" [Publish] Unknown,
    // The database.
    OlderThanRepositories = "older-than-repositories" [State] Infrastructure,
    Unreachable = "unreachable" [State] Infrastructure,
    StateFailed = "state" [State] Infrastructure,
    NotRecorded = "not-recorded" [State] Infrastructure,
    // The process of an import. One that a signal ended has the signal's name: see [`class`].
    OutOfTime = "out-of-time" [Worker] Unknown,
    OutOfMemory = "out-of-memory" [Worker] Unknown,
    Killed = "killed" [Worker] Infrastructure,
    LockHeld = "lock-held" [Worker] Infrastructure,
    Stuck = "stuck" [Worker] Infrastructure,
    Lost = "lost" [Worker] Infrastructure,
    CannotStart = "cannot-start" [Worker] Infrastructure,
    Sandbox = "sandbox" [Worker] Infrastructure,
    Crashed = "crashed" [Worker] Unknown,
    Held = "held" [Worker] Permanent,
    Waits = "waits" [Worker] Permanent,
}

impl Code {
    /// The stages in which it occurs.
    pub fn stages(self) -> &'static [Stage] {
        self.row().stages
    }

    /// Class of the code in a stage.
    pub fn class(self, stage: Stage) -> Class {
        match stage {
            Stage::Poll | Stage::Fetch => self.row().class,
            _ => self.row().elsewhere,
        }
    }

    /// True when a host or a mount is out of order and not a file: the jobs that need it wait until it works again.
    pub fn is_outage(self) -> bool {
        self.row().is_outage
    }
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// Code of a failure: one of the table, or the word of somebody else. The latter are the names of signals, and words in
/// answers of a child or in rows of another release; they are kept as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct FailureCode(Word);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Word {
    Known(Code),
    Other(String),
}

impl FailureCode {
    /// The code of a word from outside.
    pub fn parse(word: &str) -> FailureCode {
        FailureCode(Code::from_word(word).map_or_else(|| Word::Other(word.to_owned()), Word::Known))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Word::Known(code) => code.as_str(),
            Word::Other(word) => word,
        }
    }

    /// The code, if it is one of the table.
    pub fn known(&self) -> Option<Code> {
        match &self.0 {
            Word::Known(code) => Some(*code),
            Word::Other(_) => None,
        }
    }

    /// Class of the code in a stage. A word that is not in the table has none; the class of a signal depends on its sender,
    /// which `importer` knows.
    pub fn class(&self, stage: Stage) -> Option<Class> {
        self.known().map(|code| code.class(stage))
    }
}

impl From<Code> for FailureCode {
    fn from(code: Code) -> FailureCode {
        FailureCode(Word::Known(code))
    }
}

impl From<&str> for FailureCode {
    fn from(word: &str) -> FailureCode {
        FailureCode::parse(word)
    }
}

impl From<String> for FailureCode {
    fn from(word: String) -> FailureCode {
        FailureCode::parse(&word)
    }
}

impl From<FailureCode> for String {
    fn from(code: FailureCode) -> String {
        code.as_str().to_owned()
    }
}

impl PartialEq<Code> for FailureCode {
    fn eq(&self, code: &Code) -> bool {
        self.known() == Some(*code)
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_stays_only_in_what_is_here() {
        assert_eq!(Code::ChecksumMismatch.class(Stage::Fetch), Class::Transient);
        assert_eq!(Code::ChecksumMismatch.class(Stage::Verify), Class::Permanent);
        assert_eq!(FailureCode::parse("bad-signature").class(Stage::Poll), Some(Class::Unknown));
        assert_eq!(FailureCode::parse("no-such-code").class(Stage::Poll), None);
    }

    #[test]
    fn words_of_others_are_kept() {
        for word in ["connect", "signal-QUIT", "a code of tomorrow", ""] {
            let code = FailureCode::parse(word);
            assert_eq!(code.as_str(), word);
            assert_eq!(FailureCode::from(String::from(code.clone())), code);
        }
        assert!(
            FailureCode::parse("connect") == Code::Connect
                && FailureCode::parse("signal-QUIT").known().is_none()
        );
    }

    #[test]
    fn only_what_passes_is_an_outage() {
        for code in Code::ALL.iter().filter(|code| code.is_outage()) {
            assert_eq!(code.class(Stage::Fetch), Class::Transient, "{code}");
        }
    }

    #[test]
    fn words_are_words() {
        for code in Code::ALL {
            assert_eq!(Code::from_word(code.as_str()), Some(*code));
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
            assert!(!code.stages().is_empty());
        }
        assert_eq!("poll".parse(), Ok(Stage::Poll));
    }
}
