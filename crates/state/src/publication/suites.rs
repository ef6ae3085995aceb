//! Suites of archives, and their last polls.

use std::collections::BTreeMap;

use crate::db::store::Store;
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::job::queue;
use crate::outbox::{notices, texts};
use crate::past::things::{self, Kind};
use crate::publication::rows::{self, NewPublication};
use crate::values;
use crate::words::{Lane, Tasks};

/// The last polls of a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    /// State that the next poll starts from, as the importer wrote it.
    pub remembered: Option<String>,
    /// Unix milliseconds of the last poll that succeeded.
    pub polled: Option<i64>,
    /// Unix milliseconds of the last poll that failed.
    pub failed: Option<i64>,
    /// Error of the last poll that failed.
    pub error: Option<String>,
    /// The distro of its publications.
    pub distro: Option<String>,
    /// The branch of its publications.
    pub branch: Option<String>,
    /// Publications in the last accepted index.
    pub listed: Option<i64>,
    /// Unix milliseconds at which list and rows were last compared.
    pub reconciled: Option<i64>,
    /// Remarks about the suite, one sentence a line.
    pub remarks: Option<String>,
    /// Publications that an index listed no more, and that are kept because they are too many at once: another index
    /// has to confirm the removals.
    pub withheld: Option<i64>,
    /// Index that was withheld.
    pub withheld_index: Option<String>,
    /// Unix milliseconds before which the server does not want to be asked again.
    pub not_before: Option<i64>,
}

const COLUMNS: &str = "indices, polled, failed, error, distro, branch, listed, reconciled, remarks, withheld,
    withheld_index, not_before";

/// Record of a suite; the default if it was never polled.
pub fn get(tx: &mut Tx<'_>, archive: &str, suite: &str) -> Result<Suite, StateError> {
    let sql = format!("SELECT {COLUMNS} FROM suite WHERE archive = ?1 AND suite = ?2");
    let row = tx.first(&sql, values![archive, suite])?;
    Ok(row.map_or_else(Suite::default, |row: Row| Suite {
        remembered: row.opt_text(0),
        polled: row.opt_int(1),
        failed: row.opt_int(2),
        error: row.opt_text(3),
        distro: row.opt_text(4),
        branch: row.opt_text(5),
        listed: row.opt_int(6),
        reconciled: row.opt_int(7),
        remarks: row.opt_text(8),
        withheld: row.opt_int(9),
        withheld_index: row.opt_text(10),
        not_before: row.opt_int(11),
    }))
}

/// A poll that worked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled<'a> {
    /// State that the next poll starts from.
    pub remembered: &'a str,
    /// The date of the index in milliseconds; 0 if it has none.
    pub release_date: i64,
    /// True when the lists differ from those before.
    pub changed: bool,
    /// The distro of its publications.
    pub distro: &'a str,
    /// The branch that they are of.
    pub branch: &'a str,
    /// The mirror that answered.
    pub mirror: &'a str,
    /// Publications in the index.
    pub listed: i64,
    /// True when list and rows were compared.
    pub reconciled: bool,
    /// Remarks, one sentence a line.
    pub remarks: &'a str,
    /// Publications that the index lists no more and that are not yet marked, and that index.
    pub withheld: Option<(i64, &'a str)>,
    /// Age in milliseconds that the configuration allows for the suite's content; 0 for any age.
    pub stale_after: Option<i64>,
}

