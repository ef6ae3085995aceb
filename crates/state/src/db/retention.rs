//! Retention: which rows are removed, and when. Publications and versions are never removed; nor are the rows that
//! explain the present.
//!
//! A pass looks at one table after the other, in chunks, by number from the oldest row on, and stops at the first row
//! that is young enough to keep. Its position is stored, so that a pass that was interrupted goes on. The cost of a
//! chunk does not grow with the table.

use baseline::age::TOLERATED;

use crate::db::meta;
use crate::db::tx::{HOUR, Tx};
use crate::driver::{Kind, Row};
use crate::error::StateError;
use crate::values;

const DAY: i64 = 24 * HOUR;

/// The most rows that one step looks at, and that it deletes. The position is written, too.
const CHUNK: i64 = 150;

/// Ages up to which rows are kept, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Attempts younger than this are kept,
    pub attempts: i64,
    /// and this number of each package, of any age, besides the newest failure of each signature.
    pub newest: i64,
    /// Events older than this are removed.
    pub events: i64,
    /// Samples older than this are removed.
    pub samples: i64,
    /// Runs and batches that have ended, what was told; the newest run of all, and what still goes on, is kept.
    pub runs: i64,
    /// Plans of repair of which nothing can be taken back any more are removed if they are older than this.
    pub repairs: i64,
}

impl Default for Rule {
    fn default() -> Self {
        Rule {
            attempts: 90 * DAY,
            newest: 4,
            events: 731 * DAY,
            samples: 15 * 7 * DAY,
            runs: 90 * DAY,
            repairs: 90 * DAY,
        }
    }
}

/// Tables in the order in which they are pruned.
pub const TABLES: [&str; 10] = [
    "attempt",
    "event",
    "sample",
    "run",
    "batch",
    "package_past",
    "past",
    "notice",
    "message",
    "repair_plan",
];

/// Position of a pass: a table, and the last row looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    table: usize,
    after: i64,
}

impl Position {
    fn parse(text: &str) -> Option<Position> {
        let (table, after) = text.split_once(':')?;
        Some(Position { table: table.parse().ok()?, after: after.parse().ok()? })
    }

    /// The table after this one; `None` at the end.
    pub fn table(&self) -> Option<&'static str> {
        TABLES.get(self.table).copied()
    }

    fn next_table(&self) -> Position {
        Position { table: self.table + 1, after: 0 }
    }
}

/// Result of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Name of the table.
    pub table: &'static str,
    /// Rows that it looked at.
    pub seen: usize,
    /// Rows that are not kept.
    pub forgotten: usize,
}

/// Does the next step of a pass. Returns whether more steps follow; after the last one, the next call starts over.
pub fn step(tx: &mut Tx<'_>, rule: &Rule) -> Result<bool, StateError> {
    // Tables in which nothing is old enough to be looked at cost no transaction of their own.
    for _ in TABLES {
        match next(tx, rule)? {
            Some(step) if step.seen == 0 => {}
            step => return Ok(step.is_some()),
        }
    }
    Ok(true)
}

/// Does the next step of a pass and returns its result; `None` at the end of the pass.
pub fn next(tx: &mut Tx<'_>, rule: &Rule) -> Result<Option<Step>, StateError> {
    let kept = meta::lock(tx, meta::PRUNED)?;
    let mut position = kept.and_then(|text| Position::parse(&text)).unwrap_or_default();
    let step = walk(tx, rule, &mut position, true)?;
    match step {
        Some(_) => meta::set(tx, meta::PRUNED, &format!("{}:{}", position.table, position.after))?,
        None => meta::remove(tx, meta::PRUNED)?,
    }
    Ok(step)
}

/// Counts the rows that the step at a position would remove, and moves the position on.
pub fn look(tx: &mut Tx<'_>, rule: &Rule, position: &mut Position) -> Result<Option<Step>, StateError> {
    if position.table() == Some("sample") {
        return look_at_hour(tx, rule, position).map(Some);
    }
    walk(tx, rule, position, false)
}

