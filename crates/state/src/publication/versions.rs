//! Versions that a repository has and the state did not know: after a restore from a backup the repositories are
//! newer than the state.

use crate::audit;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::queue;
use crate::publication::rows::LOCAL;
use crate::values;
use crate::words::{Lane, Tasks};

/// A version as stored in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Distro of the version.
    pub distro: String,
    /// Version of the source package.
    pub version: String,
    /// The commit, patches unapplied.
    pub commit: String,
    /// Id of the tree.
    pub tree: String,
    /// The commit with patches applied.
    pub applied: Option<String>,
    /// Name of the tag.
    pub tag: String,
    /// The rules by which it was made.
    pub rules: i64,
}

/// Records versions that are not on record, at most 100 at a time. The package is put into the lane `verify`: its
/// publications are not settled here, because a version may be wanted in a suite whose branch does not have it yet.
/// Returns how many were new.
pub fn record(
    tx: &mut Tx<'_>,
    package: &str,
    versions: &[Known],
    importer: &str,
) -> Result<usize, StateError> {
    let now = tx.now()?;
    let id = queue::package_id(tx, package)?;
    let mut new = 0;
    for known in versions {
        new += tx.execute(
            "INSERT INTO version (package_id, distro, version, commit_id, tree_id, applied_id, tag, rules, importer,
                imported)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
            values![
                id,
                &known.distro,
                &known.version,
                &known.commit,
                &known.tree,
                known.applied.as_deref(),
                &known.tag,
                known.rules,
                importer,
                now
            ],
        )?;
    }
    if new > 0 {
        queue::enqueue(tx, id, Lane::Verify, Tasks::IMPORT)?;
        let after = format!("{new} versions that its repository has");
        audit::record(tx, "package-import", "reconcile", package, None, None, Some(&after))?;
    }
    Ok(usize::try_from(new).unwrap_or(0))
}

/// Records the new commits of a version whose tag was moved: `before` is the commit that it had.
///
/// # Errors
/// [`StateError`] when the database cannot be written.
pub fn moved(tx: &mut Tx<'_>, package: i64, before: &str, known: &Known) -> Result<(), StateError> {
    tx.execute(
        "UPDATE version SET commit_id = ?5, tree_id = ?6, applied_id = ?7
         WHERE package_id = ?1 AND distro = ?2 AND version = ?3 AND commit_id = ?4 AND tag = ?8",
        values![
            package,
            &known.distro,
            &known.version,
            before,
            &known.commit,
            &known.tree,
            known.applied.as_deref(),
            &known.tag
        ],
    )?;
    Ok(())
}

/// Content that a repository has according to the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The versions that were imported.
    pub versions: Vec<Known>,
    /// Distro, suite and version that a branch shows.
    pub published: Vec<(String, String, String)>,
    /// The paths of `.dsc` files that were given by hand: their tarballs may still lie beside them.
    pub dscs: Vec<String>,
}

/// Reads the content that the repository of a package should have.
pub fn expected(tx: &mut Tx<'_>, package: &str) -> Result<Expected, StateError> {
    let sql = "SELECT v.distro, v.version, v.commit_id, v.tree_id, v.applied_id, v.tag, v.rules
        FROM version v JOIN package p ON p.id = v.package_id WHERE p.name = ?1
        ORDER BY v.distro, v.version, v.commit_id";
    let versions = tx.query(sql, values![package])?;
    let sql = "SELECT DISTINCT u.distro, u.suite, u.version
        FROM publication u JOIN package p ON p.id = u.package_id
        WHERE p.name = ?1 AND u.done IS NOT NULL AND u.suite <> '' ORDER BY u.distro, u.suite, u.version";
    let published = tx.query(sql, values![package])?;
    let sql = "SELECT DISTINCT u.dsc FROM publication u JOIN package p ON p.id = u.package_id
        WHERE p.name = ?1 AND u.archive = ?2 ORDER BY u.dsc";
    let dscs = tx.query(sql, values![package, LOCAL])?;
    Ok(Expected {
        dscs: dscs.iter().map(|row| row.text(0)).collect(),
        versions: (versions.iter())
            .map(|row| Known {
                distro: row.text(0),
                version: row.text(1),
                commit: row.text(2),
                tree: row.text(3),
                applied: row.opt_text(4),
                tag: row.text(5),
                rules: row.int(6),
            })
            .collect(),
        published: published.iter().map(|row| (row.text(0), row.text(1), row.text(2))).collect(),
    })
}

/// True when no package is known: the state is new, or empty.
pub fn is_without_packages(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    Ok(tx.first("SELECT 1 FROM package LIMIT 1", &[])?.is_none())
}

/// Distro and version of all imports of a package.
pub fn imported(tx: &mut Tx<'_>, package: i64) -> Result<Vec<(String, String)>, StateError> {
    let sql = "SELECT DISTINCT distro, version FROM version WHERE package_id = ?1";
    Ok(tx.query(sql, values![package])?.iter().map(|row| (row.text(0), row.text(1))).collect())
}

/// The packages that have imported versions, sorted.
pub fn packages(tx: &mut Tx<'_>) -> Result<Vec<String>, StateError> {
    // In the order of their numbers, which is that of both tables.
    let sql = "SELECT name FROM package p WHERE EXISTS (SELECT 1 FROM version v WHERE v.package_id = p.id)";
    let mut names: Vec<String> = tx.query(sql, values![])?.iter().map(|row| row.text(0)).collect();
    names.sort_unstable();
    Ok(names)
}

/// The packages that have imported versions, or had some: the state may have lost them. Sorted.
pub fn ever_imported(tx: &mut Tx<'_>) -> Result<Vec<String>, StateError> {
    let sql = "SELECT name FROM package p WHERE p.imported_by IS NOT NULL
        OR EXISTS (SELECT 1 FROM version v WHERE v.package_id = p.id) ORDER BY name";
    Ok(tx.query(sql, values![])?.iter().map(|row| row.text(0)).collect())
}

/// Objects of a version in its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The commit, patches unapplied.
    pub commit: Option<String>,
    /// Id of the tree.
    pub tree: Option<String>,
    /// The commit with patches applied.
    pub applied: Option<String>,
    /// Name of the tag.
    pub tag: Option<String>,
}

/// The version of a publication, if it is imported.
pub fn of_publication(tx: &mut Tx<'_>, publication: i64) -> Result<Option<Recorded>, StateError> {
    let sql = "SELECT v.commit_id, v.tree_id, v.applied_id, v.tag FROM publication p JOIN version v
        ON v.package_id = p.package_id AND v.distro = p.distro AND v.version = p.version
        WHERE p.id = ?1 AND p.done IS NOT NULL ORDER BY v.imported DESC LIMIT 1";
    let row = tx.first(sql, values![publication])?;
    Ok(row.map(|row| Recorded {
        commit: row.opt_text(0),
        tree: row.opt_text(1),
        applied: row.opt_text(2),
        tag: row.opt_text(3),
    }))
}
