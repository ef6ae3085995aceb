//! The state database as a check sees it: a few rows of simple values, whatever holds them.
//!
//! A check asks the versioned views (`check_v1_...`) with one statement for both databases. Parameters are `$1`, `$2`
//! and so on, first used in this order. The views deliver whole numbers, floating-point numbers, texts and truth values.

use std::time::{Instant, SystemTime};

use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::config::Location;
use crate::sqlite;
use crate::trouble::Trouble;

/// More rows than a check can have a use for: it compares counters, it does not scan.
const MOST_ROWS: usize = 1000;

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The SQL value `NULL`.
    Null,
    /// A whole number, or a truth value as 0 or 1.
    Integer(i64),
    /// A floating-point number.
    Real(f64),
    /// A text, in which bytes that are no UTF-8 have been replaced. Reports make it fit to be shown.
    Text(String),
}

/// Parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub enum Parameter<'a> {
    /// An integer.
    Integer(i64),
    /// A text.
    Text(&'a str),
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// The whole number in a column, counted from 0.
    pub fn integer(&self, column: usize) -> Result<i64, Trouble> {
        match self.value(column)? {
            Value::Integer(number) => Ok(*number),
            other => Err(unexpected(column, "whole number", other)),
        }
    }

    /// The number in a column.
    pub fn real(&self, column: usize) -> Result<f64, Trouble> {
        match self.value(column)? {
            Value::Integer(number) => Ok(*number as f64),
            Value::Real(number) => Ok(*number),
            other => Err(unexpected(column, "number", other)),
        }
    }

    /// The text in a column.
    pub fn text(&self, column: usize) -> Result<&str, Trouble> {
        match self.value(column)? {
            Value::Text(text) => Ok(text),
            other => Err(unexpected(column, "text", other)),
        }
    }

    /// True when the value of a column is `NULL`.
    pub fn is_null(&self, column: usize) -> Result<bool, Trouble> {
        Ok(*self.value(column)? == Value::Null)
    }

    /// The whole number in a column, if there is one.
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, Trouble> {
        if self.is_null(column)? { Ok(None) } else { self.integer(column).map(Some) }
    }

    /// The text in a column, if there is one.
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, Trouble> {
        if self.is_null(column)? { Ok(None) } else { self.text(column).map(Some) }
    }

    fn value(&self, column: usize) -> Result<&Value, Trouble> {
        self.0.get(column).ok_or_else(|| Trouble::unusable(format!("the row has no column {column}")))
    }
}

fn unexpected(column: usize, wanted: &str, found: &Value) -> Trouble {
    Trouble::unusable(format!("column {column} of the view is no {wanted} but {found:?}"))
}

/// An open database, inside one read-only transaction: everything that a check reads belongs together.
pub struct Database<'a> {
    source: &'a mut dyn Source,
    now: Option<i64>,
}

/// Operations that both kinds of database offer to a check.
pub(crate) trait Source {
    /// The rows of a statement, as many as are wanted at most.
    fn rows(&mut self, sql: &str, parameters: &[Parameter<'_>], most: usize) -> Result<Vec<Row>, Trouble>;
    /// Milliseconds since 1970 by the clock that the writers use.
    fn now(&mut self) -> Result<i64, Trouble>;
}

impl Database<'_> {
    /// The time in milliseconds since 1970, by the clock of the writers: this machine's for a file, the server's
    /// otherwise.
    pub fn now(&mut self) -> Result<i64, Trouble> {
        let now = match self.now {
            Some(now) => now,
            None => self.source.now()?,
        };
        self.now = Some(now);
        Ok(now)
    }

    /// The first row of a statement that is asked for no more than one, if there is any.
    pub fn first(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Option<Row>, Trouble> {
        Ok(self.source.rows(sql, parameters, 1)?.into_iter().next())
    }

    /// The rows that a statement delivers.
    ///
    /// # Errors
    /// [`Trouble::Unusable`] when there are more rows than a check may read; else as the database fails.
    pub fn rows(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Trouble> {
        let rows = self.source.rows(sql, parameters, MOST_ROWS + 1)?;
        if rows.len() > MOST_ROWS {
            return Err(Trouble::unusable(format!("a statement delivers more than {MOST_ROWS} rows: {sql}")));
        }
        Ok(rows)
    }

    /// The only row of a statement.
    ///
    /// # Errors
    /// [`Trouble::NoData`] when there is none, [`Trouble::Unusable`] when there are several.
    pub fn row(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Row, Trouble> {
        let mut rows = self.rows(sql, parameters)?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            (None, _) => Err(Trouble::no_data("there are no data yet: has the importer run?")),
            (Some(_), false) => {
                Err(Trouble::unusable(format!("one row was expected, there are more: {sql}")))
            }
        }
    }
}

/// Opens the database and lets the check read from it. The check is run again if its readings cannot be trusted.
pub(crate) fn read<T>(
    location: &Location,
    program: &str,
    deadline: Instant,
    now: Option<i64>,
    mut check: impl FnMut(&mut Database<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    match location {
        Location::Sqlite { path, elsewhere } => {
            sqlite::read((path, elsewhere), deadline, |mut connection| {
                check(&mut Database { source: &mut connection, now })
            })
        }
        #[cfg(feature = "postgres")]
        Location::Postgres { target, passfile } => {
            crate::postgres::read(target, passfile.as_deref(), program, deadline, |transaction| {
                check(&mut Database { source: transaction, now })
            })
        }
        #[cfg(not(feature = "postgres"))]
        Location::Postgres { .. } => Err(Trouble::unusable(format!(
            "this {program} was built without PostgreSQL: use one built with it"
        ))),
    }
}

impl Source for &rusqlite::Connection {
    fn rows(&mut self, sql: &str, parameters: &[Parameter<'_>], most: usize) -> Result<Vec<Row>, Trouble> {
        sqlite_rows(self, sql, parameters, most).map_err(sqlite::query_trouble)
    }

    fn now(&mut self) -> Result<i64, Trouble> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }
}

fn sqlite_rows(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: &[Parameter<'_>],
    most: usize,
) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let mut found = statement.query(rusqlite::params_from_iter(parameters))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let values = (0..columns).map(|column| row.get_ref(column).map(value)).collect::<Result<_, _>>()?;
        rows.push(Row(values));
        if rows.len() >= most {
            break;
        }
    }
    Ok(rows)
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            Value::Text(String::from_utf8_lossy(text).into_owned())
        }
    }
}

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Parameter::Integer(number) => ValueRef::Integer(*number),
            Parameter::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}
