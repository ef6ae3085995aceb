//! One package: the result of its last import, its present work, and its hold.

use serde::Serialize;

use super::{failures, queue};
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::job::wait::{self, Waiting};
use crate::publication::collisions::{self, Collision};
use crate::publication::foreign::{self, ForeignRef};
use crate::publication::history::{self, Asked};
use crate::publishing::read::{self as publishing, PackageStatus};
use crate::repair::findings::{self, Found};
use crate::values;
use crate::words::{Fact, Lane, Outcome};

/// An attempt, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Number of the attempt.
    pub id: i64,
    /// Lane of the job.
    pub lane: String,
    /// Name of the host.
    pub host: String,
    /// Unix milliseconds of its beginning.
    pub started: i64,
    /// Unix milliseconds of its end.
    pub ended: Option<i64>,
    /// Outcome of the attempt.
    pub outcome: Option<String>,
    /// Stage of the import that failed.
    pub stage: Option<String>,
    /// Code of the failure.
    pub code: Option<String>,
    /// The signature's short id.
    pub signature: Option<String>,
    /// Message of the failure.
    pub message: Option<String>,
    /// Versions it dealt with.
    pub versions: Option<i64>,
    /// Elapsed time in milliseconds.
    pub wall_ms: Option<i64>,
    /// Processor time in milliseconds.
    pub cpu_ms: Option<i64>,
    /// The largest memory in bytes.
    pub peak_rss: Option<i64>,
    /// Version of the program.
    pub importer: String,
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Actor who holds it.
    pub by: String,
    /// Reason of the hold.
    pub reason: String,
    /// Unix milliseconds of its beginning.
    pub since: i64,
    /// Unix milliseconds of its end, if it has one.
    pub until: Option<i64>,
}

/// A publication that is not imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Version of the source package.
    pub version: String,
    /// Distro and suite, as `distro/suite`.
    pub place: String,
    /// Unix milliseconds at which it was first seen.
    pub first_seen: i64,
    /// Number of attempts that tried it.
    pub tries: i64,
}

/// Something that a package did not wait for any longer. Its history is as it is from there on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WentOn {
    /// Unix milliseconds at which the wait ended.
    pub at: i64,
    /// Version, and the missing thing that it was imported without.
    pub what: String,
}

/// Everything about a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Name of the package.
    pub package: String,
    /// Result of its last import: `never`, `current`, `retrying`, `failing`, `wedged`.
    pub result: String,
    /// Present work: `none`, `queued`, `parked`, `running`, or `retrying` while it waits for its next try.
    pub work: String,
    /// The lane of its job.
    pub lane: Option<String>,
    /// Its place in the queue.
    pub place: Option<i64>,
    /// Unix milliseconds of the next try.
    pub due: Option<i64>,
    /// Dependency that its job is parked on.
    pub waits_for: Option<String>,
    /// Missing history or base that it waits for, with the latest end of the wait.
    pub wait: Option<Waiting>,
    /// Ended waits, after which it was imported without what was missing; newest first.
    pub went_on: Vec<WentOn>,
    /// Requests to archives for its old versions.
    pub history: Vec<Asked>,
    /// Hold of the package, if it is held.
    pub held: Option<Held>,
    /// Current failure, if it fails.
    pub failure: Option<failures::Failing>,
    /// Unix milliseconds of its last success.
    pub last_success: Option<i64>,
    /// Refs of its repository that somebody else made, moved or removed, as the last import found them.
    pub foreign: Vec<ForeignRef>,
    /// State of publishing on each remote.
    pub remotes: Vec<PackageStatus>,
    /// Refs of ours that somebody else made or moved: those that wait for a person, and the last of those that have ended.
    pub collisions: Vec<Collision>,
    /// What is wrong with its repository, as the last look found it.
    pub findings: Vec<Found>,
    /// Publications that are not imported.
    pub missing: Vec<Missing>,
    /// The last attempts, newest first.
    pub attempts: Vec<Attempt>,
}

/// The row of a package.
pub fn id(tx: &mut Tx<'_>, name: &str) -> Result<Option<i64>, StateError> {
    Ok(tx.first("SELECT id FROM package WHERE name = ?1", values![name])?.map(|row| row.int(0)))
}

