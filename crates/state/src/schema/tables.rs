//! Tables of a database, as the database itself lists them, so that copying a state cannot forget one that was added
//! later.

use std::collections::{BTreeMap, BTreeSet};

use crate::driver::{Driver, Kind};
use crate::error::StateError;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Name of the table.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<String>,
    /// The columns of its primary key, in their order.
    pub key: Vec<String>,
    /// The column that the database numbers, if there is one.
    pub identity: Option<String>,
}

/// Queries about the tables of a database. Each gives pairs: a table, and a column or another table.
struct Questions {
    columns: &'static str,
    key: &'static str,
    identity: &'static str,
    references: &'static str,
}

const SQLITE: Questions = Questions {
    columns: "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.name, c.cid",
    key: "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
        WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND c.pk > 0 ORDER BY m.name, c.pk",
    identity: "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
        WHERE m.type = 'table' AND c.pk > 0 AND m.sql LIKE '%AUTOINCREMENT%'",
    references: "SELECT m.name, f.\"table\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
        WHERE m.type = 'table'",
};

const POSTGRES: Questions = Questions {
    columns: "SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY c.relname, a.attnum",
    key: "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL unnest(CAST(i.indkey AS int2[])) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
        WHERE n.nspname = current_schema() AND i.indisprimary ORDER BY c.relname, k.place",
    identity: "SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attidentity <> ''",
    references: "SELECT c.relname, f.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema() AND k.contype = 'f'",
};

/// All tables, each after those that it refers to.
pub fn tables(driver: &mut dyn Driver) -> Result<Vec<Table>, StateError> {
    let questions = match driver.kind() {
        Kind::Sqlite => SQLITE,
        Kind::Postgres => POSTGRES,
    };
    let mut ask = |sql: &str| -> Result<BTreeMap<String, Vec<String>>, StateError> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in driver.query(sql, &[])? {
            found.entry(row.text(0)).or_default().push(row.text(1));
        }
        Ok(found)
    };
    let columns = ask(questions.columns)?;
    let mut keys = ask(questions.key)?;
    let mut identities = ask(questions.identity)?;
    let references = ask(questions.references)?;
    let mut found: Vec<Table> = columns
        .into_iter()
        .map(|(name, columns)| Table {
            key: keys.remove(&name).unwrap_or_default(),
            identity: identities.remove(&name).and_then(|columns| columns.into_iter().next()),
            columns,
            name,
        })
        .collect();
    let mut ordered: Vec<Table> = Vec::new();
    let mut placed = BTreeSet::new();
    while !found.is_empty() {
        let is_ready = |table: &Table| {
            let needed = references.get(&table.name).into_iter().flatten();
            needed.clone().all(|other| *other == table.name || placed.contains(other))
        };
        let (ready, rest): (Vec<Table>, Vec<Table>) = found.into_iter().partition(is_ready);
        if ready.is_empty() {
            return Err(StateError::Refused("the tables refer to each other in a circle".into()));
        }
        placed.extend(ready.iter().map(|table| table.name.clone()));
        ordered.extend(ready);
        found = rest;
    }
    Ok(ordered)
}

/// The highest number that the database has given to a row of a table; 0 if none.
pub fn last_number(driver: &mut dyn Driver, table: &Table) -> Result<i64, StateError> {
    let Some(identity) = &table.identity else { return Ok(0) };
    let name = &table.name;
    let rows = match driver.kind() {
        Kind::Sqlite => {
            driver.query(&format!("SELECT seq FROM sqlite_sequence WHERE name = '{name}'"), &[])?
        }
        Kind::Postgres => {
            let sql = format!("SELECT pg_get_serial_sequence('\"{name}\"', '{identity}')");
            let sequence = driver.query(&sql, &[])?.first().map(|row| row.text(0)).unwrap_or_default();
            driver.query(&format!("SELECT last_value FROM {sequence} WHERE is_called"), &[])?
        }
    };
    Ok(rows.first().map_or(0, |row| row.int(0)))
}

/// Sets the next number of a table's rows above this one.
pub fn set_last_number(driver: &mut dyn Driver, table: &Table, number: i64) -> Result<(), StateError> {
    let Some(identity) = table.identity.as_ref().filter(|_| number > 0) else { return Ok(()) };
    let name = &table.name;
    let sql = match driver.kind() {
        Kind::Sqlite => format!(
            "DELETE FROM sqlite_sequence WHERE name = '{name}';
             INSERT INTO sqlite_sequence (name, seq) VALUES ('{name}', {number})"
        ),
        Kind::Postgres => {
            format!("SELECT setval(pg_get_serial_sequence('\"{name}\"', '{identity}'), {number}, true)")
        }
    };
    Ok(driver.batch(&sql)?)
}
