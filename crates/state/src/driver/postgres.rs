//! PostgreSQL: the queue of many machines.

use std::collections::HashMap;
use std::error::Error;

use postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use postgres::{Client, Statement};

use super::held::{self, Held};
use super::{Driver, Kind, Mode, Row, Value};
use crate::error::DbError;

/// Makes a connection; called again whenever one broke.
pub type Connector = Box<dyn Fn() -> Result<Client, DbError> + Send>;

/// Hot rows are written for every job. Without free space in their pages and an early vacuum they would leave a trail
/// of dead rows that every claim has to scan.
const HOT: &str = "WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, \
     autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000)";

/// Statements that stay prepared, and the longest of them in bytes: those about a time that is over are asked once.
const STATEMENTS: usize = 512;
const LONGEST_KEPT: usize = 16 * 1024;

/// A connection to a server, made again when it breaks.
pub struct Postgres {
    connect: Connector,
    client: Option<Client>,
    statements: HashMap<String, Statement>,
}

impl Postgres {
    /// Opens the connection.
    pub fn open(connect: Connector) -> Result<Postgres, DbError> {
        let client = connect()?;
        Ok(Postgres { connect, client: Some(client), statements: HashMap::new() })
    }

    fn client(&mut self) -> Result<&mut Client, DbError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.statements.clear();
            self.client = None;
            self.client = Some((self.connect)()?);
        }
        self.client.as_mut().ok_or_else(|| DbError::Lost("no connection".into()))
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, DbError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let translated = sql
            .replace('?', "$")
            .replace("@LOCK_SKIP", "FOR UPDATE SKIP LOCKED")
            .replace("@LOCK", "FOR UPDATE");
        let statement = self.live()?.prepare(&translated).map_err(|error| with_verb(error.into(), sql))?;
        if sql.len() <= LONGEST_KEPT {
            if self.statements.len() >= STATEMENTS {
                self.statements.clear();
            }
            self.statements.insert(sql.to_owned(), statement.clone());
        }
        Ok(statement)
    }

    /// The connection inside a transaction, which is not made again: the transaction would be lost without an error.
    fn live(&mut self) -> Result<&mut Client, DbError> {
        self.client.as_mut().ok_or_else(|| DbError::Lost("no connection".into()))
    }
}

impl From<postgres::Error> for DbError {
    fn from(error: postgres::Error) -> Self {
        let text = match error.as_db_error() {
            Some(cause) => match cause.detail() {
                Some(detail) => format!("{} ({detail})", cause.message()),
                None => cause.message().to_owned(),
            },
            None => with_causes(&error),
        };
        match error.code().map(|code| code.code()) {
            // serialization_failure, deadlock_detected, lock_not_available, query_canceled (statement_timeout)
            Some("40001" | "40P01" | "55P03" | "57014") => DbError::Busy(text),
            // The session was ended because its client was silent within a transaction, or took too long for it.
            Some("25P03" | "25P04") => DbError::Lost(text),
            // insufficient_privilege
            Some("42501") => DbError::Denied(text),
            // undefined_table, invalid_schema_name: for a login, tables of a schema without the right to use it do not
            // exist.
            Some("42P01" | "3F000") => DbError::Denied(text),
            // connection exceptions, and the server's own ends: shutdown, crash, starting up, too many clients
            Some(code) if code.starts_with("08") || code.starts_with("57P") || code == "53300" => {
                DbError::Lost(text)
            }
            // No disk space, no memory, a disk error, a read-only replica.
            Some(code) if code.starts_with("53") || matches!(code, "58030" | "25006") => {
                DbError::Unable(text)
            }
            // data_corrupted, index_corrupted
            Some("XX001" | "XX002") => DbError::Damaged(text),
            Some(_) => DbError::Other(text),
            None if error.is_closed() || is_io(&error) => DbError::Lost(text),
            None => DbError::Other(text),
        }
    }
}

/// PostgreSQL names the table that may not be used, but not the kind of access: the statement's first word tells.
fn with_verb(error: DbError, sql: &str) -> DbError {
    match error {
        DbError::Denied(text) => {
            let verb = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            DbError::Denied(format!("{text} ({verb})"))
        }
        other => other,
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        text = format!("{text}: {cause}");
        at = cause.source();
    }
    text
}

fn is_io(error: &postgres::Error) -> bool {
    error.source().is_some_and(|cause| cause.is::<std::io::Error>())
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Value::Int(value) => value.to_sql(&Type::INT8, out),
            Value::Text(value) => value.as_str().to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn row(of: &postgres::Row) -> Result<Row, DbError> {
    let mut values = Vec::with_capacity(of.len());
    for (place, column) in of.columns().iter().enumerate() {
        values.push(match *column.type_() {
            Type::INT8 => of.try_get::<_, Option<i64>>(place)?.into(),
            Type::INT4 => of.try_get::<_, Option<i32>>(place)?.map(i64::from).into(),
            Type::BOOL => of.try_get::<_, Option<bool>>(place)?.into(),
            _ => of.try_get::<_, Option<String>>(place)?.into(),
        });
    }
    Ok(Row(values))
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Driver for Postgres {
    fn kind(&self) -> Kind {
        Kind::Postgres
    }

    fn begin(&mut self, mode: Mode) -> Result<(), DbError> {
        let sql = match mode {
            Mode::Write => "BEGIN",
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        // The connection may have died since it was last used; that is detected here, where nothing is lost.
        if let Err(error) = self.client()?.batch_execute(sql) {
            match DbError::from(error) {
                DbError::Lost(_) => {
                    self.client = None;
                    self.client()?.batch_execute(sql)?;
                }
                other => return Err(other),
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DbError> {
        Ok(self.live()?.batch_execute("COMMIT")?)
    }

    fn rollback(&mut self) {
        if self.live().is_ok_and(|client| client.batch_execute("ROLLBACK").is_err()) {
            self.client = None;
            self.statements.clear();
        }
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        let statement = self.statement(sql)?;
        let done = self.live()?.execute(&statement, &parameters(values));
        done.map_err(|error| with_verb(error.into(), sql))
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        let statement = self.statement(sql)?;
        let found = self.live()?.query(&statement, &parameters(values));
        found.map_err(|error| with_verb(error.into(), sql))?.iter().map(row).collect()
    }

    fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        Ok(self.client()?.batch_execute(sql)?)
    }

    fn now(&mut self) -> Result<i64, DbError> {
        let sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
        Ok(self.query(sql, &[])?.first().map_or(0, |row| row.int(0)))
    }

    fn held(&mut self) -> Result<Vec<Held>, DbError> {
        self.client()?;
        Ok(self.query(held::POSTGRES, &[])?.iter().map(held::of_row).collect())
    }

    fn prefer_indices(&mut self) -> Result<(), DbError> {
        Ok(self.live()?.batch_execute("SET LOCAL enable_seqscan = off")?)
    }

    fn dialect(&self, sql: &str) -> String {
        sql.replace("@ID", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY").replace("@HOT", HOT)
    }
}
