//! Changes by operators: in chunks of bounded size, each with its entry in the audit trail.

use source_package::code::Code;

use crate::audit;
pub use crate::audit::By;
use crate::db::store::Store;
use crate::db::tx::Tx;
use crate::error::StateError;
use crate::job::queue;
use crate::job::retry_batch;
use crate::past::things::Kind as Thing;
use crate::read::package;
use crate::values;
use crate::words::{Class, Lane, Policy, Tasks};

/// Packages in one transaction: each writes up to four rows.
const CHUNK: usize = 40;

/// Selection of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Packages of these names.
    Names(Vec<String>),
    /// Those that fail with a signature.
    Signature(String),
    /// Packages whose failure is of a class.
    Class(Class),
    /// All packages that fail.
    Failing,
    /// All packages that a version of the importer has imported, by its exact text.
    ImportedBy(Vec<String>),
    /// All packages.
    All,
}

impl Selection {
    /// In words, for the records.
    pub fn describe(&self) -> String {
        match self {
            Selection::Names(names) => names.join(" "),
            Selection::Signature(short) => format!("signature {short}"),
            Selection::Class(class) => format!("class {class}"),
            Selection::Failing => "all that fail".into(),
            Selection::ImportedBy(versions) => format!("imported by {}", versions.join(", ")),
            Selection::All => "all packages".into(),
        }
    }
}

/// The package with a name; the error lists similar names.
pub fn known(tx: &mut Tx<'_>, name: &str) -> Result<i64, StateError> {
    if let Some(id) = package::id(tx, name)? {
        return Ok(id);
    }
    let similar = package::similar(tx, name)?;
    let hint = if similar.is_empty() {
        "`package-import enqueue` or `import` makes one known".to_owned()
    } else {
        format!("did you mean {}?", similar.join(", "))
    };
    Err(StateError::Unknown(format!("package {name} is not known; {hint}")))
}

/// The selected packages, by id and name, in order of their ids.
pub fn select(store: &Store, selection: &Selection) -> Result<Vec<(i64, String)>, StateError> {
    match selection {
        Selection::Names(names) => store.read(|tx| {
            names.iter().map(|name| Ok((known(tx, name)?, name.clone()))).collect::<Result<Vec<_>, _>>()
        }),
        Selection::Signature(short) => {
            let found = store.read(|tx| crate::read::failures::signature(tx, short))?;
            let Some(found) = found else {
                return Err(StateError::Unknown(format!(
                    "there is no signature {short}; `package-import failures` lists them"
                )));
            };
            let sql = "SELECT p.id, p.name FROM failure f JOIN package p ON p.id = f.package_id
                JOIN signature s ON s.id = f.signature_id WHERE s.short = ?1 AND p.held = 0 AND p.id > ?2 ORDER BY p.id LIMIT 500";
            pages(store, sql, &found.signature)
        }
        Selection::Class(class) => {
            let sql = "SELECT p.id, p.name FROM failure f JOIN package p ON p.id = f.package_id
                WHERE f.class = ?1 AND p.held = 0 AND p.id > ?2 ORDER BY p.id LIMIT 500";
            pages(store, sql, class.as_str())
        }
        Selection::Failing => {
            let sql = "SELECT p.id, p.name FROM failure f JOIN package p ON p.id = f.package_id
                WHERE ?1 = '' AND p.held = 0 AND p.id > ?2 ORDER BY p.id LIMIT 500";
            pages(store, sql, "")
        }
        Selection::ImportedBy(versions) => {
            let mut found = Vec::new();
            for version in versions {
                let sql =
                    "SELECT id, name FROM package WHERE imported_by = ?1 AND id > ?2 ORDER BY id LIMIT 500";
                found.extend(pages(store, sql, version)?);
            }
            Ok(found)
        }
        Selection::All => {
            let sql = "SELECT id, name FROM package WHERE ?1 = '' AND id > ?2 ORDER BY id LIMIT 500";
            pages(store, sql, "")
        }
    }
}

/// All rows that a query gives, some at a time.
fn pages(store: &Store, sql: &str, value: &str) -> Result<Vec<(i64, String)>, StateError> {
    let mut found: Vec<(i64, String)> = Vec::new();
    loop {
        let after = found.last().map_or(0, |(id, _)| *id);
        let rows = store.read(|tx| tx.query(sql, values![value, after]))?;
        if rows.is_empty() {
            return Ok(found);
        }
        found.extend(rows.iter().map(|row| (row.int(0), row.text(1))));
    }
}

