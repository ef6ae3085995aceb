//! Finds and fetches the publications of a Debian-format archive.

pub mod answers;
pub mod apt;
pub mod cache;
pub mod clock;
pub mod config;
pub mod dates;
pub mod error;
pub mod failed;
pub mod fetch;
pub mod history;
pub mod location;
pub mod mirrors;
pub mod pattern;
pub mod poll;
pub mod problem;
pub mod release;
pub mod signature;
pub mod source;
pub mod sources;
pub mod transport;
