//! The versions in a repository, as reported by its importers.

use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;

/// A version that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Distro of the version.
    pub distro: String,
    /// Version of the source package.
    pub version: String,
    /// Its commit, without patches applied.
    pub commit: String,
    /// Name of the tag.
    pub tag: String,
    /// Unix milliseconds of its import.
    pub imported: i64,
}

/// The last imported versions of a package, newest first.
pub fn list(tx: &mut Tx<'_>, package: &str, at_most: i64) -> Result<Vec<Version>, StateError> {
    let sql = "SELECT v.distro, v.version, v.commit_id, v.tag, v.imported FROM version v
        JOIN package p ON p.id = v.package_id
        WHERE p.name = ?1 ORDER BY v.imported DESC, v.version DESC LIMIT ?2";
    let version = |row: &Row| Version {
        distro: row.text(0),
        version: row.text(1),
        commit: row.text(2),
        tag: row.text(3),
        imported: row.int(4),
    };
    Ok(tx.query(sql, values![package, at_most])?.iter().map(version).collect())
}