/// Samples that are kept have to be skipped by the hour: they have no number.
fn look_at_hour(tx: &mut Tx<'_>, rule: &Rule, position: &mut Position) -> Result<Step, StateError> {
    let cutoff = (tx.now()? - rule.samples).div_euclid(HOUR);
    let sql =
        "SELECT hour, COUNT(*) FROM sample WHERE hour > ?1 AND hour < ?2 GROUP BY hour ORDER BY hour LIMIT 1";
    let row = tx.first(sql, values![position.after, cutoff])?;
    let count = usize::try_from(row.as_ref().map_or(0, |row| row.int(1))).unwrap_or(0);
    *position = match row {
        Some(row) => Position { after: row.int(0), ..*position },
        None => position.next_table(),
    };
    Ok(Step { table: "sample", seen: count, forgotten: count })
}

fn walk(
    tx: &mut Tx<'_>,
    rule: &Rule,
    position: &mut Position,
    delete: bool,
) -> Result<Option<Step>, StateError> {
    let Some(table) = position.table() else { return Ok(None) };
    let now = tx.now()?;
    match table {
        "batch" => return groups(tx, BATCHES, now - rule.runs, position, delete).map(Some),
        "package_past" => return packages(tx, now - rule.attempts, position, delete).map(Some),
        "repair_plan" => return groups(tx, PLANS, now - rule.repairs, position, delete).map(Some),
        "past" => return things(tx, now - rule.attempts, position, delete).map(Some),
        _ => {}
    }
    let (seen, mut old, last) = match table {
        "attempt" => attempts(tx, rule, now, position.after)?,
        "event" => by_time(tx, "event", "id", "at", now - rule.events, position.after)?,
        "sample" => samples(tx, (now - rule.samples).div_euclid(HOUR), position.after)?,
        "notice" => notices(tx, now - rule.runs, position.after)?,
        "message" => by_time(tx, "message", "id", "made", now - rule.runs, position.after)?,
        _ => old_runs(tx, now - rule.runs, position.after)?,
    };
    if table == "event" && !old.is_empty() && !may_delete_events(tx)? {
        old.clear();
    }
    if delete {
        for row in &old {
            forget(tx, table, row)?;
        }
    }
    let step = Step { table, seen, forgotten: old.len() };
    *position = match last {
        // Removed rows are not read again, but kept rows have to be passed.
        Some(last) => Position { after: last, ..*position },
        None => position.next_table(),
    };
    Ok(Some(step))
}

/// Number of rows looked at, the old ones among them, and the number of the last row if there are more.
type Seen = (usize, Vec<Row>, Option<i64>);

fn seen(rows: &[Row], is_young: impl Fn(&Row) -> bool, is_old: impl Fn(&Row) -> bool) -> Seen {
    let reached = rows.iter().any(&is_young);
    let full = rows.len() >= usize::try_from(CHUNK).unwrap_or(usize::MAX);
    let last = rows.last().filter(|_| full && !reached).map(|row| row.int(0));
    let old = rows.iter().filter(|row| !is_young(row) && is_old(row)).cloned().collect();
    (rows.len(), old, last)
}

fn attempts(tx: &mut Tx<'_>, rule: &Rule, now: i64, after: i64) -> Result<Seen, StateError> {
    // Each part is answered by an index, however many rows there are: the newest of the package, the newest with the
    // signature.
    let sql = "SELECT a.id, a.started, CASE WHEN a.ended IS NOT NULL
            AND a.id < COALESCE((SELECT b.id FROM attempt b WHERE b.package_id = a.package_id
                ORDER BY b.id DESC LIMIT 1 OFFSET ?3), 0)
            AND (a.signature_id IS NULL
                OR a.id < (SELECT MAX(c.id) FROM attempt c WHERE c.signature_id = a.signature_id))
            AND NOT EXISTS (SELECT 1 FROM failure f WHERE f.package_id = a.package_id AND f.attempt_id = a.id)
            THEN 1 ELSE 0 END
        FROM attempt a WHERE a.id > ?1 ORDER BY a.id LIMIT ?2";
    let rows = tx.query(sql, values![after, CHUNK, (rule.newest - 1).max(0)])?;
    let cutoff = now - rule.attempts;
    Ok(seen(&rows, |row| row.int(1) >= cutoff, |row| row.flag(2)))
}

fn by_time(
    tx: &mut Tx<'_>,
    table: &str,
    key: &str,
    time: &str,
    cutoff: i64,
    after: i64,
) -> Result<Seen, StateError> {
    let sql = format!("SELECT {key}, {time} FROM {table} WHERE {key} > ?1 ORDER BY {key} LIMIT ?2");
    let rows = tx.query(&sql, values![after, CHUNK])?;
    Ok(seen(&rows, |row| row.int(1) >= cutoff, |_| true))
}