/// Records a poll that succeeded. This is written last: a process that is killed before it polls again.
pub fn polled(tx: &mut Tx<'_>, archive: &str, suite: &str, poll: &Polled<'_>) -> Result<(), StateError> {
    let now = tx.now()?;
    withheld(tx, archive, suite, poll.withheld.map_or(0, |(count, _)| count))?;
    touch(tx, archive, suite);
    tx.touch_thing(Kind::Polled, &format!("{archive}/{suite}"));
    let (withheld, index) = poll.withheld.map_or((None, None), |(count, index)| (Some(count), Some(index)));
    tx.execute(
        "INSERT INTO suite (archive, suite, indices, release_date, polled, changed, distro, branch, mirror, listed,
            reconciled, remarks, remarked, withheld, withheld_index, withheld_since)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?7, ?8, ?9, ?10, ?5, ?11, ?5, ?12, ?13, CASE WHEN CAST(?12 AS BIGINT) IS NULL THEN NULL
            ELSE CAST(?5 AS BIGINT) END)
         ON CONFLICT (archive, suite) DO UPDATE SET indices = excluded.indices, release_date = excluded.release_date,
            polled = excluded.polled, changed = CASE WHEN ?6 = 1 THEN excluded.changed ELSE suite.changed END,
            error = NULL, not_before = NULL, distro = excluded.distro, branch = excluded.branch,
            mirror = excluded.mirror, listed = excluded.listed,
            reconciled = CASE WHEN ?14 = 1 THEN excluded.reconciled ELSE suite.reconciled END,
            remarked = CASE WHEN suite.remarks = excluded.remarks THEN suite.remarked ELSE excluded.remarked END,
            remarks = excluded.remarks, withheld = excluded.withheld, withheld_index = excluded.withheld_index,
            withheld_since = CASE WHEN excluded.withheld IS NULL THEN NULL
                ELSE COALESCE(suite.withheld_since, excluded.withheld_since) END",
        values![
            archive,
            suite,
            poll.remembered,
            poll.release_date,
            now,
            poll.changed,
            poll.distro,
            poll.branch,
            poll.mirror,
            poll.listed,
            poll.remarks,
            withheld,
            index,
            poll.reconciled
        ],
    )?;
    match withheld.filter(|count| *count > 0) {
        Some(count) => notices::begin(tx, &texts::removals(archive, suite, count))?,
        None => notices::end(tx, &texts::removals_topic(archive, suite), &[], |_| {
            format!("archive {archive}, suite {suite}: no removals wait any more")
        })?,
    }
    content(tx, archive, suite, poll, now)
}

/// Keeps when removals are not believed, and when that is over.
fn withheld(tx: &mut Tx<'_>, archive: &str, suite: &str, now_is: i64) -> Result<(), StateError> {
    let sql = "SELECT COALESCE(withheld, 0) FROM suite WHERE archive = ?1 AND suite = ?2";
    let before = tx.first(sql, values![archive, suite])?.map_or(0, |row| row.int(0));
    if before == now_is {
        return Ok(());
    }
    things::put(tx, things::WITHHELD, &format!("{archive}/{suite}"), Some(&now_is.to_string()))
}

/// Keeps the state of a suite from now on.
fn touch(tx: &mut Tx<'_>, archive: &str, suite: &str) {
    tx.touch_thing(Kind::Suite, &format!("{archive}/{suite}"));
}

/// Number of known changes of a suite's lists from which on one that comes much later than any before is an incident,
/// and must not become normal.
const KNOWN: i64 = 5;

/// Records the date of the content, and the longest time without a change of the lists. That time decays slowly.
fn content(
    tx: &mut Tx<'_>,
    archive: &str,
    suite: &str,
    poll: &Polled<'_>,
    now: i64,
) -> Result<(), StateError> {
    let sql =
        "SELECT content, changes, longest_gap, stale_after FROM suite WHERE archive = ?1 AND suite = ?2";
    let Some(row) = tx.first(sql, values![archive, suite])? else { return Ok(()) };
    let (before, changes, longest) = (row.opt_int(0), row.int(1), row.opt_int(2));
    if !poll.changed && before.is_some() {
        if row.opt_int(3) != poll.stale_after {
            let sql = "UPDATE suite SET stale_after = ?3 WHERE archive = ?1 AND suite = ?2";
            tx.execute(sql, values![archive, suite, poll.stale_after])?;
        }
        return Ok(());
    }
    let date = if poll.release_date > 0 { poll.release_date.min(now) } else { now };
    let gap = before.map(|before| date - before).filter(|gap| *gap > 0);
    let gap = match longest {
        Some(longest) if changes >= KNOWN => gap.map(|gap| gap.min(longest.max(1).saturating_mul(4))),
        _ => gap,
    };
    let longest = match (longest, gap) {
        (Some(longest), Some(gap)) => Some(gap.max(longest - longest / 50)),
        (longest, gap) => gap.or(longest),
    };
    let sql = "UPDATE suite SET content = ?3, changes = changes + ?4, longest_gap = ?5, stale_after = ?6
        WHERE archive = ?1 AND suite = ?2";
    tx.execute(sql, values![archive, suite, date, i64::from(gap.is_some()), longest, poll.stale_after])?;
    Ok(())
}

