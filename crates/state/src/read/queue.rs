//! The queue: its length, its age, the next jobs, and the expected end.

use serde::Serialize;

use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::figures::sample::counter;
use crate::values;
use crate::words::Lane;

/// Load of a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LaneLoad {
    /// Name of the lane.
    pub lane: String,
    /// Jobs that wait in it.
    pub waiting: i64,
    /// Unix milliseconds at which the oldest of them entered.
    pub oldest: Option<i64>,
}

/// A job in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Its place: 1 is next.
    pub place: i64,
    /// Name of the package.
    pub package: String,
    /// Lane of the job.
    pub lane: String,
    /// `pending`, `running`, `parked` or `retrying`.
    pub state: String,
    /// Unix milliseconds at which the job entered its lane.
    pub entered: i64,
    /// Unix milliseconds of the next try.
    pub due: Option<i64>,
}

/// A package that waits for something that may never come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waits {
    /// Name of the package.
    pub package: String,
    /// Kind of the wait: `history` or `base`.
    pub kind: String,
    /// Description of the missing thing.
    pub reason: String,
    /// Unix milliseconds of the beginning of the wait.
    pub since: i64,
    /// Unix milliseconds at which the wait ends and the package is imported without it.
    pub until: i64,
}

/// Speed at which the queue is worked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// Attempts that ended in the last hour, at most a thousand of them.
    pub attempts: i64,
    /// Jobs an hour, if there were any.
    pub per_hour: Option<i64>,
    /// Milliseconds until all waiting jobs are done at that pace.
    pub left: Option<i64>,
}

/// Jobs that wait for something other than a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Later {
    /// Parked until a dependency is reachable again.
    pub parked: i64,
    /// Failed, and tried again at their time.
    pub retrying: i64,
    /// Unix milliseconds of the first of those retries.
    pub next_retry: Option<i64>,
    /// Held until an operator releases them.
    pub held: i64,
}

/// Numbers of jobs outside of the lanes: those that come back by themselves, and those that are held.
pub fn later(tx: &mut Tx<'_>) -> Result<Later, StateError> {
    Ok(Later {
        parked: counter(tx, "parked")?,
        retrying: counter(tx, "state_retrying")? + counter(tx, "state_failing")?,
        next_retry: crate::job::queue::next_due(tx)?,
        held: counter(tx, "queue_held")?,
    })
}

/// All lanes, highest first.
pub fn lanes(tx: &mut Tx<'_>) -> Result<Vec<LaneLoad>, StateError> {
    let mut found = Vec::new();
    for lane in Lane::ALL {
        let sql = "SELECT entered FROM job WHERE lane = ?1 AND state = 'pending' AND held = 0
            ORDER BY lane, entered, package_id LIMIT 1";
        let oldest = tx.first(sql, values![lane.place()])?.map(|row| row.int(0));
        let waiting = counter(tx, &format!("queue_{lane}"))?;
        found.push(LaneLoad { lane: lane.as_str().into(), waiting, oldest });
    }
    Ok(found)
}

/// Jobs in the order in which they will be done, of one lane or of all.
pub fn next(tx: &mut Tx<'_>, lane: Option<Lane>, at_most: i64) -> Result<Vec<Waiting>, StateError> {
    let sql =
        "SELECT p.name, j.lane, j.state, j.entered, j.due FROM job j JOIN package p ON p.id = j.package_id
        WHERE j.state = 'pending' AND j.held = 0 AND j.lane >= ?1 AND j.lane <= ?2
        ORDER BY j.lane, j.entered, j.package_id LIMIT ?3";
    let (from, to) = lane.map_or((0, i64::MAX), |lane| (lane.place(), lane.place()));
    let rows = tx.query(sql, values![from, to, at_most])?;
    let before = match lane {
        Some(lane) => before_lane(tx, lane)?,
        None => 0,
    };
    Ok(rows
        .iter()
        .zip(1..)
        .map(|(row, place)| Waiting {
            place: before + place,
            package: row.text(0),
            lane: Lane::at(row.int(1)).as_str().into(),
            state: row.text(2),
            entered: row.int(3),
            due: row.opt_int(4),
        })
        .collect())
}

