//! Copies a state from one database to another, of either kind.
//!
//! Everything is read in one transaction of the source, so that it is of one moment. The rows that were written are
//! read again and compared with the source: number of rows and checksum for each table.

mod marks;

use sha2::{Digest, Sha256};

use crate::db::meta;
use crate::db::store::Store;
use crate::db::tx::LARGEST;
use crate::driver::{Driver, Kind, Mode, Row, Value};
use crate::error::StateError;
use crate::schema::tables::{self, Table};

pub(crate) use marks::check_whole;
pub use marks::{arrive, begin, check_idle, complete, leave, moved, stay};

/// Rows of one statement: PostgreSQL takes 65,535 values, SQLite 32,766.
const ROWS: usize = 50;

/// Result of copying a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Name of the table.
    pub table: String,
    /// Its rows in the source.
    pub rows: u64,
    /// Their checksum, whatever their order.
    pub checksum: String,
}

/// Row count, and a checksum that does not depend on their order: databases sort texts in different ways.
#[derive(Default)]
struct Sum {
    rows: u64,
    sum: [u64; 4],
}

impl Sum {
    fn add(&mut self, row: &Row) {
        let mut digest = Sha256::new();
        for value in &row.0 {
            match value {
                Value::Null => digest.update(b"n"),
                Value::Int(number) => {
                    digest.update(b"i");
                    digest.update(number.to_be_bytes());
                }
                Value::Text(text) => {
                    digest.update(b"t");
                    digest.update((text.len() as u64).to_be_bytes());
                    digest.update(text.as_bytes());
                }
            }
        }
        self.rows += 1;
        for (part, bytes) in self.sum.iter_mut().zip(digest.finalize().as_chunks().0) {
            *part = part.wrapping_add(u64::from_be_bytes(*bytes));
        }
    }

    fn text(&self) -> String {
        self.sum.iter().map(|part| format!("{part:016x}")).collect()
    }

    fn carried(&self, table: &Table) -> Carried {
        Carried { table: table.name.clone(), rows: self.rows, checksum: self.text() }
    }
}

