//! Upkeep between claims: retries, breakers, holds, batches, lost leases, samples, retention.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use state::fleet::look::Look;
use state::fleet::trouble;
use state::publishing::remotes;
use state::queue;
use state::repair::kept;
use state::{StateError, Store, batch, breaker, hold, retention, runs, samples, waits};

use super::{Loop, TICK};
use crate::publishing::pool as publishing;
use crate::queue::evict;
use crate::queue::limits::MachineLimits;
use crate::queue::session::{Session, VERSION};
use crate::queue::{logs, probe};

/// The interval of checks of a cache's size.
const EVICTION: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Jobs that are brought back in one transaction: each writes up to three rows.
const CHUNK: i64 = 60;

/// An idle host looks less often: it costs a server one transaction each time.
const IDLE_TICK: Duration = Duration::from_millis(1800);
/// Pause after an upkeep task failed.
const PAUSE: Duration = Duration::from_secs(10);
/// Steps of pruning in one round.
const STEPS: usize = 10;
/// Interval at which this login's rights are checked.
const RIGHTS: Duration = Duration::from_secs(10);

/// Times of the last upkeep.
pub(super) struct Upkeep {
    ticked: Option<Instant>,
    /// True when dependencies that the configuration no longer names were handled: once a run, because it is read once.
    hurried: bool,
    sampled: i64,
    pruned: Option<Instant>,
    swept: Option<Instant>,
    evicted: Option<Instant>,
    rights: Option<Instant>,
    /// Tasks that failed, and the time of the failure.
    failed: BTreeMap<&'static str, Instant>,
    /// Recorded trouble of this host, and the time of writing it.
    reported: (Option<String>, Option<Instant>),
    /// Messages of the threads beside the loop, for the log.
    notes: (Sender<String>, Receiver<String>),
}

impl Default for Upkeep {
    fn default() -> Self {
        Upkeep {
            ticked: None,
            hurried: false,
            sampled: 0,
            pruned: None,
            swept: None,
            evicted: None,
            rights: None,
            failed: BTreeMap::new(),
            // An earlier run may have left some.
            reported: (Some(String::new()), None),
            notes: mpsc::channel(),
        }
    }
}

