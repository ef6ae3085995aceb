//! Errors of a repository.

use std::io;
use std::path::{Path, PathBuf};

use crate::ObjectId;
use crate::refs::fence::Fence;
use crate::refs::refname::InvalidName;
use crate::seal::KEY;

/// Reason why a repository could not be read or written. Each names the file, object or ref.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no repository.
    #[error("there is no repository at {}", .0.display())]
    NoRepository(PathBuf),
    /// A repository format that Git can write and this program cannot.
    #[error("{} has {what}, which is not supported for a folder of this machine: reach it by ssh or HTTP", path.display())]
    Unsuitable {
        /// Path of the repository.
        path: PathBuf,
        /// Feature that is not supported.
        what: &'static str,
    },
    /// A file of the repository.
    #[error("cannot {action} {}: {error}", path.display())]
    File {
        /// Verb of what was tried, for the message.
        action: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        error: io::Error,
    },
    /// The content of a file could not be read while it was stored.
    #[error("cannot read the content to store: {0}")]
    Content(io::Error),
    /// The pack could not be written.
    #[error("cannot write the pack: {0}")]
    Pack(io::Error),
    /// More was added for one version than its limit allows.
    #[error(
        "a version stores more than {0} bytes, with what its patches make of its files (limits.written_bytes)"
    )]
    WritesTooMuch(u64),
    /// A pack holds four thousand million objects at most.
    #[error("too many objects for one pack")]
    TooManyObjects,
    /// A thread that compresses has ended.
    #[error("a compressing thread ended unexpectedly")]
    Thread,
    /// Content that was crafted to have the SHA-1 of other content.
    #[error("refused content that was made for a SHA-1 collision")]
    Collision,
    /// An object is not there.
    #[error("object {0} is missing; run `package-import verify`")]
    Missing(ObjectId),
    /// An object is of another kind.
    #[error("object {id} is no {wanted}; run `package-import verify`")]
    WrongKind {
        /// Id of the object.
        id: ObjectId,
        /// Kind that it should be.
        wanted: gix_object::Kind,
    },
    /// An object cannot be understood.
    #[error("object {id} is no {what} that can be understood; run `package-import verify`")]
    Malformed {
        /// Id of the object.
        id: ObjectId,
        /// Kind that it should be.
        what: &'static str,
    },
    /// The object database failed.
    #[error("cannot read object {id}: {cause}")]
    Odb {
        /// Id of the object.
        id: ObjectId,
        /// Text of the cause.
        cause: String,
    },
    /// A line of `packed-refs`.
    #[error(
        "{path}:{line} is malformed; `sed -i {line}d {path}` takes it out, `package-import requeue PACKAGE` adds what is \
         missing then",
        path = path.display()
    )]
    BadLine {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line.
        line: usize,
    },
    /// Another program holds a lock of Git's.
    #[error("{} is locked by another program; if none runs, remove it", .0.display())]
    Locked(PathBuf),
    /// An importer works on the repository, or another program holds its lock.
    #[error("{0}; the repository is being imported into or repacked: try again when that has ended")]
    Busy(bounded::lock::Held),
    /// An importer that was given the package later has shut this one out.
    #[error("attempt {ours} was superseded{}; nothing was moved", higher.map_or(String::new(), |it| format!(" by {it}")))]
    Fenced {
        /// Fence of this process.
        ours: Fence,
        /// The fence that stands, if it was seen.
        higher: Option<Fence>,
    },
    /// Another program moved a ref.
    #[error(
        "ref {name} was moved by somebody else ({} instead of {}); the next import starts from there",
        shown(found),
        shown(expected)
    )]
    RefMoved {
        /// Name of the ref.
        name: String,
        /// Object that it pointed to before.
        expected: Option<ObjectId>,
        /// Object that it points to now.
        found: Option<ObjectId>,
    },
    /// A ref that points to another ref, or whose value cannot be parsed.
    #[error("ref {0} is symbolic or broken; look at the file of that name in the repository and remove it")]
    StrangeRef(String),
    /// A name that no ref can have.
    #[error("cannot write a ref: {0}")]
    BadRefName(#[from] InvalidName),
    /// A tag never changes its value.
    #[error(
        "tag {name} is {found}, which is not what was imported ({ours}): a tag that exists is never written; nothing was moved"
    )]
    TagExists {
        /// Name of the tag.
        name: String,
        /// Object that it points to.
        found: ObjectId,
        /// Object that was to be written.
        ours: ObjectId,
    },
    /// A ref that an import needs is not recorded as the importer's.
    #[error("{0} is not on record; run `package-import verify`")]
    NotOnRecord(String),
    /// The record was not sealed by this installation, or is damaged.
    #[error(
        "{} is not sealed with this installation's key, or is damaged; bring back {KEY} of a backup, or, if the key is lost, \
         remove the record: the next import makes it again of what the state confirms",
        .0.display()
    )]
    BrokenRecord(PathBuf),
    /// A ref cannot be a folder of refs as well.
    #[error(
        "ref {name} cannot exist beside ref {other}: one branch cannot lie inside of another; give one of the two suites \
         another name (--suite, or `branch` of the suite in config.toml), or remove {other} if somebody else made it"
    )]
    NameConflict {
        /// The longer name.
        name: String,
        /// The shorter name.
        other: String,
    },
    /// Git could not be run, or ended with an error.
    #[error("git {verb} failed: {cause}")]
    Git {
        /// Name of the subcommand.
        verb: &'static str,
        /// The last lines it printed.
        cause: String,
    },
    /// Git did not end, or could not be started: the repository was not checked.
    #[error("git {verb} could not be done: {cause}")]
    NoGit {
        /// Name of the subcommand.
        verb: &'static str,
        /// Text of the cause.
        cause: String,
    },
    /// Foreign trees that are too large or too deep to be compared.
    #[error("the trees differ in too many files, or are too deep, to be compared")]
    TooMuchToCompare,
    /// There is no such version.
    #[error("{package} has no version {version}{hint}")]
    NoVersion {
        /// Name of the package.
        package: String,
        /// Version of the source package.
        version: String,
        /// Advice: another version or distro to try.
        hint: String,
    },
    /// A source tree could not be read.
    #[error(transparent)]
    Tree(#[from] source_package::tree::TreeError),
}

fn shown(id: &Option<ObjectId>) -> String {
    id.map_or_else(|| "nothing".to_owned(), |id| id.to_string())
}

impl Error {
    pub(crate) fn file(action: &'static str, path: &Path, error: io::Error) -> Error {
        Error::File { action, path: path.to_owned(), error }
    }

    pub(crate) fn write_pack(error: io::Error) -> Error {
        Error::Pack(error)
    }

    pub(crate) fn odb(id: ObjectId, cause: &dyn std::fmt::Display) -> Error {
        Error::Odb { id, cause: cause.to_string() }
    }

    /// The error of the disk behind this one, if there is one.
    pub fn disk_error(&self) -> Option<&io::Error> {
        match self {
            Error::File { error, .. } | Error::Pack(error) | Error::Content(error) => Some(error),
            _ => None,
        }
    }
}