/// Another followed suite that feeds a branch: archive and suite.
pub fn owner(
    tx: &mut Tx<'_>,
    (distro, branch): (&str, &str),
    (archive, suite): (&str, &str),
) -> Result<Option<(String, String)>, StateError> {
    let sql = "SELECT archive, suite FROM suite WHERE distro = ?1 AND branch = ?2 AND followed IS NOT NULL
        AND polled IS NOT NULL AND (archive <> ?3 OR suite <> ?4) ORDER BY id LIMIT 1";
    Ok(tx.first(sql, values![distro, branch, archive, suite])?.map(|row| (row.text(0), row.text(1))))
}

/// The followed suites of an archive.
pub fn followed(tx: &mut Tx<'_>, archive: &str) -> Result<Vec<String>, StateError> {
    let sql = "SELECT suite FROM suite WHERE archive = ?1 AND followed IS NOT NULL AND polled IS NOT NULL ORDER BY suite";
    Ok(tx.query(sql, values![archive])?.iter().map(|row| row.text(0)).collect())
}

/// Records when the server of a suite wants the next request.
pub fn not_before(tx: &mut Tx<'_>, archive: &str, suite: &str, at: i64) -> Result<(), StateError> {
    let sql = "UPDATE suite SET not_before = ?3 WHERE archive = ?1 AND suite = ?2";
    tx.execute(sql, values![archive, suite, at]).map(drop)
}

/// Packages that wait for a file which an archive lists and no mirror had look again at once: those that have waited
/// for less than a day, or all.
pub fn hurry_files(tx: &mut Tx<'_>, archive: &str, all: bool, at_most: i64) -> Result<usize, StateError> {
    const DAY: i64 = 24 * 3_600_000;
    // Nearly always nothing waits, and a poll without a change compiles the long statement only to learn that.
    if tx.first("SELECT 1 FROM wait WHERE kind = 'pool' LIMIT 1", &[])?.is_none() {
        return Ok(0);
    }
    let since = if all { i64::MIN } else { tx.now()? - DAY };
    let sql = "SELECT w.package_id FROM wait w JOIN job j ON j.package_id = w.package_id
        WHERE w.kind = 'pool' AND w.since > ?2 AND j.state = 'retrying' AND j.held = 0
            AND EXISTS (SELECT 1 FROM publication u WHERE u.package_id = w.package_id AND u.archive = ?1
                AND u.done IS NULL AND u.gone IS NULL)
        ORDER BY w.since LIMIT ?3";
    let rows = tx.query(sql, values![archive, since, at_most])?;
    for row in &rows {
        queue::enqueue(tx, row.int(0), Lane::Retry, Tasks::IMPORT)?;
    }
    Ok(rows.len())
}

/// Notes a poll that failed.
pub fn failed(tx: &mut Tx<'_>, archive: &str, suite: &str, error: &str) -> Result<(), StateError> {
    let now = tx.now()?;
    touch(tx, archive, suite);
    tx.execute(
        "INSERT INTO suite (archive, suite, failed, error) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (archive, suite) DO UPDATE SET failed = excluded.failed, error = excluded.error",
        values![archive, suite, now, error],
    )?;
    Ok(())
}

/// Records the followed suites of an archive, and their poll interval: the checks judge no others. Nothing is written
/// if nothing has changed.
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
                touch(tx, archive, suite);
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
            chunk.iter().try_for_each(|suite| {
                touch(tx, archive, suite);
                tx.execute(sql, values![archive, suite.as_str()]).map(drop)
            })
        })?;
    }
    Ok(())
}

/// True when the interval of any followed suite is over. This costs little, where [`follow`] and a poll do not.
pub fn is_any_due(store: &Store) -> Result<bool, StateError> {
    let sql = "SELECT 1 FROM suite WHERE followed IS NOT NULL AND (COALESCE(polled, failed) IS NULL
        OR CASE WHEN COALESCE(polled, 0) > COALESCE(failed, 0) THEN COALESCE(polled, 0) ELSE COALESCE(failed, 0) END
            + every <= ?1) LIMIT 1";
    store.read(|tx| {
        let now = tx.now()?;
        Ok(tx.first(sql, values![now])?.is_some())
    })
}

/// True when any suite of an archive is followed.
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

/// Publications in one transaction: each writes up to three rows.
const CHUNK: usize = 60;

/// Records new publications and queues them in the same transaction, so that none is recorded and never
/// imported. `told` is called after each chunk. They are queued in `lane`; that of each says how it is
/// measured.
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

/// One statement for each table: with a remote database, the number of statements determines the time.
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
