//! Explanation of a package: its entries in each suite's index, the recorded publications, the next step and the
//! reason.
//!
//! Nothing is changed. Indices are read as by a poll; if one cannot be read, the recorded content of the last accepted
//! one is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use state::read::archives::{self, SuiteVerdict};
use state::read::explain::{self, Fate, Record, Recorded};
use state::read::freshness::Behind;
use state::read::package;
use state::{StateError, Store};

pub use super::said::{About, Listed, Said, SuiteSays};
use super::said::{Asked, says};
use super::{Accepted, Poller};
use crate::queue::archives::Archives;

/// The whole explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Name of the package.
    pub package: String,
    /// Milliseconds since 1970 of the question.
    pub now: i64,
    /// Each suite that is followed.
    pub suites: Vec<SuiteSays>,
    /// Recorded publications beside those: old versions, files that were given by hand, suites that are not followed
    /// any more.
    pub others: Vec<Recorded>,
    /// Missing versions of the package, their cause, and the next event; `None` if the package is not known.
    pub state: Option<Behind>,
    /// Next step, as a sentence.
    pub next: String,
    /// Packages whose names begin alike, if this one is not known.
    pub similar: Vec<String>,
}

/// Explains a package. `names` are the archives that are asked.
///
/// # Errors
/// An archive is not configured, or the database cannot be used.
pub fn explain(
    store: &Store,
    archives: &Archives,
    names: &[String],
    package: &str,
) -> Result<Explained, StateError> {
    let (now, record, verdicts, similar) = store.read(|tx| {
        let record = explain::record(tx, package)?;
        let similar = if record.package.is_none() { package::similar(tx, package)? } else { Vec::new() };
        Ok((tx.now()?, record, archives::list(tx)?, similar))
    })?;
    let mut known: BTreeMap<(String, String), SuiteVerdict> =
        verdicts.into_iter().map(|it| ((it.archive.clone(), it.suite.clone()), it)).collect();
    let mut suites = Vec::new();
    for name in names {
        let poller = Poller {
            store,
            archives,
            dry_run: true,
            due: None,
            by_hand: true,
            accepted: Accepted::default(),
            progress: Arc::default(),
            about: Some(package.to_owned()),
        };
        let mut reports = Vec::new();
        poller.archive(name, |report| reports.push(Asked::of(report)))?;
        for asked in reports {
            let verdict = known.remove(&(name.clone(), asked.suite.clone()));
            // The suites could not be listed: each known one is reported below, with the reason.
            if asked.suite == "*" && verdict.is_none() {
                let own = known.keys().filter(|(archive, _)| archive == name).cloned().collect::<Vec<_>>();
                for key in own {
                    let verdict = known.remove(&key);
                    let asked = Asked { suite: key.1, ..asked.clone() };
                    suites.push(says(name, asked, verdict.as_ref(), &record));
                }
                continue;
            }
            suites.push(says(name, asked, verdict.as_ref(), &record));
        }
    }
    let others = others(&record, &suites);
    let next = next(package, &suites, &record);
    let (package, state) = (package.to_owned(), record.package);
    Ok(Explained { package, now, suites, others, state, next, similar })
}

/// Rows that no suite has told.
fn others(record: &Record, suites: &[SuiteSays]) -> Vec<Recorded> {
    let is_told = |row: &&Recorded| {
        let branch = format!("{}/{}", row.distro, row.branch);
        suites.iter().any(|suite| suite.archive == row.archive && suite.branch.as_ref() == Some(&branch))
    };
    record.publications.iter().filter(|row| !is_told(row)).cloned().collect()
}

fn next(package: &str, suites: &[SuiteSays], record: &Record) -> String {
    let all = || suites.iter().flat_map(|suite| &suite.publications);
    let count = |fate: Fate| all().filter(|said| said.fate == fate).count();
    let mut parts = Vec::new();
    let of_poll = [
        (Fate::New, "records", "and queues the package"),
        (Fate::Moved, "follows", "to where it is listed now"),
        (Fate::Vanishing, "marks", "as listed no more"),
    ];
    for (fate, does, how) in of_poll {
        match count(fate) {
            0 => {}
            1 => parts.push(format!("the next poll {does} 1 publication {how}")),
            some => parts.push(format!("the next poll {does} {some} publications {how}")),
        }
    }
    match &record.package {
        Some(state) if state.state == "behind" => {
            let (why, reason) = (state.why.as_deref(), state.reason.as_deref());
            parts.push(format!("{}: {}", why.unwrap_or("behind"), reason.unwrap_or_default()));
        }
        _ => {}
    }
    if !parts.is_empty() {
        return parts.join("; ");
    }
    let failed = suites.iter().filter(|suite| suite.error.is_some()).count();
    let is_listed = all().any(|said| said.listed);
    match (&record.package, is_listed) {
        (_, true) => "nothing: all that is listed is imported".to_owned(),
        (Some(_), false) => "nothing: no suite that is followed lists it".to_owned(),
        (None, false) if failed > 0 => {
            format!(
                "not known: {package} is not on record, and {failed} of {} suites could not be asked",
                suites.len()
            )
        }
        (None, false) => format!("nothing: no suite that is followed lists {package}"),
    }
}
