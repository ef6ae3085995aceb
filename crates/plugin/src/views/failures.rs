//! Failures that count, those that do not, and the importer's verdicts.

use crate::database::{Database, Parameter, Row};
use crate::trouble::Trouble;
use crate::views::Facts;

/// A suppressed signature or package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Kind of the subject: `signature` or `package`.
    pub kind: String,
    /// The short id or the name.
    pub subject: String,
    /// Milliseconds since 1970 of the end.
    pub until: i64,
    /// Reason of the suppression.
    pub reason: String,
    /// Number of failures that it leaves out. No failure is counted for two suppressions.
    pub failing: i64,
}

/// Present suppressions, the one that ends first at the front.
pub fn suppressions(database: &mut Database<'_>) -> Result<Vec<Suppression>, Trouble> {
    let now = database.now()?;
    let sql = "SELECT kind, subject, until, reason, failing FROM check_v1_suppressions
        WHERE until > $1 ORDER BY until";
    let suppression = |row: &Row| {
        Ok(Suppression {
            kind: row.text(0)?.into(),
            subject: row.text(1)?.into(),
            until: row.integer(2)?,
            reason: row.text(3)?.into(),
            failing: row.integer(4)?,
        })
    };
    database.rows(sql, &[Parameter::Integer(now)])?.iter().map(suppression).collect()
}

/// Numbers that are compared with limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveCounts {
    /// Failing packages, suppressed ones included.
    pub failing: i64,
    /// Number of parked jobs.
    pub parked: i64,
    /// Packages that are among both.
    pub parked_failing: i64,
}

/// Numbers that are compared with limits.
pub fn live(database: &mut Database<'_>) -> Result<LiveCounts, Trouble> {
    // The view of an importer of schema 1 has no third column.
    let row = database.row("SELECT * FROM check_v1_live", &[])?;
    Ok(LiveCounts {
        failing: row.integer(0)?,
        parked: row.integer(1)?,
        parked_failing: row.integer(2).unwrap_or(0),
    })
}

/// A signature that something fails with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Short id of the signature.
    pub short: String,
    /// In how many packages it is.
    pub failing: i64,
    /// Stage and code, such as `fetch/connect`.
    pub name: String,
    /// Label for operators.
    pub label: String,
}

/// Message of the newest failure with a signature; `None` with an importer that is too old to list it.
pub fn newest_message(database: &mut Database<'_>, short: &str) -> Result<Option<String>, Trouble> {
    let sql = "SELECT message FROM check_v1_messages WHERE short = $1";
    match database.first(sql, &[Parameter::Text(short)]) {
        Ok(row) => Ok(row.and_then(|row| row.optional_text(0).ok().flatten().map(str::to_owned))),
        Err(Trouble::NoData(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The signatures with most packages.
pub fn worst_signatures(database: &mut Database<'_>, at_most: i64) -> Result<Vec<Signature>, Trouble> {
    let sql =
        "SELECT short, failing, stage, code, text FROM check_v1_signatures ORDER BY failing DESC LIMIT $1";
    let signature = |row: &Row| {
        let name = format!("{}/{}", row.text(2)?, row.text(3)?);
        let label = format!("{name}: {}", row.text(4)?);
        Ok(Signature { short: row.text(0)?.into(), failing: row.integer(1)?, name, label })
    };
    database.rows(sql, &[Parameter::Integer(at_most)])?.iter().map(signature).collect()
}

/// The value of a figure when it was judged last.
pub fn verdict_value(database: &mut Database<'_>, figure: &str) -> Result<Option<i64>, Trouble> {
    let sql = "SELECT value FROM check_v1_verdicts WHERE figure = $1";
    database.first(sql, &[Parameter::Text(figure)])?.map(|row| row.integer(0)).transpose()
}

/// Verdict of the importer's rule about a figure, when it stored a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    /// Milliseconds since 1970 of the verdict.
    pub at: i64,
    /// The whole verdict, as the importer stored it.
    pub detail: String,
}

/// The newest verdict on a figure.
pub fn verdict(database: &mut Database<'_>, figure: &str) -> Result<Option<VerdictRow>, Trouble> {
    let sql = "SELECT at, detail FROM check_v1_verdicts WHERE figure = $1";
    let row = database.first(sql, &[Parameter::Text(figure)])?;
    row.map(|row| Ok(VerdictRow { at: row.integer(0)?, detail: row.text(1)?.into() })).transpose()
}

/// A package that needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wedged {
    /// Name of the package.
    pub package: String,
    /// Milliseconds since 1970 at which the failure began.
    pub since: i64,
    /// Stage of the import that failed.
    pub stage: String,
    /// Code of the failure.
    pub code: String,
    /// The same for a person.
    pub message: String,
}

/// The packages that have waited longest, without suppressed ones.
pub fn wedged(database: &mut Database<'_>, at_most: i64) -> Result<Vec<Wedged>, Trouble> {
    let now = database.now()?;
    let sql = "SELECT package, since, stage, code, message FROM check_v1_wedged
        WHERE suppressed_until IS NULL OR suppressed_until <= $1 ORDER BY since LIMIT $2";
    let wedged = |row: &Row| {
        Ok(Wedged {
            package: row.text(0)?.into(),
            since: row.integer(1)?,
            stage: row.text(2)?.into(),
            code: row.text(3)?.into(),
            message: row.text(4)?.into(),
        })
    };
    let rows = database.rows(sql, &[Parameter::Integer(now), Parameter::Integer(at_most)])?;
    rows.iter().map(wedged).collect()
}

/// A ref of a repository that is not where the importer has put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignRef {
    /// Name of the package.
    pub package: String,
    /// Name of the ref.
    pub name: String,
    /// Kind of the foreign ref.
    pub kind: String,
    /// Milliseconds since 1970 at which it was first seen like this.
    pub since: i64,
}

/// The first schema with foreign refs.
const FOREIGN_REFS: i64 = 5;

/// Number of foreign refs, and the oldest of them; none with the state of an older importer.
pub fn foreign_refs(
    database: &mut Database<'_>,
    facts: &Facts,
    at_most: i64,
) -> Result<(i64, Vec<ForeignRef>), Trouble> {
    if facts.schema.is_none_or(|schema| schema < FOREIGN_REFS) {
        return Ok((0, Vec::new()));
    }
    let sql = "SELECT package, name, kind, since FROM check_v1_foreign_refs ORDER BY since LIMIT $1";
    let one = |row: &Row| {
        Ok(ForeignRef {
            package: row.text(0)?.into(),
            name: row.text(1)?.into(),
            kind: row.text(2)?.into(),
            since: row.integer(3)?,
        })
    };
    let rows = database.rows(sql, &[Parameter::Integer(at_most)])?;
    let rows = rows.iter().map(one).collect::<Result<Vec<_>, Trouble>>()?;
    if (rows.len() as i64) < at_most {
        return Ok((rows.len() as i64, rows));
    }
    let count = database.row("SELECT COUNT(*) FROM check_v1_foreign_refs", &[])?.integer(0)?;
    Ok((count, rows))
}

/// A ref of the importer that somebody else made or moved, and that waits for an operator's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// Number of the collision.
    pub id: i64,
    /// Name of the package.
    pub package: String,
    /// Name of the ref.
    pub name: String,
    /// Kind of the collision: `unmerged`, `conflict`, `tag-differs`, `blocked`.
    pub kind: String,
    /// Milliseconds since 1970 at which it was found.
    pub since: i64,
}

