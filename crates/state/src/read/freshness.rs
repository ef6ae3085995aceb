//! Freshness: the packages whose branches lack published versions, and the reason.

use baseline::age::TOLERATED;
use serde::Serialize;

use super::standing::{self, Standing};
use super::{package, queue};
use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::past::moment::OPEN_PUBLICATION;
use crate::publishing::read::{self as publishing, PackageStatus};
use crate::values;

/// The figures of the newest sample, times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// The hour that they are of.
    pub at: i64,
    /// Publications of the last seven days that were measured.
    pub measured: i64,
    /// From publication to branch: the median,
    pub p50: i64,
    /// 95th percentile in seconds,
    pub p95: i64,
    /// and the maximum.
    pub worst: i64,
    /// Unfinished ones that keep failing or are held, which are not measured.
    pub failing: i64,
    /// The age of the oldest of them.
    pub failing_worst: i64,
    /// Publications that came in a mass, which are measured apart.
    pub rescans: i64,
    /// 95th percentile of their latency.
    pub rescan_p95: i64,
    /// The worst of them.
    pub rescan_worst: i64,
    /// Packages that lacked something published.
    pub behind: i64,
}

/// A package that lacks something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// Name of the package.
    pub package: String,
    /// `current`, `behind`, or `unpublished`: its branches are current, but not yet on a remote.
    pub state: String,
    /// Publications that are not imported, the oldest first, at most twenty.
    pub lacks: Vec<Lacking>,
    /// Reason: `queued`, `running`, `parked`, `waiting`, `failing`, `retrying`, `held`, or `not-queued`.
    pub why: Option<String>,
    /// The same for a person.
    pub reason: Option<String>,
    /// Unix milliseconds of the next event, if it is known.
    pub next: Option<i64>,
    /// Remotes on which its branches are not current.
    pub unpublished: Vec<PackageStatus>,
}

/// A publication without a branch yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lacking {
    /// Version of the source package.
    pub version: String,
    /// `distro/suite`; `distro` alone for an old version.
    pub place: String,
    /// Unix milliseconds of its publication.
    pub published: i64,
    /// Unix milliseconds at which it was first seen.
    pub first_seen: i64,
}

/// Newest figures of latency; `None` before the first sample. Samples in the future, which a wrong clock has left, are
/// not used.
pub fn figures(tx: &mut Tx<'_>) -> Result<Option<Figures>, StateError> {
    let latest = match tx.moment() {
        // The sample of an hour is written over until the hour is over.
        Some(moment) => moment.at.div_euclid(HOUR) - 1,
        None => (tx.now()? + TOLERATED).div_euclid(HOUR),
    };
    let mut newest = |figure: &str| {
        let sql =
            "SELECT hour, value FROM sample WHERE figure = ?1 AND hour <= ?2 ORDER BY hour DESC LIMIT 1";
        Ok::<_, StateError>(tx.first(sql, values![figure, latest])?.map(|row| (row.int(0), row.int(1))))
    };
    let Some((hour, measured)) = newest("latency_count")? else { return Ok(None) };
    let mut level = |figure| Ok::<_, StateError>(newest(figure)?.map_or(0, |(_, value)| value));
    Ok(Some(Figures {
        at: hour * HOUR,
        measured,
        p50: level("latency_p50")?,
        p95: level("latency_p95")?,
        worst: level("latency_max")?,
        failing: level("latency_failing_count")?,
        failing_worst: level("latency_failing_max")?,
        rescans: level("latency_rescan_count")?,
        rescan_p95: level("latency_rescan_p95")?,
        rescan_worst: level("latency_rescan_max")?,
        behind: level("behind")?,
    }))
}

/// Packages that lack a publication, in the order in which they were first seen, and their total number.
pub fn behind(tx: &mut Tx<'_>, at_most: i64) -> Result<(i64, Vec<Behind>), StateError> {
    let open = if tx.is_past() { OPEN_PUBLICATION } else { OPEN };
    let sql = format!("SELECT COUNT(DISTINCT u.package_id) FROM {open} u");
    let count = tx.first(&sql, &[])?.map_or(0, |row| row.int(0));
    let sql = format!(
        "SELECT p.id FROM (SELECT package_id, MIN(published) AS oldest FROM {open} u GROUP BY package_id) o
         JOIN package p ON p.id = o.package_id ORDER BY o.oldest, p.name LIMIT ?1"
    );
    let ids: Vec<i64> = tx.query(&sql, values![at_most])?.iter().map(|row| row.int(0)).collect();
    Ok((count, of_packages(tx, &ids)?))
}

