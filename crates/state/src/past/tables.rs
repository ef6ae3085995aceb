//! Each table as of a time, as a query.

use serde_json::Value as Json;

use super::facts;
use super::moment::{self, Moment, real};
use super::rows::{Columns, query};
use super::things::{Kind as Thing, PAUSE};
use crate::db::number::first_after;
use crate::db::tx::Tx;
use crate::driver::{Kind as Database, Row, Value};
use crate::error::StateError;
use crate::schema::views;
use crate::values;

/// Runs of a host that are looked at, from the newest on that had begun: those that were open are among them.
const RUNS: i64 = 20;

/// The tables of a time. `now` is the present.
pub(super) fn at(tx: &mut Tx<'_>, at: i64, now: i64) -> Result<Moment, StateError> {
    let kind = tx.kind();
    let facts = facts::queries(tx, at, now)?;
    let counted = moment::count(tx, &facts.all)?;
    let sides = Sides::of(tx, &facts.all, &counted)?;
    let facts =
        [("facts", facts.all), ("jobs", facts.jobs), ("failures", facts.failures), ("waits", facts.waits)];
    let mut tables: Vec<_> = facts.into_iter().map(|(name, query)| (format!("past_{name}"), query)).collect();
    let mut add = |name: &str, query: String| tables.push((name.to_owned(), query));
    let (attempts, events) =
        (first_after(tx, "attempt", "started", at)?, first_after(tx, "event", "at", at)?);
    let signatures = literals(tx, Thing::Signature, at, SIGNATURE)?;
    let things = [
        ("dependency", dependencies(tx, at)?),
        ("host", hosts(tx, at)?),
        ("run", runs(tx, at)?),
        ("suite", suites(tx, at)?),
        ("meta", walls(tx, at)?),
        ("foreign_ref", literals(tx, Thing::Foreign, at, FOREIGN)?),
    ];
    add("job", JOB.to_owned());
    add("failure", FAILURE.to_owned());
    add("wait", WAIT.to_owned());
    let package =
        PACKAGE.replace("@PAST", &real(kind, "package_past")).replace("@REAL", &real(kind, "package"));
    sides.tables.into_iter().for_each(|(name, query)| add(name, query));
    add("package", package.replace("@AT", &at.to_string()).replace("@HELD", sides.held));
    add(
        moment::OPEN_PUBLICATION,
        OPEN.replace("@REAL", &real(kind, "publication")).replace("@AT", &at.to_string()),
    );
    add("decided", signatures);
    for (name, query) in things {
        add(name, query);
    }
    for (name, query) in FILTERED {
        let query = query.replace("@REAL", &real(kind, name)).replace("@AT", &at.to_string());
        let query = query.replace("@FAILING", sides.failing);
        let bound = if *name == "event" { events } else { attempts };
        add(name, query.replace("@BOUND", &bound.to_string()));
    }
    for (name, query) in views::list() {
        add(&name, query);
    }
    Ok(Moment { at, tables, counters: counted.counters })
}

