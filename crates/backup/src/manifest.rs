//! Files of a backup, and its manifest.

use serde::{Deserialize, Serialize};

/// Number of the backup's form; it rises when an older program could not read it.
pub const FORM: u32 = 1;
/// Name of the file that lists a backup's content and marks it as finished.
pub const MANIFEST: &str = "manifest.json";
/// The state, always as an SQLite file.
pub const STATE: &str = "state.db";
/// Name of the copied configuration.
pub const CONFIG: &str = "config.toml";

/// Accounts of the pages, in the root and in a backup.
pub const ACCOUNTS: &str = "web-accounts";

/// Manifest of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Number of the form; see [`FORM`].
    pub v: u32,
    /// The program that made it.
    pub program: String,
    /// Name of the host.
    pub host: String,
    /// The moment of the state in it, in milliseconds since 1970.
    pub made: i64,
    /// Schema of the state.
    pub schema: i64,
    /// Epoch of the state.
    pub epoch: i64,
    /// Number of repositories.
    pub repositories: u64,
    /// Number of files.
    pub files: u64,
    /// The checksum of the list of checksums.
    pub sums: String,
}
