//! Decides when a job may start: lanes in turn, within the bounds of the machine, until the queue is empty or the run
//! is told to stop.

mod run_end;
mod said;
mod upkeep;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use fail::fail_point;
use state::StateError;
use state::marks::Marks;
use state::queue::{self, Claim, Wish};
use state::reclassify::{normaliser, upgrade};
use state::words::{HostState, Lane, Outcome, Tasks};

use super::evict;
use super::job;
use super::limits::{MachineLimits, need};
use super::session::{LEASE, Session, VERSION};
use crate::publishing::perform;
use crate::publishing::pool::Pool;
pub use said::{Said, Summary};
use upkeep::Upkeep;

/// Number of claims of which one takes the oldest job of all lanes, so that nothing starves.
const EVERY: u64 = 8;
/// Interval of upkeep between claims.
const TICK: Duration = Duration::from_secs(1);
/// A login that may not claim tries again after this time.
const DENIED: Duration = Duration::from_secs(10);
/// The noun for it.
const CLAIMS: &str = "claims of jobs";
/// Longest time that a run which ends by itself spends on maintenance alone (repacking); the rest is left to the next
/// run. A run that cron starts every five minutes has to poll every five minutes.
const TIDYING: Duration = Duration::from_secs(240);
/// Number of packages that go first when a new version retries the failures of the old one.
const CANARY: i64 = 10;

/// End condition of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The run ends when nothing is left that could be done now.
    Empty,
    /// The run ends when it is told to stop.
    Stopped,
}

/// Number of requests to stop: after the first, running jobs are finished; after the second, they are ended, too.
pub type Stop = Arc<AtomicUsize>;

/// A run over the queue.
pub struct Dispatcher<'a> {
    /// Session of the run.
    pub session: Arc<Session>,
    /// End condition.
    pub until: Until,
    /// No new job after this time.
    pub deadline: Option<Instant>,
    /// Requests to stop.
    pub stop: Stop,
    /// Number of imports at a time from the command line; `None` for that of the settings.
    pub jobs: Option<usize>,
    /// Callback for events.
    pub say: &'a (dyn Fn(Said<'_>) + Sync),
}

/// State of the loop between its rounds.
struct Loop<'a> {
    dispatcher: &'a Dispatcher<'a>,
    running: usize,
    /// Number of running jobs that import something.
    importing: usize,
    /// Time since which only maintenance could be claimed.
    tidying: Option<Instant>,
    memory: i64,
    claims: u64,
    /// Claimed job that does not fit beside the running ones yet.
    waiting: Option<Claim>,
    summary: Summary,
    limits: MachineLimits,
    /// Time at which the database was found unreachable.
    unreachable: Option<Instant>,
    /// Times since which this login may not claim, and of its last try.
    denied: Option<(Instant, Instant)>,
    /// True when there was nothing to claim, and nothing has come since.
    is_drained: bool,
    /// True when any package is known.
    is_known: bool,
    upkeep: Upkeep,
    is_filled: bool,
    marks: Marks,
    /// Publishing threads that run meanwhile.
    pool: &'a Pool,
    /// Time since which only publishing is left.
    lingering: Cell<Option<Instant>>,
}

impl Dispatcher<'_> {
    /// Runs until the end condition is met.
    pub fn run(&self) -> Summary {
        let (ended, endings) = mpsc::channel();
        let pool = Pool::default();
        let mut state = Loop::new(self, &pool);
        state.begin();
        evict::evict(&self.session);
        let publish = |ended: &perform::Ended| (self.say)(Said::Published(ended));
        thread::scope(|scope| {
            pool.begin(scope, &self.session, &publish);
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
                    pool.close();
                    break;
                }
                state.wait(&endings, idle);
            }
        });
        evict::evict(&self.session);
        state.summary
    }
}

impl<'a> Loop<'a> {
    fn new(dispatcher: &'a Dispatcher<'a>, pool: &'a Pool) -> Self {
        Loop {
            dispatcher,
            running: 0,
            importing: 0,
            tidying: None,
            memory: 0,
            claims: 0,
            waiting: None,
            summary: Summary::default(),
            limits: MachineLimits::of_machine(),
            unreachable: None,
            denied: None,
            is_drained: false,
            is_known: true,
            upkeep: Upkeep::default(),
            is_filled: false,
            marks: Marks::default(),
            pool,
            lingering: Cell::new(None),
        }
    }

