//! What is on record of a time, all of one moment.

use std::collections::BTreeMap;

use source_package::code::{Class, Code};
use state::StateError;
use state::read::incidents::{self, Began, Collided, Hit, Opened, Said, Withheld};
use state::tx::Tx;

use super::HOUR;

/// How far beyond a time is looked: what began before it and lasted into it.
const BEFORE: i64 = 7 * 24 * HOUR;

/// An outage as breakers tell it.
pub(super) struct Outage {
    /// What was away.
    pub dependency: String,
    /// When its breaker opened.
    pub began: i64,
    /// When it closed for the last time.
    pub ended: Option<i64>,
    /// Why.
    pub cause: Option<String>,
    /// Packages that were parked for it.
    pub parked: Vec<Hit>,
}

/// Everything that incidents are made of.
pub(super) struct Facts {
    pub now: i64,
    pub since: i64,
    pub outages: Vec<Outage>,
    pub began: Vec<Began>,
    pub verdicts: Vec<Said>,
    pub withheld: Vec<Withheld>,
    pub collisions: Vec<Collided>,
}

/// One that opens again within so long has never been well.
const FLAPPING: i64 = 15 * 60_000;

/// Reads them: of the last `span` milliseconds, and what lasted into those.
pub(super) fn read(tx: &mut Tx<'_>, span: i64) -> Result<Facts, StateError> {
    let now = tx.now()?;
    let since = now.saturating_sub(span).max(0);
    let from = since.saturating_sub(BEFORE).max(0);
    let mut outages = outages(incidents::breakers(tx, from, now)?);
    for outage in &mut outages {
        let end = outage.ended.unwrap_or(now);
        outage.parked = incidents::parked(tx, &outage.dependency, outage.began, end)?;
    }
    Ok(Facts {
        now,
        since,
        outages,
        began: incidents::began(tx, from, now)?,
        verdicts: incidents::verdicts(tx, from, now)?,
        withheld: incidents::withheld(tx, from, now)?,
        collisions: incidents::collisions(tx, from, now)?,
    })
}

/// Breakers that opened, each with its end; one that flaps is one outage.
fn outages(changes: Vec<Opened>) -> Vec<Outage> {
    let mut found: Vec<Outage> = Vec::new();
    let mut newest: BTreeMap<String, usize> = BTreeMap::new();
    for change in changes {
        let last = newest.get(&change.dependency).and_then(|place| found.get_mut(*place));
        match (change.opened, last) {
            (true, Some(last)) if last.ended.is_none_or(|ended| change.at - ended <= FLAPPING) => {
                last.ended = None;
            }
            (true, _) => {
                newest.insert(change.dependency.clone(), found.len());
                found.push(Outage {
                    dependency: change.dependency,
                    began: change.at,
                    ended: None,
                    cause: change.cause,
                    parked: Vec::new(),
                });
            }
            (false, Some(last)) => last.ended = Some(change.at),
            // It opened before what is looked at.
            (false, None) => {}
        }
    }
    found
}

/// Whether a failure is that of a host, or of this machine, and not of the package.
pub(super) fn is_of_host(stage: &str, code: &str) -> bool {
    let Ok(code) = code.parse::<Code>() else { return false };
    code.is_outage() || stage.parse().is_ok_and(|stage| code.class(stage) == Class::Infrastructure)
}
