//! The schema, in numbered steps. Opening creates the schema of an empty database; it never upgrades one, because
//! others may be working with it.

pub mod tables;
pub(crate) mod views;

use crate::db::meta;
use crate::db::tx::Tx;
use crate::driver::{Driver, Kind, Mode, Value};
use crate::error::{DbError, StateError};
use crate::past::things;
use crate::values;

/// The steps, in order. A step that has been released never changes.
const STEPS: &[&str] = &[
    include_str!("0001_tables.sql"),
    include_str!("0002_parked_failing.sql"),
    include_str!("0003_progress.sql"),
    include_str!("0004_archives.sql"),
    include_str!("0005_foreign_refs.sql"),
    include_str!("0006_content.sql"),
    include_str!("0007_publishing.sql"),
    include_str!("0008_collisions.sql"),
    include_str!("0009_repository.sql"),
    include_str!("0010_past.sql"),
    include_str!("0011_notices.sql"),
    include_str!("0012_repair.sql"),
    include_str!("0013_measured.sql"),
];

/// The schema that this program writes.
pub const CURRENT: i64 = STEPS.len() as i64;

/// The oldest schema whose programs may go on writing to this one.
///
/// 5: those of 0.1.0 (the first two) trust what a row says about a file, take any tag for their own, and move refs
/// without a record.
pub const MIN_WRITER: i64 = 5;

/// The schema from which on what was so at a time is kept.
const PAST: i64 = 10;

/// Serialises migrations between machines (a number of the importer's among PostgreSQL's advisory locks).
const ADVISORY: i64 = 0x7061_636b;

/// Schema that a database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its schema; 0 if it is empty.
    pub schema: i64,
    /// The oldest schema whose programs may write to it.
    pub min_writer: i64,
}

/// Reads the schema of a database.
pub fn find(driver: &mut dyn Driver) -> Result<Found, DbError> {
    let sql = match driver.kind() {
        Kind::Sqlite => "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'meta'",
        Kind::Postgres => {
            "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'meta'"
        }
    };
    if driver.query(sql, &[])?.first().is_none_or(|row| row.int(0) == 0) {
        return Ok(Found { schema: 0, min_writer: 0 });
    }
    let mut number = |name: &str| -> Result<i64, DbError> {
        let rows = driver.query("SELECT value FROM meta WHERE name = ?1", values![name])?;
        Ok(rows.first().and_then(|row| row.text(0).parse().ok()).unwrap_or(0))
    };
    Ok(Found { schema: number("schema")?, min_writer: number("min_writer")? })
}

/// A table of a database of something else. Another process may have made ours meanwhile.
const FOREIGN: &str = "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'
    AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'meta') ORDER BY name LIMIT 1";

/// Tells whether tables may be created where none can be seen: they may exist and be invisible to this login, or the file
/// is that of something else.
pub fn may_be_made(driver: &mut dyn Driver) -> Result<Result<(), StateError>, DbError> {
    if driver.kind() == Kind::Sqlite {
        let rows = driver.query(FOREIGN, &[])?;
        return Ok(rows.first().map_or(Ok(()), |row| {
            let cause = format!(
                "its tables are those of something else, such as {:?}: it is another file, or the log beside it (-wal) is \
                 that of another database",
                row.text(0)
            );
            Err(StateError::Database(DbError::Damaged(cause)))
        }));
    }
    let sql = "SELECT current_schema(), COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false),
        current_setting('search_path')";
    let rows = driver.query(sql, &[])?;
    if rows.first().is_some_and(|row| row.flag(1)) {
        return Ok(Ok(()));
    }
    let path = rows.first().map(|row| row.text(2)).unwrap_or_default();
    let what =
        format!("this login sees no tables of a state in search_path {path:?}, and may not make any there");
    Ok(Err(crate::fleet::rights::explained(driver, StateError::Database(DbError::Denied(what)))))
}

/// Refuses a schema that this program must not write to.
pub fn check(found: Found) -> Result<(), StateError> {
    check_as(found, CURRENT)
}

/// Refuses a schema that a program with the schema `known` must not write to.
fn check_as(found: Found, known: i64) -> Result<(), StateError> {
    if found.schema < known {
        return Err(StateError::Older { found: found.schema, known });
    }
    newer_than(found, known)
}

