//! The store's interface to a database: statements with values, one transaction at a time, and a clock.
//! Nothing above it depends on the kind of database: all statements are in the SQL that SQLite and
//! PostgreSQL share.

pub mod held;
pub mod postgres;
pub mod sqlite;

use crate::driver::held::Held;
use crate::error::DbError;

/// A value of a row or a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The SQL value `NULL`.
    Null,
    /// An integer.
    Int(i64),
    /// A text in UTF-8.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        // PostgreSQL takes no NUL in a text, and no text of the importer needs one.
        Value::Text(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value.to_owned() })
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        if value.contains('\0') { Value::from(value.as_str()) } else { Value::Text(value) }
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Value::from(value.as_str())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// A row of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The number in a column; 0 if there is none.
    pub fn int(&self, column: usize) -> i64 {
        self.opt_int(column).unwrap_or(0)
    }

    /// The number in a column, if there is one.
    pub fn opt_int(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// The text in a column; empty if there is none.
    pub fn text(&self, column: usize) -> String {
        self.opt_text(column).unwrap_or_default()
    }

    /// The text in a column, if there is one.
    pub fn opt_text(&self, column: usize) -> Option<String> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Some(value.clone()),
            _ => None,
        }
    }

    /// The text in a column, as it is in the row; empty if there is none.
    pub fn str(&self, column: usize) -> &str {
        match self.0.get(column) {
            Some(Value::Text(value)) => value,
            _ => "",
        }
    }

    /// The text in a column, which is taken out of the row, if there is one.
    pub fn take_opt_text(&mut self, column: usize) -> Option<String> {
        match self.0.get_mut(column) {
            Some(Value::Text(value)) => Some(std::mem::take(value)),
            _ => None,
        }
    }

    /// Value of a column that is a flag: true unless it is 0.
    pub fn flag(&self, column: usize) -> bool {
        self.int(column) != 0
    }
}

/// Kind of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An SQLite file of this machine.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// Kind of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The transaction only reads, from one snapshot.
    Read,
    /// The transaction may write; with SQLite it takes the lock at its beginning.
    Write,
}

/// One connection to a database.
pub trait Driver: Send {
    /// Kind of the database.
    fn kind(&self) -> Kind;
    /// Begins a transaction. A writing one waits for other writers.
    fn begin(&mut self, mode: Mode) -> Result<(), DbError>;
    /// Commits it.
    fn commit(&mut self) -> Result<(), DbError>;
    /// Rolls it back. Never fails: a connection that cannot is opened again.
    fn rollback(&mut self);
    /// Runs a statement and returns how many rows it wrote.
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError>;
    /// Runs a statement and returns its rows.
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DbError>;
    /// Runs many statements that have no parameters.
    fn batch(&mut self, sql: &str) -> Result<(), DbError>;
    /// The database's clock in milliseconds since 1970: the only one that counts where many machines share the
    /// database.
    fn now(&mut self) -> Result<i64, DbError>;
    /// Cost of the statements so far, in the database's own steps; 0 where the database does not report it.
    fn steps(&self) -> i64 {
        0
    }
    /// True when a program that ends need not close the connection.
    fn may_be_left(&self) -> bool {
        false
    }
    /// Prefers indices for the rest of the transaction. A database that plans by its statistics takes a table that was
    /// empty a moment ago for small, and reads it from end to end each time while it grows.
    fn prefer_indices(&mut self) -> Result<(), DbError> {
        Ok(())
    }
    /// Sessions that hold locks which others wait for, or might have to. Called outside of a transaction.
    fn held(&mut self) -> Result<Vec<Held>, DbError>;
    /// The tables' text of this driver.
    fn dialect(&self, sql: &str) -> String;
}
