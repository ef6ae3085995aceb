//! Reads Debian source packages: `.dsc`, tarballs, patches and changelog, as a tree of files.
//! It knows no Git, no database and no network.

pub mod changelog;
mod changelog_lines;
#[cfg(test)]
mod changelog_tests;
pub mod checksum;
pub mod compression;
pub mod control;
pub mod date;
#[cfg(test)]
mod date_tests;
pub mod dsc;
pub mod finish;
pub mod ident;
#[cfg(test)]
mod ident_tests;
pub mod layout;
pub mod limits;
pub mod links;
pub mod memory;
pub mod patch;
pub mod patch_header;
pub mod path;
pub mod source;
pub mod store;
pub mod tar;
mod text;
pub mod tree;
pub mod unpack;
pub mod version;
