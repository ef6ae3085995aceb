//! Suites of archives, and their last polls.

use std::collections::BTreeMap;

use crate::db::store::Store;
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::job::queue;
use crate::publication::rows::{self, NewPublication};
use crate::values;
use crate::words::{Lane, Tasks};

/// The last polls of a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    /// What the next poll has to know, as the importer wrote it.
    pub remembered: Option<String>,
    /// When a poll succeeded last.
    pub polled: Option<i64>,
    /// When one failed last.
    pub failed: Option<i64>,
    /// Why.
    pub error: Option<String>,
}

/// What is known of a suite.
pub fn get(tx: &mut Tx<'_>, archive: &str, suite: &str) -> Result<Suite, StateError> {
    let sql = "SELECT indices, polled, failed, error FROM suite WHERE archive = ?1 AND suite = ?2";
    let row = tx.first(sql, values![archive, suite])?;
    Ok(row.map_or_else(Suite::default, |row: Row| Suite {
        remembered: row.opt_text(0),
        polled: row.opt_int(1),
        failed: row.opt_int(2),
        error: row.opt_text(3),
    }))
}

/// Notes a poll that worked. This comes last: whoever is cut off before it polls again.
pub fn polled(
    tx: &mut Tx<'_>,
    (archive, suite): (&str, &str),
    remembered: &str,
    (release_date, changed): (i64, bool),
) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "INSERT INTO suite (archive, suite, indices, release_date, polled, changed) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (archive, suite) DO UPDATE SET indices = excluded.indices, release_date = excluded.release_date,
            polled = excluded.polled, changed = CASE WHEN ?6 = 1 THEN excluded.changed ELSE suite.changed END,
            error = NULL",
        values![archive, suite, remembered, release_date, now, changed],
    )?;
    Ok(())
}

/// Notes a poll that failed.
pub fn failed(tx: &mut Tx<'_>, archive: &str, suite: &str, error: &str) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "INSERT INTO suite (archive, suite, failed, error) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (archive, suite) DO UPDATE SET failed = excluded.failed, error = excluded.error",
        values![archive, suite, now, error],
    )?;
    Ok(())
}

/// Notes which suites of an archive are followed, and how often they are polled: the checks judge no others. Nothing is
/// written where nothing has changed.
pub fn follow(store: &Store, archive: &str, wanted: &[(String, i64)]) -> Result<(), StateError> {
    let sql = "SELECT suite, every FROM suite WHERE archive = ?1 AND followed IS NOT NULL";
    let known = store.read(|tx| tx.query(sql, values![archive]))?;
    let known: BTreeMap<String, i64> = known.iter().map(|row| (row.text(0), row.int(1))).collect();
    let wanted: BTreeMap<String, i64> = wanted.iter().cloned().collect();
    let changed: Vec<_> = wanted.iter().filter(|(suite, every)| known.get(*suite) != Some(every)).collect();
    for chunk in changed.chunks(CHUNK) {
        store.write(|tx| {
            let now = tx.now()?;
            for (suite, every) in chunk {
                tx.execute(
                    "INSERT INTO suite (archive, suite, every, followed) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (archive, suite) DO UPDATE SET every = excluded.every,
                        followed = COALESCE(suite.followed, excluded.followed)",
                    values![archive, suite.as_str(), **every, now],
                )?;
            }
            Ok(())
        })?;
    }
    let gone: Vec<_> = known.keys().filter(|suite| !wanted.contains_key(*suite)).collect();
    for chunk in gone.chunks(CHUNK) {
        store.write(|tx| {
            let sql = "UPDATE suite SET every = NULL, followed = NULL WHERE archive = ?1 AND suite = ?2";
            chunk.iter().try_for_each(|suite| tx.execute(sql, values![archive, suite.as_str()]).map(drop))
        })?;
    }
    Ok(())
}

