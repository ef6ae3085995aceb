//! Publications: versions seen in suites, and the places of their files.

use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;
use crate::words::Lane;

/// A publication to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPublication {
    /// The archive's name; `local` if a `.dsc` was given by hand.
    pub archive: String,
    /// Distro of the publication.
    pub distro: String,
    /// The suite; empty for history, which was in none.
    pub suite: String,
    /// The component; empty if not known.
    pub component: String,
    /// Version of the source package.
    pub version: String,
    /// The `.dsc`: a path, or its place in the archive.
    pub dsc: String,
    /// SHA-256 of the `.dsc`.
    pub dsc_sha256: String,
    /// Reason why the `.dsc` may be trusted, as the importer wrote it.
    pub trust: String,
    /// Its files, as the archive listed them.
    pub files: String,
    /// Unix milliseconds of publication; of the first sight, if that is not known.
    pub published: Option<i64>,
    /// The lane in which it is queued when it is first seen.
    pub lane: Lane,
}

/// A publication that is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Row of the publication.
    pub id: i64,
    /// Facts that the index gives.
    pub what: NewPublication,
    /// Number of attempts that tried it.
    pub tries: i64,
    /// Unix milliseconds of its import.
    pub done: Option<i64>,
    /// Unix milliseconds at which it was first seen.
    pub first_seen: i64,
    /// Unix milliseconds at which an accepted index first did not list it.
    pub unlisted: Option<i64>,
}

/// Name of the archive of publications that were given by hand.
pub const LOCAL: &str = "local";

/// Stores a publication, or the new place of its files. Returns its id and whether it is new.
pub fn record(tx: &mut Tx<'_>, package: i64, new: &NewPublication) -> Result<(i64, bool), StateError> {
    let now = tx.now()?;
    let key = values![package, &new.distro, &new.suite, &new.version, &new.dsc_sha256];
    let sql = "SELECT id FROM publication
        WHERE package_id = ?1 AND distro = ?2 AND suite = ?3 AND version = ?4 AND dsc_sha256 = ?5";
    if let Some(row) = tx.first(sql, key)? {
        let id = row.int(0);
        tx.execute(
            "UPDATE publication SET archive = ?2, component = ?3, dsc = ?4, trust = ?5, files = ?6, gone = NULL,
                unlisted = NULL
             WHERE id = ?1",
            values![id, &new.archive, &new.component, &new.dsc, &new.trust, &new.files],
        )?;
        return Ok((id, false));
    }
    if new.archive == LOCAL {
        // The file has another content now; the earlier one cannot be imported any more.
        tx.execute(
            "UPDATE publication SET gone = ?3 WHERE package_id = ?1 AND dsc = ?2 AND done IS NULL AND gone IS NULL",
            values![package, &new.dsc, now],
        )?;
    }
    let rows = insert(tx, &[(package, new)])?;
    let id = rows.first().copied();
    let id = id.ok_or_else(|| StateError::Unknown(format!("publication {} has no row", new.version)))?;
    Ok((id, true))
}

/// Stores publications with one statement, or the new places of their files. No two may be equal. Returns their ids,
/// unordered.
pub(crate) fn insert(tx: &mut Tx<'_>, new: &[(i64, &NewPublication)]) -> Result<Vec<i64>, StateError> {
    let now = tx.now()?;
    let mut all = Vec::with_capacity(new.len() * 13);
    for (package, new) in new {
        all.extend_from_slice(values![
            *package,
            &new.archive,
            &new.distro,
            &new.suite,
            &new.component,
            &new.version,
            &new.dsc,
            &new.dsc_sha256,
            &new.trust,
            &new.files,
            new.published.unwrap_or(now),
            now,
            new.lane.place()
        ]);
    }
    let sql = format!(
        "INSERT INTO publication (package_id, archive, distro, suite, component, version, dsc, dsc_sha256, trust, files,
            published, first_seen, lane)
         VALUES {}
         ON CONFLICT (package_id, distro, suite, version, dsc_sha256) DO UPDATE SET archive = excluded.archive,
            component = excluded.component, dsc = excluded.dsc, trust = excluded.trust, files = excluded.files,
            gone = NULL, unlisted = NULL
         RETURNING id",
        rows(new.len(), 13)
    );
    Ok(tx.returning(&sql, &all)?.iter().map(|row| row.int(0)).collect())
}

