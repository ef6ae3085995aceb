//! The tables as they were at a time. What asks them does not know: a statement that names a table gets a common table
//! expression of that name in front of it, and reads that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use baseline::time::Millis;

use super::tables;
use crate::db::meta;
use crate::db::tx::Tx;
use crate::driver::Kind;
use crate::error::StateError;
use crate::values;

/// The publications that were open at a time. There is a table of this name only where a time is gone to.
pub(crate) const OPEN_PUBLICATION: &str = "open_publication";

/// A moment that is gone to, and the tables of it.
#[derive(Debug)]
pub struct Moment {
    /// Time, in milliseconds since 1970.
    pub at: i64,
    /// Names of tables and views with what they were, each after those that it needs.
    pub(super) tables: Vec<(String, String)>,
    /// The counters, by name.
    pub(super) counters: BTreeMap<String, i64>,
}

/// The earliest time that can be told, in milliseconds.
pub fn earliest(tx: &mut Tx<'_>) -> Result<i64, StateError> {
    Ok(meta::number(tx, meta::PAST_SINCE)?.unwrap_or(i64::MAX))
}

/// Has everything that the transaction reads from now on be of a time.
pub(crate) fn enter(tx: &mut Tx<'_>, at: i64) -> Result<(), StateError> {
    let (now, earliest) = (tx.now()?, earliest(tx)?);
    if at > now {
        return Err(StateError::Refused(format!(
            "{} is still to come: it is {} now",
            Millis(at),
            Millis(now)
        )));
    }
    if at < earliest {
        return Err(StateError::Refused(format!(
            "nothing is known of {}: what was so at a time is kept since {}",
            Millis(at),
            Millis(earliest)
        )));
    }
    let moment = tables::at(tx, at, now)?;
    tx.go_to(moment);
    Ok(())
}

impl Moment {
    /// A statement as it has to be asked.
    pub(crate) fn rewritten(&self, sql: &str) -> String {
        let mut needed = BTreeSet::new();
        let mut found: Vec<&(String, String)> = Vec::new();
        // Tables are sorted by dependency: from the last to the first, all users of a table are known when it is
        // reached.
        let mut named = words(sql);
        for table in self.tables.iter().rev() {
            if named.contains(table.0.as_str()) && needed.insert(table.0.as_str()) {
                named.extend(words(&table.1));
                found.push(table);
            }
        }
        let mut text = String::new();
        for (name, query) in found.into_iter().rev() {
            let comma = if text.is_empty() { "WITH " } else { ", " };
            let _ = write!(text, "{comma}{name} AS ({query})");
        }
        if text.is_empty() { sql.to_owned() } else { format!("{text} {sql}") }
    }

    /// The value of a counter.
    pub(crate) fn counter(&self, name: &str) -> i64 {
        self.counters.get(name).copied().unwrap_or(0)
    }
}

/// The words of a statement that may name a table.
fn words(sql: &str) -> BTreeSet<&str> {
    let words = sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic())).collect()
}

/// Counts of a moment.
#[derive(Default)]
pub(super) struct Counted {
    /// The counters, by name.
    pub counters: BTreeMap<String, i64>,
    /// Number of packages that failed with each signature and were not held.
    pub failing: BTreeMap<i64, i64>,
}

/// The numbers of the rows that are counted, as they were. `facts` is what stands for the packages.
pub(super) fn count(tx: &mut Tx<'_>, facts: &str) -> Result<Counted, StateError> {
    let sql = format!(
        "WITH facts AS ({facts}) SELECT state, lane, held, failure, signature_id, COUNT(*) FROM facts
         GROUP BY state, lane, held, failure, signature_id"
    );
    let Counted { mut counters, mut failing } = Counted::default();
    for row in tx.query(&sql, values![])? {
        let (state, lane, is_held, failure, count) =
            (row.opt_text(0), row.int(1), row.flag(2), row.opt_text(3), row.int(5));
        if let Some(signature) = row.opt_int(4).filter(|_| !is_held) {
            *failing.entry(signature).or_default() += count;
        }
        let mut add = |name: String| *counters.entry(name).or_default() += count;
        match state.as_deref() {
            Some("pending") if is_held => add("queue_held".into()),
            Some("pending") => add(format!("queue_{}", crate::words::Lane::at(lane))),
            Some("running") => add("running".into()),
            Some("parked") => add("parked".into()),
            _ => {}
        }
        if is_held {
            add("held".into());
        }
        match failure {
            Some(_) if is_held => add("failing_held".into()),
            Some(word) => {
                add("failing".into());
                add(format!("state_{word}"));
                if state.as_deref() == Some("parked") {
                    add("parked_failing".into());
                }
            }
            None => {}
        }
    }
    Ok(Counted { counters, failing })
}

/// The real table of a name, where an expression of that name is about to be made.
pub(super) fn real(kind: Kind, name: &str) -> String {
    match kind {
        // There an expression that names itself is one that repeats itself.
        Kind::Sqlite => format!("main.{name}"),
        Kind::Postgres => name.to_owned(),
    }
}
