//! The files of a backup, and what it says about itself.

use serde::{Deserialize, Serialize};

/// The form of a backup; rises when an older program could not read it.
pub const FORM: u32 = 1;
/// What says that a backup is finished, and what is in it.
pub const MANIFEST: &str = "manifest.json";
/// The state, always as an SQLite file.
pub const STATE: &str = "state.db";
/// The configuration.
pub const CONFIG: &str = "config.toml";

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// See [`FORM`].
    pub v: u32,
    /// The program that made it.
    pub program: String,
    /// The machine.
    pub host: String,
    /// The moment of the state in it, in milliseconds since 1970.
    pub made: i64,
    /// The state's schema.
    pub schema: i64,
    /// The state's epoch.
    pub epoch: i64,
    /// Its repositories.
    pub repositories: u64,
    /// Its files.
    pub files: u64,
    /// The checksum of the list of checksums.
    pub sums: String,
}
