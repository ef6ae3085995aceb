//! Status: everything that is wrong, with its beginning, on one screen.

use baseline::age::TOLERATED;
use serde::Serialize;

use super::archives::{self, SuiteVerdict, Waits};
use super::clock::{self, Ahead};
use super::failures::{self, Group};
use super::hosts::{self, Host};
use super::queue::{self, LaneLoad};
use crate::db::tx::{HOUR, Tx};
use crate::driver::held::Held;
use crate::error::StateError;
use crate::figures::sample::counter;
use crate::fleet::walls::{self, Unwalled};
use crate::job::breaker;
use crate::outbox::channels;
use crate::publication::collisions;
use crate::publication::foreign::{self, Summary};
use crate::publishing::read::{self as publishing, RemoteStatus};
use crate::repair::findings;
use crate::store::Store;
use crate::values;

/// An outage of a dependency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// Name of the dependency that cannot be reached.
    pub dependency: String,
    /// Unix milliseconds of its beginning.
    pub since: i64,
    /// Last error of the dependency.
    pub cause: Option<String>,
    /// Jobs that wait for it.
    pub parked: i64,
    /// Number of probes so far.
    pub probes: i64,
    /// Unix milliseconds of the next probe.
    pub next_probe: Option<i64>,
}

/// Something that does not count for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// Kind of the subject: `signature` or `package`.
    pub kind: String,
    /// Its short id or its name.
    pub subject: String,
    /// Unix milliseconds of the end.
    pub until: i64,
    /// Reason of the suppression.
    pub reason: String,
}

/// The last run that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastRun {
    /// Name of its host.
    pub host: String,
    /// Unix milliseconds of its end.
    pub ended: i64,
    /// Outcome of the run.
    pub outcome: String,
    /// Note about its work.
    pub note: Option<String>,
}

/// What the machine that asks sees of the installation's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Packages with imported versions whose repository is not there.
    pub lost: i64,
    /// Some of them.
    pub lost_packages: Vec<String>,
    /// What keeps anybody from writing: a line for each disk that is full or read-only.
    pub disks: Vec<String>,
}

/// The state of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Unix milliseconds of the reading.
    pub now: i64,
    /// Dependencies that cannot be reached.
    pub outages: Vec<Outage>,
    /// Packages whose last import failed, held ones not counted.
    pub failing: i64,
    /// Those of them that are tried again soon.
    pub retrying: i64,
    /// Those that need a person.
    pub wedged: i64,
    /// Packages that began to fail in the last 24 hours.
    pub new_failures: i64,
    /// The signatures with most packages.
    pub top: Vec<Group>,
    /// Held packages, and how many of them fail.
    pub held: (i64, i64),
    /// Signatures and packages that are suppressed.
    pub suppressed: Vec<Suppressed>,
    /// The queue by lanes.
    pub queue: Vec<LaneLoad>,
    /// Number of running jobs.
    pub running: i64,
    /// Number of jobs that wait for an unreachable dependency.
    pub parked: i64,
    /// Reports about the hosts.
    pub hosts: Vec<Host>,
    /// The last run that ended.
    pub last_run: Option<LastRun>,
    /// Packages that are known.
    pub packages: i64,
    /// Suites of archives, each with the verdict of its polls.
    pub suites: Vec<SuiteVerdict>,
    /// Waits of packages, by kind.
    pub waits: Vec<Waits>,
    /// Refs of repositories that somebody else made, moved or removed.
    pub foreign: Summary,
    /// Remotes, and what is not published there.
    pub remotes: Vec<RemoteStatus>,
    /// Refs of ours that somebody else made or moved, and that wait for a person.
    pub collisions: collisions::Summary,
    /// Where messages go, and how that gets on.
    pub channels: Vec<channels::Channel>,
    /// What is wrong with repositories, by its code.
    pub findings: Vec<findings::Count>,
    /// Hosts whose imports lack a wall.
    pub unwalled: Vec<Unwalled>,
    /// Sessions that hold locks of the database which others wait for.
    pub locks: Vec<Held>,
    /// What this machine sees of the installation's folder.
    pub place: Place,
    /// Recorded times in the future: a clock was wrong.
    pub ahead: Vec<Ahead>,
}

