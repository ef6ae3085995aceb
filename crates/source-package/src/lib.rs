//! Reads Debian source packages: `.dsc`, tarballs, patches and changelog, as a tree of files.
//! It knows no Git, no database and no network.

pub mod memory;
pub mod patch;
pub mod path;
pub mod store;
pub mod tree;
