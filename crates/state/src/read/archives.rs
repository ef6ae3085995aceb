//! The verdict of each suite that is followed.

use serde::Serialize;

use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::values;

/// A suite and the result of its polls. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuiteVerdict {
    /// Name of the archive.
    pub archive: String,
    /// Name of the suite.
    pub suite: String,
    /// `ok`; `remarks`: with remarks; `stale`: its lists have been unchanged for longer than ever before;
    /// `withheld`: too many removals at once; `failing`: the last poll failed; `never`: no successful poll yet.
    pub verdict: &'static str,
    /// The branch of its publications, `DISTRO/NAME`.
    pub branch: Option<String>,
    /// Unix milliseconds of the last poll that succeeded.
    pub polled: Option<i64>,
    /// Unix milliseconds at which the lists last changed.
    pub changed: Option<i64>,
    /// The date of the last accepted index.
    pub index: Option<i64>,
    /// The mirror that had it.
    pub mirror: Option<String>,
    /// Number of publications in it.
    pub listed: Option<i64>,
    /// Unix milliseconds of the last poll that failed.
    pub failed: Option<i64>,
    /// Error of the last failed poll, if that was after the last one that succeeded.
    pub error: Option<String>,
    /// Remarks about the suite.
    pub remarks: Vec<String>,
    /// Unix milliseconds of the first poll with these remarks.
    pub remarked: Option<i64>,
    /// Number of publications that an index listed no more, and that are kept because they are too many at once:
    /// another index has to confirm the removals.
    pub withheld: i64,
    /// Unix milliseconds at which the index was first withheld.
    pub withheld_since: Option<i64>,
    /// Interval of polls in milliseconds.
    pub every: i64,
    /// The date of the index in which the lists changed last.
    pub content: Option<i64>,
    /// Age in milliseconds that the content may have; `None` where none is known.
    pub stale_after: Option<i64>,
}

/// Number of packages that wait for one kind of thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waits {
    /// `history`, `base` or `pool`: a file that is listed and on no mirror.
    pub kind: String,
    /// Packages; 1,000 stands for more.
    pub packages: i64,
    /// Unix milliseconds at which the oldest of these waits began.
    pub oldest: Option<i64>,
}

/// All followed suites, by archive and name.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<SuiteVerdict>, StateError> {
    let sql = "SELECT s.archive, s.suite, s.distro, s.branch, s.polled, s.changed, s.release_date, s.mirror, s.listed, s.failed,
            s.error, s.remarks, s.remarked, COALESCE(s.withheld, 0), s.withheld_since, s.every, a.content, a.stale_after
        FROM suite s JOIN check_v1_archives a ON a.archive = s.archive AND a.suite = s.suite
        WHERE s.followed IS NOT NULL ORDER BY s.archive, s.suite";
    let now = tx.now()?;
    Ok(tx.query(sql, &[])?.iter().map(|row| verdict(row, now)).collect())
}

fn verdict(row: &Row, now: i64) -> SuiteVerdict {
    let (polled, error) = (row.opt_int(4), row.opt_text(10));
    let remarks: Vec<String> = row.opt_text(11).unwrap_or_default().lines().map(str::to_owned).collect();
    let withheld = row.int(13);
    let (content, stale_after) = (row.opt_int(16), row.opt_int(17));
    let is_stale = content.zip(stale_after).is_some_and(|(content, limit)| now - content > limit);
    let verdict = match (&error, polled) {
        (_, None) => "never",
        (Some(_), _) => "failing",
        _ if withheld > 0 => "withheld",
        _ if is_stale => "stale",
        _ if !remarks.is_empty() => "remarks",
        _ => "ok",
    };
    let branch = match (row.opt_text(2), row.opt_text(3)) {
        (Some(distro), Some(branch)) if !branch.is_empty() => Some(format!("{distro}/{branch}")),
        _ => None,
    };
    SuiteVerdict {
        archive: row.text(0),
        suite: row.text(1),
        verdict,
        branch,
        polled,
        changed: row.opt_int(5),
        index: row.opt_int(6).filter(|date| *date > 0),
        mirror: row.opt_text(7),
        listed: row.opt_int(8),
        failed: row.opt_int(9),
        error,
        remarks,
        remarked: row.opt_int(12),
        withheld,
        withheld_since: row.opt_int(14),
        every: row.opt_int(15).unwrap_or(0),
        content,
        stale_after,
    }
}

/// Packages that were imported without old versions that their history could not deliver; 1,000 stands for more.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn left_out(tx: &mut Tx<'_>) -> Result<i64, StateError> {
    Ok(tx.first("SELECT packages FROM check_v1_left_out", values![])?.map_or(0, |row| row.int(0)))
}

/// Waits of packages, by kind.
pub fn waits(tx: &mut Tx<'_>) -> Result<Vec<Waits>, StateError> {
    let rows = tx.query("SELECT kind, packages, oldest FROM check_v1_waits WHERE packages > 0", values![])?;
    let waits = |row: &Row| Waits { kind: row.text(0), packages: row.int(1), oldest: row.opt_int(2) };
    Ok(rows.iter().map(waits).collect())
}
