//! Baselines and verdicts of the figures.

use serde::Serialize;

use crate::db::tx::{HOUR, Tx};
use crate::error::StateError;
use crate::past::things;
use crate::values;

/// Last verdict about a figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// `failing`, `failed` or `signature:ID`.
    pub figure: String,
    /// `OK`, `WARNING`, `CRITICAL` or `UNKNOWN`.
    pub state: String,
    /// Unix milliseconds of the verdict.
    pub at: i64,
    /// Unix milliseconds at which the alert began.
    pub since: Option<i64>,
    /// The figure's value then.
    pub value: i64,
    /// The value from which it alerts at once.
    pub warning: Option<i64>,
    /// The value from which it is critical at once.
    pub critical: Option<i64>,
    /// Text for operators.
    pub text: String,
    /// Its complete basis, as documented in `docs/baselines.md`.
    pub detail: serde_json::Value,
}

/// Verdicts in order of their figures: on one figure, or on all but signatures at their usual level.
pub fn list(tx: &mut Tx<'_>, figure: Option<&str>) -> Result<Vec<Verdict>, StateError> {
    if let Some(at) = tx.moment().map(|moment| moment.at) {
        return past(tx, figure, at);
    }
    let columns = "SELECT figure, state, at, since, value, warn, crit, text, detail FROM verdict";
    let rows = match figure {
        Some(figure) => tx.query(&format!("{columns} WHERE figure = ?1"), values![figure])?,
        None => {
            let sql = format!(
                "{columns} WHERE figure IN ('failing', 'failed') OR state <> 'OK' ORDER BY figure LIMIT 1000"
            );
            tx.query(&sql, &[])?
        }
    };
    Ok(rows
        .iter()
        .map(|row| Verdict {
            figure: row.text(0),
            state: row.text(1),
            at: row.int(2),
            since: row.opt_int(3),
            value: row.int(4),
            warning: row.opt_int(5),
            critical: row.opt_int(6),
            text: row.text(7),
            detail: serde_json::from_str(&row.text(8)).unwrap_or_default(),
        })
        .collect())
}

/// The same at a time: of a verdict is kept what changed its state.
fn past(tx: &mut Tx<'_>, figure: Option<&str>, at: i64) -> Result<Vec<Verdict>, StateError> {
    let mut found = Vec::new();
    for (name, changed, value) in things::verdicts_at(tx, figure, at)? {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let state = text("state");
        if figure.is_none() && name.starts_with("signature:") && state == "OK" {
            continue;
        }
        found.push(Verdict {
            state,
            at: changed,
            since: value["since"].as_i64(),
            value: value["value"].as_i64().unwrap_or(0),
            warning: None,
            critical: None,
            text: text("text"),
            detail: serde_json::Value::Null,
            figure: name,
        });
    }
    Ok(found)
}

/// A sample of a figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// The beginning of its hour.
    pub hour: i64,
    /// Value of the figure.
    pub value: i64,
}

/// The samples of a figure in the last hours, newest first.
pub fn samples(tx: &mut Tx<'_>, figure: &str, hours: i64) -> Result<Vec<Sample>, StateError> {
    let to = tx.now()?.div_euclid(HOUR);
    let sql =
        "SELECT hour, CAST(SUM(value) AS BIGINT) FROM sample WHERE figure = ?1 AND hour > ?2 AND hour <= ?3
        GROUP BY hour ORDER BY hour DESC";
    let rows = tx.query(sql, values![figure, to - hours, to])?;
    Ok(rows.iter().map(|row| Sample { hour: row.int(0) * HOUR, value: row.int(1) }).collect())
}
