//! Collisions: refs of the importer that somebody else made or moved; those that wait for an operator, since
//! when, and the decisions.

use serde::Serialize;

use crate::audit::{self, By};
use crate::db::tx::Tx;
use crate::driver::Row;
use crate::error::StateError;
use crate::job::queue;
use crate::outbox::{notices, texts};
use crate::values;
use crate::words::{Lane, Tasks};

/// Largest number of open collisions of one package: anybody who can push can make any number.
pub const KEPT: i64 = 60;
/// Number of ended collisions that are kept for a package, beside those whose refs still exist.
const ENDED: i64 = 500;

/// A collision that an import found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The full name of the ref.
    pub name: String,
    /// Kind of the collision, as in [`Collision::kind`].
    pub kind: String,
    /// True when a person has to decide about it.
    pub waits: bool,
    /// Author that the foreign commit or tag names, which proves nothing.
    pub who: Option<String>,
    /// Unix milliseconds that the foreign commit or tag gives as its time.
    pub made: Option<i64>,
    /// Object that the importer had put the ref to.
    pub ours: Option<String>,
    /// Object that the ref was found at.
    pub theirs: Option<String>,
    /// Files that it is about.
    pub paths: Vec<String>,
    /// The ref under which the foreign object was set aside.
    pub aside: Option<String>,
    /// The branch with the version and the foreign change.
    pub offer: Option<String>,
}

/// A recorded collision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Collision {
    /// Number of the collision.
    pub id: i64,
    /// Name of the package.
    pub package: String,
    /// The full name of the ref.
    #[serde(rename = "ref")]
    pub name: String,
    /// Kind: `unmerged`, `conflict`, `tag-differs`, `blocked`; of those that have ended also `contained`, `noise`,
    /// `rewritten`.
    pub kind: String,
    /// Unix milliseconds at which it was found.
    pub since: i64,
    /// Author that the foreign commit or tag names, which proves nothing.
    pub who: Option<String>,
    /// Unix milliseconds that the foreign commit or tag gives as its time.
    pub made: Option<i64>,
    /// Object that the importer had put the ref to.
    pub ours: Option<String>,
    /// Object that the ref was found at.
    pub theirs: Option<String>,
    /// Some of the files concerned.
    pub paths: Vec<String>,
    /// The ref under which the foreign object was set aside.
    pub aside: Option<String>,
    /// The branch with the version and the foreign change.
    pub offer: Option<String>,
    /// Unix milliseconds at which it ended.
    pub ended: Option<i64>,
    /// Kind of its end: `contained`, `gone`, `done`, or the decision.
    pub ending: Option<String>,
    /// Decision of an operator: `drop`, `keep`, `take-tag`.
    pub decision: Option<String>,
    /// Unix milliseconds of the decision.
    pub decided: Option<i64>,
    /// Actor of the decision.
    pub decided_by: Option<String>,
    /// Reason of the decision.
    pub reason: Option<String>,
    /// Error that kept the decision from being carried out.
    pub trouble: Option<String>,
}

const COLUMNS: &str = "SELECT c.id, p.name, c.name, c.kind, c.since, c.who, c.made, c.ours, c.theirs, c.paths, c.aside, c.offer,
    c.ended, c.ending, c.decision, c.decided, c.decided_by, c.reason, c.trouble
    FROM collision c JOIN package p ON p.id = c.package_id";

fn row(row: &Row) -> Collision {
    Collision {
        id: row.int(0),
        package: row.text(1),
        name: row.text(2),
        kind: row.text(3),
        since: row.int(4),
        who: row.opt_text(5),
        made: row.opt_int(6),
        ours: row.opt_text(7),
        theirs: row.opt_text(8),
        paths: serde_json::from_str(&row.text(9)).unwrap_or_default(),
        aside: row.opt_text(10),
        offer: row.opt_text(11),
        ended: row.opt_int(12),
        ending: row.opt_text(13),
        decision: row.opt_text(14),
        decided: row.opt_int(15),
        decided_by: row.opt_text(16),
        reason: row.opt_text(17),
        trouble: row.opt_text(18),
    }
}

/// All of a package, oldest first, those that have ended included.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn of_package(tx: &mut Tx<'_>, package: i64) -> Result<Vec<Collision>, StateError> {
    let sql = format!("{COLUMNS} WHERE c.package_id = ?1 ORDER BY c.id");
    Ok(tx.query(&sql, values![package])?.iter().map(row).collect())
}

