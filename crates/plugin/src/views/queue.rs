//! The queue, the archives that feed it, and unreachable dependencies.

use baseline::age::TOLERATED;

use super::Facts;
use crate::database::{Database, Parameter};
use crate::report::Report;
use crate::status::Status;
use crate::time::{DAY, HOUR, ago, is_believed, moment};
use crate::trouble::Trouble;

/// A lane of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Name of the lane.
    pub name: String,
    /// Milliseconds since 1970 at which its oldest job entered it.
    pub oldest: Option<i64>,
}

/// The lanes, highest first.
pub fn lanes(database: &mut Database<'_>) -> Result<Vec<Lane>, Trouble> {
    let rows = database.rows("SELECT lane, oldest FROM check_v1_lanes ORDER BY place", &[])?;
    let lane = |row: &crate::Row| Ok(Lane { name: row.text(0)?.into(), oldest: row.optional_integer(1)? });
    rows.iter().map(lane).collect()
}

/// A dependency that cannot be reached: its breaker is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Name of the dependency, such as an archive's host.
    pub name: String,
    /// Milliseconds since 1970 at which it began.
    pub since: i64,
    /// Last error of the dependency.
    pub cause: Option<String>,
    /// Jobs that wait for it.
    pub parked: i64,
}

/// Beginning of the name of a dependency that is a remote.
pub const REMOTE: &str = "remote:";

/// Dependencies of imports that are out of reach, those first for which most jobs are parked: no remotes, which no import needs.
pub fn outages(database: &mut Database<'_>) -> Result<Vec<Outage>, Trouble> {
    let mut all = all_outages(database)?;
    all.retain(|outage| !outage.name.starts_with(REMOTE));
    Ok(all)
}

/// The same with the remotes.
pub fn all_outages(database: &mut Database<'_>) -> Result<Vec<Outage>, Trouble> {
    let sql = "SELECT name, since, cause, parked FROM check_v1_outages ORDER BY parked DESC, since LIMIT 20";
    let outage = |row: &crate::Row| {
        Ok(Outage {
            name: row.text(0)?.into(),
            since: row.integer(1)?,
            cause: row.optional_text(2)?.map(str::to_owned),
            parked: row.integer(3)?,
        })
    };
    database.rows(sql, &[])?.iter().map(outage).collect()
}

/// Number of parked jobs from which on `check_import_failures` alerts at an outage, where few fail normally. (The
/// rule of the baseline decides that; the kit only has to know from when on another check alerts.)
const ALERTS_ELSEWHERE: i64 = 20;

/// Lowers a report that an outage explains to WARNING for a day, because `check_import_failures` alerts about it. With
/// fewer jobs parked that check does not alert, and each check follows its own limits.
pub fn explain(report: &mut Report, outages: &[Outage], now: i64) {
    let Some(outage) = outages.first() else { return };
    if is_believed(now, outage.since) && now - outage.since <= DAY && outage.parked >= ALERTS_ELSEWHERE {
        report.lower_to(Status::Warning);
        report.say(format!("expected: outage of {} since {}", outage.name, moment(outage.since, now)));
    } else {
        report.say(format!("breaker {} open since {}", outage.name, moment(outage.since, now)));
    }
    for outage in outages {
        let cause = outage.cause.as_deref().unwrap_or("no cause noted");
        report.detail(
            1,
            format!(
                "breaker {} open since {}, {} parked: {cause}",
                outage.name,
                moment(outage.since, now),
                outage.parked
            ),
        );
    }
}

/// A remote: where repositories are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Name of the remote.
    pub name: String,
    /// Packages with refs that are not published.
    pub unpublished: i64,
    /// Milliseconds since 1970 since which the oldest package is unpublished that has no failure of its own.
    pub oldest: Option<i64>,
    /// Packages that it does not take.
    pub failing: i64,
    /// Milliseconds since 1970 at which it became unreachable, if it is.
    pub away: Option<i64>,
}

/// The schema that tells of remotes.
const REMOTES: i64 = 7;

/// The remotes that are followed; none in the state of an older importer.
pub fn remotes(database: &mut Database<'_>, facts: &Facts) -> Result<Vec<Remote>, Trouble> {
    if facts.schema.is_none_or(|schema| schema < REMOTES) {
        return Ok(Vec::new());
    }
    let sql = "SELECT name, unpublished, oldest, failing, away FROM check_v1_remotes ORDER BY name";
    let remote = |row: &crate::Row| {
        Ok(Remote {
            name: row.text(0)?.into(),
            unpublished: row.integer(1)?,
            oldest: row.optional_integer(2)?,
            failing: row.integer(3)?,
            away: row.optional_integer(4)?,
        })
    };
    database.rows(sql, &[])?.iter().map(remote).collect()
}

/// A channel of messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Time since which it accepts none.
    pub failing: Option<i64>,
    /// The reason.
    pub error: Option<String>,
}

