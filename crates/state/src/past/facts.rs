//! The packages that were not at rest at a time: those with a job, a failure, a hold or a wait. There are few of them, however
//! many packages and however much history there is; of the others nothing is asked but when they were imported.

use super::{COLUMNS, births, busy};
use crate::db::tx::Tx;
use crate::driver::Kind;
use crate::error::StateError;
use crate::values;

/// A time that is over for so long, in milliseconds, is the same whenever it is asked for: every transaction of it has ended.
pub(super) const SETTLED: i64 = 60_000;

/// Times whose packages SQLite keeps for the next question.
const KEPT: usize = 4;

/// A row of `package_past` that does not say that a package is at rest.
const BUSY: &str = "(f.state IS NOT NULL OR f.failure IS NOT NULL OR f.held <> 0 OR f.wait_kind IS NOT NULL)";

/// The queries of these packages at a time.
pub(super) struct Facts {
    /// All of them.
    pub all: String,
    /// Those with a job, a failure, a wait: what has only that for PostgreSQL, which would else look at all in each statement.
    pub jobs: String,
    pub failures: String,
    pub waits: String,
}

/// The queries at a time. `now` is the present.
pub(super) fn queries(tx: &mut Tx<'_>, at: i64, now: i64) -> Result<Facts, StateError> {
    match tx.kind() {
        Kind::Sqlite => {
            let all = aside(tx, at, now)?;
            Ok(Facts { jobs: all.clone(), failures: all.clone(), waits: all.clone(), all })
        }
        Kind::Postgres => rows(tx, at),
    }
}

/// Packages that may have been busy then: those that were when they were listed next, or are now, and those that something has
/// happened to until then. Where more has happened than there are packages, by half, all of them are looked at.
fn candidates(tx: &mut Tx<'_>, at: i64) -> Result<String, StateError> {
    let packages = tx.first("SELECT MAX(id) FROM package", &[])?.map_or(0, |row| row.int(0));
    let (until, busy) = match busy::after(tx, at)? {
        Some(list) => (list.at.saturating_add(SETTLED), list.query(tx.kind())),
        None => (i64::MAX, busy::NOW.to_owned()),
    };
    let sql = "SELECT at FROM package_past WHERE at > ?1 AND at <= ?2 ORDER BY at LIMIT 1 OFFSET ?3";
    if tx.first(sql, values![at, until, packages / 2])?.is_some() {
        return Ok("SELECT id AS package_id FROM package".to_owned());
    }
    // Not UNION: to merge, SQLite would read the whole index in the order of the packages.
    Ok(format!(
        "SELECT DISTINCT package_id FROM (SELECT package_id FROM package_past WHERE at > {at} AND at <= {until}
            UNION ALL {busy}) AS found"
    ))
}

/// SQLite: a temporary table, which also the next transactions use that look at the same time.
fn aside(tx: &mut Tx<'_>, at: i64, now: i64) -> Result<String, StateError> {
    let name = format!("past_facts_{at}");
    let sql = "SELECT name FROM temp.sqlite_schema WHERE type = 'table' AND name LIKE 'past!_facts!_%' ESCAPE '!' ORDER BY rowid";
    let mut kept: Vec<String> = tx.query(sql, &[])?.iter().map(|row| row.text(0)).collect();
    if !(at + SETTLED <= now && kept.contains(&name)) {
        let excess = (kept.len() + 1).saturating_sub(KEPT);
        let over = kept.drain(..excess).chain([name.clone()]).collect::<Vec<_>>();
        let candidates = candidates(tx, at)?;
        let born = births::facts(tx, at, "SELECT package_id FROM c WHERE newest IS NULL")?;
        let born = born.map_or_else(String::new, |born| format!(" UNION ALL {born}"));
        tx.keep_aside(
            &over,
            &name,
            &format!(
                "WITH c AS MATERIALIZED (SELECT package_id, (SELECT g.rowid FROM package_past g
                    WHERE g.package_id = a.package_id AND g.at <= {at} ORDER BY g.at DESC LIMIT 1) AS newest FROM ({candidates}) a)
                 SELECT {} FROM c CROSS JOIN package_past f ON f.rowid = c.newest WHERE {BUSY}{born}",
                columns()
            ),
            "signature_id, held",
        )?;
    }
    Ok(format!("SELECT * FROM temp.{name}"))
}

/// Rows of `package_past` by their keys.
struct Keys {
    packages: Vec<String>,
    times: Vec<String>,
}

impl Keys {
    fn push(&mut self, package: i64, time: i64) {
        self.packages.push(package.to_string());
        self.times.push(time.to_string());
    }

    fn query(&self, born: &str) -> String {
        format!(
            "SELECT {} FROM unnest('{{{}}}'::bigint[], '{{{}}}'::bigint[]) AS k (package_id, at)
                JOIN package_past f ON f.package_id = k.package_id AND f.at = k.at{born}",
            columns(),
            self.packages.join(","),
            self.times.join(","),
        )
    }
}

/// PostgreSQL, where a transaction that reads makes no tables: the rows by their keys.
fn rows(tx: &mut Tx<'_>, at: i64) -> Result<Facts, StateError> {
    let candidates = candidates(tx, at)?;
    // Of packages that have no row until then, no time.
    let sql = format!(
        "SELECT c.package_id, f.at, f.state, f.failure, f.wait_kind FROM ({candidates}) c
         LEFT JOIN LATERAL (SELECT g.at, g.state, g.failure, g.held, g.wait_kind
            FROM package_past g WHERE g.package_id = c.package_id AND g.at <= {at} ORDER BY g.at DESC LIMIT 1) f ON TRUE
         WHERE f.at IS NULL OR {BUSY}"
    );
    let [mut all, mut jobs, mut failures, mut waits] =
        [const { Keys { packages: Vec::new(), times: Vec::new() } }; 4];
    let mut unchanged = Vec::new();
    for row in tx.query(&sql, &[])? {
        let package = row.int(0);
        let Some(time) = row.opt_int(1) else {
            unchanged.push(package.to_string());
            continue;
        };
        all.push(package, time);
        for (keys, column) in [(&mut jobs, 2), (&mut failures, 3), (&mut waits, 4)] {
            if row.opt_text(column).is_some() {
                keys.push(package, time);
            }
        }
    }
    let mut born = String::new();
    if !unchanged.is_empty() {
        let unchanged = format!("SELECT unnest('{{{}}}'::bigint[])", unchanged.join(","));
        born = births::facts(tx, at, &unchanged)?.map_or(born, |born| format!(" UNION ALL {born}"));
    }
    Ok(Facts {
        all: all.query(&born),
        jobs: jobs.query(&born),
        failures: failures.query(""),
        waits: waits.query(""),
    })
}

fn columns() -> String {
    let names: Vec<String> = COLUMNS.iter().map(|(name, _)| format!("f.{name}")).collect();
    format!("f.package_id, {}", names.join(", "))
}