/// Refs that keep a package from being imported, with the objects that they were found at.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn blocking(tx: &mut Tx<'_>, package: i64) -> Result<Vec<(String, Option<String>)>, StateError> {
    let sql = "SELECT name, theirs FROM collision WHERE package_id = ?1 AND kind = 'blocked' AND ended IS NULL ORDER BY id";
    Ok(tx.query(sql, values![package])?.iter().map(|row| (row.text(0), row.opt_text(1))).collect())
}

/// One by its number.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn get(tx: &mut Tx<'_>, id: i64) -> Result<Option<Collision>, StateError> {
    let sql = format!("{COLUMNS} WHERE c.id = ?1");
    Ok(tx.first(&sql, values![id])?.as_ref().map(row))
}

/// Filter for a list of collisions.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Only those of this package.
    pub package: Option<&'a str>,
    /// Only those of this kind.
    pub kind: Option<&'a str>,
    /// Those that have ended, too.
    pub all: bool,
    /// Largest number of collisions.
    pub limit: i64,
}

/// Those that are open, oldest first; with `all` the newest first.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn list(tx: &mut Tx<'_>, filter: &Filter<'_>) -> Result<Vec<Collision>, StateError> {
    let open = if filter.all { "1 = 1" } else { "c.ended IS NULL" };
    let order = if filter.all { "c.id DESC" } else { "c.since, c.id" };
    let sql = format!(
        "{COLUMNS} WHERE {open} AND (?1 = '' OR p.name = ?1) AND (?2 = '' OR c.kind = ?2) ORDER BY {order} LIMIT ?3"
    );
    let asked = values![filter.package.unwrap_or(""), filter.kind.unwrap_or(""), filter.limit];
    Ok(tx.query(&sql, asked)?.iter().map(row).collect())
}

/// Records the collisions that an import found, and the ended ones: the number of the row, and the
/// kind of its end.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn settle(
    tx: &mut Tx<'_>,
    package: i64,
    found: &[Found],
    ended: &[(i64, String)],
) -> Result<(), StateError> {
    if found.is_empty() && ended.is_empty() {
        return Ok(());
    }
    let now = tx.now()?;
    for (id, how) in ended {
        tx.execute(
            "UPDATE collision SET ended = ?2, ending = ?3, trouble = NULL WHERE id = ?1 AND package_id = ?4 AND ended IS NULL",
            values![*id, now, how.as_str(), package],
        )?;
    }
    let known = of_package(tx, package)?;
    let mut open = known.iter().filter(|it| it.ended.is_none()).count() as i64;
    let mut new = Vec::new();
    for it in found {
        let is_same = |other: &&Collision| {
            (&other.name, &other.theirs) == (&it.name, &it.theirs)
                && (other.ended.is_none() || !is_over(other) || !it.waits)
        };
        // A ref that was removed may be removed again, which is a new collision; every other collision has one row.
        if it.theirs.is_some() && known.iter().any(|other| is_same(&other)) {
            continue;
        }
        if it.waits && open >= KEPT {
            continue;
        }
        open += i64::from(it.waits);
        insert(tx, package, it, now)?;
        new.extend(it.waits.then_some((it.kind.as_str(), it.name.as_str(), it.who.as_deref())));
    }
    if !new.is_empty() {
        let name = tx.first("SELECT name FROM package WHERE id = ?1", values![package])?;
        let name = name.map(|row| row.text(0)).unwrap_or_default();
        notices::once(tx, &texts::collision(&name, &new))?;
    }
    tx.execute(
        "DELETE FROM collision WHERE package_id = ?1 AND ended IS NOT NULL AND aside IS NULL AND decision IS NULL
            AND id <= (SELECT MAX(id) FROM collision WHERE package_id = ?1) - ?2",
        values![package, ENDED],
    )?;
    Ok(())
}

/// True when a collision ended because its ref was removed: if the ref comes back, that is a new collision.
fn is_over(it: &Collision) -> bool {
    it.ending.as_deref() == Some("gone")
}

