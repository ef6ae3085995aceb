//! Errors of reading a source package, by the layer at fault.

use std::io;

use crate::checksum::{ListedFile, Mismatch};
use crate::limits::OverLimit;
use crate::patch::PatchError;
use crate::tar::TarError;
use crate::tree::TreeError;
use crate::unpack::UnpackError;

/// Reason why a source package cannot be read. Every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be opened or read.
    #[error("cannot read {name}: {error}")]
    Read {
        /// Name of the file.
        name: String,
        /// Error of the file system.
        error: io::Error,
    },
    /// A file is not the one that was listed.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The compression is unknown or damaged.
    #[error("cannot decompress {name}: {error}")]
    Compression {
        /// Name of the file.
        name: String,
        /// Error of the decoder.
        error: io::Error,
    },
    /// The tarball cannot be unpacked.
    #[error("cannot unpack {name}: {error}")]
    Unpack {
        /// Name of the file.
        name: String,
        /// Error of unpacking.
        error: UnpackError,
    },
    /// A limit was passed outside a tarball.
    #[error("{name}: {limit}")]
    Limit {
        /// Name of the file.
        name: String,
        /// Limit that was passed.
        limit: OverLimit,
    },
    /// The Debian tarball cannot be laid over the upstream tree.
    #[error("cannot lay {name} over the upstream files: {error}")]
    Overlay {
        /// Name of the file.
        name: String,
        /// Error of merging the trees.
        error: TreeError,
    },
    /// A component cannot take its place.
    #[error("cannot unpack {name} into the folder {folder}: something that is no folder is in the way")]
    Component {
        /// Name of the file.
        name: String,
        /// Name of the folder.
        folder: String,
    },
    /// The `.diff.gz` does not apply.
    #[error("cannot apply {name}: {error}")]
    Diff {
        /// Name of the file.
        name: String,
        /// Error of the patch.
        error: PatchError,
    },
    /// Error of the content store.
    #[error("cannot read or keep an unpacked file: {0}")]
    Store(#[from] io::Error),
}

impl SourceError {
    /// True when a file is missing, cannot be read, or differs from the listed one: with a copy from elsewhere the
    /// import can go on.
    pub fn is_about_file(&self) -> bool {
        matches!(self, SourceError::Read { .. } | SourceError::Mismatch(_))
    }
}

/// Error of reading below a tarball or diff: a limit was passed, or the compression is damaged.
pub(super) fn compression(listed: &ListedFile, error: io::Error) -> SourceError {
    let name = listed.name.clone();
    match error.downcast::<OverLimit>() {
        Ok(limit) => SourceError::Limit { name, limit },
        Err(error) => SourceError::Compression { name, error },
    }
}

/// Reading a tar archive meets errors of the layer below: tell a damaged compression from a damaged archive.
pub(super) fn unpacking(listed: &ListedFile, error: UnpackError) -> SourceError {
    match error {
        UnpackError::Tar(TarError::Read(error)) => compression(listed, error),
        UnpackError::Limit(limit) => SourceError::Limit { name: listed.name.clone(), limit },
        error => SourceError::Unpack { name: listed.name.clone(), error },
    }
}