/// The schema that tells of channels.
const CHANNELS: i64 = 11;

/// The channels that are followed. A state of an older importer has none.
pub fn channels(database: &mut Database<'_>, facts: &Facts) -> Result<Vec<Channel>, Trouble> {
    if facts.schema.is_none_or(|schema| schema < CHANNELS) {
        return Ok(Vec::new());
    }
    let sql = "SELECT name, failing, error FROM check_v1_channels ORDER BY name";
    let channel = |row: &crate::Row| {
        Ok(Channel {
            name: row.text(0)?.into(),
            failing: row.optional_integer(1)?,
            error: row.optional_text(2)?.map(str::to_owned),
        })
    };
    database.rows(sql, &[])?.iter().map(channel).collect()
}

/// A suite of an archive, and its last polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// Name of the archive.
    pub archive: String,
    /// Name of the suite.
    pub suite: String,
    /// Interval of polls in milliseconds.
    pub interval: i64,
    /// Milliseconds since 1970 since which it is followed.
    pub followed: i64,
    /// Milliseconds since 1970 of the last poll that succeeded.
    pub polled: Option<i64>,
    /// Milliseconds since 1970 of the last poll that failed.
    pub failed: Option<i64>,
    /// Error of the last failed poll, if that was after the last success.
    pub error: Option<String>,
}

/// The suites that are followed.
pub fn suites(database: &mut Database<'_>) -> Result<Vec<Suite>, Trouble> {
    let sql = "SELECT archive, suite, interval_ms, followed, polled, failed, error FROM check_v1_suites
        ORDER BY archive, suite";
    let suite = |row: &crate::Row| {
        Ok(Suite {
            archive: row.text(0)?.into(),
            suite: row.text(1)?.into(),
            interval: row.integer(2)?,
            followed: row.integer(3)?,
            polled: row.optional_integer(4)?,
            failed: row.optional_integer(5)?,
            error: row.optional_text(6)?.map(str::to_owned),
        })
    };
    database.rows(sql, &[])?.iter().map(suite).collect()
}

/// End of the hour (at most the present time), and newest hourly value of a level. Values in the future, which a wrong
/// clock has left, are not used.
pub fn level(database: &mut Database<'_>, figure: &str) -> Result<Option<(i64, i64)>, Trouble> {
    let now = database.now()?;
    let sql =
        "SELECT hour, value FROM check_v1_levels WHERE figure = $1 AND hour <= $2 ORDER BY hour DESC LIMIT 1";
    let latest = Parameter::Integer((now + TOLERATED).div_euclid(HOUR));
    let row = database.first(sql, &[Parameter::Text(figure), latest])?;
    row.map(|row| Ok((((row.integer(0)? + 1) * HOUR).min(now), row.integer(1)?))).transpose()
}

/// Adds a warning if the newest samples are in the future, because a clock was wrong. They are not used; a check that
/// rests on samples must not be green then.
pub fn warn_of_samples_ahead(report: &mut Report, database: &mut Database<'_>) -> Result<(), Trouble> {
    let now = database.now()?;
    let sql = "SELECT hour FROM check_v1_levels WHERE figure = $1 ORDER BY hour DESC LIMIT 1";
    let Some(row) = database.first(sql, &[Parameter::Text("failing")])? else { return Ok(()) };
    let newest = row.integer(0)? * HOUR;
    if !is_believed(now, newest) {
        report.raise(Status::Warning);
        report.say(format!("samples dated {}, {}", moment(newest, now), ago(now, newest)));
        report.say("package-import samples drop --after now --reason WHY");
    }
    Ok(())
}

/// Milliseconds since 1970 at which an attempt last ended.
pub fn last_attempt(database: &mut Database<'_>) -> Result<Option<i64>, Trouble> {
    let now = database.now()?;
    let sql = "SELECT ended FROM check_v1_attempts WHERE ended <= $1 ORDER BY ended DESC LIMIT 1";
    database.first(sql, &[Parameter::Integer(now + TOLERATED)])?.map(|row| row.integer(0)).transpose()
}

/// The approximate number of attempts that ended since a time: ids rise, so the difference of two ids gives it.
pub fn attempts_since(database: &mut Database<'_>, since: i64) -> Result<i64, Trouble> {
    let first = "SELECT id FROM check_v1_attempts WHERE ended >= $1 ORDER BY ended LIMIT 1";
    let last = "SELECT id FROM check_v1_attempts WHERE ended >= $1 ORDER BY ended DESC LIMIT 1";
    let (Some(first), Some(last)) = (
        database.first(first, &[Parameter::Integer(since)])?,
        database.first(last, &[Parameter::Integer(since)])?,
    ) else {
        return Ok(0);
    };
    Ok((last.integer(0)? - first.integer(0)?).max(0) + 1)
}