/// Packages that fail with a code, sorted by name; those that are held are left out.
///
/// # Errors
/// The database.
pub fn failing_with(tx: &mut Tx<'_>, code: Code) -> Result<Vec<(i64, String)>, StateError> {
    let sql = "SELECT p.id, p.name FROM failure f JOIN package p ON p.id = f.package_id JOIN signature s ON s.id = f.signature_id
        WHERE s.code = ?1 AND p.held = 0 ORDER BY p.name";
    let rows = tx.query(sql, values![code.as_str()])?;
    Ok(rows.iter().map(|row| (row.int(0), row.text(1))).collect())
}

/// The importer versions with which packages were imported.
pub fn importers(store: &Store) -> Result<Vec<String>, StateError> {
    let rows = store.read(|tx| {
        tx.query(
            "SELECT DISTINCT imported_by FROM package WHERE imported_by IS NOT NULL ORDER BY imported_by",
            &[],
        )
    })?;
    Ok(rows.iter().map(|row| row.text(0)).collect())
}

/// Makes a batch that tries packages again. With a canary, that many go first. Returns its number.
pub fn retry(
    store: &Store,
    packages: &[(i64, String)],
    selector: &str,
    canary: usize,
    lane: Lane,
    by: By<'_>,
) -> Result<i64, StateError> {
    let canary = i64::try_from(canary).unwrap_or(i64::MAX);
    let ids: Vec<i64> = packages.iter().map(|(id, _)| *id).collect();
    let (first, rest) = ids.split_at(ids.len().min(CHUNK));
    // A run that sees a batch without members takes it for done.
    let batch = store.write(|tx| {
        let batch = retry_batch::begin(tx, by.actor, selector, by.reason, canary)?;
        let after = format!("batch {batch}: {} packages", packages.len());
        audit::record(tx, by.actor, "retry", selector, by.reason, None, Some(&after))?;
        retry_batch::add(tx, batch, first)?;
        Ok(batch)
    })?;
    for chunk in rest.chunks(CHUNK) {
        store.write(|tx| retry_batch::add(tx, batch, chunk))?;
    }
    let mut left = if canary > 0 { canary } else { i64::MAX };
    while left > 0 {
        let some = left.min(CHUNK as i64);
        let released = store.write(|tx| retry_batch::release(tx, batch, some, lane))?;
        if released == 0 {
            break;
        }
        left = left.saturating_sub(i64::try_from(released).unwrap_or(0));
    }
    Ok(batch)
}

