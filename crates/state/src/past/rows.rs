//! Rows that stand in a statement.

use crate::driver::{Kind, Value};

/// Columns of rows, and whether they are texts.
pub(super) type Columns = &'static [(&'static str, bool)];

/// Rows as a query.
pub(super) fn query(database: Kind, columns: Columns, rows: &[Vec<Value>]) -> String {
    let kind = |is_text: bool| if is_text { "TEXT" } else { "BIGINT" };
    let values: Vec<String> = rows
        .iter()
        .map(|row| {
            let values: Vec<String> = row.iter().map(|value| literal(database, value)).collect();
            format!("({})", values.join(", "))
        })
        .collect();
    // Both databases name the columns of values so.
    let column = |number: usize| if rows.is_empty() { "NULL".into() } else { format!("column{number}") };
    let names: Vec<String> = columns
        .iter()
        .zip(1..)
        .map(|((name, is_text), number)| format!("CAST({} AS {}) AS {name}", column(number), kind(*is_text)))
        .collect();
    let from = match rows {
        [] => "WHERE 1 = 0".to_owned(),
        _ => format!("FROM (VALUES {}) AS v", values.join(", ")),
    };
    format!("SELECT {} {from}", names.join(", "))
}

/// A value as it stands in a statement. A driver takes `?` and `@` for its own, wherever they stand.
fn literal(database: Kind, value: &Value) -> String {
    let text = match value {
        Value::Null => return "NULL".to_owned(),
        Value::Int(number) => return number.to_string(),
        Value::Text(text) => text.replace('\0', "").replace('\'', "''"),
    };
    match database {
        Kind::Sqlite => format!("('{}')", text.replace('@', "'||char(64)||'")),
        Kind::Postgres => {
            let text = text.replace('\\', "\\\\").replace('?', "\\x3F").replace('@', "\\x40");
            format!("E'{text}'")
        }
    }
}
