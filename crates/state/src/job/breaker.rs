//! Circuit breakers: an outage is one incident, not a thousand failures.
//!
//! What imports cannot do without (a host, a disk) has a breaker. While it is closed, good and bad uses are counted in
//! a window; too many bad ones open it, and jobs that need it are parked. One probe at a time finds out when it is
//! back: at first every few seconds, later every ten minutes. Then the parked jobs come back, some at a time.

use crate::db::tx::Tx;
use crate::driver::Value;
use crate::error::StateError;
use crate::job::transition::{self, Transition};
use crate::outbox::{notices, texts};
use crate::past::things::Kind;
use crate::values;

const SECOND: i64 = 1000;

/// The rule of breakers. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Uses are counted for as long as this.
    pub window: i64,
    /// As many uses are weighed.
    pub recent: i64,
    /// As many bad uses at least.
    pub least: i64,
    /// Bad ones among all, in per cent.
    pub percent: i64,
    /// A probe pauses for as long as this after the last one at first,
    pub probe_early: i64,
    /// for as long as this,
    pub early: i64,
    /// and as long as this later.
    pub probe_late: i64,
    /// A probe that has not come back after this is given up, and another one may go out.
    pub probe_limit: i64,
    /// Parked jobs that come back for each good use after an outage.
    pub pace: i64,
}

impl Rule {
    /// How long no probe goes out when it opens: twice as long with each probe that was in vain.
    fn after_relapse(&self, probes: i64) -> i64 {
        let doublings = u32::try_from(probes.clamp(0, 20)).unwrap_or(0);
        self.probe_early.saturating_mul(1 << doublings).min(self.probe_late.max(self.probe_early))
    }
}

impl Default for Rule {
    fn default() -> Self {
        Rule {
            window: 60 * SECOND,
            recent: 12,
            least: 5,
            percent: 50,
            probe_early: 4 * SECOND,
            // 28 probes at most; an outage of 100 s is over before they become rare.
            early: 112 * SECOND,
            probe_limit: 60 * SECOND,
            probe_late: 600 * SECOND,
            pace: 20,
        }
    }
}

/// A breaker as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// Row of the dependency.
    pub id: i64,
    /// Name of the dependency, such as the host name of a mirror.
    pub name: String,
    /// True when the breaker is open.
    pub open: bool,
    /// Unix milliseconds of the last change of state.
    pub since: i64,
    /// Last error of the dependency.
    pub cause: Option<String>,
    /// Probes of this outage.
    pub probes: i64,
    /// Unix milliseconds of the next probe.
    pub next_probe: Option<i64>,
    /// Jobs that wait for it.
    pub parked: i64,
    /// Address and kind of the probe, as the importer wrote it.
    pub probe: Option<String>,
}

const COLUMNS: &str =
    "SELECT id, name, state, since, cause, probes, next_probe, parked, probe FROM dependency";

fn breaker(row: &crate::driver::Row) -> Breaker {
    Breaker {
        id: row.int(0),
        name: row.text(1),
        open: row.text(2) == "open",
        since: row.int(3),
        cause: row.opt_text(4),
        probes: row.int(5),
        next_probe: row.opt_int(6),
        parked: row.int(7),
        probe: row.opt_text(8),
    }
}

/// A breaker by name, if it is known.
pub fn get(tx: &mut Tx<'_>, name: &str) -> Result<Option<Breaker>, StateError> {
    Ok(tx.first(&format!("{COLUMNS} WHERE name = ?1"), values![name])?.as_ref().map(breaker))
}

/// Dependency that the job of a package is parked on, with its last error: `deb.example.org (connection refused)`.
pub fn of_package(tx: &mut Tx<'_>, package: i64) -> Result<Option<String>, StateError> {
    let sql = "SELECT d.name, d.cause FROM job j JOIN dependency d ON d.id = j.dependency_id WHERE j.package_id = ?1";
    Ok(tx.first(sql, values![package])?.map(|row| match row.opt_text(1) {
        Some(cause) => format!("{} ({cause})", row.text(0)),
        None => row.text(0),
    }))
}

/// All that are open.
pub fn list_open(tx: &mut Tx<'_>) -> Result<Vec<Breaker>, StateError> {
    let sql = format!("{COLUMNS} WHERE state = 'open' ORDER BY since, id");
    Ok(tx.query(&sql, &[])?.iter().map(breaker).collect())
}

