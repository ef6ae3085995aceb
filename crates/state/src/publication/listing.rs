//! Recorded publications of a suite, and the changes that bring them to a new list: publications move between
//! components and folders, are listed in several places at once, and vanish.

use std::collections::HashMap;

use crate::db::store::Store;
use crate::error::StateError;
use crate::job::queue;
use crate::values;
use crate::words::{Lane, Tasks};

/// A publication's identity in its suite: the package, the version, the hash of its `.dsc`.
pub type Key = (String, String, String);

/// Place of a publication in a list: the component, and the path of its `.dsc` in the archive.
pub type Place = (String, String);

/// A publication on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Row of the publication.
    pub id: i64,
    /// Place that it is fetched from.
    pub place: Place,
    /// Other places where it is listed.
    pub also: Vec<Place>,
    /// Its files as they were listed, if it was tried and is not imported: a later list may correct them.
    pub tried: Option<String>,
}

impl Recorded {
    /// All places where it is listed, the one that it is fetched from first.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.place).chain(&self.also)
    }
}

/// Rows that one statement reads.
const PAGE: usize = 5000;

/// Recorded publications that are listed in a suite's branch of an archive, each as `make` wants it. The cost of a poll depends on
/// this: texts are moved, not copied, and the map is made once.
///
/// # Errors
/// [`StateError`] when the database cannot be read.
pub fn recorded<T>(
    store: &Store,
    archive: &str,
    distro: &str,
    branch: &str,
    make: impl Fn(Recorded) -> T,
) -> Result<HashMap<Key, T>, StateError> {
    let sql = format!(
        "SELECT u.id, p.name, u.version, u.dsc_sha256, u.component, u.dsc,
            CASE WHEN u.done IS NULL AND u.tries > 0 THEN u.files END FROM publication u
        JOIN package p ON p.id = u.package_id
        WHERE u.id > ?1 AND u.archive = ?2 AND u.distro = ?3 AND u.suite = ?4 AND u.gone IS NULL
            AND u.unlisted IS NULL
        ORDER BY u.id LIMIT {PAGE}"
    );
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let rows = store.read(|tx| tx.query(&sql, values![after, archive, distro, branch]))?;
        let Some(last) = rows.last() else { break };
        after = last.int(0);
        all.extend(rows);
    }
    let mut places = places(store, (archive, distro, branch))?;
    let mut found = HashMap::with_capacity(all.len());
    for mut row in all {
        let (id, tried) = (row.int(0), row.opt_text(6));
        let key = (row.take_text(1), row.take_text(2), row.take_text(3));
        let place = (row.take_text(4), row.take_text(5));
        let also = places.remove(&id).unwrap_or_default();
        found.insert(key, make(Recorded { id, place, also, tried }));
    }
    Ok(found)
}

/// The further places by publication, which are few.
fn places(
    store: &Store,
    (archive, distro, branch): (&str, &str, &str),
) -> Result<HashMap<i64, Vec<Place>>, StateError> {
    let sql = "SELECT l.publication_id, l.component, l.dsc FROM place l
        JOIN publication u ON u.id = l.publication_id
        WHERE u.archive = ?1 AND u.distro = ?2 AND u.suite = ?3 ORDER BY l.publication_id, l.component, l.dsc";
    let mut found: HashMap<i64, Vec<Place>> = HashMap::new();
    for mut row in store.read(|tx| tx.query(sql, values![archive, distro, branch]))? {
        found.entry(row.int(0)).or_default().push((row.take_text(1), row.take_text(2)));
    }
    Ok(found)
}

/// A publication that is listed elsewhere now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Row of the publication.
    pub id: i64,
    /// New place to fetch it from, and its files as the archive wrote them; `None` if that stays.
    pub to: Option<(Place, String)>,
    /// Other places where it is listed now; `None` if they stay.
    pub also: Option<Vec<Place>>,
}

/// Moves in one transaction: each writes a few rows.
const CHUNK: usize = 25;

/// Updates the places of publications. Packages with a moved publication that is not imported yet are tried again at
/// once.
pub fn follow_moves(store: &Store, moves: &[Move]) -> Result<(), StateError> {
    for chunk in moves.chunks(CHUNK) {
        store.write(|tx| {
            for one in chunk {
                if let Some((place, files)) = &one.to {
                    let sql = "UPDATE publication SET component = ?2, dsc = ?3, files = ?4 WHERE id = ?1
                        RETURNING package_id, done";
                    let rows = tx.returning(sql, values![one.id, &place.0, &place.1, files])?;
                    for row in rows.iter().filter(|row| row.opt_int(1).is_none()) {
                        queue::enqueue(tx, row.int(0), Lane::Upload, Tasks::IMPORT)?;
                    }
                }
                if let Some(also) = &one.also {
                    tx.execute("DELETE FROM place WHERE publication_id = ?1", values![one.id])?;
                    for (component, dsc) in also {
                        let sql = "INSERT INTO place (publication_id, component, dsc) VALUES (?1, ?2, ?3)
                            ON CONFLICT DO NOTHING";
                        tx.execute(sql, values![one.id, component, dsc])?;
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The files of a publication as the archive listed them.
pub fn files_of(store: &Store, id: i64) -> Result<Option<String>, StateError> {
    let sql = "SELECT files FROM publication WHERE id = ?1";
    store.read(|tx| Ok(tx.first(sql, values![id])?.map(|row| row.text(0))))
}

/// Rows of publications by their content, as they were taken over just now.
pub fn id_of(store: &Store, (distro, branch): (&str, &str), key: &Key) -> Result<Option<i64>, StateError> {
    let sql = "SELECT u.id FROM publication u JOIN package p ON p.id = u.package_id
        WHERE p.name = ?1 AND u.distro = ?2 AND u.suite = ?3 AND u.version = ?4 AND u.dsc_sha256 = ?5";
    store.read(|tx| Ok(tx.first(sql, values![&key.0, distro, branch, &key.1, &key.2])?.map(|row| row.int(0))))
}

/// Marks publications that an accepted index does not list any more. An imported one is gone from the suite; one that
/// is not imported is tried as long as a mirror has it. No row is ever deleted.
pub fn unlist(store: &Store, ids: &[i64]) -> Result<(), StateError> {
    ids.chunks(100).try_for_each(|chunk| {
        store.write(|tx| {
            let now = tx.now()?;
            for id in chunk {
                let sql = "UPDATE publication SET unlisted = COALESCE(unlisted, CAST(?2 AS BIGINT)),
                    gone = CASE WHEN done IS NULL THEN gone ELSE COALESCE(gone, CAST(?2 AS BIGINT)) END WHERE id = ?1";
                tx.execute(sql, values![*id, now])?;
            }
            Ok(())
        })
    })
}

/// Number of recorded publications of a suite that are listed, and how many of them are not imported.
pub fn count(store: &Store, archive: &str, distro: &str, branch: &str) -> Result<(i64, i64), StateError> {
    let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN done IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT)
        FROM publication WHERE archive = ?1 AND distro = ?2 AND suite = ?3 AND gone IS NULL AND unlisted IS NULL";
    store.read(|tx| {
        Ok(tx.first(sql, values![archive, distro, branch])?.map_or((0, 0), |row| (row.int(0), row.int(1))))
    })
}