/// Puts packages into a lane, although they may be imported.
pub fn enqueue_all(
    store: &Store,
    packages: &[(i64, String)],
    lane: Lane,
    tasks: Tasks,
    (action, by): (&str, By<'_>),
) -> Result<(), StateError> {
    for chunk in packages.chunks(CHUNK) {
        store.write(|tx| {
            for (id, name) in chunk {
                queue::enqueue(tx, *id, lane, tasks)?;
                audit::record(tx, by.actor, action, name, by.reason, None, Some(lane.as_str()))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Publications of a package that are made wanted in one transaction, beside its job and its entry.
const WANTED: u64 = 150;

/// Makes all publications of packages wanted again, as if they were new: their repositories decide which are missing.
/// Each package is queued in the transaction that makes its last publication wanted.
pub fn requeue(store: &Store, packages: &[(i64, String)], by: By<'_>) -> Result<(), StateError> {
    for (id, name) in packages {
        while store.write(|tx| {
            let changed = tx.execute(
                "UPDATE publication SET done = NULL WHERE id IN (SELECT id FROM publication
                 WHERE package_id = ?1 AND done IS NOT NULL AND gone IS NULL ORDER BY id LIMIT ?2)",
                values![*id, WANTED as i64],
            )?;
            if changed == WANTED {
                return Ok(true);
            }
            queue::enqueue(tx, *id, Lane::Rescan, Tasks::IMPORT)?;
            audit::record(tx, by.actor, "requeue", name, by.reason, None, Some(Lane::Rescan.as_str()))?;
            Ok(false)
        })? {}
    }
    Ok(())
}

/// Decision about a signature; a field that is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Decision<'a> {
    /// The policy; the inner `None` takes it away.
    pub policy: Option<Option<Policy>>,
    /// Note of an operator about the cause.
    pub note: Option<&'a str>,
    /// Address of the bug report.
    pub bug: Option<&'a str>,
}

/// Decides about a signature. The failures concerned are judged again by [`crate::failure::reclassify`].
pub fn decide(tx: &mut Tx<'_>, short: &str, decision: &Decision<'_>, by: By<'_>) -> Result<i64, StateError> {
    let sql = "SELECT t.id, t.policy, t.note, t.bug FROM signature s JOIN signature t ON t.id = COALESCE(s.alias_of, s.id)
        WHERE s.short = ?1";
    let Some(row) = tx.first(sql, values![short])? else {
        return Err(StateError::Unknown(format!(
            "there is no signature {short}; `package-import signature list` lists them"
        )));
    };
    let policy = match decision.policy {
        Some(policy) => policy.map(|policy| policy.as_str().to_owned()),
        None => row.opt_text(1),
    };
    let note = decision.note.map(str::to_owned).or(row.opt_text(2));
    let bug = decision.bug.map(str::to_owned).or(row.opt_text(3));
    let words = |policy: Option<&str>| format!("policy {}", policy.unwrap_or("none"));
    let (before, after) = (words(row.opt_text(1).as_deref()), words(policy.as_deref()));
    if let Some(named) = tx.first("SELECT short FROM signature WHERE id = ?1", values![row.int(0)])? {
        tx.touch_thing(Thing::Signature, &named.text(0));
    }
    tx.execute(
        "UPDATE signature SET policy = ?2, note = ?3, bug = ?4 WHERE id = ?1",
        values![row.int(0), policy, note, bug],
    )?;
    audit::record(tx, by.actor, "signature", short, by.reason, Some(&before), Some(&after))?;
    Ok(row.int(0))
}

/// Kind and row of a subject: the signature of that short id if there is one, else the package of that name.
fn subject_of(tx: &mut Tx<'_>, subject: &str) -> Result<(&'static str, i64), StateError> {
    let row = tx.first("SELECT id FROM signature WHERE short = ?1", values![subject])?;
    match row {
        Some(row) => Ok(("signature", row.int(0))),
        None => Ok(("package", known(tx, subject)?)),
    }
}

/// Kind that [`suppress`] would take a subject for: `signature` or `package`.
pub fn suppressible(tx: &mut Tx<'_>, subject: &str) -> Result<&'static str, StateError> {
    subject_of(tx, subject).map(|(kind, _)| kind)
}

/// Suppression of a subject: its kind, and its end in Unix milliseconds.
pub fn suppression(tx: &mut Tx<'_>, subject: &str) -> Result<Option<(String, i64)>, StateError> {
    let now = tx.now()?;
    let sql = "SELECT kind, until FROM suppression WHERE subject = ?1 AND ended IS NULL AND until > ?2
        ORDER BY id DESC LIMIT 1";
    Ok(tx.first(sql, values![subject, now])?.map(|row| (row.text(0), row.int(1))))
}

/// Error about a subject that is not suppressed.
pub fn not_suppressed(subject: &str) -> StateError {
    StateError::Unknown(format!("{subject} is not suppressed"))
}

/// Suppresses a signature or a package until a time, in Unix milliseconds. Returns which of the two it is.
pub fn suppress(tx: &mut Tx<'_>, subject: &str, until: i64, by: By<'_>) -> Result<&'static str, StateError> {
    let now = tx.now()?;
    let (kind, id) = subject_of(tx, subject)?;
    tx.execute(
        "UPDATE suppression SET ended = ?3 WHERE kind = ?1 AND subject_id = ?2 AND ended IS NULL",
        values![kind, id, now],
    )?;
    tx.execute(
        "INSERT INTO suppression (kind, subject_id, subject, until, reason, made_by, made_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![kind, id, subject, until, by.reason.unwrap_or(""), by.actor, now],
    )?;
    let after = format!("until {until}");
    audit::record(tx, by.actor, "suppress", subject, by.reason, None, Some(&after))?;
    Ok(kind)
}

/// Ends a suppression before its time.
pub fn unsuppress(tx: &mut Tx<'_>, subject: &str, by: By<'_>) -> Result<(), StateError> {
    let now = tx.now()?;
    let ended = tx.execute(
        "UPDATE suppression SET ended = ?2 WHERE subject = ?1 AND ended IS NULL AND until > ?2",
        values![subject, now],
    )?;
    if ended == 0 {
        return Err(not_suppressed(subject));
    }
    audit::record(tx, by.actor, "unsuppress", subject, by.reason, None, None)
}
