//! The publications of a package: the records about each, the work on it, and the reason.

use serde::Serialize;

use super::freshness::{self, Behind};
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;

/// Publications of one package that are read at most.
const MOST: i64 = 1000;

/// Fate of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Listed, and on record nowhere yet.
    New,
    /// The publication is imported.
    Imported,
    /// It is imported, and a newer accepted index lists it no more.
    Superseded,
    /// Not imported, listed no more, and on no mirror.
    Gone,
    /// An old version that the history could not deliver, or that no trusted signature covers.
    LeftOut,
    /// Imports have been asked for: the package's own state says what keeps them back.
    Lacking,
    /// An index lists it no more, and too many others with it: it is kept until another index agrees.
    Withheld,
    /// An index lists it elsewhere.
    Moved,
    /// An index lists it no more: the next poll marks that.
    Vanishing,
    /// Its stanza cannot be used; its record stays.
    Unusable,
}

/// A publication on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Name of the archive.
    pub archive: String,
    /// Distro of the publication.
    pub distro: String,
    /// The branch of its suite; empty for an old version.
    pub branch: String,
    /// Version of the source package.
    pub version: String,
    /// Component of the archive.
    pub component: String,
    /// The place of its `.dsc` in the archive.
    pub path: String,
    /// SHA-256 of the `.dsc`, or another hash that identifies the content.
    pub content: String,
    /// Further places where it is listed: component and path.
    pub also: Vec<(String, String)>,
    /// Unix milliseconds at which it was first seen. All times here are Unix milliseconds.
    pub first_seen: i64,
    /// Time of its import.
    pub imported: Option<i64>,
    /// Time at which an accepted index first did not list it.
    pub unlisted: Option<i64>,
    /// Time at which it was found that no mirror has it any more.
    pub gone: Option<i64>,
    /// Number of attempts that tried it.
    pub tries: i64,
    /// Fate of the publication.
    pub fate: Fate,
    /// The same in a sentence, with the reason.
    pub why: String,
}

/// Everything that is on record of a package's publications.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The publications, newest last.
    pub publications: Vec<Recorded>,
    /// Missing versions of the package, and their cause; `None` if the package is not known.
    pub package: Option<Behind>,
}

/// Reads the records of a package.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn record(tx: &mut Tx<'_>, name: &str) -> Result<Record, StateError> {
    let Some(package) = freshness::of_package(tx, name)? else { return Ok(Record::default()) };
    let sql = "SELECT u.id, u.archive, u.distro, u.suite, u.version, u.component, u.dsc, u.dsc_sha256, u.first_seen, u.done,
            u.unlisted, u.gone, u.tries
        FROM publication u JOIN package p ON p.id = u.package_id WHERE p.name = ?1 ORDER BY u.id DESC LIMIT ?2";
    let rows = tx.query(sql, values![name, MOST])?;
    let mut publications = Vec::with_capacity(rows.len());
    for row in rows.iter().rev() {
        let also = places(tx, row.int(0))?;
        publications.push(recorded(row, also, &package));
    }
    Ok(Record { publications, package: Some(package) })
}

fn places(tx: &mut Tx<'_>, publication: i64) -> Result<Vec<(String, String)>, StateError> {
    let sql = "SELECT component, dsc FROM place WHERE publication_id = ?1 ORDER BY component, dsc";
    Ok(tx.query(sql, values![publication])?.iter().map(|row| (row.text(0), row.text(1))).collect())
}

fn recorded(row: &Row, also: Vec<(String, String)>, package: &Behind) -> Recorded {
    let mut recorded = Recorded {
        archive: row.text(1),
        distro: row.text(2),
        branch: row.text(3),
        version: row.text(4),
        component: row.text(5),
        path: row.text(6),
        content: row.text(7),
        also,
        first_seen: row.int(8),
        imported: row.opt_int(9),
        unlisted: row.opt_int(10),
        gone: row.opt_int(11),
        tries: row.int(12),
        fate: Fate::Imported,
        why: String::new(),
    };
    (recorded.fate, recorded.why) = fate(&recorded, package);
    recorded
}

fn fate(row: &Recorded, package: &Behind) -> (Fate, String) {
    let name = &package.package;
    match (row.imported, row.gone) {
        (Some(_), None) if row.unlisted.is_none() => {
            (Fate::Imported, "imported: nothing is to be done".into())
        }
        (Some(_), _) => {
            let why = "imported, and listed no more: nothing is to be done; branch and tag stay";
            (Fate::Superseded, why.into())
        }
        (None, Some(_)) if row.branch.is_empty() => {
            let why = format!(
                "left out: the history could not deliver it, or nobody vouches for it (show has the reason); \
                 `package-import history ask {name}` asks again"
            );
            (Fate::LeftOut, why)
        }
        (None, Some(_)) => {
            let why = "not imported, and gone: listed no more and on no mirror; nothing can be done";
            (Fate::Gone, why.into())
        }
        (None, None) => {
            let word = package.why.as_deref().unwrap_or("not-queued");
            let reason = package.reason.as_deref().unwrap_or("nobody has queued it");
            let unlisted = match row.unlisted {
                Some(_) => "; it is listed no more, and tried as long as a mirror has its files",
                None => "",
            };
            (Fate::Lacking, format!("not imported, {word}: {reason}{unlisted}"))
        }
    }
}
