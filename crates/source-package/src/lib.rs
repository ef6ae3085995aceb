//! Reads Debian source packages: `.dsc`, tarballs, patches and changelog, as a tree of files.
//! It knows no Git, no database and no network.

pub mod ahead;
pub mod changelog;
mod changelog_lines;
pub mod checksum;
pub mod code;
pub mod compression;
pub mod control;
pub mod date;
pub mod dsc;
pub mod finding;
pub mod finish;
pub mod ident;
pub mod layout;
pub mod limits;
pub mod links;
mod lookahead;
pub mod memory;
pub mod patch;
pub mod patch_header;
pub mod path;
pub mod printable;
pub mod source;
pub mod store;
pub mod tar;
mod text;
pub mod tree;
pub mod unpack;
pub mod version;
mod words;