/// Packages with a limited wait for something, those that go on first before the others.
pub fn waits(tx: &mut Tx<'_>, at_most: i64) -> Result<Vec<Waits>, StateError> {
    let sql =
        "SELECT p.name, w.kind, w.reason, w.since, w.until FROM wait w JOIN package p ON p.id = w.package_id
        JOIN job j ON j.package_id = w.package_id AND j.state IN ('retrying', 'parked')
        ORDER BY w.until, p.name LIMIT ?1";
    let rows = tx.query(sql, values![at_most])?;
    Ok(rows
        .iter()
        .map(|row| Waits {
            package: row.text(0),
            kind: row.text(1),
            reason: row.text(2),
            since: row.int(3),
            until: row.int(4),
        })
        .collect())
}

fn before_lane(tx: &mut Tx<'_>, lane: Lane) -> Result<i64, StateError> {
    let mut before = 0;
    for higher in Lane::ALL.iter().filter(|it| **it < lane) {
        before += counter(tx, &format!("queue_{higher}"))?;
    }
    Ok(before)
}

/// Where a job waits: in its lane, those that entered first before the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub lane: i64,
    pub entered: i64,
    pub package: i64,
}

/// The place of a package among the waiting ones; `None` if it does not wait.
pub fn place(tx: &mut Tx<'_>, package: i64) -> Result<Option<i64>, StateError> {
    let sql = "SELECT lane, entered FROM job WHERE package_id = ?1 AND state = 'pending' AND held = 0";
    let Some(row) = tx.first(sql, values![package])? else { return Ok(None) };
    let spot = Spot { lane: row.int(0), entered: row.int(1), package };
    Ok(places(tx, vec![spot])?.pop().map(|(_, place)| place))
}

/// The places of some packages. Those before them are counted once, however many packages are asked for.
pub(super) fn places(tx: &mut Tx<'_>, mut spots: Vec<Spot>) -> Result<Vec<(i64, i64)>, StateError> {
    spots.sort_unstable();
    let sql = "SELECT COUNT(*) FROM job WHERE state = 'pending' AND held = 0 AND lane = ?1
        AND (entered, package_id) > (?2, ?3) AND (entered, package_id) <= (?4, ?5)";
    let mut found = Vec::new();
    for lane in spots.chunk_by(|a, b| a.lane == b.lane) {
        let first = lane.first().map_or(0, |spot| spot.lane);
        let mut place = before_lane(tx, Lane::at(first))?;
        let mut before = (i64::MIN, i64::MIN);
        for spot in lane {
            let between = values![spot.lane, before.0, before.1, spot.entered, spot.package];
            place += tx.first(sql, between)?.map_or(0, |row| row.int(0));
            before = (spot.entered, spot.package);
            found.push((spot.package, place));
        }
    }
    Ok(found)
}

/// Expected end of the job at a place of the queue, in Unix milliseconds, at so many jobs an hour; `None` if nothing was done.
pub(super) fn due_at(now: i64, place: i64, per_hour: Option<i64>) -> Option<i64> {
    per_hour.filter(|pace| *pace > 0).map(|pace| now + place * HOUR / pace)
}

/// Pace, from the attempts of the last hour.
pub fn pace(tx: &mut Tx<'_>) -> Result<Pace, StateError> {
    let now = tx.now()?;
    let sql =
        "SELECT COUNT(*), MIN(ended) FROM (SELECT ended FROM attempt WHERE ended > ?1 AND ended <= ?2 AND outcome <> 'lost'
        ORDER BY ended DESC LIMIT 1000) AS lately";
    // An attempt that has ended does not change any more: the table itself has the index.
    let rows = tx.query_now(sql, values![now - HOUR, now])?;
    let (attempts, oldest) = rows.first().map_or((0, None), |row| (row.int(0), row.opt_int(1)));
    let span = oldest.map_or(0, |oldest| (now - oldest).max(1));
    let per_hour = (attempts > 1).then(|| attempts * HOUR / span);
    let mut waiting = 0;
    for lane in Lane::ALL {
        waiting += counter(tx, &format!("queue_{lane}"))?;
    }
    let left = per_hour.filter(|pace| *pace > 0).map(|pace| waiting * HOUR / pace);
    Ok(Pace { attempts, per_hour, left })
}
