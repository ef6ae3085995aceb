//! Recorded publications of a suite, and the changes that bring them to a new list: publications move between
//! components and folders, are listed in several places at once, and vanish.

use std::collections::HashMap;

use crate::db::store::Store;
use crate::driver::Value;
use crate::error::StateError;
use crate::job::queue;
pub use crate::publication::key::{Key, Place};
use crate::publication::rows::rows;
use crate::values;
use crate::words::{Lane, Tasks};

/// A publication on record. A poll holds all of a suite, so that what few have is apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Row of the publication.
    pub id: i64,
    /// Place that it is fetched from.
    pub place: Place,
    rare: Option<Box<Rare>>,
}

/// Facts that few publications have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rare {
    also: Vec<Place>,
    tried: Option<String>,
}

impl Recorded {
    /// A publication with its further places, and with its files if it was tried.
    pub fn new(id: i64, place: Place, also: Vec<Place>, tried: Option<String>) -> Recorded {
        let is_plain = also.is_empty() && tried.is_none();
        Recorded { id, place, rare: (!is_plain).then(|| Box::new(Rare { also, tried })) }
    }

    /// Other places where it is listed.
    pub fn also(&self) -> &[Place] {
        self.rare.as_ref().map_or(&[], |rare| &rare.also)
    }

    /// Its files as they were listed, if it was tried and is not imported: a later list may correct them.
    pub fn tried(&self) -> Option<&str> {
        self.rare.as_ref().and_then(|rare| rare.tried.as_deref())
    }

    /// All places where it is listed, the one that it is fetched from first.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.place).chain(self.also())
    }
}

/// Rows that one statement reads. Their texts are in memory beside the result.
const PAGE: usize = 2000;

/// Recorded publications that are listed in a suite's branch of an archive, each as `make` wants it. The time and the memory of
/// a poll depend on this: each page is put into the map and forgotten.
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
    let mut places = places(store, (archive, distro, branch))?;
    let (mut found, mut after) = (HashMap::new(), 0);
    loop {
        let mut rows = store.read(|tx| tx.query(&sql, values![after, archive, distro, branch]))?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.int(0);
        for row in &mut rows {
            let (id, tried) = (row.int(0), row.take_opt_text(6));
            let key = Key::new(row.str(1), row.str(2), row.str(3));
            let place = Place::new(row.str(4), row.str(5));
            let also = places.remove(&id).unwrap_or_default();
            found.insert(key, make(Recorded::new(id, place, also, tried)));
        }
    }
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
    for row in store.read(|tx| tx.query(sql, values![archive, distro, branch]))? {
        found.entry(row.int(0)).or_default().push(Place::new(row.str(1), row.str(2)));
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
                    let rows = tx.returning(sql, values![one.id, place.component(), place.path(), files])?;
                    for row in rows.iter().filter(|row| row.opt_int(1).is_none()) {
                        queue::enqueue(tx, row.int(0), Lane::Upload, Tasks::IMPORT)?;
                    }
                }
                if let Some(also) = &one.also {
                    tx.execute("DELETE FROM place WHERE publication_id = ?1", values![one.id])?;
                    for place in also {
                        let sql = "INSERT INTO place (publication_id, component, dsc) VALUES (?1, ?2, ?3)
                            ON CONFLICT DO NOTHING";
                        tx.execute(sql, values![one.id, place.component(), place.path()])?;
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
    let values = values![key.package(), distro, branch, key.version(), key.hash()];
    store.read(|tx| Ok(tx.first(sql, values)?.map(|row| row.int(0))))
}

/// Marks publications that an accepted index does not list any more. An imported one is gone from the suite; one that
/// is not imported is tried as long as a mirror has it. No row is ever deleted.
pub fn unlist(store: &Store, ids: &[i64]) -> Result<(), StateError> {
    ids.chunks(100).try_for_each(|chunk| {
        let now_is = chunk.len() + 1;
        let sql = format!(
            "UPDATE publication SET unlisted = COALESCE(unlisted, CAST(?{now_is} AS BIGINT)),
                gone = CASE WHEN done IS NULL THEN gone ELSE COALESCE(gone, CAST(?{now_is} AS BIGINT)) END
             WHERE id IN {}",
            rows(1, chunk.len())
        );
        store.write(|tx| {
            let mut values: Vec<Value> = chunk.iter().map(|id| Value::Int(*id)).collect();
            values.push(Value::Int(tx.now()?));
            tx.execute(&sql, &values).map(drop)
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
