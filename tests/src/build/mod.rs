//! Builds synthetic source packages, byte for byte, from a few lines a case.

pub mod compress;
pub mod dsc;
pub mod package;
pub mod sparse;
pub mod tar;

pub use compress::Compression;
pub use package::Builder;
pub use sparse::Sparse;
pub use tar::{Entry, Magic, Tar};