fn insert(tx: &mut Tx<'_>, package: i64, it: &Found, now: i64) -> Result<(), StateError> {
    let paths = serde_json::to_string(&it.paths).unwrap_or_else(|_| "[]".into());
    let ended = (!it.waits).then_some(now);
    let ending = (!it.waits).then_some("done");
    tx.execute(
        "INSERT INTO collision (package_id, name, kind, since, who, made, ours, theirs, paths, aside, offer, ended, ending)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        values![
            package,
            it.name.as_str(),
            it.kind.as_str(),
            now,
            it.who.as_deref(),
            it.made,
            it.ours.as_deref(),
            it.theirs.as_deref(),
            paths,
            it.aside.as_deref(),
            it.offer.as_deref(),
            ended,
            ending
        ],
    )?;
    Ok(())
}

/// Refs and objects of which a person has decided that they stay.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn kept(tx: &mut Tx<'_>, package: i64) -> Result<Vec<(String, Option<String>)>, StateError> {
    let sql = "SELECT name, theirs FROM collision WHERE package_id = ?1 AND ending = 'keep'";
    Ok(tx.query(sql, values![package])?.iter().map(|row| (row.text(0), row.opt_text(1))).collect())
}

/// Records why a decision could not be carried out.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn trouble(tx: &mut Tx<'_>, id: i64, why: &str) -> Result<(), StateError> {
    tx.execute("UPDATE collision SET trouble = ?2 WHERE id = ?1 AND ended IS NULL", values![id, why])?;
    Ok(())
}

/// Records a decision, and queues a job that carries it out. Returns the name of the package.
///
/// # Errors
/// There is no such collision, or it has ended; the database.
pub fn decide(tx: &mut Tx<'_>, id: i64, decision: &str, by: By<'_>) -> Result<Collision, StateError> {
    let Some(it) = get(tx, id)? else {
        return Err(StateError::Unknown(format!(
            "there is no collision {id}; `package-import collisions` lists them"
        )));
    };
    if let Some(ending) = &it.ending {
        return Err(StateError::Refused(format!("collision {id} has ended already: {ending}")));
    }
    let now = tx.now()?;
    tx.execute(
        "UPDATE collision SET decision = ?2, decided = ?3, decided_by = ?4, reason = ?5, trouble = NULL WHERE id = ?1",
        values![id, decision, now, by.actor, by.reason],
    )?;
    let what =
        format!("collision {id}: {} {} by {}", it.kind, it.name, it.who.as_deref().unwrap_or("somebody"));
    audit::record(tx, by.actor, "resolve", &it.package, by.reason, Some(&what), Some(decision))?;
    let package = queue::package_id(tx, &it.package)?;
    queue::enqueue(tx, package, Lane::Operator, Tasks::IMPORT)?;
    Ok(it)
}

/// Number of collisions that wait for a person, of their packages, and the one that has waited longest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Collisions that wait for a person.
    pub collisions: i64,
    /// Packages that have some.
    pub packages: i64,
    /// The package with the oldest one.
    pub oldest: Option<String>,
    /// Number of the oldest collision.
    pub id: Option<i64>,
    /// Unix milliseconds at which the oldest collision was found.
    pub since: Option<i64>,
    /// Number of collisions of each kind.
    pub kinds: Vec<(String, i64)>,
}

/// All of an installation in one row.
///
/// # Errors
/// [`StateError`] when the database cannot be read or written.
pub fn summary(tx: &mut Tx<'_>) -> Result<Summary, StateError> {
    let counted =
        tx.first("SELECT COUNT(*), COUNT(DISTINCT package_id) FROM collision WHERE ended IS NULL", &[])?;
    let collisions = counted.as_ref().map_or(0, |row| row.int(0));
    if collisions == 0 {
        return Ok(Summary::default());
    }
    let sql = "SELECT p.name, c.id, c.since FROM collision c JOIN package p ON p.id = c.package_id
        WHERE c.ended IS NULL ORDER BY c.since, c.id LIMIT 1";
    let oldest = tx.first(sql, &[])?;
    let kinds = tx
        .query("SELECT kind, COUNT(*) FROM collision WHERE ended IS NULL GROUP BY kind ORDER BY kind", &[])?;
    Ok(Summary {
        collisions,
        packages: counted.as_ref().map_or(0, |row| row.int(1)),
        oldest: oldest.as_ref().map(|row| row.text(0)),
        id: oldest.as_ref().map(|row| row.int(1)),
        since: oldest.as_ref().map(|row| row.int(2)),
        kinds: kinds.iter().map(|row| (row.text(0), row.int(1))).collect(),
    })
}
