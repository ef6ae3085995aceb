//! Decides when a job may start: lanes in turn, within the bounds of the machine, until the queue is empty or somebody
//! says stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use fail::fail_point;
use state::marks::Marks;
use state::queue::{self, Claim, Wish};
use state::reclassify::{normaliser, upgrade};
use state::words::{HostState, Outcome};
use state::{StateError, Store, batch, breaker, hold, meta, retention, runs, samples, waits};

use super::job;
use super::limits::{Limits, need};
use super::session::{LEASE, Session, VERSION};
use super::{logs, outage};

/// Every so many claims take the oldest job of all lanes, so that nothing starves.
const EVERY: u64 = 8;
/// What is looked after between claims, and how often.
const TICK: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// So many go first when a new version tries again what the old one failed.
const CANARY: i64 = 10;
/// Jobs that are brought back in one transaction: each writes up to three rows.
const CHUNK: i64 = 60;

/// How long a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until nothing is left that could be done now.
    Empty,
    /// Until it is told to stop.
    Stopped,
}

/// What is told during a run.
pub enum Said<'a> {
    /// A version is being read.
    Reading(&'a Claim, &'a crate::protocol::VersionRequest),
    /// A job has ended.
    Ended(&'a job::Result),
    /// Something that an operator might want to know.
    Note(String),
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Jobs that were done.
    pub attempts: u64,
    /// Those that succeeded.
    pub imported: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that wait for something that is out of reach.
    pub parked: u64,
    /// Why it ended.
    pub why: String,
}

/// How many times somebody has asked it to stop: once, and it finishes what runs; twice, and it ends that, too.
pub type Stop = Arc<AtomicUsize>;

/// A run over the queue.
pub struct Dispatcher<'a> {
    /// What it works with.
    pub session: Arc<Session>,
    /// How long it goes on.
    pub until: Until,
    /// No new job after this time.
    pub deadline: Option<Instant>,
    /// Who tells it to stop.
    pub stop: Stop,
    /// Imports at a time, if the command line says so; otherwise the settings do.
    pub jobs: Option<usize>,
    /// Who listens.
    pub say: &'a (dyn Fn(Said<'_>) + Sync),
}

struct Loop<'a> {
    dispatcher: &'a Dispatcher<'a>,
    running: usize,
    memory: i64,
    claims: u64,
    waiting: Option<Claim>,
    summary: Summary,
    limits: Limits,
    ticked: Option<Instant>,
    unreachable: Option<Instant>,
    sampled: i64,
    pruned: Option<Instant>,
    swept: Option<Instant>,
    is_filled: bool,
    /// What those say who work beside the loop.
    notes: (Sender<String>, Receiver<String>),
    marks: Marks,
}

impl Dispatcher<'_> {
    /// Runs.
    pub fn run(&self) -> Summary {
        let (ended, endings) = mpsc::channel();
        let mut state = Loop {
            dispatcher: self,
            running: 0,
            memory: 0,
            claims: 0,
            waiting: None,
            summary: Summary::default(),
            limits: Limits::of_machine(),
            ticked: None,
            unreachable: None,
            sampled: 0,
            pruned: None,
            swept: None,
            is_filled: false,
            notes: mpsc::channel(),
            marks: Marks::default(),
        };
        state.begin();
        thread::scope(|scope| {
            loop {
                state.tick();
                let start = |claim: Claim, ended: Sender<job::Result>| {
                    let (session, say) = (&self.session, self.say);
                    scope.spawn(move || {
                        let watch = |claim: &Claim, version: &crate::protocol::VersionRequest| {
                            say(Said::Reading(claim, version))
                        };
                        let result = job::perform(session, claim, None, &watch);
                        let _ = ended.send(result);
                    });
                };
                let idle = state.fill(&ended, &start);
                state.note_filled(idle);
                if let Some(why) = state.is_over(idle) {
                    state.summary.why = why.into();
                    break;
                }
                state.wait(&endings, idle);
            }
        });
        state.summary
    }
}