/// Publications that are neither imported nor withdrawn.
const OPEN: &str = "(SELECT * FROM publication WHERE done IS NULL AND gone IS NULL)";

/// Freshness of one package; `None` if it is not known.
pub fn of_package(tx: &mut Tx<'_>, name: &str) -> Result<Option<Behind>, StateError> {
    let Some(id) = package::id(tx, name)? else { return Ok(None) };
    Ok(of_packages(tx, &[id])?.pop())
}

/// The same of some packages, in their order: what all need is asked once.
fn of_packages(tx: &mut Tx<'_>, ids: &[i64]) -> Result<Vec<Behind>, StateError> {
    let all = standing::read(tx, ids)?;
    let per_hour = match all.iter().any(|it| it.place.is_some()) {
        true => queue::pace(tx)?.per_hour,
        false => None,
    };
    all.into_iter().map(|it| of_one(tx, it, per_hour)).collect()
}

fn of_one(tx: &mut Tx<'_>, it: Standing, per_hour: Option<i64>) -> Result<Behind, StateError> {
    let mut unpublished = publishing::of_package(tx, &it.package)?;
    unpublished.retain(|it| it.since.is_some());
    let lacks = lacking(tx, it.id)?;
    let mut found = Behind {
        package: it.package.clone(),
        state: "behind".to_owned(),
        lacks,
        why: None,
        reason: None,
        next: None,
        unpublished,
    };
    if found.lacks.is_empty() {
        let state = if found.unpublished.is_empty() { "current" } else { "unpublished" };
        found.state = state.to_owned();
        return Ok(found);
    }
    let (why, reason, next) = why(tx, &it, per_hour)?;
    (found.why, found.reason, found.next) = (Some(why.to_owned()), Some(reason), next);
    Ok(found)
}

fn lacking(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Lacking>, StateError> {
    let sql = "SELECT version, distro, suite, published, first_seen FROM publication
        WHERE package_id = ?1 AND done IS NULL AND gone IS NULL ORDER BY published, id LIMIT 20";
    let rows = tx.query(sql, values![package])?;
    Ok(rows
        .iter()
        .map(|row| {
            let (distro, suite) = (row.text(1), row.text(2));
            let place = if suite.is_empty() { distro } else { format!("{distro}/{suite}") };
            Lacking { version: row.text(0), place, published: row.int(3), first_seen: row.int(4) }
        })
        .collect())
}

/// Reason that keeps a package back (a word and a sentence), and the Unix milliseconds of the next event.
fn why(
    tx: &mut Tx<'_>,
    it: &Standing,
    per_hour: Option<i64>,
) -> Result<(&'static str, String, Option<i64>), StateError> {
    if let Some((by, reason, until)) = &it.held {
        return Ok(("held", format!("held by {by}: {reason}"), *until));
    }
    if it.work == "running" {
        return Ok(("running", "it is being imported".into(), None));
    }
    if let Some(dependency) = it.waits_for.as_ref().filter(|_| it.work == "parked") {
        let probe = crate::job::breaker::get(tx, dependency)?.and_then(|breaker| breaker.next_probe);
        return Ok(("parked", format!("{dependency} is out of reach"), probe));
    }
    if let Some(place) = it.place {
        let reason = format!("number {place} in the queue, lane {}", it.lane);
        return Ok(("queued", reason, queue::due_at(tx.now()?, place, per_hour)));
    }
    if let Some((reason, until)) = it.wait.as_ref().filter(|_| it.work == "retrying") {
        return Ok(("waiting", format!("waits for {reason}"), it.due.or(Some(*until))));
    }
    match &it.failure {
        Some(failure) => {
            let word = if failure.state == "retrying" { "retrying" } else { "failing" };
            Ok((word, format!("{} (signature {})", failure.cause, failure.signature), it.due))
        }
        None => {
            let reason = format!("nobody has queued it; `package-import enqueue {}` does", it.package);
            Ok(("not-queued", reason, it.due))
        }
    }
}