/// Names that begin like a name that is not known.
pub fn similar(tx: &mut Tx<'_>, name: &str) -> Result<Vec<String>, StateError> {
    for length in (1..=name.chars().count().min(6)).rev() {
        let start: String = name.chars().take(length).collect();
        let end = format!("{start}\u{10ffff}");
        let rows = tx.query(
            "SELECT name FROM package WHERE name >= ?1 AND name < ?2 ORDER BY name LIMIT 3",
            values![&start, &end],
        )?;
        if !rows.is_empty() {
            return Ok(rows.iter().map(|row| row.text(0)).collect());
        }
    }
    Ok(Vec::new())
}

/// Names that begin like a word, in their order.
pub fn beginning(tx: &mut Tx<'_>, word: &str, at_most: i64) -> Result<Vec<String>, StateError> {
    let end = format!("{word}\u{10ffff}");
    let sql = "SELECT name FROM package WHERE name >= ?1 AND name < ?2 ORDER BY name LIMIT ?3";
    Ok(tx.query(sql, values![word, end, at_most])?.iter().map(|row| row.text(0)).collect())
}

/// Reads everything about a package.
pub fn read(tx: &mut Tx<'_>, name: &str, attempts: i64) -> Result<Option<Package>, StateError> {
    let sql = "SELECT p.id, p.last_success, p.held, p.held_by, p.held_reason, p.held_at, p.held_until,
        j.state, j.lane, j.due, d.name
        FROM package p LEFT JOIN job j ON j.package_id = p.id LEFT JOIN dependency d ON d.id = j.dependency_id
        WHERE p.name = ?1";
    let Some(row) = tx.first(sql, values![name])? else { return Ok(None) };
    let package = row.int(0);
    let failure = failures::of_package(tx, package)?;
    let result = match (&failure, row.opt_int(1)) {
        (Some(failure), _) => failure.state.clone(),
        (None, Some(_)) => Fact::Current.as_str().to_owned(),
        (None, None) => Fact::Never.as_str().to_owned(),
    };
    let work = work(row.opt_text(7).as_deref());
    let held = row.flag(2).then(|| Held {
        by: row.text(3),
        reason: row.text(4),
        since: row.int(5),
        until: row.opt_int(6),
    });
    Ok(Some(Package {
        package: name.to_owned(),
        result,
        work: work.to_owned(),
        lane: row.opt_int(8).map(|place| Lane::at(place).as_str().to_owned()),
        place: queue::place(tx, package)?,
        due: row.opt_int(9),
        waits_for: row.opt_text(10),
        wait: wait::get(tx, package)?,
        went_on: went_on(tx, name)?,
        history: history::of_package(tx, package)?,
        held,
        failure,
        last_success: row.opt_int(1),
        remotes: publishing::of_package(tx, name)?,
        foreign: foreign::of_package(tx, package)?,
        collisions: recent(collisions::of_package(tx, package)?),
        findings: findings::of_package(tx, package)?,
        missing: missing(tx, package)?,
        attempts: history(tx, package, attempts)?,
    }))
}

/// Word for the present work on a package, by the state of its job.
pub(super) fn work(job: Option<&str>) -> &'static str {
    match job {
        None => "none",
        Some("pending") => "queued",
        Some("retrying") => "retrying",
        Some("parked") => "parked",
        Some(_) => "running",
    }
}

/// Collisions that have ended and are shown.
const ENDED: usize = 5;

/// Those that are open, and the last of the others.
fn recent(mut all: Vec<Collision>) -> Vec<Collision> {
    let ended = all.iter().filter(|it| it.ended.is_some()).count();
    let mut left_out = ended.saturating_sub(ENDED);
    all.retain(|it| {
        let is_left_out = it.ended.is_some() && left_out > 0;
        left_out -= usize::from(is_left_out);
        !is_left_out
    });
    all
}

/// Action of the event that records an import without the missing thing.
pub const WENT_ON: &str = "went-on-without";

/// Entries of a package that are looked through for it: what operators do with one package for years makes it no slower.
const LOOKED_AT: i64 = 200;

fn went_on(tx: &mut Tx<'_>, name: &str) -> Result<Vec<WentOn>, StateError> {
    let sql = "SELECT at, reason FROM (SELECT id, at, action, reason FROM event WHERE subject = ?1 ORDER BY id DESC LIMIT ?3)
        AS newest WHERE action = ?2 ORDER BY id DESC LIMIT 5";
    let rows = tx.query(sql, values![name, WENT_ON, LOOKED_AT])?;
    Ok(rows.iter().map(|row| WentOn { at: row.int(0), what: row.text(1) }).collect())
}

