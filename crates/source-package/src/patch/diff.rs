//! Facts about the files of one diff, from all of its headers.

use super::date::Stamp;
use super::lines::{Dress, Place};

/// The old or the new side of a diff; the name of an `Index:` line is a third one.
pub(super) const OLD: usize = 0;
/// Index of the new file; see [`OLD`].
pub(super) const NEW: usize = 1;
/// Index of the name in an `Index:` line; see [`OLD`].
pub(super) const INDEX: usize = 2;

/// The part of a mode that tells the type of a file.
const TYPE_BITS: u32 = 0o170_000;
/// The type of a regular file.
pub(super) const REGULAR: u32 = 0o100_000;
/// The type of a symbolic link.
pub(super) const LINK: u32 = 0o120_000;

/// Certainty of a header that a side of the diff does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Absent {
    /// It does not say so.
    #[default]
    No,
    /// It is empty, or does not exist.
    Empty,
    /// It does not exist.
    Certain,
}

/// Kind of a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Hunks in unified format, or Git headers without any hunk.
    Unified,
    /// A format that is not supported here.
    Other(&'static str),
}

/// Facts from the headers of one diff.
#[derive(Clone, Debug)]
pub(super) struct Diff {
    pub(super) format: Format,
    pub(super) names: [Option<Vec<u8>>; 3],
    /// Times of both sides.
    pub(super) stamps: [Stamp; 2],
    pub(super) absent: [Absent; 2],
    /// True when there is a `diff --git` line.
    pub(super) git: bool,
    pub(super) modes: [u32; 2],
    /// For each side: true when it is named in a renaming, in a copy.
    pub(super) renames: [bool; 2],
    pub(super) copies: [bool; 2],
    /// A word that the file must contain (`Prereq:`).
    pub(super) required: Option<Vec<u8>>,
    pub(super) dress: Dress,
    /// Start of the first hunk.
    pub(super) start: Place,
}

impl Diff {
    /// A diff with no field set yet.
    pub(super) fn new(start: Place) -> Self {
        Diff {
            format: Format::Unified,
            names: [None, None, None],
            stamps: [Stamp::Unknown; 2],
            absent: [Absent::No; 2],
            git: false,
            modes: [0; 2],
            renames: [false; 2],
            copies: [false; 2],
            required: None,
            dress: Dress::default(),
            start,
        }
    }

    pub(super) fn renames(&self) -> bool {
        self.renames[OLD] && self.renames[NEW]
    }

    pub(super) fn copies(&self) -> bool {
        self.copies[OLD] && self.copies[NEW]
    }

    /// The type of file that is patched, or `None` if the diff changes a file's type.
    pub(super) fn file_type(&self) -> Option<u32> {
        match (self.modes[OLD] & TYPE_BITS, self.modes[NEW] & TYPE_BITS) {
            (0, 0) => Some(REGULAR),
            (0, kind) | (kind, 0) => Some(kind),
            (old, new) => (old == new).then_some(old),
        }
    }
}