/// Facts about packages that the tables of a past time need besides. SQLite has them in a table with indexes. PostgreSQL would join all of them with
/// themselves in each statement: it gets the few that matter as tables of their own.
struct Sides {
    tables: Vec<(&'static str, String)>,
    /// Name of the table with the packages that were held.
    held: &'static str,
    /// Expression for the number of packages that failed with a signature and were not held: a column of `signature`.
    failing: &'static str,
}

impl Sides {
    fn of(tx: &mut Tx<'_>, facts: &str, counted: &moment::Counted) -> Result<Sides, StateError> {
        if tx.kind() == Database::Sqlite {
            let failing = "(SELECT COUNT(*) FROM past_failures f WHERE f.signature_id = s.id AND f.held = 0) AS failing";
            return Ok(Sides { tables: Vec::new(), held: "past_facts", failing });
        }
        let held = match counted.counters.get("held") {
            None => Vec::new(),
            Some(_) => tx.query(&format!("{HELD_THEN} FROM ({facts}) f WHERE held <> 0"), values![])?,
        };
        let held: Vec<Vec<Value>> = held.into_iter().map(|row| row.0).collect();
        let failing: Vec<Vec<Value>> =
            counted.failing.iter().map(|(id, count)| vec![Value::Int(*id), Value::Int(*count)]).collect();
        Ok(Sides {
            tables: vec![
                ("held_then", query(Database::Postgres, HELD, &held)),
                ("failing_then", query(Database::Postgres, FAILING, &failing)),
            ],
            held: "held_then",
            failing: "COALESCE((SELECT n.failing FROM failing_then n WHERE n.signature_id = s.id), 0) AS failing",
        })
    }
}

const HELD_THEN: &str = "SELECT package_id, held, held_until, held_by, held_reason, held_at";
const HELD: Columns = &[
    ("package_id", false),
    ("held", false),
    ("held_until", false),
    ("held_by", true),
    ("held_reason", true),
    ("held_at", false),
];

const JOB: &str = "SELECT package_id, lane, state, held, 1 AS tasks, 0 AS more, 1 AS wanted, 0 AS claimed, entered, due,
    0 AS memory, attempt_id, run_id, 0 AS lease_until, dependency_id, 0 AS batch_id FROM past_jobs WHERE state IS NOT NULL";

const FAILURE: &str =
    "SELECT package_id, signature_id, failed_attempt AS attempt_id, stage, code, class, failure AS state,
    message, since, last, attempts, 0 AS in_row, distro, version FROM past_failures WHERE failure IS NOT NULL";

const WAIT: &str =
    "SELECT package_id, wait_kind AS kind, wait_reason AS reason, wait_since AS since, wait_until AS until
    FROM past_waits WHERE wait_kind IS NOT NULL";

const PACKAGE: &str =
    "SELECT p.id, p.name, p.first_seen, (SELECT g.last_success FROM @PAST g WHERE g.package_id = p.id AND g.at <= @AT
        ORDER BY g.at DESC LIMIT 1) AS last_success, p.imported_by, p.peak_rss,
    (SELECT g.wall_ms FROM @PAST g WHERE g.package_id = p.id AND g.at <= @AT ORDER BY g.at DESC LIMIT 1) AS wall_ms,
    COALESCE(f.held, 0) AS held, f.held_until, f.held_by, f.held_reason, f.held_at
    FROM @REAL p LEFT JOIN @HELD f ON f.package_id = p.id WHERE p.first_seen <= @AT";

/// Publications that were neither imported nor withdrawn: those that are not now, and those that have been since. It stands before
/// `publication`, so that this is the real one.
const OPEN: &str = "SELECT package_id, published FROM @REAL WHERE done IS NULL AND gone IS NULL AND first_seen <= @AT
    UNION ALL SELECT package_id, published FROM @REAL
        WHERE done > @AT AND first_seen <= @AT AND (gone IS NULL OR gone > @AT)
    UNION ALL SELECT package_id, published FROM @REAL WHERE gone > @AT AND first_seen <= @AT AND done IS NULL";

/// Tables whose rows tell when they were made, and when they ended.
const FILTERED: &[(&str, &str)] = &[
    (
        "attempt",
        "SELECT id, package_id, run_id, lane, tasks, started, CASE WHEN ended <= @AT THEN ended END AS ended,
            CASE WHEN ended <= @AT THEN outcome END AS outcome, counts,
            CASE WHEN ended <= @AT THEN stage END AS stage, CASE WHEN ended <= @AT THEN code END AS code,
            CASE WHEN ended <= @AT THEN signature_id END AS signature_id,
            CASE WHEN ended <= @AT THEN message END AS message, importer,
            CASE WHEN ended <= @AT THEN versions END AS versions, CASE WHEN ended <= @AT THEN wall_ms END AS wall_ms,
            CASE WHEN ended <= @AT THEN cpu_ms END AS cpu_ms, CASE WHEN ended <= @AT THEN peak_rss END AS peak_rss,
            bytes_in, bytes_out, log FROM @REAL WHERE id < @BOUND AND started <= @AT",
    ),
    (
        "signature",
        "SELECT s.id, s.short, s.stage, s.code, s.text, s.example, s.normaliser, s.alias_of, s.class, d.policy, d.note,
            d.bug, @FAILING, s.first_seen,
            CASE WHEN s.last_seen < @AT THEN s.last_seen ELSE @AT END AS last_seen
         FROM @REAL s LEFT JOIN decided d ON d.id = s.id WHERE s.first_seen <= @AT",
    ),
    (
        "suppression",
        "SELECT id, kind, subject_id, subject, until, reason, made_by, made_at,
            CASE WHEN ended <= @AT THEN ended END AS ended FROM @REAL WHERE made_at <= @AT",
    ),
    (
        "collision",
        "SELECT id, package_id, name, kind, since, who, made, ours, theirs, paths, aside, offer,
            CASE WHEN ended <= @AT THEN ended END AS ended, CASE WHEN ended <= @AT THEN ending END AS ending,
            CASE WHEN decided <= @AT THEN decision END AS decision, CASE WHEN decided <= @AT THEN decided END AS decided,
            CASE WHEN decided <= @AT THEN decided_by END AS decided_by, CASE WHEN decided <= @AT THEN reason END AS reason,
            trouble FROM @REAL WHERE since <= @AT",
    ),
    (
        "publication",
        "SELECT id, package_id, archive, distro, suite, component, version, dsc, dsc_sha256, trust, files, published,
            first_seen, lane, CASE WHEN gone <= @AT THEN gone END AS gone, tries,
            CASE WHEN done <= @AT THEN done END AS done, unlisted, reached FROM @REAL WHERE first_seen <= @AT",
    ),
    ("history", "SELECT package_id, archive, asked, versions, left_out, note, 0 AS again FROM @REAL WHERE asked <= @AT"),
    ("event", "SELECT id, at, actor, action, subject, reason, before, after FROM @REAL WHERE id < @BOUND AND at <= @AT"),
    ("version", "SELECT * FROM @REAL WHERE imported <= @AT"),
    // The progress of publishing is not kept.
    ("remote", "SELECT * FROM @REAL WHERE 1 = 0"),
    ("publish", "SELECT * FROM @REAL WHERE 1 = 0"),
];