fn newer_than(found: Found, known: i64) -> Result<(), StateError> {
    match found.schema > known && found.min_writer > known {
        true => Err(StateError::Newer { found: found.schema, known }),
        false => Ok(()),
    }
}

/// Refuses a schema that this program must not write to. A process that opened the database long ago does not know that
/// it was upgraded since.
pub(crate) fn check_newer(found: Found) -> Result<(), StateError> {
    newer_than(found, CURRENT)
}

/// The same, within a transaction that writes.
pub(crate) fn look_again(driver: &mut dyn Driver) -> Result<(), StateError> {
    let rows = driver.query("SELECT name, value FROM meta WHERE name IN ('schema', 'min_writer')", &[])?;
    let number = |name: &str| {
        rows.iter().find(|row| row.text(0) == name).and_then(|row| row.text(1).parse().ok()).unwrap_or(0)
    };
    check_newer(Found { schema: number("schema"), min_writer: number("min_writer") })
}

/// Brings a database to this program's schema, each step all or nothing. Returns the numbers before and after.
pub fn migrate(driver: &mut dyn Driver) -> Result<(i64, i64), StateError> {
    driver.begin(Mode::Write)?;
    let done = migrate_locked(driver);
    match done {
        Ok(done) => {
            driver.commit()?;
            Ok(done)
        }
        Err(error) => {
            driver.rollback();
            Err(error)
        }
    }
}

fn migrate_locked(driver: &mut dyn Driver) -> Result<(i64, i64), StateError> {
    if driver.kind() == Kind::Postgres {
        // A long lock on a table must not make everybody else wait behind a migration. And the server looks for
        // deadlocks after a second: by then this migration has given way, not a check.
        driver
            .batch(&format!("SET LOCAL lock_timeout = '500ms'; SELECT pg_advisory_xact_lock({ADVISORY})"))?;
    }
    let found = find(driver)?;
    if found.schema > CURRENT {
        check(found)?;
        return Ok((found.schema, found.schema));
    }
    if found.schema == CURRENT {
        return Ok((CURRENT, CURRENT));
    }
    if driver.kind() == Kind::Postgres && found.schema > 0 {
        lock_all(driver)?;
    }
    let from = usize::try_from(found.schema).unwrap_or(0);
    for step in STEPS.iter().skip(from) {
        let text = driver.dialect(step);
        driver.batch(&text)?;
    }
    let views = driver.dialect(views::TEXT);
    driver.batch(&views)?;
    let now = driver.now()?;
    let pairs: [(&str, Value); 3] = [
        ("schema", CURRENT.to_string().into()),
        ("min_writer", MIN_WRITER.to_string().into()),
        ("migrated", now.to_string().into()),
    ];
    for (name, value) in pairs {
        set_meta(driver, name, value)?;
    }
    if found.schema < PAST {
        set_meta(driver, meta::PAST_SINCE, now.to_string().into())?;
        let mut tx = Tx::new(driver, None, 0);
        things::write_all(&mut tx)?;
    }
    if found.schema == 0 {
        set_meta(driver, "epoch", "1".into())?;
        set_meta(driver, "created", now.to_string().into())?;
    }
    Ok((found.schema, CURRENT))
}

/// Locks every table and view at once. One by one, as each step needs them, a check that begins meanwhile would hold
/// one that a later step wants, and wait for one that is locked already: a deadlock.
fn lock_all(driver: &mut dyn Driver) -> Result<(), DbError> {
    let sql = "SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'v') ORDER BY c.relkind DESC, c.relname";
    let names: Vec<String> = driver.query(sql, &[])?.iter().map(|row| row.text(0)).collect();
    driver.batch(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", ")))
}

fn set_meta(driver: &mut dyn Driver, name: &str, value: Value) -> Result<(), DbError> {
    driver.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &[name.into(), value],
    )?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_before_the_records_must_not_write() {
        let found = Found { schema: CURRENT, min_writer: MIN_WRITER };
        for known in 1..MIN_WRITER {
            let refused = check_as(found, known);
            assert!(matches!(refused, Err(StateError::Newer { found: CURRENT, .. })), "{known}: {refused:?}");
        }
        for known in MIN_WRITER..=CURRENT {
            check_as(found, known).unwrap();
        }
        assert!(matches!(check_as(found, CURRENT + 1), Err(StateError::Older { .. })));
    }
}
