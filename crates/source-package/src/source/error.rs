//! Why a source package cannot be read, and which layer is to blame.

use std::io;

use crate::checksum::{ListedFile, Mismatch};
use crate::limits::OverLimit;
use crate::patch::PatchError;
use crate::tar::TarError;
use crate::tree::TreeError;
use crate::unpack::UnpackError;

/// Why a source package cannot be read. Every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be opened or read.
    #[error("cannot read {name}: {error}")]
    Read {
        /// The file.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// A file is not the one that was listed.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The compression is unknown or damaged.
    #[error("cannot decompress {name}: {error}")]
    Compression {
        /// The file.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// The tarball cannot be unpacked.
    #[error("cannot unpack {name}: {error}")]
    Unpack {
        /// The file.
        name: String,
        /// Why.
        error: UnpackError,
    },
    /// A limit was passed outside a tarball.
    #[error("{name}: {limit}")]
    Limit {
        /// The file.
        name: String,
        /// Which.
        limit: OverLimit,
    },
    /// The Debian tarball cannot be laid over the upstream tree.
    #[error("cannot lay {name} over the upstream files: {error}")]
    Overlay {
        /// The file.
        name: String,
        /// Why.
        error: TreeError,
    },
    /// A component cannot take its place.
    #[error("cannot unpack {name} into the folder {folder}: something that is no folder is in the way")]
    Component {
        /// The file.
        name: String,
        /// The folder.
        folder: String,
    },
    /// The `.diff.gz` does not apply.
    #[error("cannot apply {name}: {error}")]
    Diff {
        /// The file.
        name: String,
        /// Why.
        error: PatchError,
    },
    /// The store failed.
    #[error("cannot read or keep an unpacked file: {0}")]
    Store(#[from] io::Error),
}

impl SourceError {
    /// Whether a file is not there, cannot be read, or is another one than was listed: whoever has it elsewhere can go on.
    pub fn is_about_file(&self) -> bool {
        matches!(self, SourceError::Read { .. } | SourceError::Mismatch(_))
    }
}

/// What went wrong below a tarball or diff: a limit was passed, or the compression is damaged.
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
