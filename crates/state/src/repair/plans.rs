//! Plans of repair, each with a part for every package, and the progress of these.

use serde::Serialize;
use source_package::words;

use crate::audit::{self, By};
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::job::queue;
use crate::outbox::{notices, texts};
use crate::values;
use crate::words::{Lane, Tasks};

words! {
    /// The states of a part.
    PartState {
        /// A worker is to make it.
        Asked = "asked",
        /// It can be read, and carried out.
        Planned = "planned",
        /// There is nothing to do.
        Empty = "empty",
        /// A worker is to carry it out.
        Wanted = "wanted",
        /// It is done.
        Applied = "applied",
        /// Something had changed since it was made: nothing was done.
        Stale = "stale",
        /// It could not be made, or not be carried out.
        Failed = "failed",
    }
}

words! {
    /// The kinds of plans.
    PlanKind {
        /// Mends what was found.
        Repair = "repair",
        /// Builds everything anew.
        Rebuild = "rebuild",
        /// Builds everything anew with the old versions that came late as ancestors of those that were there before.
        Ancestors = "ancestors",
        /// Takes another one back.
        Undo = "undo",
        /// Steps that needed no person.
        Automatic = "automatic",
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Its number.
    pub id: i64,
    /// Time of creation, in milliseconds since 1970.
    pub made: i64,
    /// By whom.
    pub by: String,
    /// The kind.
    pub kind: String,
    /// The plan that it undoes.
    pub undoes: Option<i64>,
}

/// The part of one package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The plan.
    pub plan: i64,
    /// The number of the package.
    #[serde(skip)]
    pub package_id: i64,
    /// The package.
    pub package: String,
    /// The state.
    pub state: String,
    /// Findings and steps, JSON.
    #[serde(skip)]
    pub text: Option<String>,
    /// The reason why it is stale or failed, or what cannot be undone.
    pub note: Option<String>,
    /// Time of the last change of state.
    pub changed: i64,
    /// The last actor.
    pub by: String,
    /// The reason.
    pub reason: Option<String>,
}

/// Begins a plan. Returns its number.
///
/// # Errors
/// The database.
pub fn begin(tx: &mut Tx<'_>, kind: PlanKind, undoes: Option<i64>, by: By<'_>) -> Result<i64, StateError> {
    let now = tx.now()?;
    tx.insert(
        "INSERT INTO repair_plan (made, made_by, kind, undoes) VALUES (?1, ?2, ?3, ?4) RETURNING id",
        values![now, by.actor, kind.as_str(), undoes],
    )
}

/// Adds a part, or replaces what it is.
///
/// # Errors
/// The database.
pub fn put(
    tx: &mut Tx<'_>,
    (plan, package): (i64, i64),
    state: PartState,
    text: Option<&str>,
    note: Option<&str>,
    by: By<'_>,
) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "INSERT INTO repair_part (plan_id, package_id, state, plan, note, changed, by_whom, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (plan_id, package_id) DO UPDATE SET state = excluded.state,
            plan = COALESCE(excluded.plan, repair_part.plan), note = excluded.note, changed = excluded.changed,
            by_whom = excluded.by_whom, reason = excluded.reason",
        values![plan, package, state.as_str(), text, note, now, by.actor, by.reason],
    )?;
    Ok(())
}

/// Has a worker make or carry out a part.
///
/// # Errors
/// The database.
pub fn ask(tx: &mut Tx<'_>, package: i64) -> Result<(), StateError> {
    queue::enqueue(tx, package, Lane::Operator, Tasks::REPAIR)
}

/// Records the end of a part, unless its state was changed in the meantime. Applied parts go into the audit
/// trail.
///
/// # Errors
/// Errors of the database.
pub fn end(
    tx: &mut Tx<'_>,
    part: &Part,
    state: PartState,
    text: Option<&str>,
    note: Option<&str>,
) -> Result<(), StateError> {
    let now = tx.now()?;
    let changed = tx.execute(
        "UPDATE repair_part SET state = ?3, plan = COALESCE(?4, plan), note = ?5, changed = ?6
         WHERE plan_id = ?1 AND package_id = ?2 AND state IN ('asked', 'wanted')",
        values![part.plan, part.package_id, state.as_str(), text, note, now],
    )?;
    if changed > 0 && state == PartState::Applied {
        let after = format!("plan {}", part.plan);
        audit::record(tx, &part.by, "repair", &part.package, part.reason.as_deref(), None, Some(&after))?;
        notices::once(tx, &texts::repair(&part.package, &format!("repaired by {after}, for {}", part.by)))?;
    }
    Ok(())
}

