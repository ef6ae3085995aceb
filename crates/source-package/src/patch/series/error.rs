//! Errors of listing, reading and applying the patches of a package.

use std::io;

use super::super::PatchError;
use crate::path::Shown;
use crate::tree::TreeError;

/// Reason why the patches of a package cannot be listed or read.
#[derive(Debug, thiserror::Error)]
pub enum SeriesError {
    /// A patch outside of `debian/patches`.
    #[error("{} names a patch outside of its folder: {}", Shown(file), Shown(name))]
    Insecure {
        /// Path of the series file.
        file: Vec<u8>,
        /// Name of the patch.
        name: Vec<u8>,
    },
    /// A patch or series that is missing, or not a file.
    #[error("{} {cause}", Shown(path))]
    NotFile {
        /// Path of the file.
        path: Vec<u8>,
        /// Description of the error.
        cause: &'static str,
    },
    /// A patch that cannot be decompressed.
    #[error("cannot decompress {}: {error}", Shown(path))]
    Compressed {
        /// Path of the file.
        path: Vec<u8>,
        /// Error of the decoder.
        error: io::Error,
    },
    /// A patch that is larger than allowed, as it is or decompressed.
    #[error("{} exceeds {limit} bytes (limits.text_bytes)", Shown(path))]
    TooLarge {
        /// Path of the file.
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

/// The patches of a package make too much work together.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the patches make more work together than reading and writing {0} bytes (limits.series_work)")]
pub struct TooMuchWork(pub u64);

impl From<TreeError> for SeriesError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Store(error) => SeriesError::Store(error),
            other => SeriesError::Tree(other),
        }
    }
}

/// Reason why a package cannot be patched. `E` is the error of the caller's own work after each patch.
#[derive(Debug, thiserror::Error)]
pub enum ApplyAllError<E> {
    /// The patches cannot be listed or read.
    #[error("{0}")]
    Series(#[from] SeriesError),
    /// A patch does not apply.
    #[error("failed to apply {}: {error}", Shown(name))]
    Patch {
        /// Name of the patch.
        name: Vec<u8>,
        /// Error of the patch.
        error: PatchError,
    },
    /// All of them are too much.
    #[error("{0}")]
    Work(#[from] TooMuchWork),
    /// The caller's work failed.
    #[error("{0}")]
    After(E),
}