/// The schema that tells of collisions.
const COLLISIONS: i64 = 8;

/// Number of collisions that wait for a person, and the oldest of them; none with the state of an older importer.
pub fn collisions(
    database: &mut Database<'_>,
    facts: &Facts,
    at_most: i64,
) -> Result<(i64, Vec<Collision>), Trouble> {
    if facts.schema.is_none_or(|schema| schema < COLLISIONS) {
        return Ok((0, Vec::new()));
    }
    let sql = "SELECT id, package, name, kind, since FROM check_v1_collisions ORDER BY since, id LIMIT $1";
    let one = |row: &Row| {
        Ok(Collision {
            id: row.integer(0)?,
            package: row.text(1)?.into(),
            name: row.text(2)?.into(),
            kind: row.text(3)?.into(),
            since: row.integer(4)?,
        })
    };
    let rows = database.rows(sql, &[Parameter::Integer(at_most)])?;
    let rows = rows.iter().map(one).collect::<Result<Vec<_>, Trouble>>()?;
    if (rows.len() as i64) < at_most {
        return Ok((rows.len() as i64, rows));
    }
    let count = database.row("SELECT COUNT(*) FROM check_v1_collisions", &[])?.integer(0)?;
    Ok((count, rows))
}

/// Repositories with findings that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damaged {
    /// Packages with findings.
    pub packages: i64,
    /// The oldest finding: its code, its package, and milliseconds since 1970 at which it was found.
    pub oldest: Option<(String, String, i64)>,
}

/// The schema that has findings.
const FINDINGS: i64 = 12;

/// Packages whose repositories have findings, without muted ones; none with the state of an older importer.
pub fn damaged(database: &mut Database<'_>, facts: &Facts) -> Result<Damaged, Trouble> {
    if facts.schema.is_none_or(|schema| schema < FINDINGS) {
        return Ok(Damaged::default());
    }
    let now = database.now()?;
    let sql =
        "SELECT code, package, since FROM check_v1_findings WHERE muted_until IS NULL OR muted_until <= $1
        ORDER BY since, package, code LIMIT 1";
    let row = match database.first(sql, &[Parameter::Integer(now)]) {
        Ok(Some(row)) => row,
        Ok(None) | Err(Trouble::NoData(_)) => return Ok(Damaged::default()),
        Err(error) => return Err(error),
    };
    let oldest = Some((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.integer(2)?));
    let sql = "SELECT COUNT(DISTINCT package) FROM check_v1_findings WHERE muted_until IS NULL OR muted_until <= $1";
    Ok(Damaged { packages: database.row(sql, &[Parameter::Integer(now)])?.integer(0)?, oldest })
}

/// Number of wedged packages that are suppressed. It is read only if there are suppressions.
pub fn wedged_suppressed(database: &mut Database<'_>) -> Result<i64, Trouble> {
    let now = database.now()?;
    let sql = "SELECT COUNT(*) FROM check_v1_wedged WHERE suppressed_until > $1";
    database.row(sql, &[Parameter::Integer(now)])?.integer(0)
}