/// Placeholders for a number of rows and columns: `(?1, ?2), (?3, ?4)`. A statement of many rows has hundreds of them, so that
/// formatting each would take as long as running it.
pub(crate) fn rows(count: usize, columns: usize) -> String {
    let mut text = String::with_capacity(count * columns * 7);
    for row in 0..count {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            text.push_str(if column == 0 { "?" } else { ", ?" });
            push_number(&mut text, row * columns + column + 1);
        }
        text.push(')');
    }
    text
}

fn push_number(text: &mut String, number: usize) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b"0123456789"[number % 10]));
}

/// Records the content of an old version's files, once they were fetched.
pub fn complete(
    tx: &mut Tx<'_>,
    id: i64,
    dsc_sha256: &str,
    trust: &str,
    files: &str,
) -> Result<(), StateError> {
    // Two names for one content, by different hashes: the other row has the import.
    let sql = "UPDATE publication SET dsc_sha256 = ?2, trust = ?3, files = ?4 WHERE id = ?1 AND NOT EXISTS (
        SELECT 1 FROM publication o, publication u WHERE u.id = ?1 AND o.id <> ?1 AND o.package_id = u.package_id
            AND o.distro = u.distro AND o.suite = u.suite AND o.version = u.version AND o.dsc_sha256 = ?2)";
    tx.execute(sql, values![id, dsc_sha256, trust, files])?;
    Ok(())
}

/// The recorded versions of a package in a distro, and whether each still lacks its import.
pub fn versions_of(tx: &mut Tx<'_>, package: i64, distro: &str) -> Result<Vec<(String, bool)>, StateError> {
    let sql =
        "SELECT DISTINCT version, CASE WHEN done IS NULL AND gone IS NULL THEN 1 ELSE 0 END FROM publication
        WHERE package_id = ?1 AND distro = ?2";
    let rows = tx.query(sql, values![package, distro])?;
    Ok(rows.iter().map(|row| (row.text(0), row.flag(1))).collect())
}

/// Makes a publication wanted again, although it was imported: the import will find it in the repository.
pub fn want_again(tx: &mut Tx<'_>, id: i64) -> Result<(), StateError> {
    tx.execute("UPDATE publication SET done = NULL WHERE id = ?1", values![id])?;
    Ok(())
}

/// Marks publications that are no longer available. They are never deleted.
pub fn gone(tx: &mut Tx<'_>, ids: &[i64]) -> Result<(), StateError> {
    let now = tx.now()?;
    for id in ids {
        tx.execute("UPDATE publication SET gone = ?2 WHERE id = ?1 AND gone IS NULL", values![*id, now])?;
    }
    Ok(())
}

/// Publications of a package that are not imported and not gone.
pub fn open(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Publication>, StateError> {
    let sql = format!("{COLUMNS} WHERE package_id = ?1 AND done IS NULL AND gone IS NULL ORDER BY id");
    Ok(tx.query(&sql, values![package])?.iter().map(publication).collect())
}

/// All publications of a package, newest first.
pub fn all(tx: &mut Tx<'_>, package: i64, at_most: i64) -> Result<Vec<Publication>, StateError> {
    let sql = format!("{COLUMNS} WHERE package_id = ?1 ORDER BY id DESC LIMIT ?2");
    Ok(tx.query(&sql, values![package, at_most])?.iter().map(publication).collect())
}

/// Counts a try of each; returns how many were tried for the first time.
pub fn tried(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<i64>, StateError> {
    let mut first = Vec::new();
    for id in ids {
        let sql = "UPDATE publication SET tries = tries + 1 WHERE id = ?1 RETURNING tries";
        if tx.returning(sql, values![*id])?.first().is_some_and(|row| row.int(0) == 1) {
            first.push(*id);
        }
    }
    Ok(first)
}

const COLUMNS: &str =
    "SELECT id, archive, distro, suite, component, version, dsc, dsc_sha256, trust, files, published,
    tries, done, lane, first_seen, unlisted FROM publication";

fn publication(row: &Row) -> Publication {
    Publication {
        id: row.int(0),
        what: NewPublication {
            archive: row.text(1),
            distro: row.text(2),
            suite: row.text(3),
            component: row.text(4),
            version: row.text(5),
            dsc: row.text(6),
            dsc_sha256: row.text(7),
            trust: row.text(8),
            files: row.text(9),
            published: row.opt_int(10),
            lane: Lane::at(row.int(13)),
        },
        tries: row.int(11),
        done: row.opt_int(12),
        first_seen: row.int(14),
        unlisted: row.opt_int(15),
    }
}