/// All breakers, sorted by name.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Breaker>, StateError> {
    Ok(tx.query(&format!("{COLUMNS} ORDER BY name"), &[])?.iter().map(breaker).collect())
}

/// Records uses of a dependency: successful ones, failed ones and their error. Returns the breaker afterwards, and
/// whether this opened it.
pub fn note(
    tx: &mut Tx<'_>,
    name: &str,
    (good, bad): (i64, i64),
    cause: Option<&str>,
    probe: Option<&str>,
    rule: &Rule,
) -> Result<(Breaker, bool), StateError> {
    let now = tx.now()?;
    let made = tx.execute(
        "INSERT INTO dependency (name, since, window_start) VALUES (?1, ?2, ?2) ON CONFLICT (name) DO NOTHING",
        values![name, now],
    )?;
    if made > 0 {
        tx.touch_thing(Kind::Breaker, name);
    }
    let sql = "SELECT id, state, good, bad, window_start, probes FROM dependency WHERE name = ?1 @LOCK";
    let row =
        tx.first(sql, values![name])?.ok_or_else(|| StateError::Unknown(format!("no breaker {name}")))?;
    let (id, open) = (row.int(0), row.text(1) == "open");
    let fresh = now - row.int(4) > rule.window;
    let (goods, bads) = if fresh { (0, 0) } else { (row.int(2), row.int(3)) };
    let (goods, bads) = (goods.min(rule.recent) + good.min(rule.recent), bads);
    // The more recent uses weigh more: a hundred good ones of a minute ago do not hide that all fail now.
    let total = goods + bads;
    let (goods, bads) = match total > rule.recent {
        true => (goods * rule.recent / 2 / total, bads * rule.recent / 2 / total),
        false => (goods, bads),
    };
    let bads = bads + bad;
    let start = if fresh { now } else { row.int(4) };
    tx.execute(
        "UPDATE dependency SET good = ?2, bad = ?3, window_start = ?4, cause = COALESCE(?5, cause),
            probe = COALESCE(?6, probe)
         WHERE id = ?1",
        values![id, goods, bads, start, cause, probe],
    )?;
    let opens = !open && bads >= rule.least && bads * 100 >= rule.percent * (goods + bads);
    if opens || (open && cause.is_some()) {
        tx.touch_thing(Kind::Breaker, name);
    }
    if opens {
        // A probe has found it usable, and nobody could use it: probes of this kind are not believed so soon again.
        let probes = if goods == 0 && !fresh { row.int(5) } else { 0 };
        tx.execute(
            "UPDATE dependency SET state = 'open', since = ?2, probes = ?4, next_probe = ?3, probe_run = NULL,
                allowance = 0
             WHERE id = ?1",
            values![id, now, now + rule.after_relapse(probes), probes],
        )?;
        crate::audit::record(
            tx,
            "package-import",
            "breaker-open",
            name,
            cause,
            Some("closed"),
            Some("open"),
        )?;
        notices::begin(tx, &texts::outage(name, cause))?;
        tx.counter("breakers_open", 1);
    } else if !open && good > 0 {
        // After an outage each good use lets some more of the parked jobs back.
        tx.execute(
            "UPDATE dependency SET allowance = allowance + ?2, paced = ?3 WHERE id = ?1 AND parked > 0",
            values![id, rule.pace * good, now],
        )?;
    }
    let now_is = get(tx, name)?.ok_or_else(|| StateError::Unknown(format!("no breaker {name}")))?;
    Ok((now_is, opens))
}

/// Takes the right to probe, if a probe is due and nobody else is at it. A probe that does not come back within its
/// time is given up.
pub fn take_probe(tx: &mut Tx<'_>, id: i64, run: i64, rule: &Rule) -> Result<bool, StateError> {
    let now = tx.now()?;
    let sql = "SELECT name FROM dependency WHERE id = ?1 AND state = 'open' AND next_probe <= ?2 @LOCK";
    let Some(row) = tx.first(sql, values![id, now])? else { return Ok(false) };
    tx.touch_thing(Kind::Breaker, &row.text(0));
    tx.execute(
        "UPDATE dependency SET probes = probes + 1, probe_run = ?2, next_probe = ?3 WHERE id = ?1",
        values![id, run, now + rule.probe_limit],
    )?;
    Ok(true)
}

