//! What is looked after between claims: retries, breakers, holds, batches, lost leases, samples, what is old.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use state::queue;
use state::{StateError, Store, batch, breaker, hold, retention, runs, samples, waits};

use super::{Loop, TICK};
use crate::queue::limits::Limits;
use crate::queue::session::VERSION;
use crate::queue::{logs, outage};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Jobs that are brought back in one transaction: each writes up to three rows.
const CHUNK: i64 = 60;

/// When that was done last.
pub(super) struct Upkeep {
    ticked: Option<Instant>,
    /// Whether that was looked for which the configuration names no more: once a run, as it is read once.
    hurried: bool,
    sampled: i64,
    pruned: Option<Instant>,
    swept: Option<Instant>,
    /// What those say who work beside the loop.
    notes: (Sender<String>, Receiver<String>),
}

impl Default for Upkeep {
    fn default() -> Self {
        Upkeep { ticked: None, hurried: false, sampled: 0, pruned: None, swept: None, notes: mpsc::channel() }
    }
}

impl Loop<'_> {
    /// Looks after everything that has its time.
    pub(super) fn tick(&mut self) {
        if self.stops() > 1 {
            self.session().stop();
        }
        if self.upkeep.ticked.is_some_and(|at| at.elapsed() < TICK) {
            return;
        }
        self.upkeep.ticked = Some(Instant::now());
        while let Ok(note) = self.upkeep.notes.1.try_recv() {
            self.note(note);
        }
        self.sweep();
        let looked = self.session().take_orders();
        self.limits = self.limits_now();
        if let Err(error) = looked.and_then(|()| self.look_after()) {
            if error.is_outage() {
                self.away(&error);
            } else {
                self.note(error.to_string());
            }
        }
    }

    fn limits_now(&self) -> Limits {
        let (machine, orders) = (Limits::of_machine(), self.session().orders());
        Limits {
            jobs: orders.jobs.or(self.dispatcher.jobs).unwrap_or(machine.jobs),
            memory: orders.memory.unwrap_or(machine.memory),
            load: orders.load.map(|load| load as f64),
        }
    }

    fn look_after(&mut self) -> Result<(), StateError> {
        let session = Arc::clone(&self.dispatcher.session);
        let store = &session.store;
        if !std::mem::replace(&mut self.upkeep.hurried, true) {
            outage::hurry(&session)?;
        }
        for breaker in session.outages.refresh(store, &session.rule)? {
            if store.write(|tx| breaker::take_probe(tx, breaker.id, session.run, &session.rule))? {
                outage::send_probe(Arc::clone(&session), breaker, self.upkeep.notes.0.clone());
            }
        }
        store.write(|tx| breaker::unpark(tx, CHUNK))?;
        store.write(|tx| waits::expire(tx, CHUNK))?;
        store.write(|tx| queue::wake(tx, CHUNK))?;
        store.write(|tx| hold::expire(tx, CHUNK / 4))?;
        store.write(|tx| batch::advance(tx, CHUNK / 4))?;
        store.write(|tx| runs::reclaim(tx, &[], CHUNK / 4, VERSION))?;
        self.upkeep.sampled = samples::hourly(store, self.upkeep.sampled)?;
        self.prune(store)
    }

    /// Forgets what is old, a little at a time; once a day it begins anew.
    fn prune(&mut self, store: &Store) -> Result<(), StateError> {
        if self.upkeep.pruned.is_some_and(|at| at.elapsed() < DAY) {
            return Ok(());
        }
        if !store.write(|tx| retention::step(tx, &retention::Rule::default()))? {
            self.upkeep.pruned = Some(Instant::now());
        }
        Ok(())
    }

    /// Removes old logs, once a day.
    fn sweep(&mut self) {
        if self.upkeep.swept.is_some_and(|at| at.elapsed() < DAY) {
            return;
        }
        self.upkeep.swept = Some(Instant::now());
        let age = u64::try_from(retention::Rule::default().attempts).unwrap_or(u64::MAX);
        let day = logs::day_before(Duration::from_millis(age));
        if let Err(error) = logs::prune(&self.session().root, &day, false) {
            self.note(error.to_string());
        }
    }
}