impl Loop<'_> {
    /// What is done once: after an upgrade, old ids of signatures become aliases, and what keeps failing gets another
    /// chance.
    fn begin(&mut self) {
        let store = &self.session().store;
        let done = normaliser::all(store).and_then(|_| upgrade::retry_failing(store, VERSION, CANARY));
        match done {
            Ok(Some(batch)) => self.note(format!(
                "this is a newer version: what keeps failing is tried again, {CANARY} first (batch {batch})"
            )),
            Ok(None) => {}
            Err(error) if error.is_outage() => self.away(&error),
            Err(error) => self.note(error.to_string()),
        }
    }

    fn session(&self) -> &Session {
        &self.dispatcher.session
    }

    fn stops(&self) -> usize {
        self.dispatcher.stop.load(Ordering::SeqCst)
    }

    /// Whether no new job may start.
    fn is_closing(&self) -> bool {
        self.stops() > 0
            || self.dispatcher.deadline.is_some_and(|deadline| Instant::now() >= deadline)
            || self.session().orders().state != HostState::Online
    }

    /// Starts as many jobs as may run. Returns whether there was nothing to claim.
    fn fill(&mut self, ended: &Sender<job::Result>, start: &dyn Fn(Claim, Sender<job::Result>)) -> bool {
        loop {
            if self.is_closing() {
                self.put_back();
                return true;
            }
            if self.running >= self.limits.jobs || self.limits.is_overloaded(self.running) {
                return false;
            }
            let claim = match self.waiting.take() {
                Some(claim) => claim,
                None => match self.claim() {
                    Some(claim) => claim,
                    None => return true,
                },
            };
            // One that does not fit keeps its place: nothing smaller slips past it for ever.
            if !self.limits.allow(self.running, self.memory, need(claim.memory)) {
                self.waiting = Some(claim);
                return false;
            }
            self.running += 1;
            self.memory += need(claim.memory);
            start(claim, ended.clone());
        }
    }

    fn claim(&mut self) -> Option<Claim> {
        if self.unreachable.is_some_and(|since| since.elapsed() < TICK) {
            return None;
        }
        self.claims += 1;
        let session = self.session();
        let wish = Wish {
            run: session.run,
            lease: LEASE,
            importer: VERSION,
            oldest: self.claims.is_multiple_of(EVERY),
            marks: Some(&self.marks),
            ..Wish::default()
        };
        let claimed = session.store.write(|tx| queue::claim(tx, &wish));
        match claimed {
            Ok(claim) => {
                self.unreachable = None;
                if let Some(claim) = &claim {
                    self.session().know(claim.attempt);
                    fail_point!("run::claimed");
                }
                claim
            }
            Err(error) => {
                self.away(&error);
                None
            }
        }
    }

    /// The database is away: said once, and asked again.
    fn away(&mut self, error: &StateError) {
        if self.unreachable.is_none() {
            self.note(format!("{error}; waiting for it"));
        }
        self.unreachable = Some(Instant::now());
    }

    /// A job that was claimed and cannot start any more.
    fn put_back(&mut self) {
        if let Some(claim) = self.waiting.take() {
            let blank = Session::blank(&claim, Outcome::Cancelled);
            let session = self.session();
            let _ = session.store.write(|tx| state::finish::finish(tx, &blank, &session.retries));
            session.forget(claim.attempt);
        }
    }

    /// Waits until something happens.
    fn wait(&mut self, endings: &Receiver<job::Result>, idle: bool) {
        let pause = if idle && self.running == 0 { TICK / 4 } else { TICK };
        match endings.recv_timeout(pause) {
            Ok(result) => self.ended(&result),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
        while let Ok(result) = endings.try_recv() {
            self.ended(&result);
        }
    }

    fn ended(&mut self, result: &job::Result) {
        self.running -= 1;
        self.memory -= need(result.claim.memory);
        self.summary.attempts += 1;
        match result.outcome {
            Outcome::Imported | Outcome::AlreadyThere | Outcome::UnappliedOnly => self.summary.imported += 1,
            Outcome::Failed => self.summary.failed += 1,
            Outcome::Parked => self.summary.parked += 1,
            Outcome::Lost | Outcome::Cancelled | Outcome::Waiting => {}
        }
        (self.dispatcher.say)(Said::Ended(result));
    }

    /// Whether the run is over, and why.
    fn is_over(&self, idle: bool) -> Option<&'static str> {
        if self.running > 0 || self.waiting.is_some() {
            return None;
        }
        if self.stops() > 0 {
            return Some("stopped");
        }
        if self.dispatcher.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Some("out of time");
        }
        let session = self.session();
        if self.dispatcher.until == Until::Stopped {
            return None;
        }
        if session.orders().state != HostState::Online {
            return Some("quiesced");
        }
        if !idle || self.unreachable.is_some() || session.outages.is_probing() {
            return None;
        }
        // What is parked may come back within a moment. A longer outage is left to the next run.
        let soon = session.outages.any_open() && self.opened_recently();
        (!soon && !self.is_more()).then_some("empty")
    }

    /// Once everything that was asked for has been done, the checks may begin to say what is normal.
    fn note_filled(&mut self, idle: bool) {
        if self.is_filled || !idle || self.running > 0 || self.is_closing() {
            return;
        }
        let noted = self.session().store.write(|tx| {
            if meta::get(tx, meta::FILLED)?.is_some() {
                return Ok(true);
            }
            // Jobs that wait for an archive are not done, and where nothing was asked for yet, nothing is.
            let parked = samples::counter(tx, "parked")? > 0;
            if parked || tx.first("SELECT id FROM package LIMIT 1", &[])?.is_none() {
                return Ok(false);
            }
            let now = tx.now()?;
            meta::set(tx, meta::FILLED, &now.to_string())?;
            Ok(true)
        });
        self.is_filled = noted.unwrap_or(false);
    }

    fn opened_recently(&self) -> bool {
        let session = self.session();
        // The last of the frequent probes is waited for.
        let early = session.rule.early + 2 * session.rule.probe_early;
        session
            .store
            .read(|tx| {
                let now = tx.now()?;
                Ok(breaker::list_open(tx)?.iter().any(|it| now - it.since < early))
            })
            .unwrap_or(true)
    }

    /// Whether there is something to claim after all, or parked jobs are on their way back.
    fn is_more(&self) -> bool {
        let session = self.session();
        session.store.read(queue::is_more).unwrap_or(true)
    }

    /// Looks after everything that has its time.
    fn tick(&mut self) {
        if self.stops() > 1 {
            self.session().stop();
        }
        if self.ticked.is_some_and(|at| at.elapsed() < TICK) {
            return;
        }
        self.ticked = Some(Instant::now());
        while let Ok(note) = self.notes.1.try_recv() {
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
        for breaker in session.outages.refresh(store, &session.rule)? {
            if store.write(|tx| breaker::take_probe(tx, breaker.id, session.run, &session.rule))? {
                outage::send_probe(Arc::clone(&session), breaker, self.notes.0.clone());
            }
        }
        store.write(|tx| breaker::unpark(tx, CHUNK))?;
        store.write(|tx| waits::expire(tx, CHUNK))?;
        store.write(|tx| queue::wake(tx, CHUNK))?;
        store.write(|tx| hold::expire(tx, CHUNK / 4))?;
        store.write(|tx| batch::advance(tx, CHUNK / 4))?;
        store.write(|tx| runs::reclaim(tx, &[], CHUNK / 4, VERSION))?;
        self.sampled = samples::hourly(store, self.sampled)?;
        self.prune(store)
    }

    /// Forgets what is old, a little at a time; once a day it begins anew.
    fn prune(&mut self, store: &Store) -> Result<(), StateError> {
        if self.pruned.is_some_and(|at| at.elapsed() < DAY) {
            return Ok(());
        }
        if !store.write(|tx| retention::step(tx, &retention::Rule::default()))? {
            self.pruned = Some(Instant::now());
        }
        Ok(())
    }

    /// Removes old logs, once a day.
    fn sweep(&mut self) {
        if self.swept.is_some_and(|at| at.elapsed() < DAY) {
            return;
        }
        self.swept = Some(Instant::now());
        let age = u64::try_from(retention::Rule::default().attempts).unwrap_or(u64::MAX);
        let day = logs::day_before(Duration::from_millis(age));
        if let Err(error) = logs::prune(&self.session().root, &day, false) {
            self.note(error.to_string());
        }
    }

    fn note(&self, text: String) {
        (self.dispatcher.say)(Said::Note(text));
    }
}
