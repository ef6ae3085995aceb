//! Rarely changing facts, with a value for each change: JSON, which only this crate reads.

use serde_json::{Value as Json, json};

use crate::db::tx::Tx;
use crate::driver::{Row, Value};
use crate::error::StateError;
use crate::values;

/// A kind of thing. Its word is what rows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A breaker, by its name.
    Breaker,
    /// A host, by its name, without its heartbeat.
    Host,
    /// A run, by its number: what it has done so far.
    Run,
    /// A suite, `ARCHIVE/SUITE`, without the time of its last poll.
    Suite,
    /// The time of a suite's last poll that worked.
    Polled,
    /// Operators' decisions about a signature, by its short id.
    Signature,
    /// The walls that a host lacks.
    Walls,
    /// Refs of a package that are not the importer's.
    Foreign,
}

impl Kind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Breaker => "breaker",
            Kind::Host => "host",
            Kind::Run => "run",
            Kind::Suite => "suite",
            Kind::Polled => "polled",
            Kind::Signature => "signature",
            Kind::Walls => "walls",
            Kind::Foreign => "foreign",
        }
    }

    /// The key of its row.
    fn key(self, name: &str) -> Value {
        match self {
            Kind::Run => name.parse().map_or(Value::Null, Value::Int),
            Kind::Walls => format!("walls/{name}").into(),
            _ => name.into(),
        }
    }

    /// The columns that are kept, of one thing.
    fn sql(self) -> &'static str {
        match self {
            Kind::Breaker => {
                "SELECT id, name, state, since, cause, probes, next_probe FROM dependency WHERE name = ?1"
            }
            Kind::Host => {
                "SELECT id, name, state, reason, changed_by, changed_at, expected, trouble, trouble_since
                 FROM host WHERE name = ?1"
            }
            Kind::Run => "SELECT attempts, worked_ms, progress FROM run WHERE id = ?1",
            Kind::Suite => {
                "SELECT id, archive, suite, distro, branch, changed, release_date, mirror, listed, failed, error, remarks,
                    remarked, withheld, withheld_since, every, followed, content, changes, longest_gap, stale_after
                 FROM suite WHERE archive || '/' || suite = ?1"
            }
            Kind::Polled => "SELECT polled FROM suite WHERE archive || '/' || suite = ?1",
            Kind::Signature => "SELECT id, policy, note, bug FROM signature WHERE short = ?1",
            Kind::Walls => "SELECT value FROM meta WHERE name = ?1",
            Kind::Foreign => {
                "SELECT r.package_id, r.name, r.kind, r.since, r.ours, r.theirs FROM foreign_ref r
                 JOIN package p ON p.id = r.package_id WHERE p.name = ?1 ORDER BY r.name"
            }
        }
    }
}

/// Writes what the things are that a transaction has touched, those that are as they were left out.
pub(crate) fn write(tx: &mut Tx<'_>, touched: &[(Kind, String)]) -> Result<(), StateError> {
    for (kind, name) in touched {
        let rows = tx.query(kind.sql(), &[kind.key(name)])?;
        let value =
            (!rows.is_empty()).then(|| Json::from(rows.iter().map(json_of).collect::<Vec<_>>()).to_string());
        put_if_other(tx, kind.word(), name, value.as_deref())?;
    }
    Ok(())
}

/// Writes a value that holds from now on, unless the newest is the same.
fn put_if_other(tx: &mut Tx<'_>, kind: &str, name: &str, value: Option<&str>) -> Result<(), StateError> {
    let now = tx.now()?;
    let sql = "INSERT INTO past (kind, name, at, value)
         SELECT CAST(?1 AS TEXT), CAST(?2 AS TEXT), CAST(?3 AS BIGINT), CAST(?4 AS TEXT)
         WHERE (SELECT value FROM past WHERE kind = ?1 AND name = ?2 ORDER BY at DESC LIMIT 1)
            IS DISTINCT FROM CAST(?4 AS TEXT)
         ON CONFLICT (kind, name, at) DO UPDATE SET value = excluded.value";
    tx.execute_uncounted(sql, values![kind, name, now, value]).map(drop)
}

