//! The patches of a source package: their list, their order, and the files that dpkg leaves beside them.

mod apply;
mod error;
mod links;
mod list;

pub use apply::{Format, Work, apply_all, read_patch};
pub use error::{ApplyAllError, SeriesError, TooMuchWork};
pub use list::{series, version2_series};

use super::Summary;

const PATCHES: &[u8] = b"debian/patches";

/// The names of the patches of a package, in the order in which they are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The name of the file below `debian/patches` that lists them; `None` where no file does (`2.0`).
    pub file: Option<Vec<u8>>,
    /// The names, below `debian/patches`.
    pub names: Vec<Vec<u8>>,
}

/// A patch that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Its name below `debian/patches`.
    pub name: Vec<u8>,
    /// Text of the patch, decompressed.
    pub content: Vec<u8>,
    /// Result of the patch.
    pub summary: Summary,
}

fn below_patches(name: &[u8]) -> Vec<u8> {
    [PATCHES, b"/", name].concat()
}