    /// Work at the beginning: after an upgrade, old ids of signatures become aliases, and failing packages are tried
    /// again.
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

    /// True when no new job may start.
    fn is_closing(&self) -> bool {
        self.stops() > 0
            || self.session().store.outgrown().is_some()
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
            if self.has_tidied_enough() {
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
            // A job that does not fit keeps its place, so that smaller jobs cannot pass it for ever.
            if !self.limits.allow(self.running, self.memory, need(claim.memory)) {
                self.waiting = Some(claim);
                return false;
            }
            self.running += 1;
            self.importing += usize::from(claim.tasks.has(Tasks::IMPORT));
            self.memory += need(claim.memory);
            start(claim, ended.clone());
        }
    }

    fn claim(&mut self) -> Option<Claim> {
        let is_away = self.unreachable.is_some_and(|since| since.elapsed() < TICK);
        if is_away || self.is_drained || self.denied.is_some_and(|(_, tried)| tried.elapsed() < DENIED) {
            return None;
        }
        self.claims += 1;
        let oldest = self.claims.is_multiple_of(EVERY);
        let session = self.session();
        let wish = Wish {
            run: session.run,
            lease: LEASE,
            importer: VERSION,
            oldest,
            marks: Some(&self.marks),
            host: session.cache().map(|_| session.host.as_str()),
            ..Wish::default()
        };
        let claimed = session.store.write(|tx| queue::claim(tx, &wish));
        match claimed {
            Ok(claim) => {
                self.unreachable = None;
                self.denied = None;
                self.is_drained = claim.is_none();
                self.session().troubles.clear(CLAIMS);
                if let Some(claim) = &claim {
                    self.session().know(claim.attempt);
                    self.note_tidying(claim, oldest);
                    fail_point!("run::claimed");
                }
                claim
            }
            Err(error) if error.is_outage() => {
                self.away(&error);
                None
            }
            Err(error) => {
                let since = self.denied.map_or_else(Instant::now, |(since, _)| since);
                self.denied = Some((since, Instant::now()));
                self.session().troubles.note(CLAIMS, &error);
                None
            }
        }
    }

    /// Notes a job of the lowest lane that came in its turn, which shows that all other lanes are empty.
    fn note_tidying(&mut self, claim: &Claim, oldest: bool) {
        if claim.lane != Lane::Maintain {
            self.tidying = None;
        } else if !oldest && self.tidying.is_none() {
            self.tidying = Some(Instant::now());
        }
    }

    /// True when a run that ends by itself has only maintenance left, and has done enough of it.
    fn has_tidied_enough(&self) -> bool {
        let is_long = self.tidying.is_some_and(|since| since.elapsed() >= TIDYING);
        is_long && self.dispatcher.until == Until::Empty
    }

    /// Handles an unreachable database: it is reported once, and asked again.
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
            // If this cannot be recorded, the lease ends by itself; the error is logged in any case.
            if let Err(error) = session.store.write(|tx| state::finish::finish(tx, &blank, &session.retries))
            {
                self.note(format!("cannot give {} back to the queue: {error}", claim.package));
            }
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
        // It may have asked for more.
        self.is_drained = false;
        self.importing -= usize::from(result.claim.tasks.has(Tasks::IMPORT));
        self.memory -= need(result.claim.memory);
        self.summary.attempts += u64::from(result.outcome != Outcome::Maintained);
        match result.outcome {
            Outcome::Imported | Outcome::AlreadyThere | Outcome::UnappliedOnly => self.summary.imported += 1,
            Outcome::Failed => self.summary.failed += 1,
            Outcome::Parked => self.summary.parked += 1,
            Outcome::Maintained | Outcome::Lost | Outcome::Cancelled | Outcome::Waiting => {}
        }
        (self.dispatcher.say)(Said::Ended(result));
    }

    fn note(&self, text: String) {
        (self.dispatcher.say)(Said::Note(text));
    }
}