/// Writes all there are: from now on, each change is kept.
pub(crate) fn write_all(tx: &mut Tx<'_>) -> Result<(), StateError> {
    let all = [
        (Kind::Breaker, "SELECT name FROM dependency"),
        (Kind::Host, "SELECT name FROM host"),
        (Kind::Run, "SELECT CAST(id AS TEXT) FROM run WHERE ended IS NULL"),
        (Kind::Suite, "SELECT archive || '/' || suite FROM suite"),
        (Kind::Polled, "SELECT archive || '/' || suite FROM suite WHERE polled IS NOT NULL"),
        (
            Kind::Signature,
            "SELECT short FROM signature WHERE policy IS NOT NULL OR note IS NOT NULL OR bug IS NOT NULL",
        ),
        (Kind::Walls, "SELECT substr(name, 7) FROM meta WHERE name LIKE 'walls/%'"),
        (Kind::Foreign, "SELECT DISTINCT p.name FROM foreign_ref r JOIN package p ON p.id = r.package_id"),
    ];
    for (kind, sql) in all {
        let names: Vec<_> = tx.query(sql, &[])?.iter().map(|row| (kind, row.text(0))).collect();
        write(tx, &names)?;
    }
    Ok(())
}

fn json_of(row: &Row) -> Json {
    let one = |value: &Value| match value {
        Value::Null => Json::Null,
        Value::Int(number) => json!(number),
        Value::Text(text) => json!(text),
    };
    Json::from(row.0.iter().map(one).collect::<Vec<_>>())
}

/// The newest value of a thing.
pub(crate) fn last(tx: &mut Tx<'_>, kind: &str, name: &str) -> Result<Option<String>, StateError> {
    let sql = "SELECT value FROM past WHERE kind = ?1 AND name = ?2 ORDER BY at DESC LIMIT 1";
    Ok(tx.first(sql, values![kind, name])?.and_then(|row| row.opt_text(0)))
}

/// Writes a value that holds from now on.
pub(crate) fn put(tx: &mut Tx<'_>, kind: &str, name: &str, value: Option<&str>) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute_uncounted(
        "INSERT INTO past (kind, name, at, value) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (kind, name, at) DO UPDATE SET value = excluded.value",
        values![kind, name, now, value],
    )
    .map(drop)
}

/// A verdict of the baseline as incidents need it: written when its state changes, not whenever its value does.
pub(crate) fn verdict(
    tx: &mut Tx<'_>,
    figure: &str,
    (state, since): (&str, Option<i64>),
    (value, text): (i64, &str),
) -> Result<(), StateError> {
    let before = last(tx, VERDICT, figure)?.and_then(|text| serde_json::from_str::<Json>(&text).ok());
    let is_as_before = match &before {
        Some(before) => before["state"] == json!(state) && before["since"] == json!(since),
        None => state == "OK",
    };
    if is_as_before {
        return Ok(());
    }
    let now_is = json!({"state": state, "since": since, "value": value, "text": text}).to_string();
    put(tx, VERDICT, figure, Some(&now_is))
}

/// Verdict of each figure, or of one, at a time, and its beginning: `OK` until it changed for the first time, which is
/// not kept.
pub(crate) fn verdicts_at(
    tx: &mut Tx<'_>,
    figure: Option<&str>,
    at: i64,
) -> Result<Vec<(String, i64, Json)>, StateError> {
    let (mut found, mut last) = (Vec::new(), String::new());
    let next = "SELECT name FROM past WHERE kind = ?1 AND name > ?2 ORDER BY name LIMIT 1";
    let newest =
        "SELECT at, value FROM past WHERE kind = ?1 AND name = ?2 AND at <= ?3 ORDER BY at DESC LIMIT 1";
    loop {
        last = match (figure, tx.first(next, values![VERDICT, last.as_str()])?) {
            (Some(figure), _) => figure.to_owned(),
            (None, Some(row)) => row.text(0),
            (None, None) => return Ok(found),
        };
        if let Some(row) = tx.first(newest, values![VERDICT, last.as_str(), at])? {
            let value = row.opt_text(1).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            found.push((last.clone(), row.int(0), value));
        }
        if figure.is_some() {
            return Ok(found);
        }
    }
}

/// The word of removals that are not believed.
pub const WITHHELD: &str = "withheld";
/// The word of verdicts.
pub const VERDICT: &str = "verdict";
/// The word of pauses in which nothing was heard of a host: the value is when it was heard of before.
pub const PAUSE: &str = "pause";

/// A pause of this length and more is kept, in milliseconds: a host that is silent for longer is shown as silent.
const LONGEST_PAUSE: i64 = 60_000;

/// Notes that a host is heard of again. Its heartbeat must not be written yet.
pub(crate) fn heard(tx: &mut Tx<'_>, host: i64) -> Result<(), StateError> {
    let now = tx.now()?;
    let Some(row) = tx.first("SELECT name, heartbeat FROM host WHERE id = ?1", values![host])? else {
        return Ok(());
    };
    let before = row.int(1);
    if now - before > LONGEST_PAUSE {
        put(tx, PAUSE, &row.text(0), Some(&before.to_string()))?;
    }
    Ok(())
}