/// Whether the interval of any suite that is followed is over: cheap, where [`follow`] and a poll are not.
pub fn is_any_due(store: &Store) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM suite WHERE followed IS NOT NULL AND (COALESCE(polled, failed) IS NULL
        OR CASE WHEN COALESCE(polled, 0) > COALESCE(failed, 0) THEN COALESCE(polled, 0) ELSE COALESCE(failed, 0) END
            + every <= ?1) LIMIT 1";
    store.read(|tx| {
        let now = tx.now()?;
        Ok(tx.first(sql, values![now])?.is_some())
    })
}

/// Whether any suite of an archive is followed.
pub fn are_followed(store: &Store, archive: &str) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM suite WHERE archive = ?1 AND followed IS NOT NULL LIMIT 1";
    store.read(|tx| Ok(tx.first(sql, values![archive])?.is_some()))
}

/// The same for all suites of archives that are not configured any more.
pub fn follow_only(store: &Store, archives: &[String]) -> Result<(), StateError> {
    let sql = "SELECT DISTINCT archive FROM suite WHERE followed IS NOT NULL";
    let known = store.read(|tx| tx.query(sql, &[]))?;
    let gone = known.iter().map(|row| row.text(0)).filter(|archive| !archives.contains(archive));
    gone.collect::<Vec<_>>().iter().try_for_each(|archive| follow(store, archive, &[]))
}

/// A publication's identity in its suite: the package, the version, the hash of its `.dsc`.
pub type Key = (String, String, String);

/// What was published in a suite's branch of an archive until now, and the rows of it.
pub fn published(
    store: &Store,
    archive: &str,
    distro: &str,
    branch: &str,
    components: &[String],
) -> Result<BTreeMap<Key, i64>, StateError> {
    let sql = "SELECT u.id, p.name, u.version, u.dsc_sha256, u.component FROM publication u
        JOIN package p ON p.id = u.package_id
        WHERE u.id > ?1 AND u.archive = ?2 AND u.distro = ?3 AND u.suite = ?4 AND u.gone IS NULL
        ORDER BY u.id LIMIT 5000";
    let (mut found, mut after) = (BTreeMap::new(), 0);
    loop {
        let rows = store.read(|tx| tx.query(sql, values![after, archive, distro, branch]))?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.int(0);
        let changed = rows.iter().filter(|row| components.contains(&row.text(4)));
        found.extend(changed.map(|row| ((row.text(1), row.text(2), row.text(3)), row.int(0))));
    }
}

/// Publications in one transaction: each writes up to three rows.
const CHUNK: usize = 60;

/// Takes over what is new: recorded and queued together, so that nothing is recorded and never imported.
/// Each chunk is told when it is done. They are queued in `lane`; that of each says how it is measured.
pub fn take_over(
    store: &Store,
    new: &[(String, NewPublication)],
    lane: Lane,
    told: &dyn Fn(usize),
) -> Result<(), StateError> {
    for chunk in new.chunks(CHUNK) {
        store.write(|tx| take_chunk(tx, chunk, lane))?;
        told(chunk.len());
    }
    Ok(())
}

/// One statement for each table: with a database at the other end of a wire, it is their number that takes the time.
fn take_chunk(tx: &mut Tx<'_>, chunk: &[(String, NewPublication)], lane: Lane) -> Result<(), StateError> {
    tx.prefer_indices()?;
    let packages = queue::package_ids(tx, chunk.iter().map(|(package, _)| package.as_str()))?;
    let id = |package: &String| {
        let missing = || StateError::Unknown(format!("package {package} is not known"));
        packages.get(package).copied().ok_or_else(missing)
    };
    let mut publications = Vec::with_capacity(chunk.len());
    let mut lanes: BTreeMap<i64, Lane> = BTreeMap::new();
    for (package, publication) in chunk {
        let id = id(package)?;
        publications.push((id, publication));
        lanes.insert(id, lane);
    }
    rows::insert(tx, &publications)?;
    queue::enqueue_all(tx, &lanes, Tasks::IMPORT)
}

/// Marks what has vanished from a suite. It is never deleted.
pub fn vanish(store: &Store, ids: &[i64]) -> Result<(), StateError> {
    ids.chunks(CHUNK * 3).try_for_each(|chunk| store.write(|tx| rows::gone(tx, chunk)))
}
