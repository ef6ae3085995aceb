//! Remarks about the last accepted index of each suite, and the waits of packages.

use super::Facts;
use crate::database::{Database, Row};
use crate::trouble::Trouble;

/// The first schema with these views. A check that is newer than its importer works without them.
const SCHEMA: i64 = 4;

/// The first schema with the age of the content.
const CONTENT: i64 = 6;

/// A suite of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteVerdict {
    /// Name of the archive.
    pub archive: String,
    /// Name of the suite.
    pub suite: String,
    /// Publications in its last accepted index.
    pub listed: Option<i64>,
    /// The date of that index; `None` if it has none.
    pub index: Option<i64>,
    /// The mirror that had it.
    pub mirror: Option<String>,
    /// Remarks, one sentence each.
    pub remarks: Vec<String>,
    /// Number of publications that an index listed no more, and that are kept because they are too many at once:
    /// another index has to confirm the removals.
    pub withheld: i64,
    /// Milliseconds since 1970 at which removals were first withheld.
    pub withheld_since: Option<i64>,
    /// The date of the index in which its lists changed last.
    pub content: Option<i64>,
    /// Age in milliseconds that the content may have; `None` where none is known.
    pub stale_after: Option<i64>,
}

impl SuiteVerdict {
    /// Age of content that is older than it ever was, or than it may be, and the limit; both in milliseconds.
    pub fn stale(&self, now: i64) -> Option<(i64, i64)> {
        let age = now.saturating_sub(self.content?);
        let limit = self.stale_after?;
        (age > limit).then_some((age, limit))
    }
}

/// The suites that are followed; none if the importer does not report them yet.
pub fn suite_verdicts(database: &mut Database<'_>, facts: &Facts) -> Result<Vec<SuiteVerdict>, Trouble> {
    if facts.schema.unwrap_or(0) < SCHEMA {
        return Ok(Vec::new());
    }
    let more = if facts.schema.unwrap_or(0) < CONTENT { "NULL, NULL" } else { "content, stale_after" };
    let sql = format!(
        "SELECT archive, suite, listed, release_date, mirror, remarks, withheld, withheld_since, {more}
        FROM check_v1_archives ORDER BY archive, suite"
    );
    let verdict = |row: &Row| {
        let remarks = row.optional_text(5)?.unwrap_or_default();
        Ok(SuiteVerdict {
            archive: row.text(0)?.into(),
            suite: row.text(1)?.into(),
            listed: row.optional_integer(2)?,
            index: row.optional_integer(3)?.filter(|date| *date > 0),
            mirror: row.optional_text(4)?.map(str::to_owned),
            remarks: remarks.lines().map(str::to_owned).collect(),
            withheld: row.integer(6)?,
            withheld_since: row.optional_integer(7)?,
            content: row.optional_integer(8)?,
            stale_after: row.optional_integer(9)?,
        })
    };
    database.rows(&sql, &[])?.iter().map(verdict).collect()
}

/// Number of packages that wait for one kind of thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Kind of the wait: `history`, `base`, `pool`.
    pub kind: String,
    /// Packages; 1,000 stands for more.
    pub packages: i64,
    /// Milliseconds since 1970 at which the oldest of these waits began.
    pub oldest: Option<i64>,
}

/// Packages imported without old versions that their history could not deliver; 1,000 stands for more.
pub fn left_out(database: &mut Database<'_>, facts: &Facts) -> Result<i64, Trouble> {
    if facts.schema.unwrap_or(0) < CONTENT {
        return Ok(0);
    }
    let rows = database.rows("SELECT packages FROM check_v1_left_out", &[])?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

/// Waits of packages, by kind; none with an importer that is too old to record them.
pub fn waits(database: &mut Database<'_>, facts: &Facts) -> Result<Vec<Waits>, Trouble> {
    if facts.schema.unwrap_or(0) < SCHEMA {
        return Ok(Vec::new());
    }
    let sql = "SELECT kind, packages, oldest FROM check_v1_waits WHERE packages > 0";
    let waits = |row: &Row| {
        Ok(Waits { kind: row.text(0)?.into(), packages: row.integer(1)?, oldest: row.optional_integer(2)? })
    };
    database.rows(sql, &[])?.iter().map(waits).collect()
}
