//! Reads Debian source packages: `.dsc`, tarballs, patches and changelog, as a tree of files.
//! It knows no Git, no database and no network.

pub mod changelog;
mod changelog_lines;
pub mod date;
pub mod ident;
pub mod memory;
mod patch_fields;
pub mod patch_header;
pub mod path;
pub mod store;
mod text;
pub mod tree;
pub mod version;
