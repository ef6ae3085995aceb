//! Failing packages and parked jobs that count now, without those that are held or suppressed.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::figures::sample::counter;
use crate::values;

/// A signature that something fails with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Short id of the signature.
    pub short: String,
    stage: String,
    code: String,
    text: String,
    /// Failing packages with it that count.
    pub failing: i64,
}

impl Signature {
    /// Label for operators, with the message of one of its failures.
    pub fn label_of(&self, message: &str) -> String {
        format!("{}/{}: {}", self.stage, self.code, baseline::concise(message))
    }

    /// Label for operators, with the normalised message.
    pub fn label(&self) -> String {
        format!("{}/{}: {}", self.stage, self.code, self.text)
    }
}

/// Numbers of failures that count, and of those that are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Packages that fail and count.
    pub failing: i64,
    /// Jobs that are parked and count.
    pub parked: i64,
    /// Packages that are among both.
    pub parked_failing: i64,
    /// Failing packages that do not count, because they or their signature are suppressed.
    pub left_out: i64,
    /// Signatures with failing packages, suppressed ones included.
    pub signatures: Vec<Signature>,
    /// Short ids of the signatures that are suppressed.
    pub suppressed: BTreeSet<String>,
}

impl Counted {
    /// Failing packages that are not parked: with `parked`, each package once.
    pub fn failing_only(&self) -> i64 {
        (self.failing - self.parked_failing).max(0)
    }

    /// True when a package fails with a signature.
    pub fn has(&self, short: &str) -> bool {
        self.signatures.binary_search_by(|one| one.short.as_str().cmp(short)).is_ok()
    }
}

/// Counts. The cost grows with signatures and suppressions; failures are not read one by one.
pub fn count(tx: &mut Tx<'_>) -> Result<Counted, StateError> {
    let now = tx.now()?;
    let sql = "SELECT id, short, stage, code, text, failing FROM signature WHERE failing > 0 ORDER BY short";
    let rows = tx.query(sql, &[])?;
    let suppressed = suppressed_signatures(tx, now)?;
    let packages = suppressed_packages(tx, now)?;
    let mut left_out = 0;
    let mut counted = Counted::default();
    for row in &rows {
        let (id, failing) = (row.int(0), row.int(5));
        let less = packages.get(&id).copied().unwrap_or(0);
        left_out += if suppressed.contains_key(&id) { failing } else { less };
        counted.signatures.push(Signature {
            short: row.text(1),
            stage: row.text(2),
            code: row.text(3),
            text: row.text(4),
            failing: (failing - less).max(0),
        });
    }
    // Databases sort texts in different ways.
    counted.signatures.sort_by(|a, b| a.short.cmp(&b.short));
    counted.left_out = left_out;
    counted.failing = (counter(tx, "failing")? - left_out).max(0);
    (counted.parked, counted.parked_failing) = live_parked(tx)?;
    counted.suppressed = suppressed.into_values().collect();
    Ok(counted)
}

/// Suppressed signatures, by the id of their present signature.
fn suppressed_signatures(tx: &mut Tx<'_>, now: i64) -> Result<BTreeMap<i64, String>, StateError> {
    let sql = "SELECT t.id, t.short FROM suppression u JOIN signature s ON s.id = u.subject_id
        JOIN signature t ON t.id = COALESCE(s.alias_of, s.id)
        WHERE u.kind = 'signature' AND u.ended IS NULL AND u.until > ?1";
    Ok(tx.query(sql, values![now])?.iter().map(|row| (row.int(0), row.text(1))).collect())
}

/// Number of suppressed packages that fail with each signature.
fn suppressed_packages(tx: &mut Tx<'_>, now: i64) -> Result<BTreeMap<i64, i64>, StateError> {
    let sql =
        "SELECT f.signature_id, COUNT(*) FROM suppression u JOIN failure f ON f.package_id = u.subject_id
        JOIN package p ON p.id = u.subject_id
        WHERE u.kind = 'package' AND u.ended IS NULL AND u.until > ?1 AND p.held = 0 GROUP BY f.signature_id";
    Ok(tx.query(sql, values![now])?.iter().map(|row| (row.int(0), row.int(1))).collect())
}

/// Failing packages that count, and have failed only since a time.
pub fn young(tx: &mut Tx<'_>, counted: &Counted, since: i64) -> Result<i64, StateError> {
    let now = tx.now()?;
    let sql = "SELECT s.short, COUNT(*) FROM failure f JOIN package p ON p.id = f.package_id
            JOIN signature s ON s.id = f.signature_id
        WHERE f.since > ?1 AND p.held = 0 AND NOT EXISTS (SELECT 1 FROM suppression u
            WHERE u.kind = 'package' AND u.subject_id = p.id AND u.ended IS NULL AND u.until > ?2)
        GROUP BY s.short";
    let rows = tx.query(sql, values![since, now])?;
    Ok(rows.iter().filter(|row| !counted.suppressed.contains(&row.text(0))).map(|row| row.int(1)).sum())
}

/// The same view that the checks read.
fn live_parked(tx: &mut Tx<'_>) -> Result<(i64, i64), StateError> {
    let row = tx.first("SELECT parked, parked_failing FROM check_v1_live", &[])?;
    Ok(row.map_or((0, 0), |row| (row.int(0), row.int(1))))
}

/// Suppressions that are ended in one transaction: each writes two rows.
const ENDED: i64 = 20;

/// Ends suppressions whose time is over, so that the views need no clock.
pub fn expire(tx: &mut Tx<'_>) -> Result<(), StateError> {
    let now = tx.now()?;
    let sql =
        "SELECT id, subject FROM suppression WHERE ended IS NULL AND until <= ?1 ORDER BY until LIMIT ?2";
    for row in tx.query(sql, values![now, ENDED])? {
        tx.execute("UPDATE suppression SET ended = until WHERE id = ?1", values![row.int(0)])?;
        let reason = Some("its time is over");
        audit::record(tx, "package-import", "unsuppress", &row.text(1), reason, None, None)?;
    }
    Ok(())
}
