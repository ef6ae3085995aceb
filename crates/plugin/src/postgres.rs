//! Reading from PostgreSQL, as a read-only role (`monitor`), in a read-only transaction.

use std::path::Path;
use std::time::{Duration, Instant};

use pg_connect::postgres::error::SqlState;
use pg_connect::postgres::fallible_iterator::FallibleIterator;
use pg_connect::postgres::types::{FromSql, ToSql, Type};
use pg_connect::postgres::{Error, Transaction};
use pg_connect::{Target, describe};

use crate::database::{Parameter, Row, Source, Value};
use crate::guard;
use crate::trouble::Trouble;

/// Number of times that a check reads again after a conflict with other sessions.
const ATTEMPTS: usize = 5;

/// Connects and lets the check read. While the schema is upgraded the server may cancel the reader in favour of the
/// upgrade; then the check reads again.
pub(crate) fn read<T>(
    target: &str,
    passfile: Option<&Path>,
    program: &str,
    deadline: Instant,
    mut work: impl FnMut(&mut Reading<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let target = Target::parse(target)
        .map_err(|error| Trouble::unusable(format!("[checks] state: {error}")))?
        .with_passfile(passfile.map(Path::to_owned))
        .with_application_name(program)
        .with_connect_timeout(left)
        .with_statement_timeout(left);
    let names: Vec<String> = target.servers.iter().map(ToString::to_string).collect();
    guard::stage(&format!("asking PostgreSQL at {}", names.join(", ")));
    let mut client = target.connect().map_err(|error| {
        let silent =
            error.attempts.iter().any(|(_, failure)| matches!(failure, pg_connect::Failure::TimedOut(_)));
        if silent { Trouble::TimedOut(error.to_string()) } else { Trouble::unusable(error.to_string()) }
    })?;
    let mut attempt = 1;
    loop {
        let transaction = client
            .build_transaction()
            .read_only(true)
            .isolation_level(pg_connect::postgres::IsolationLevel::RepeatableRead)
            .start()
            .map_err(|error| trouble(&error))?;
        let mut reading = Reading { transaction, is_given_up: false };
        let result = work(&mut reading);
        if !reading.is_given_up || attempt == ATTEMPTS || Instant::now() >= deadline {
            return result;
        }
        attempt += 1;
    }
}

/// One transaction, and whether the server cancelled it in favour of another.
pub(crate) struct Reading<'a> {
    transaction: Transaction<'a>,
    is_given_up: bool,
}

impl Reading<'_> {
    fn trouble(&mut self, error: &Error) -> Trouble {
        let others = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
        self.is_given_up |= error.code().is_some_and(|code| others.contains(code));
        trouble(error)
    }
}

impl Source for Reading<'_> {
    fn rows(&mut self, sql: &str, parameters: &[Parameter<'_>], most: usize) -> Result<Vec<Row>, Trouble> {
        rows(&mut self.transaction, sql, parameters, most).map_err(|error| self.trouble(&error))
    }

    fn now(&mut self) -> Result<i64, Trouble> {
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT)";
        self.rows(sql, &[], 1)?.first().map_or(Ok(0), |row| row.integer(0))
    }
}

fn rows(
    transaction: &mut Transaction<'_>,
    sql: &str,
    parameters: &[Parameter<'_>],
    most: usize,
) -> Result<Vec<Row>, Error> {
    let parameters = parameters.iter().map(|parameter| match parameter {
        Parameter::Integer(number) => number as &(dyn ToSql + Sync),
        Parameter::Text(text) => text as &(dyn ToSql + Sync),
    });
    let found = transaction.query_raw(sql, parameters)?;
    let row = |row: &pg_connect::postgres::Row| {
        (0..row.len()).map(|column| row.try_get::<_, Value>(column)).collect::<Result<_, _>>().map(Row)
    };
    found.take(most).map(|found| row(&found)).collect()
}

fn trouble(error: &Error) -> Trouble {
    let text = describe(error);
    match error.code() {
        Some(code) if *code == SqlState::UNDEFINED_TABLE => {
            Trouble::no_data(format!("{text}: has the importer run, and is it as new as this check?"))
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            Trouble::unusable(format!("{text}: grant the role monitor its rights"))
        }
        // A migration is running, or a view's table was locked by hand; or the server is overloaded.
        Some(code) if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) => {
            Trouble::TimedOut(format!(
                "{text}: a table is locked, or the server is too busy; package-import status names who holds a lock"
            ))
        }
        Some(code) if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(code) => {
            Trouble::Damaged(format!(": {text}"))
        }
        _ => Trouble::unusable(format!("PostgreSQL: {text}")),
    }
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *kind {
            Type::BOOL => Value::Integer(bool::from_sql(kind, raw)?.into()),
            Type::INT2 => Value::Integer(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => Value::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Value::Integer(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => Value::Real(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Value::Real(f64::from_sql(kind, raw)?),
            _ => Value::Text(String::from_utf8_lossy(raw).into_owned()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::BOOL
                | Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::FLOAT4
                | Type::FLOAT8
                | Type::TEXT
                | Type::VARCHAR
                | Type::NAME
        )
    }
}
