//! Reasons why a patch cannot be applied.

use std::io;

use crate::path::Shown;
use crate::tree::TreeError;

/// Reason why a patch cannot be applied. Each text fits after "failed to apply NAME: ".
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// The patch violates its format.
    #[error("line {line} of the patch is malformed: {cause}")]
    Malformed {
        /// Line in the patch.
        line: u64,
        /// Description of the error.
        cause: &'static str,
    },
    /// The patch is not empty, and contains no diff.
    #[error("the patch is not empty and holds no diff")]
    Garbage,
    /// The patch contains something that is not supported.
    #[error("line {line} of the patch begins {what}, which is not supported")]
    Unsupported {
        /// Line in the patch.
        line: u64,
        /// Name of the feature.
        what: &'static str,
    },
    /// A file name that may not be used.
    #[error("line {line} of the patch names {}, {cause}", Shown(path))]
    BadName {
        /// Line in the patch.
        line: u64,
        /// Name of the file.
        path: Vec<u8>,
        /// Description of the error.
        cause: &'static str,
    },
    /// A file that lies behind a symbolic link, or is one.
    #[error("line {line} of the patch changes {} through the symbolic link {}", Shown(path), Shown(link))]
    ThroughLink {
        /// Line in the patch.
        line: u64,
        /// Name of the file.
        path: Vec<u8>,
        /// Path of the link.
        link: Vec<u8>,
    },
    /// None of the files that the patch names is there.
    #[error("the diff at line {line} of the patch names no file that exists: {}", Shown(path))]
    NoFile {
        /// Line in the patch.
        line: u64,
        /// One of the names, or nothing.
        path: Vec<u8>,
    },
    /// The diff was applied before, or is reversed.
    #[error("the diff at line {line} of the patch is reversed or applied already: {} {state}", Shown(path))]
    Reversed {
        /// Line in the patch.
        line: u64,
        /// Name of the file.
        path: Vec<u8>,
        /// State that the file is in.
        state: &'static str,
    },
    /// A hunk that does not fit.
    #[error("the hunk at line {line} of the patch does not fit {}: {cause}", Shown(path))]
    Hunk {
        /// Line in the patch.
        line: u64,
        /// Name of the file.
        path: Vec<u8>,
        /// Description of the mismatch.
        cause: &'static str,
    },
    /// A file that cannot be written as the diff requires.
    #[error("the diff at line {line} of the patch cannot change {}: {cause}", Shown(path))]
    Target {
        /// Line in the patch.
        line: u64,
        /// Name of the file.
        path: Vec<u8>,
        /// Description of the error.
        cause: &'static str,
    },
    /// A file is larger than allowed.
    #[error(
        "the diff at line {line} of the patch works on {}, which exceeds {limit} bytes (limits.text_bytes)",
        Shown(path)
    )]
    TooLarge {
        /// Line in the patch.
        line: u64,
        /// Name of the file.
        path: Vec<u8>,
        /// The limit in bytes.
        limit: u64,
    },
    /// The patch makes too much work.
    #[error(
        "the patch reads and writes more than {limit} bytes (limits.patch_work), at line {line} for {}",
        Shown(path)
    )]
    TooMuch {
        /// Line in the patch.
        line: u64,
        /// Name of the file.
        path: Vec<u8>,
        /// The limit in bytes.
        limit: u64,
    },
    /// Error of the content store.
    #[error("cannot read or keep a file: {0}")]
    Store(#[from] io::Error),
    /// The tree refuses a change.
    #[error("{0}")]
    Tree(TreeError),
}

impl PatchError {
    /// True when the patch may be good, and only passes a limit.
    pub fn is_limit(&self) -> bool {
        matches!(self, PatchError::TooLarge { .. } | PatchError::TooMuch { .. })
    }

    /// The error of the store behind this one, which says nothing about the patch.
    pub fn store_error(&self) -> Option<&io::Error> {
        match self {
            PatchError::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<TreeError> for PatchError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Store(error) => PatchError::Store(error),
            other => PatchError::Tree(other),
        }
    }
}

/// Line of the patch and name of the file, which every error carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) line: u64,
    pub(super) path: &'a [u8],
}

impl Context<'_> {
    pub(super) fn bad_name(self, cause: &'static str) -> PatchError {
        PatchError::BadName { line: self.line, path: self.path.to_vec(), cause }
    }

    pub(super) fn target(self, cause: &'static str) -> PatchError {
        PatchError::Target { line: self.line, path: self.path.to_vec(), cause }
    }

    pub(super) fn hunk(self, cause: &'static str) -> PatchError {
        PatchError::Hunk { line: self.line, path: self.path.to_vec(), cause }
    }

    pub(super) fn reversed(self, state: &'static str) -> PatchError {
        PatchError::Reversed { line: self.line, path: self.path.to_vec(), state }
    }

    pub(super) fn too_large(self, limit: u64) -> PatchError {
        PatchError::TooLarge { line: self.line, path: self.path.to_vec(), limit }
    }

    pub(super) fn too_much(self, limit: u64) -> PatchError {
        PatchError::TooMuch { line: self.line, path: self.path.to_vec(), limit }
    }
}