/// Has parts of a plan carried out by workers: those of these packages that are planned, or are stale no more. Returns them.
///
/// # Errors
/// The database.
pub fn want(tx: &mut Tx<'_>, plan: i64, packages: &[i64], by: By<'_>) -> Result<Vec<Part>, StateError> {
    let now = tx.now()?;
    let mut wanted = Vec::new();
    for part in parts(tx, plan)? {
        let may =
            matches!(part.state.as_str(), "planned" | "wanted" | "failed" | "stale") && part.text.is_some();
        if !may || !packages.contains(&part.package_id) {
            continue;
        }
        tx.execute(
            "UPDATE repair_part SET state = 'wanted', note = NULL, changed = ?3, by_whom = ?4, reason = ?5
             WHERE plan_id = ?1 AND package_id = ?2",
            values![plan, part.package_id, now, by.actor, by.reason],
        )?;
        let after = format!("plan {plan}");
        audit::record(tx, by.actor, "repair-apply", &part.package, by.reason, None, Some(&after))?;
        ask(tx, part.package_id)?;
        wanted.push(part);
    }
    Ok(wanted)
}

const PLANS: &str = "SELECT id, made, made_by, kind, undoes FROM repair_plan";
const PARTS: &str =
    "SELECT r.plan_id, r.package_id, p.name, r.state, r.plan, r.note, r.changed, r.by_whom, r.reason
    FROM repair_part r JOIN package p ON p.id = r.package_id";

fn plan(row: &Row) -> Plan {
    Plan { id: row.int(0), made: row.int(1), by: row.text(2), kind: row.text(3), undoes: row.opt_int(4) }
}

fn part(row: &Row) -> Part {
    Part {
        plan: row.int(0),
        package_id: row.int(1),
        package: row.text(2),
        state: row.text(3),
        text: row.opt_text(4),
        note: row.opt_text(5),
        changed: row.int(6),
        by: row.text(7),
        reason: row.opt_text(8),
    }
}

/// One plan.
///
/// # Errors
/// There is none of that number; the database.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Plan, StateError> {
    let found = tx.first(&format!("{PLANS} WHERE id = ?1"), values![id])?;
    found.as_ref().map(plan).ok_or_else(|| {
        StateError::Unknown(format!("there is no plan {id}; `package-import repair list` lists them"))
    })
}

/// The newest plans.
///
/// # Errors
/// The database.
pub fn list(tx: &mut Tx<'_>, at_most: i64) -> Result<Vec<Plan>, StateError> {
    let sql = format!("{PLANS} ORDER BY id DESC LIMIT ?1");
    Ok(tx.query(&sql, values![at_most])?.iter().map(plan).collect())
}

/// The parts of a plan, by package.
///
/// # Errors
/// The database.
pub fn parts(tx: &mut Tx<'_>, plan: i64) -> Result<Vec<Part>, StateError> {
    let sql = format!("{PARTS} WHERE r.plan_id = ?1 ORDER BY p.name");
    Ok(tx.query(&sql, values![plan])?.iter().map(part).collect())
}

/// The first parts of a plan, by package.
///
/// # Errors
/// The database.
pub fn some_parts(tx: &mut Tx<'_>, plan: i64, at_most: i64) -> Result<Vec<Part>, StateError> {
    let sql = format!("{PARTS} WHERE r.plan_id = ?1 ORDER BY p.name LIMIT ?2");
    Ok(tx.query(&sql, values![plan, at_most])?.iter().map(part).collect())
}

/// Newest plans in which the parts of a package are looked for: each is one look into the index.
const LOOKED_AT: i64 = 1000;

/// The parts of a package in the newest plans, newest first.
///
/// # Errors
/// The database.
pub fn of_package(tx: &mut Tx<'_>, package: i64, at_most: i64) -> Result<Vec<(Plan, Part)>, StateError> {
    let sql = "SELECT l.id, l.made, l.made_by, l.kind, l.undoes
        FROM (SELECT id, made, made_by, kind, undoes FROM repair_plan ORDER BY id DESC LIMIT ?2) AS l
        JOIN repair_part r ON r.plan_id = l.id AND r.package_id = ?1 ORDER BY l.id DESC LIMIT ?3";
    let plans: Vec<Plan> = tx.query(sql, values![package, LOOKED_AT, at_most])?.iter().map(plan).collect();
    let mut found = Vec::new();
    for plan in plans {
        let sql = format!("{PARTS} WHERE r.plan_id = ?1 AND r.package_id = ?2");
        found.extend(tx.first(&sql, values![plan.id, package])?.as_ref().map(part).map(|part| (plan, part)));
    }
    Ok(found)
}

/// The parts of a package that a worker is to make or to carry out, oldest first.
///
/// # Errors
/// The database.
pub fn open(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Part>, StateError> {
    let sql =
        format!("{PARTS} WHERE r.package_id = ?1 AND r.state IN ('asked', 'wanted') ORDER BY r.plan_id");
    Ok(tx.query(&sql, values![package])?.iter().map(part).collect())
}

/// The number of parts of a plan in each state.
///
/// # Errors
/// Errors of the database.
pub fn counts(tx: &mut Tx<'_>, plan: i64) -> Result<Vec<(String, i64)>, StateError> {
    let sql = "SELECT state, COUNT(*) FROM repair_part WHERE plan_id = ?1 GROUP BY state ORDER BY state";
    Ok(tx.query(sql, values![plan])?.iter().map(|row| (row.text(0), row.int(1))).collect())
}