/// Records the result of a probe. A success closes the breaker.
pub fn probed(tx: &mut Tx<'_>, id: i64, cause: Option<&str>, rule: &Rule) -> Result<(), StateError> {
    let now = tx.now()?;
    let sql = "SELECT name, since, probes, state FROM dependency WHERE id = ?1 @LOCK";
    let Some(row) = tx.first(sql, values![id])? else { return Ok(()) };
    if row.text(3) != "open" {
        return Ok(());
    }
    tx.touch_thing(Kind::Breaker, &row.text(0));
    if let Some(cause) = cause {
        let pause = if now - row.int(1) < rule.early { rule.probe_early } else { rule.probe_late };
        tx.execute(
            "UPDATE dependency SET cause = ?2, probe_run = NULL, next_probe = ?3 WHERE id = ?1",
            values![id, cause, now + pause],
        )?;
        return Ok(());
    }
    tx.execute(
        "UPDATE dependency SET state = 'closed', since = ?2, good = 0, bad = 0, window_start = ?2, next_probe = NULL,
            probe_run = NULL, allowance = ?3, paced = ?2
         WHERE id = ?1",
        values![id, now, rule.pace],
    )?;
    let after = format!("closed after {} s and {} probes", (now - row.int(1)) / SECOND, row.int(2));
    crate::audit::record(
        tx,
        "package-import",
        "breaker-closed",
        &row.text(0),
        None,
        Some("open"),
        Some(&after),
    )?;
    let name = row.text(0);
    notices::end(tx, &texts::outage_topic(&name), &[], |began| texts::outage_over(&name, began, now))?;
    tx.counter("breakers_open", -1);
    Ok(())
}

/// Makes an open breaker's next probe due, unless one is out.
pub fn hurry(tx: &mut Tx<'_>, id: i64) -> Result<(), StateError> {
    let now = tx.now()?;
    let sql = "UPDATE dependency SET next_probe = ?2 WHERE id = ?1 AND state = 'open' AND probe_run IS NULL RETURNING name";
    hurried(tx, sql, values![id, now])
}

/// The same of all that are probed in this way: somebody has just found it there.
pub fn hurry_probe(tx: &mut Tx<'_>, probe: &str) -> Result<(), StateError> {
    let now = tx.now()?;
    let sql = "UPDATE dependency SET next_probe = ?2 WHERE probe = ?1 AND state = 'open' AND probe_run IS NULL RETURNING name";
    hurried(tx, sql, values![probe, now])
}

fn hurried(tx: &mut Tx<'_>, sql: &str, values: &[Value]) -> Result<(), StateError> {
    for row in tx.returning(sql, values)? {
        tx.touch_thing(Kind::Breaker, &row.text(0));
    }
    Ok(())
}

/// Parked jobs come back this often at least, although no good use has said that more may: those that came back before
/// may have ended without any use, and a job may have been parked just after the breaker was closed.
const TRICKLE: i64 = 60 * SECOND;

/// Lets some parked jobs back whose breaker is closed and has given nothing for a while.
fn trickle(tx: &mut Tx<'_>) -> Result<(), StateError> {
    let now = tx.now()?;
    tx.execute(
        "UPDATE dependency SET allowance = ?2, paced = ?1
         WHERE state = 'closed' AND parked > 0 AND allowance = 0 AND (paced <= ?3 OR paced > ?1)",
        values![now, Rule::default().pace, now - TRICKLE],
    )?;
    Ok(())
}

/// Brings parked jobs back whose breaker is closed, as many as its pace allows. Returns how many.
pub fn unpark(tx: &mut Tx<'_>, at_most: i64) -> Result<usize, StateError> {
    trickle(tx)?;
    let sql = "SELECT id, allowance FROM dependency
        WHERE state = 'closed' AND parked > 0 AND allowance > 0 ORDER BY id @LOCK_SKIP";
    let mut back = 0;
    for row in tx.query(sql, &[])? {
        let (id, allowance) = (row.int(0), row.int(1));
        let condition = "state = 'parked' AND dependency_id = ?1 ORDER BY entered LIMIT ?2";
        let jobs = transition::lock_free(tx, condition, values![id, allowance.min(at_most)])?;
        for job in &jobs {
            transition::apply(tx, job, Transition::Unpark)?;
        }
        let some = jobs.len();
        tx.execute(
            "UPDATE dependency SET allowance = allowance - ?2 WHERE id = ?1",
            values![id, i64::try_from(some).unwrap_or(i64::MAX)],
        )?;
        back += some;
    }
    Ok(back)
}