/// Messages that were sent. Those of something that has not ended, and those that were not sent yet, stay.
fn notices(tx: &mut Tx<'_>, cutoff: i64, after: i64) -> Result<Seen, StateError> {
    let sql = "SELECT n.id, n.at, CASE WHEN n.seq IS NOT NULL AND (n.part <> 'begun'
            OR n.id < (SELECT MAX(o.id) FROM notice o WHERE o.topic = n.topic)) THEN 1 ELSE 0 END
        FROM notice n WHERE n.id > ?1 ORDER BY n.id LIMIT ?2";
    let rows = tx.query(sql, values![after, CHUNK])?;
    Ok(seen(&rows, |row| row.int(1) >= cutoff, |row| row.flag(2)))
}

/// Samples have no number; they are ordered by hour, and those of one hour are found again until none is left.
fn samples(tx: &mut Tx<'_>, cutoff: i64, after: i64) -> Result<Seen, StateError> {
    let sql = "SELECT hour, figure, shard FROM sample WHERE hour < ?1 AND hour >= ?2 ORDER BY hour LIMIT ?3";
    let rows = tx.query(sql, values![cutoff, after, CHUNK])?;
    Ok(seen(&rows, |_| false, |_| true))
}

fn old_runs(tx: &mut Tx<'_>, cutoff: i64, after: i64) -> Result<Seen, StateError> {
    let sql = "SELECT id, started, CASE WHEN ended < ?3 AND id < (SELECT MAX(id) FROM run) THEN 1 ELSE 0 END
        FROM run WHERE id > ?1 ORDER BY id LIMIT ?2";
    let rows = tx.query(sql, values![after, CHUNK, cutoff])?;
    Ok(seen(&rows, |row| row.int(1) >= cutoff, |row| row.flag(2)))
}

/// Batches that are over.
const BATCHES: (&str, &str, &str, &str) = (
    "batch",
    "batch_member",
    "batch_id",
    "SELECT id FROM batch WHERE id > ?1 AND made_at < ?2 AND state NOT IN ('canary', 'all') ORDER BY id LIMIT 1",
);

/// Plans of repair. A part that was carried out can be taken back, and stays until what it has replaced is forgotten
/// (`crate::repair::kept`).
const PLANS: (&str, &str, &str, &str) = (
    "repair_plan",
    "repair_part",
    "plan_id",
    "SELECT p.id FROM repair_plan p WHERE p.id > ?1 AND p.made < ?2 AND NOT EXISTS (SELECT 1 FROM repair_part r
        WHERE r.plan_id = p.id AND (r.state IN ('asked', 'wanted', 'applied') OR r.changed >= ?2)) ORDER BY p.id LIMIT 1",
);