fn missing(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Missing>, StateError> {
    let sql = "SELECT version, distro, suite, first_seen, tries FROM publication
        WHERE package_id = ?1 AND done IS NULL AND gone IS NULL ORDER BY id LIMIT 20";
    let rows = tx.query(sql, values![package])?;
    Ok(rows
        .iter()
        .map(|row| Missing {
            version: row.text(0),
            place: match row.text(2).as_str() {
                "" => row.text(1),
                suite => format!("{}/{suite}", row.text(1)),
            },
            first_seen: row.int(3),
            tries: row.int(4),
        })
        .collect())
}

const ATTEMPT: &str =
    "SELECT a.id, a.lane, h.name, a.started, a.ended, a.outcome, a.stage, a.code, s.short, a.message,
    a.versions, a.wall_ms, a.cpu_ms, a.peak_rss, a.importer
    FROM attempt a LEFT JOIN run r ON r.id = a.run_id LEFT JOIN host h ON h.id = r.host_id
    LEFT JOIN signature s ON s.id = a.signature_id";

/// The last attempts of a package, newest first.
pub fn history(tx: &mut Tx<'_>, package: i64, at_most: i64) -> Result<Vec<Attempt>, StateError> {
    let sql = format!("{ATTEMPT} WHERE a.package_id = ?1 ORDER BY a.id DESC LIMIT ?2");
    Ok(tx.query(&sql, values![package, at_most])?.iter().map(attempt).collect())
}

/// Filter for attempts of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// That began at this time or later.
    pub since: Option<i64>,
    /// That began before this time.
    pub until: Option<i64>,
    /// Only those with this outcome.
    pub outcome: Option<Outcome>,
}

/// The attempts of a package that are wanted, newest first.
pub fn find(
    tx: &mut Tx<'_>,
    package: i64,
    wanted: &Attempts,
    at_most: i64,
) -> Result<Vec<Attempt>, StateError> {
    let sql = format!(
        "{ATTEMPT} WHERE a.package_id = ?1 AND a.started >= ?3 AND a.started < ?4 AND (?5 = '' OR a.outcome = ?5)
         ORDER BY a.id DESC LIMIT ?2"
    );
    let (since, until) = (wanted.since.unwrap_or(i64::MIN), wanted.until.unwrap_or(i64::MAX));
    let outcome = wanted.outcome.map_or("", Outcome::as_str);
    Ok(tx.query(&sql, values![package, at_most, since, until, outcome])?.iter().map(attempt).collect())
}

/// An attempt by its number, with the name of its package.
pub fn attempt_of(tx: &mut Tx<'_>, number: i64) -> Result<Option<(String, Attempt)>, StateError> {
    let Some(row) = tx.first(&format!("{ATTEMPT} WHERE a.id = ?1"), values![number])? else {
        return Ok(None);
    };
    let sql = "SELECT p.name FROM attempt a JOIN package p ON p.id = a.package_id WHERE a.id = ?1";
    let name = tx.first(sql, values![number])?.map_or(String::new(), |row| row.text(0));
    Ok(Some((name, attempt(&row))))
}

/// Beginning of an attempt (Unix milliseconds), and the stored end of its log if it failed; `None` if there is no such
/// attempt.
pub fn log(tx: &mut Tx<'_>, attempt: i64) -> Result<Option<(i64, Option<String>)>, StateError> {
    let row = tx.first("SELECT started, log FROM attempt WHERE id = ?1", values![attempt])?;
    Ok(row.map(|row| (row.int(0), row.opt_text(1))))
}

fn attempt(row: &Row) -> Attempt {
    Attempt {
        id: row.int(0),
        lane: Lane::at(row.int(1)).as_str().into(),
        host: row.text(2),
        started: row.int(3),
        ended: row.opt_int(4),
        outcome: row.opt_text(5),
        stage: row.opt_text(6),
        code: row.opt_text(7),
        signature: row.opt_text(8),
        message: row.opt_text(9),
        versions: row.opt_int(10),
        wall_ms: row.opt_int(11),
        cpu_ms: row.opt_int(12),
        peak_rss: row.opt_int(13),
        importer: row.text(14),
    }
}