/// Reads it. `top` is how many signatures are wanted.
pub fn read(tx: &mut Tx<'_>, top: i64) -> Result<Status, StateError> {
    let now = tx.now()?;
    let outages = breaker::list_open(tx)?.into_iter().map(|it| Outage {
        dependency: it.name,
        since: it.since,
        cause: it.cause,
        parked: it.parked,
        probes: it.probes,
        next_probe: it.next_probe,
    });
    Ok(Status {
        now,
        outages: outages.collect(),
        failing: counter(tx, "failing")?,
        retrying: counter(tx, "state_retrying")?,
        wedged: counter(tx, "state_wedged")?,
        new_failures: flow(tx, "new_failures", now, 24)?,
        top: failures::groups(tx, &failures::Filter::default(), top)?,
        held: (counter(tx, "held")?, counter(tx, "failing_held")?),
        suppressed: suppressed(tx)?,
        queue: queue::lanes(tx)?,
        running: counter(tx, "running")?,
        parked: counter(tx, "parked")?,
        hosts: hosts::list(tx)?,
        last_run: last_run(tx)?,
        suites: archives::list(tx)?,
        waits: archives::waits(tx)?,
        packages: tx.first("SELECT COUNT(*) FROM package", &[])?.map_or(0, |row| row.int(0)),
        foreign: foreign::summary(tx)?,
        remotes: publishing::status(tx)?,
        collisions: collisions::summary(tx)?,
        channels: channels::list(tx)?,
        findings: findings::summary(tx)?,
        unwalled: walls::list(tx)?,
        locks: Vec::new(),
        place: Place::default(),
        ahead: clock::ahead(tx)?,
    })
}

/// Milliseconds after which an open transaction is reported, even if nobody was seen waiting for it.
const LONG: i64 = 2000;

/// Sessions that keep others waiting. Short locks are normal: only a session that is found by two looks is reported.
pub fn locks(store: &Store) -> Result<Vec<Held>, StateError> {
    let is_told = |held: &Held| {
        held.waiting.is_some()
            || held.open_for.is_some_and(|open_for| open_for > LONG)
            || held.activity.as_deref() == Some("stopped")
    };
    let first = store.held()?;
    if !first.iter().any(is_told) {
        return Ok(Vec::new());
    }
    std::thread::sleep(AGAIN);
    let again = store.held()?;
    Ok(again
        .into_iter()
        .filter(|held| is_told(held) && first.iter().any(|it| it.holder == held.holder))
        .collect())
}

/// The pause between the two looks.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(100);

/// The sum of a figure over the last hours, this one included.
pub fn flow(tx: &mut Tx<'_>, figure: &str, now: i64, hours: i64) -> Result<i64, StateError> {
    let sql = "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) FROM sample WHERE figure = ?1 AND hour > ?2 AND hour <= ?3";
    let hour = now.div_euclid(HOUR);
    let Some(at) = tx.moment().map(|moment| moment.at) else {
        return Ok(tx.first(sql, values![figure, hour - hours, hour])?.map_or(0, |row| row.int(0)));
    };
    // What happened in the hour that was not over yet is counted again, as far as that can be done.
    let over = tx.first(sql, values![figure, hour - hours, hour - 1])?.map_or(0, |row| row.int(0));
    if figure != "new_failures" {
        return Ok(over);
    }
    let sql = "SELECT COUNT(*) FROM package_past WHERE began = 1 AND at >= ?1 AND at <= ?2 AND class <> 'infrastructure'";
    Ok(over + tx.first(sql, values![hour * HOUR, at])?.map_or(0, |row| row.int(0)))
}

/// Signatures and packages that are suppressed now.
pub fn suppressed(tx: &mut Tx<'_>) -> Result<Vec<Suppressed>, StateError> {
    let now = tx.now()?;
    let sql = "SELECT kind, subject, until, reason FROM suppression WHERE ended IS NULL AND until > ?1 ORDER BY until";
    let rows = tx.query(sql, values![now])?;
    Ok(rows
        .iter()
        .map(|row| Suppressed {
            kind: row.text(0),
            subject: row.text(1),
            until: row.int(2),
            reason: row.text(3),
        })
        .collect())
}

fn last_run(tx: &mut Tx<'_>) -> Result<Option<LastRun>, StateError> {
    let sql = "SELECT h.name, r.ended, r.outcome, r.note FROM run r JOIN host h ON h.id = r.host_id
        WHERE r.ended <= ?1 ORDER BY r.ended DESC LIMIT 1";
    let tolerated = if tx.moment().is_some() { 0 } else { TOLERATED };
    let latest = tx.now()? + tolerated;
    Ok(tx.query_now(sql, values![latest])?.first().map(|row| LastRun {
        host: row.text(0),
        ended: row.int(1),
        outcome: row.text(2),
        note: row.opt_text(3),
    }))
}