/// Rows with members of which each is about a package, one at a time: first its members, however many, then the row itself.
fn groups(
    tx: &mut Tx<'_>,
    (table, member, key, sql): (&'static str, &str, &str, &str),
    cutoff: i64,
    position: &mut Position,
    delete: bool,
) -> Result<Step, StateError> {
    let Some(row) = tx.first(sql, values![position.after, cutoff])? else {
        *position = position.next_table();
        return Ok(Step { table, seen: 0, forgotten: 0 });
    };
    let id = row.int(0);
    let members = if delete {
        let sql = format!(
            "DELETE FROM {member} WHERE {key} = ?1 AND package_id IN
            (SELECT package_id FROM {member} WHERE {key} = ?1 ORDER BY package_id LIMIT ?2)"
        );
        tx.execute(&sql, values![id, CHUNK])?
    } else {
        let sql = format!("SELECT COUNT(*) FROM {member} WHERE {key} = ?1");
        tx.first(&sql, values![id])?.map_or(0, |row| u64::try_from(row.int(0)).unwrap_or(0))
    };
    let members = usize::try_from(members).unwrap_or(0);
    if delete && members > 0 {
        return Ok(Step { table, seen: members, forgotten: members });
    }
    if delete {
        tx.execute(&format!("DELETE FROM {table} WHERE id = ?1"), values![id])?;
    }
    *position = Position { after: id, ..*position };
    Ok(Step { table, seen: members + 1, forgotten: members + 1 })
}

/// Past states of packages before their state at the cutoff: as for attempts. This number of packages at a time, in the
/// order of their numbers. States that a wrong clock has dated ahead go, too.
fn packages(tx: &mut Tx<'_>, cutoff: i64, position: &mut Position, delete: bool) -> Result<Step, StateError> {
    let table = "package_past";
    let now = tx.now()?;
    let after = position.after;
    let last = tx.first("SELECT MAX(id) FROM package", &[])?.map_or(0, |row| row.int(0));
    if after >= last {
        *position = position.next_table();
        return Ok(Step { table, seen: 0, forgotten: 0 });
    }
    let sql = "SELECT f.package_id, f.at FROM package_past f WHERE f.package_id > ?1 AND f.package_id <= ?2
        AND (f.at > ?4 OR f.at < (SELECT g.at FROM package_past g WHERE g.package_id = f.package_id AND g.at <= ?3
            ORDER BY g.at DESC LIMIT 1))
        ORDER BY f.package_id, f.at LIMIT ?5";
    let rows = tx.query(sql, values![after, after + CHUNK, cutoff, now + TOLERATED, CHUNK])?;
    if delete && !rows.is_empty() {
        not_before(tx, cutoff)?;
        for row in &rows {
            tx.execute("DELETE FROM package_past WHERE package_id = ?1 AND at = ?2", &row.0)?;
        }
    }
    let is_full = rows.len() >= usize::try_from(CHUNK).unwrap_or(usize::MAX);
    if !(delete && is_full) {
        *position = Position { after: after + CHUNK, ..*position };
    }
    Ok(Step { table, seen: rows.len(), forgotten: rows.len() })
}

/// The same for breakers, hosts and the like. A last value that says nothing goes, too: of what was no more, of a run that is
/// forgotten, of a signature that was as normal.
fn things(tx: &mut Tx<'_>, cutoff: i64, position: &mut Position, delete: bool) -> Result<Step, StateError> {
    let table = "past";
    let now = tx.now()?;
    let sql = "SELECT f.kind, f.name, f.at FROM past f WHERE f.at > ?2 OR (f.at < ?1 AND CASE
            WHEN f.value IS NULL THEN TRUE
            WHEN f.kind = 'run' AND NOT EXISTS (SELECT 1 FROM run r WHERE r.id = CAST(f.name AS BIGINT)) THEN TRUE
            WHEN f.kind = 'verdict' AND f.name LIKE 'signature:%' AND f.value LIKE '%\"state\":\"OK\"%' THEN TRUE
            ELSE EXISTS (SELECT 1 FROM past g WHERE g.kind = f.kind AND g.name = f.name AND g.at > f.at AND g.at <= ?1) END)
        ORDER BY f.at LIMIT ?3";
    let rows = tx.query(sql, values![cutoff, now + TOLERATED, CHUNK])?;
    if delete && !rows.is_empty() {
        not_before(tx, cutoff)?;
        for row in &rows {
            tx.execute("DELETE FROM past WHERE kind = ?1 AND name = ?2 AND at = ?3", &row.0)?;
        }
    }
    if !delete || rows.is_empty() {
        *position = position.next_table();
    }
    Ok(Step { table, seen: rows.len(), forgotten: rows.len() })
}

/// Nothing is told any more of what was before a time.
fn not_before(tx: &mut Tx<'_>, cutoff: i64) -> Result<(), StateError> {
    let known = meta::number(tx, meta::PAST_SINCE)?.unwrap_or(0);
    if known >= cutoff { Ok(()) } else { meta::set(tx, meta::PAST_SINCE, &cutoff.to_string()) }
}

fn forget(tx: &mut Tx<'_>, table: &str, row: &Row) -> Result<(), StateError> {
    if table == "sample" {
        let sql = "DELETE FROM sample WHERE hour = ?1 AND figure = ?2 AND shard = ?3";
        tx.execute(sql, &row.0)?;
    } else {
        tx.execute(&format!("DELETE FROM {table} WHERE id = ?1"), values![row.int(0)])?;
    }
    Ok(())
}

/// Workers and operators may add to the audit trail but not delete from it: then the owner's `prune` does that.
fn may_delete_events(tx: &mut Tx<'_>) -> Result<bool, StateError> {
    if tx.kind() == Kind::Sqlite {
        return Ok(true);
    }
    let row = tx.first("SELECT has_table_privilege('event', 'DELETE')", &[])?;
    Ok(row.is_some_and(|row| row.flag(0)))
}
