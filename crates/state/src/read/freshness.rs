//! Freshness: the packages whose branches lack published versions, and the reason.

use baseline::age::TOLERATED;
use serde::Serialize;

use super::package::{self, Package};
use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::publishing::read::PackageStatus;
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
    /// Those that came in a mass, which are measured apart.
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
    /// `current`, `behind`, or `unpublished`: its branches are current, and a remote does not have them yet.
    pub state: String,
    /// Publications that are not imported, the oldest first, at most twenty.
    pub lacks: Vec<Lacking>,
    /// Reason: `queued`, `running`, `parked`, `waiting`, `failing`, `retrying`, `held`, or `not-queued`.
    pub why: Option<String>,
    /// The same for a person.
    pub reason: Option<String>,
    /// Unix milliseconds of the next event, if it is known.
    pub next: Option<i64>,
    /// Remotes that do not have it as its branches are.
    pub unpublished: Vec<PackageStatus>,
}

/// A publication that has no branch yet.
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

/// Packages that lack something published, in the order in which they were first seen; how many there are in all.
pub fn behind(tx: &mut Tx<'_>, at_most: i64) -> Result<(i64, Vec<Behind>), StateError> {
    let sql = "SELECT COUNT(DISTINCT package_id) FROM publication WHERE done IS NULL AND gone IS NULL";
    let count = tx.first(sql, &[])?.map_or(0, |row| row.int(0));
    let sql = "SELECT p.name FROM publication u JOIN package p ON p.id = u.package_id
        WHERE u.done IS NULL AND u.gone IS NULL GROUP BY p.name ORDER BY MIN(u.published), p.name LIMIT ?1";
    let names: Vec<String> = tx.query(sql, values![at_most])?.iter().map(|row| row.text(0)).collect();
    let mut found = Vec::new();
    for name in names {
        found.extend(of_package(tx, &name)?);
    }
    Ok((count, found))
}

/// Freshness of one package; `None` if it is not known.
pub fn of_package(tx: &mut Tx<'_>, name: &str) -> Result<Option<Behind>, StateError> {
    let Some(package) = package::read(tx, name, 0)? else { return Ok(None) };
    let lacks = lacking(tx, name)?;
    let mut unpublished = package.remotes.clone();
    unpublished.retain(|it| it.since.is_some());
    if lacks.is_empty() {
        let state = if unpublished.is_empty() { "current" } else { "unpublished" };
        let (package, state) = (name.to_owned(), state.to_owned());
        return Ok(Some(Behind { package, state, lacks, why: None, reason: None, next: None, unpublished }));
    }
    let (why, reason, next) = why(tx, &package)?;
    Ok(Some(Behind {
        package: name.to_owned(),
        state: "behind".to_owned(),
        lacks,
        why: Some(why.to_owned()),
        reason: Some(reason),
        next,
        unpublished,
    }))
}

fn lacking(tx: &mut Tx<'_>, name: &str) -> Result<Vec<Lacking>, StateError> {
    let sql = "SELECT u.version, u.distro, u.suite, u.published, u.first_seen
        FROM publication u JOIN package p ON p.id = u.package_id
        WHERE p.name = ?1 AND u.done IS NULL AND u.gone IS NULL ORDER BY u.published, u.id LIMIT 20";
    let rows = tx.query(sql, values![name])?;
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
fn why(tx: &mut Tx<'_>, package: &Package) -> Result<(&'static str, String, Option<i64>), StateError> {
    if let Some(held) = &package.held {
        return Ok(("held", format!("held by {}: {}", held.by, held.reason), held.until));
    }
    if package.work == "running" {
        return Ok(("running", "it is being imported".into(), None));
    }
    if let Some(dependency) = package.waits_for.as_ref().filter(|_| package.work == "parked") {
        let probe = crate::job::breaker::get(tx, dependency)?.and_then(|breaker| breaker.next_probe);
        return Ok(("parked", format!("{dependency} is out of reach"), probe));
    }
    if let Some(place) = package.place {
        let lane = package.lane.as_deref().unwrap_or("upload");
        let reason = format!("number {place} in the queue, lane {lane}");
        return Ok(("queued", reason, super::queue::due(tx, place)?));
    }
    if let Some(wait) = package.wait.as_ref().filter(|_| package.work == "retrying") {
        return Ok(("waiting", format!("waits for {}", wait.reason), package.due.or(Some(wait.until))));
    }
    match &package.failure {
        Some(failure) => {
            let cause = format!("{}/{}: {}", failure.stage, failure.code, failure.message);
            let word = if failure.state == "retrying" { "retrying" } else { "failing" };
            Ok((word, format!("{cause} (signature {})", failure.signature), package.due))
        }
        None => {
            let reason = format!("nobody has queued it; `package-import enqueue {}` does", package.package);
            Ok(("not-queued", reason, package.due))
        }
    }
}