const SIGNATURE: Columns = &[("id", false), ("policy", true), ("note", true), ("bug", true)];
const FAILING: Columns = &[("signature_id", false), ("failing", false)];
const FOREIGN: Columns = &[
    ("package_id", false),
    ("name", true),
    ("kind", true),
    ("since", false),
    ("ours", true),
    ("theirs", true),
];
const DEPENDENCY: Columns = &[
    ("id", false),
    ("name", true),
    ("state", true),
    ("since", false),
    ("cause", true),
    ("probes", false),
    ("next_probe", false),
    ("parked", false),
    ("probe", true),
];
const HOST: Columns = &[
    ("id", false),
    ("name", true),
    ("state", true),
    ("reason", true),
    ("changed_by", true),
    ("changed_at", false),
    ("expected", false),
    ("trouble", true),
    ("trouble_since", false),
    ("heartbeat", false),
];
const RUN: Columns = &[
    ("id", false),
    ("host_id", false),
    ("mode", true),
    ("pid", false),
    ("started", false),
    ("heartbeat", false),
    ("ended", false),
    ("outcome", true),
    ("attempts", false),
    ("worked_ms", false),
    ("progress", false),
];
const SUITE: Columns = &[
    ("id", false),
    ("archive", true),
    ("suite", true),
    ("distro", true),
    ("branch", true),
    ("changed", false),
    ("release_date", false),
    ("mirror", true),
    ("listed", false),
    ("failed", false),
    ("error", true),
    ("remarks", true),
    ("remarked", false),
    ("withheld", false),
    ("withheld_since", false),
    ("every", false),
    ("followed", false),
    ("content", false),
    ("changes", false),
    ("longest_gap", false),
    ("stale_after", false),
    ("polled", false),
];

/// The names of a kind that were ever kept: as many looks into an index as there are.
fn names(tx: &mut Tx<'_>, kind: &str) -> Result<Vec<String>, StateError> {
    let (mut found, mut last) = (Vec::new(), String::new());
    let sql = "SELECT name FROM past WHERE kind = ?1 AND name > ?2 ORDER BY name LIMIT 1";
    while let Some(row) = tx.first(sql, values![kind, last.as_str()])? {
        last = row.text(0);
        found.push(last.clone());
    }
    Ok(found)
}

/// The value of a thing at a time.
fn value(tx: &mut Tx<'_>, kind: &str, name: &str, at: i64) -> Result<Option<Json>, StateError> {
    let sql = "SELECT value FROM past WHERE kind = ?1 AND name = ?2 AND at <= ?3 ORDER BY at DESC LIMIT 1";
    let text = tx.first(sql, values![kind, name, at])?.and_then(|row| row.opt_text(0));
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The rows of all things of a kind at a time.
fn rows(tx: &mut Tx<'_>, kind: Thing, at: i64) -> Result<Vec<Vec<Value>>, StateError> {
    let mut found = Vec::new();
    for name in names(tx, kind.word())? {
        let kept = value(tx, kind.word(), &name, at)?;
        let kept = kept.as_ref().and_then(Json::as_array).into_iter().flatten();
        found.extend(kept.filter_map(Json::as_array).map(|row| row.iter().map(plain).collect::<Vec<_>>()));
    }
    Ok(found)
}

fn plain(value: &Json) -> Value {
    match value {
        Json::String(text) => text.as_str().into(),
        Json::Number(number) => number.as_i64().map_or(Value::Null, Value::Int),
        _ => Value::Null,
    }
}

fn literals(tx: &mut Tx<'_>, kind: Thing, at: i64, columns: Columns) -> Result<String, StateError> {
    let rows = rows(tx, kind, at)?;
    Ok(query(tx.kind(), columns, &rows))
}

/// Breakers, and how many jobs were parked on each.
fn dependencies(tx: &mut Tx<'_>, at: i64) -> Result<String, StateError> {
    let mut rows = rows(tx, Thing::Breaker, at)?;
    rows.iter_mut().for_each(|row| row.extend([Value::Int(0), Value::Null]));
    let kept = query(tx.kind(), DEPENDENCY, &rows);
    Ok(format!(
        "SELECT k.id, k.name, k.state, k.since, k.cause, k.probes, k.next_probe, (SELECT COUNT(*) FROM past_jobs f
            WHERE f.dependency_id = k.id AND f.state = 'parked') AS parked, k.probe FROM ({kept}) k"
    ))
}