/// Reads all rows of a table, some at a time, by its key.
fn each_chunk(
    driver: &mut dyn Driver,
    table: &Table,
    mut take: impl FnMut(Vec<Row>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let quote =
        |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let (columns, key, name) = (quote(&table.columns), quote(&table.key), &table.name);
    let places: Vec<usize> =
        table.key.iter().filter_map(|part| table.columns.iter().position(|column| column == part)).collect();
    if places.is_empty() {
        return Err(StateError::Refused(format!("table {name} has no primary key")));
    }
    let marks: Vec<String> = (1..=places.len()).map(|number| format!("?{number}")).collect();
    let beyond = format!(" WHERE ({key}) > ({})", marks.join(", "));
    let mut last: Option<Vec<Value>> = None;
    loop {
        let condition = if last.is_some() { beyond.as_str() } else { "" };
        let sql = format!("SELECT {columns} FROM \"{name}\"{condition} ORDER BY {key} LIMIT {LARGEST}");
        let rows = driver.query(&sql, last.as_deref().unwrap_or(&[]))?;
        let Some(end) = rows.last() else { return Ok(()) };
        last = Some(places.iter().filter_map(|place| end.0.get(*place).cloned()).collect());
        take(rows)?;
    }
}

/// Rows that belong to the state, and not to the database that holds it.
fn of_the_state(table: &Table, rows: Vec<Row>) -> Vec<Row> {
    if table.name != "meta" {
        return rows;
    }
    let own = |row: &Row| meta::OF_THE_DATABASE.contains(&row.text(0).as_str());
    rows.into_iter().filter(|row| !own(row)).collect()
}

/// Sums up all rows of a database, by table.
pub fn checksums(store: &Store) -> Result<Vec<Carried>, StateError> {
    reading(store, |driver| {
        let mut found = Vec::new();
        for table in tables::tables(driver)? {
            let mut sum = Sum::default();
            each_chunk(driver, &table, |rows| {
                of_the_state(&table, rows).iter().for_each(|row| sum.add(row));
                Ok(())
            })?;
            found.push(sum.carried(&table));
        }
        Ok(found)
    })
}

fn reading<T>(
    store: &Store,
    work: impl FnOnce(&mut dyn Driver) -> Result<T, StateError>,
) -> Result<T, StateError> {
    let mut driver = store.driver();
    driver.begin(Mode::Read)?;
    let done = work(driver.as_mut());
    driver.rollback();
    done
}

/// Carries everything into a database whose tables are empty. `watch` gets each table and the number of its rows so
/// far. The target is marked as incomplete until [`arrive`] is called.
pub fn carry(
    source: &Store,
    target: &Store,
    mut watch: impl FnMut(&str, u64),
) -> Result<Vec<Carried>, StateError> {
    clear(target, source.name())?;
    let carried = reading(source, |driver| {
        let ours = tables::tables(driver)?;
        same_tables(&ours, &tables::tables(target.driver().as_mut())?)?;
        let mut carried = Vec::new();
        for table in &ours {
            let mut sum = Sum::default();
            each_chunk(driver, table, |rows| {
                let rows = of_the_state(table, rows);
                rows.iter().for_each(|row| sum.add(row));
                write(target, table, &rows)?;
                watch(&table.name, sum.rows);
                Ok(())
            })?;
            let last = tables::last_number(driver, table)?;
            tables::set_last_number(target.driver().as_mut(), table, last)?;
            carried.push(sum.carried(table));
        }
        Ok(carried)
    })?;
    compare(&carried, &checksums(target)?)?;
    Ok(carried)
}

fn compare(source: &[Carried], target: &[Carried]) -> Result<(), StateError> {
    for ours in source {
        let theirs = target.iter().find(|it| it.table == ours.table);
        if theirs != Some(ours) {
            let rows = theirs.map_or(0, |it| it.rows);
            return Err(StateError::Refused(format!(
                "table {} was not carried whole: {} rows were read, {rows} are there, and their checksums differ",
                ours.table, ours.rows
            )));
        }
    }
    Ok(())
}

fn same_tables(source: &[Table], target: &[Table]) -> Result<(), StateError> {
    for ours in source {
        let theirs = target.iter().find(|table| table.name == ours.name);
        let sorted = |table: &Table| {
            let mut columns = table.columns.clone();
            columns.sort();
            columns
        };
        if theirs.is_none_or(|theirs| sorted(theirs) != sorted(ours)) {
            return Err(StateError::Refused(format!(
                "table {} is not the same in both databases",
                ours.name
            )));
        }
    }
    Ok(())
}

fn write(target: &Store, table: &Table, rows: &[Row]) -> Result<(), StateError> {
    if rows.is_empty() {
        return Ok(());
    }
    target.write(|tx| {
        for some in rows.chunks(ROWS) {
            let values: Vec<Value> = some.iter().flat_map(|row| row.0.iter().cloned()).collect();
            tx.execute(&insert(table, some.len()), &values)?;
        }
        Ok(())
    })
}

fn insert(table: &Table, rows: usize) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{column}\"")).collect();
    let width = columns.len();
    let row = |row: usize| {
        let marks: Vec<String> = (1..=width).map(|place| format!("?{}", row * width + place)).collect();
        format!("({})", marks.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("INSERT INTO \"{}\" ({}) VALUES {}", table.name, columns.join(", "), rows.join(", "))
}

/// Makes sure that a database is empty, and marks it as incomplete. The rest of an interrupted attempt is removed.
fn clear(target: &Store, source: &str) -> Result<(), StateError> {
    let broken = target.read(|tx| meta::get(tx, meta::INCOMING))?.is_some();
    if !broken && !is_empty(target)? {
        return Err(StateError::Refused(format!(
            "{} is not empty; name a database without a state, or drop its tables",
            target.name()
        )));
    }
    begin(target, source)?;
    let mut all = tables::tables(target.driver().as_mut())?;
    all.reverse();
    for table in all.iter().filter(|table| table.name != "meta") {
        let key = table.key.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let name = &table.name;
        let sql = format!(
            "DELETE FROM \"{name}\" WHERE ({key}) IN (SELECT {key} FROM \"{name}\" ORDER BY {key} LIMIT {LARGEST})"
        );
        while target.write(|tx| tx.execute(&sql, &[]))? > 0 {}
    }
    let own: Vec<String> = meta::OF_THE_DATABASE.iter().map(|name| format!("'{name}'")).collect();
    let sql = format!("DELETE FROM meta WHERE name NOT IN ({})", own.join(", "));
    target.write(|tx| tx.execute(&sql, &[]))?;
    Ok(())
}

/// True when a database has no package, run, event, setting or suite; its tables may exist.
pub fn is_empty(store: &Store) -> Result<bool, StateError> {
    store.read(|tx| {
        for table in ["package", "run", "event", "setting", "suite"] {
            if tx.first(&format!("SELECT 1 FROM {table} LIMIT 1"), &[])?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// A snapshot of a state as an SQLite file of its own, although others write to the state meanwhile.
pub fn copy_to_file(source: &Store, file: &std::path::Path) -> Result<(), StateError> {
    if let (Kind::Sqlite, Some(path)) = (source.kind(), source.path()) {
        // A connection of its own: the copy takes a long time, during which the others must not wait.
        return Ok(crate::driver::sqlite::Sqlite::open(&path, false)?.copy_to(file)?);
    }
    let target = crate::db::open::Location::Sqlite(file.to_owned()).connect(true)?;
    target.migrate()?;
    carry(source, &target, |_, _| ())?;
    complete(&target)?;
    drop(target);
    Ok(crate::driver::sqlite::single_file(file)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::values;

    #[test]
    fn a_checksum_tells_rows_apart_and_not_their_order() {
        let row = |values: &[Value]| Row(values.to_vec());
        let sum = |rows: &[Row]| {
            let mut sum = Sum::default();
            rows.iter().for_each(|row| sum.add(row));
            sum.text()
        };
        let (a, b) = (row(values!["a", 1_i64]), row(values!["b", 2_i64]));
        assert_eq!(sum(&[a.clone(), b.clone()]), sum(&[b.clone(), a.clone()]));
        assert_ne!(sum(&[a.clone(), a.clone()]), sum(&[a.clone(), b]));
        assert_ne!(sum(&[row(values!["ab", "c"])]), sum(&[row(values!["a", "bc"])]));
        assert_ne!(sum(&[row(&[Value::Null])]), sum(&[row(values![""])]));
    }
}
