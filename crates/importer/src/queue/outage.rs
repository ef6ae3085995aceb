//! Outages: dependencies of jobs, and their state by the breakers. `probe.rs` probes them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use state::breaker::{self, Breaker};
use state::{StateError, Store};

use crate::failure::Failure;

/// Copy of the breakers' states, so that the database need not be asked for each job.
#[derive(Default)]
pub struct Outages {
    known: Mutex<Known>,
    pub(super) probing: AtomicUsize,
}

#[derive(Default)]
struct Known {
    /// Open breakers, by the name of their dependency.
    open: BTreeMap<String, i64>,
    /// Good uses that are not written down yet.
    good: BTreeMap<String, i64>,
    /// Dependencies whose outage was already logged, so that further probes that fail are not logged again.
    told: BTreeSet<String>,
}

impl Outages {
    /// True when the outage of a dependency was not logged yet.
    pub(super) fn tells(&self, name: &str) -> bool {
        self.known().told.insert(name.to_owned())
    }

    /// The open breaker of a dependency.
    pub fn open(&self, name: &str) -> Option<i64> {
        self.known().open.get(name).copied()
    }

    /// True when any breaker is open.
    pub fn any_open(&self) -> bool {
        !self.known().open.is_empty()
    }

    /// True when a probe is under way.
    pub fn is_probing(&self) -> bool {
        self.probing.load(Ordering::SeqCst) > 0
    }

    /// Marks a breaker as closed after a successful probe: jobs that come back now must not be parked again.
    pub fn closed(&self, name: &str) {
        let mut known = self.known();
        known.open.remove(name);
        known.told.remove(name);
    }

    /// Notes a successful use of a dependency.
    pub fn good(&self, name: &str) {
        *self.known().good.entry(name.to_owned()).or_default() += 1;
    }

    /// Notes a failed use. Returns its breaker's row if it is open now.
    pub fn bad(
        &self,
        store: &Store,
        failure: &Failure,
        need: &Need,
        rule: &breaker::Rule,
    ) -> Result<Option<i64>, StateError> {
        let good = self.known().good.remove(&need.name).unwrap_or(0);
        let cause = format!("{}/{}: {}", failure.stage.as_str(), failure.code, failure.message);
        let rule = need.rule(rule);
        let (now, _) = store
            .write(|tx| breaker::note(tx, &need.name, (good, 1), Some(&cause), Some(&need.probe), &rule))?;
        let mut known = self.known();
        if now.open {
            known.open.insert(need.name.clone(), now.id);
        }
        Ok(now.open.then_some(now.id))
    }

    /// Records uses that succeeded, and learns from the state which breakers others have opened.
    pub fn refresh(&self, store: &Store, rule: &breaker::Rule, open: &[Breaker]) -> Result<(), StateError> {
        self.known().open = open.iter().map(|it| (it.name.clone(), it.id)).collect();
        let good = std::mem::take(&mut self.known().good);
        for (name, count) in good {
            store.write(|tx| {
                // Only a breaker that has a reason to exist is worth a row.
                if breaker::get(tx, &name)?.is_some() {
                    breaker::note(tx, &name, (count, 0), None, None, rule)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Dependency of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name: `disk:/srv/import`, `deb.debian.org`.
    pub name: String,
    /// Address and kind of the probe.
    pub probe: String,
}

impl Need {
    /// A disk as a dependency.
    pub fn disk(root: &std::path::Path, host: &str) -> Need {
        Need { name: format!("disk:{host}:{}", root.display()), probe: format!("disk {}", root.display()) }
    }

    /// One full disk is enough to know that it is full, one folder without anything that it is not mounted.
    fn rule(&self, rule: &breaker::Rule) -> breaker::Rule {
        match is_disk(&self.name) || self.name.starts_with("file://") {
            true => breaker::Rule { least: 1, percent: 1, ..rule.clone() },
            false => rule.clone(),
        }
    }
}

/// True when a breaker is that of a disk.
pub(super) fn is_disk(name: &str) -> bool {
    name.starts_with("disk:")
}
