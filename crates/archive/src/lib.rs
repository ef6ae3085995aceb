//! Finds what a Debian-format archive publishes and fetches its files.
//!
//! So far one kind of archive is known: the one that the machine's own apt is configured for.

pub mod apt;