/// Hosts. A host that was heard of within a minute counts as heard of at that time: not every heartbeat is kept.
fn hosts(tx: &mut Tx<'_>, at: i64) -> Result<String, StateError> {
    let mut found = rows(tx, Thing::Host, at)?;
    for row in &mut found {
        let Some(Value::Text(name)) = row.get(1).cloned() else { continue };
        let now = tx.first("SELECT heartbeat FROM host WHERE name = ?1", values![name.as_str()])?;
        let newest = now.map_or(at, |row| row.int(0)).min(at);
        let sql = "SELECT value FROM past WHERE kind = ?1 AND name = ?2 AND at > ?3 ORDER BY at LIMIT 1";
        let next = tx.first(sql, values![PAUSE, name.as_str(), at])?;
        let before = next.and_then(|row| row.text(0).parse::<i64>().ok()).filter(|before| *before <= at);
        row.push(Value::Int(before.unwrap_or(newest)));
    }
    Ok(query(tx.kind(), HOST, &found))
}

/// Runs of each host, the newest that had begun.
fn runs(tx: &mut Tx<'_>, at: i64) -> Result<String, StateError> {
    let mut found = Vec::new();
    for host in tx.query("SELECT id FROM host ORDER BY id", values![])? {
        let sql = "SELECT id, host_id, mode, pid, started, CASE WHEN ended <= ?2 THEN ended END,
                CASE WHEN ended <= ?2 THEN outcome END, heartbeat
            FROM run WHERE host_id = ?1 AND started <= ?2 ORDER BY started DESC LIMIT ?3";
        for row in tx.query(sql, values![host.int(0), at, RUNS])? {
            found.push(run(tx, &row, at)?);
        }
    }
    Ok(query(tx.kind(), RUN, &found))
}

fn run(tx: &mut Tx<'_>, row: &Row, at: i64) -> Result<Vec<Value>, StateError> {
    let done = value(tx, Thing::Run.word(), &row.int(0).to_string(), at)?;
    let done = |place: usize| done.as_ref().map_or(Value::Null, |done| plain(&done[0][place]));
    let text = |place: usize| row.opt_text(place).into();
    Ok(vec![
        Value::Int(row.int(0)),
        Value::Int(row.int(1)),
        text(2),
        Value::Int(row.int(3)),
        Value::Int(row.int(4)),
        Value::Int(row.int(7).min(at)),
        row.opt_int(5).into(),
        text(6),
        done(0),
        done(1),
        done(2),
    ])
}

fn suites(tx: &mut Tx<'_>, at: i64) -> Result<String, StateError> {
    let mut found = rows(tx, Thing::Suite, at)?;
    for row in &mut found {
        let (Some(Value::Text(archive)), Some(Value::Text(suite))) = (row.get(1), row.get(2)) else {
            continue;
        };
        let polled = value(tx, Thing::Polled.word(), &format!("{archive}/{suite}"), at)?;
        row.push(polled.map_or(Value::Null, |polled| plain(&polled[0][0])));
    }
    Ok(query(tx.kind(), SUITE, &found))
}

/// The sandbox limits that hosts lacked, in the form of `meta`.
fn walls(tx: &mut Tx<'_>, at: i64) -> Result<String, StateError> {
    let mut found = Vec::new();
    for host in names(tx, Thing::Walls.word())? {
        if let Some(kept) = value(tx, Thing::Walls.word(), &host, at)? {
            found.push(vec![format!("walls/{host}").into(), plain(&kept[0][0])]);
        }
    }
    Ok(query(tx.kind(), &[("name", true), ("value", true)], &found))
}