/// An upkeep task: a noun for messages, true when it is due, and the function.
type Task = (&'static str, bool, fn(&Store) -> Result<(), StateError>);

impl Loop<'_> {
    /// Does all due upkeep.
    pub(super) fn tick(&mut self) {
        // A state that has outgrown this program is not written to any more, so what runs cannot be recorded.
        if self.stops() > 1 || self.session().store.outgrown().is_some() {
            self.session().stop();
        }
        if self.stops() > 0 || self.dispatcher.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.pool.close();
        }
        let pause = if self.running == 0 && self.is_drained { IDLE_TICK } else { TICK };
        if self.upkeep.ticked.is_some_and(|at| at.elapsed() < pause) {
            return;
        }
        self.upkeep.ticked = Some(Instant::now());
        while let Ok(note) = self.upkeep.notes.1.try_recv() {
            self.note(note);
        }
        self.sweep();
        self.evict();
        let with_rights = self.upkeep.rights.is_none_or(|at| at.elapsed() >= RIGHTS);
        let session = Arc::clone(&self.dispatcher.session);
        match session.look(with_rights) {
            Ok((look, lacking)) => {
                session.troubles.clear(LOOK);
                if let Some(lacking) = lacking {
                    self.upkeep.rights = Some(Instant::now());
                    note_rights(&session, &lacking);
                }
                self.is_known = look.is_anything_known;
                self.limits = self.limits_now();
                self.is_drained &= !(look.is_claimable || look.is_anything_due());
                self.look_after(&look);
            }
            Err(error) if error.is_outage() => self.away(&error),
            Err(error) => session.troubles.note(LOOK, &error),
        }
        session.troubles.take_notes().into_iter().for_each(|note| self.note(note));
        self.report_trouble();
    }

    fn limits_now(&self) -> MachineLimits {
        let (machine, orders) = (MachineLimits::of_machine(), self.session().orders());
        MachineLimits {
            jobs: orders.jobs.or(self.dispatcher.jobs).unwrap_or(machine.jobs),
            memory: orders.memory.unwrap_or(machine.memory),
            load: orders.load.map(|load| load as f64),
        }
    }

    /// Does the due tasks. A task that fails does not stop the others, and is tried again after a pause.
    fn look_after(&mut self, look: &Look) {
        let session = Arc::clone(&self.dispatcher.session);
        if let Err(error) = self.look_after_outages(look) {
            if error.is_outage() {
                return self.away(&error);
            }
            session.troubles.note("outages", &error);
        }
        let is_hour_over = look.hour != self.upkeep.sampled;
        let is_pruning = self.upkeep.pruned.is_none_or(|at| at.elapsed() >= DAY);
        let tasks: [Task; 8] = [
            ("the return of parked jobs", look.is_unparking, |it| {
                it.write(|tx| breaker::unpark(tx, CHUNK)).map(drop)
            }),
            ("the end of waits", look.is_wait_over, |it| it.write(|tx| waits::expire(tx, CHUNK)).map(drop)),
            ("retries", look.is_retry_due, |it| it.write(|tx| queue::wake(tx, CHUNK)).map(drop)),
            ("the end of holds", look.is_hold_over, |it| {
                it.write(|tx| hold::expire(tx, CHUNK / 4)).map(drop)
            }),
            ("batches", look.is_batch_waiting, |it| it.write(|tx| batch::advance(tx, CHUNK / 4)).map(drop)),
            ("the loss of leases", look.is_lease_over, |it| {
                it.write(|tx| runs::reclaim(tx, &[], CHUNK / 4, VERSION)).map(drop)
            }),
            (SAMPLES, is_hour_over, samples::take),
            (PRUNING, is_pruning, |_| Ok(())),
        ];
        for (what, is_due, task) in tasks {
            if !is_due {
                self.upkeep.failed.remove(what);
                session.troubles.clear(what);
                continue;
            }
            if self.upkeep.failed.get(what).is_some_and(|at| at.elapsed() < PAUSE) {
                continue;
            }
            let done = if what == PRUNING { self.prune(&session.store) } else { task(&session.store) };
            match done {
                Ok(()) => {
                    self.upkeep.failed.remove(what);
                    session.troubles.clear(what);
                    if what == SAMPLES {
                        self.upkeep.sampled = look.hour;
                    }
                }
                Err(error) if error.is_outage() => return self.away(&error),
                Err(error) => {
                    self.upkeep.failed.insert(what, Instant::now());
                    session.troubles.note(what, &error);
                }
            }
        }
    }

    fn look_after_outages(&mut self, look: &Look) -> Result<(), StateError> {
        let session = Arc::clone(&self.dispatcher.session);
        let store = &session.store;
        if !std::mem::replace(&mut self.upkeep.hurried, true) {
            probe::hurry(&session)?;
        }
        session.outages.refresh(store, &session.rule, &look.open)?;
        let elsewhere = |name: &str| remotes::is_of_remote(name) && !publishing::is_ours(&session, name);
        for breaker in look.open.iter().filter(|it| !elsewhere(&it.name)) {
            if store.write(|tx| breaker::take_probe(tx, breaker.id, session.run, &session.rule))? {
                probe::send_probe(Arc::clone(&session), breaker.clone(), self.upkeep.notes.0.clone());
            }
        }
        session.troubles.clear("outages");
        Ok(())
    }

    /// Writes the present errors of recording to the state, or that there are none.
    fn report_trouble(&mut self) {
        let trouble = self.session().troubles.summary();
        let (reported, at) = &self.upkeep.reported;
        if *reported == trouble || (at.is_some_and(|at| at.elapsed() < PAUSE) && trouble.is_some()) {
            return;
        }
        let host = crate::root::host_name();
        let said = trouble::set(&self.session().store, &host, trouble.as_deref());
        // If it cannot be written, it is tried again, and is in the log.
        let text = if said.is_ok() { trouble } else { Some(String::new()) };
        self.upkeep.reported = (text, Some(Instant::now()));
    }

    /// Prunes a little at a time; once a day a new pass begins.
    fn prune(&mut self, store: &Store) -> Result<(), StateError> {
        let age = self.session().config.repair.kept();
        let rule = retention::Rule { repairs: age, ..retention::Rule::default() };
        for _ in 0..STEPS {
            if !store.write(|tx| retention::step(tx, &rule))? {
                self.upkeep.pruned = Some(Instant::now());
                // Things that repairs keep are in the repositories: jobs remove them.
                return store.write(|tx| {
                    let before = tx.now()?.saturating_sub(age);
                    kept::ask(tx, before, CHUNK).map(drop)
                });
            }
        }
        Ok(())
    }

    /// Keeps a cache of repositories within its limit, on a thread of its own: all repositories have to be listed.
    fn evict(&mut self) {
        let since = *self.upkeep.evicted.get_or_insert_with(Instant::now);
        if since.elapsed() < EVICTION || self.session().cache().is_none() {
            return;
        }
        self.upkeep.evicted = Some(Instant::now());
        let session = Arc::clone(&self.dispatcher.session);
        thread::spawn(move || evict::evict(&session));
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

const LOOK: &str = "what is due";
const SAMPLES: &str = "samples";
const PRUNING: &str = "the removal of what is old";

/// Notes rights that this login lacks although a worker needs them.
fn note_rights(session: &Session, lacking: &[String]) {
    const RIGHTS: &str = "all that a worker does";
    if lacking.is_empty() {
        return session.troubles.clear(RIGHTS);
    }
    let text = format!(
        "this login lacks {}: let the owner of the tables apply docs/examples/grants.sql again",
        lacking.join(", ")
    );
    session.troubles.note(RIGHTS, &text);
}
