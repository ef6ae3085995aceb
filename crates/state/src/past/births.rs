//! Packages that came in masses, and what they were until something changed: queued, in a lane, since the transaction that
//! made them. All of a transaction are one value, not a row of `package_past` each: the first poll of an archive would else write
//! one more row for each package, which says nothing that this value does not say.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value as Json, json};

use super::{COLUMNS, things};
use crate::db::tx::Tx;
use crate::driver::Kind;
use crate::error::StateError;
use crate::values;

/// The word of these values; the name is the first package's number.
const BORN: &str = "born";

/// Number of packages from which on they are a mass.
pub(crate) const MASS: usize = 20;

/// Writes the packages that a transaction has made and queued, with the places of their lanes.
pub(super) fn write(tx: &mut Tx<'_>, born: &BTreeMap<i64, i64>) -> Result<(), StateError> {
    let mut lanes: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for (package, lane) in born {
        let ranges = lanes.entry(*lane).or_default();
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *package => *last = *package,
            _ => ranges.push((*package, *package)),
        }
    }
    for (lane, ranges) in lanes {
        let first = ranges.first().map_or(0, |range| range.0);
        let value = json!({"lane": lane, "packages": ranges}).to_string();
        things::put(tx, BORN, &first.to_string(), Some(&value))?;
    }
    Ok(())
}

/// The facts of packages that came in masses and had not changed until a time, as a query with the columns of
/// `package_past`; `None` if there are none. `unchanged` is a query of the numbers of the packages that may be among them: those without
/// a row of their own until then.
pub(super) fn facts(tx: &mut Tx<'_>, at: i64, unchanged: &str) -> Result<Option<String>, StateError> {
    let Some(ranges) = ranges(tx, at)? else { return Ok(None) };
    let columns: Vec<&str> = COLUMNS.iter().map(|(name, _)| of_column(name)).collect();
    Ok(Some(match tx.kind() {
        Kind::Sqlite => {
            format!(
                "SELECT b.package_id, {} FROM ({}) b",
                columns.join(", "),
                born(tx.kind(), unchanged, &ranges)
            )
        }
        Kind::Postgres => {
            let rows = tx.query(&born(tx.kind(), unchanged, &ranges), &[])?;
            let list = |column: usize| {
                rows.iter().map(|row| row.int(column).to_string()).collect::<Vec<_>>().join(",")
            };
            format!(
                "SELECT b.package_id, {} FROM unnest('{{{}}}'::bigint[], '{{{}}}'::bigint[], '{{{}}}'::bigint[])
                    AS b (package_id, lane, entered)",
                columns.join(", "),
                list(0),
                list(1),
                list(2)
            )
        }
    }))
}

/// The ranges of packages of all values until a time, with lane and time, as rows of a statement.
fn ranges(tx: &mut Tx<'_>, at: i64) -> Result<Option<String>, StateError> {
    let rows = tx.query("SELECT at, value FROM past WHERE kind = ?1 AND at <= ?2", values![BORN, at])?;
    let mut list = String::new();
    for row in rows {
        let value: Json = serde_json::from_str(row.str(1)).unwrap_or_default();
        let Some(lane) = value["lane"].as_i64() else { continue };
        for range in value["packages"].as_array().into_iter().flatten() {
            let (Some(first), Some(last)) = (range[0].as_i64(), range[1].as_i64()) else { continue };
            let comma = if list.is_empty() { "" } else { ", " };
            let _ = write!(list, "{comma}({first}, {last}, {lane}, {})", row.int(0));
        }
    }
    Ok((!list.is_empty()).then_some(list))
}

/// Each range is walked once, however many there are.
fn born(kind: Kind, unchanged: &str, ranges: &str) -> String {
    let packages = match kind {
        Kind::Sqlite => "CROSS JOIN package p ON p.id >= b.column1 AND p.id <= b.column2",
        Kind::Postgres => {
            "CROSS JOIN LATERAL (SELECT id FROM package WHERE id >= b.column1 AND id <= b.column2 OFFSET 0) p"
        }
    };
    // The sign keeps SQLite from looking for each package in each range.
    format!(
        "SELECT p.id AS package_id, b.column3 AS lane, b.column4 AS entered FROM (VALUES {ranges}) b {packages}
         WHERE +p.id IN ({unchanged})"
    )
}

fn of_column(name: &str) -> &'static str {
    match name {
        "state" => "'pending'",
        "lane" => "b.lane",
        "entered" => "b.entered",
        "held" => "0",
        _ => "NULL",
    }
}
