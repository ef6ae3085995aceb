//! Reads Debian source packages: `.dsc`, tarballs, patches and changelog, as a tree of files.
//! It knows no Git, no database and no network.

pub mod checksum;
pub mod compression;
pub mod control;
pub mod dsc;
pub mod finish;
pub mod layout;
pub mod limits;
pub mod links;
pub mod memory;
pub mod patch;
pub mod path;
pub mod source;
pub mod store;
pub mod tar;
pub mod tree;
pub mod unpack;
pub mod version;
