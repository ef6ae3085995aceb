//! Working through the queue.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bounded::waiting::Wait;
use importer::polling::Report;
use importer::queue::dispatch::{Dispatcher, Said, Stop, Summary, Until};
use importer::queue::poll_thread::{self, Watch};
use importer::queue::session::Session;
use state::read::queue::lanes;
use state::{StateError, Store, integrity, samples, schema};

use crate::action::{Action, Change, Kind, Preview};
use crate::error::Error;
use crate::installation::Installation;
use crate::role::{Permit, Role};
use crate::telling;

/// Interval of looking for the end of another run.
const PAUSE: Duration = Duration::from_millis(500);
/// Interval of looking for a server that does not answer.
const AWAY: Duration = Duration::from_secs(2);
/// Interval of messages that the database cannot be reached, so that the log of a night has it.
const REPEATED: Duration = Duration::from_secs(60);

/// Works through the queue: imports, retries, publishes, and tells people. On record: the run and its attempts; no entry
/// in the audit trail.
#[derive(Clone)]
pub struct Run {
    /// True for a run without end, which polls the archives as well; else it ends when nothing can be done now.
    pub service: bool,
    /// Imports at a time. Without it the settings decide, else the number of processors.
    pub jobs: Option<NonZeroUsize>,
    /// No new job begins after this time.
    pub max_duration: Option<Duration>,
    /// True when the archives are polled first; a service polls anyway.
    pub poll: bool,
    /// True when the end of another run on this host is waited for; else the run is refused.
    pub wait: bool,
    /// Receiver of all events.
    pub listener: Arc<dyn Listener>,
}

/// Receiver of the events of a run, called from several threads.
pub trait Listener: Send + Sync {
    /// The database does not answer; a service waits for it. Called at most once a minute.
    fn away(&self, error: Error);

    /// The run has begun. Returns the counter of requests to stop, which counts from now on.
    ///
    /// # Errors
    /// Requests to stop cannot be received.
    fn begun(&self) -> io::Result<Stop>;

    /// Jobs are claimed from now on.
    fn ready(&self, store: &Store);

    /// A suite was polled, or could not be.
    fn polled(&self, report: &Report);

    /// Event of the queue.
    fn said(&self, said: &Said<'_>);
}

impl Run {
    fn begin(&self, at: &Installation) -> Result<Arc<Session>, Error> {
        let mode = if self.service { "service" } else { "until-empty" };
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let jobs = self.jobs.map_or(cores, NonZeroUsize::get);
        let mut wait = Wait::new();
        loop {
            match self.outlast(|| at.begin(at.config()?, mode, jobs, true)) {
                Err(error) if self.wait && error.is_run_active() => {
                    wait.tell(|| format!("the end of another run: {error}"));
                    thread::sleep(PAUSE);
                }
                other => return other,
            }
        }
    }

    /// Does work that needs a server; a service waits for one that does not answer.
    fn outlast<T>(&self, mut work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let mut told: Option<Instant> = None;
        loop {
            match work() {
                Err(error) if self.service && is_server_away(&error) => {
                    if told.is_none_or(|at| at.elapsed() >= REPEATED) {
                        self.listener.away(error);
                        told = Some(Instant::now());
                    }
                    thread::sleep(AWAY);
                }
                other => return other,
            }
        }
    }

    /// The queue itself, beside polls of a service and messages to people.
    fn dispatch(&self, session: &Arc<Session>, began: Instant, stop: Stop) -> Result<Summary, Error> {
        let listener = Arc::clone(&self.listener);
        let polled = move |report: &Report| listener.polled(report);
        if self.poll && !self.service {
            poll_thread::round(session, false, &polled);
        }
        let watch = self.service.then(|| Watch::start(Arc::clone(session), polled));
        let courier = telling::start(session)?;
        self.listener.ready(&session.store);
        let dispatcher = Dispatcher {
            session: Arc::clone(session),
            until: if self.service { Until::Stopped } else { Until::Empty },
            deadline: self.max_duration.map(|duration| began + duration),
            stop,
            jobs: self.jobs.map(NonZeroUsize::get),
            say: &|said| self.listener.said(&said),
        };
        let summary = dispatcher.run();
        drop(watch);
        drop(courier);
        Ok(summary)
    }

    fn note(&self, text: String) {
        self.listener.said(&Said::Note(text));
    }
}

impl Action<Installation> for Run {
    const NAME: &'static str = "run";
    const ROLE: Role = Role::Admin;
    type Done = Summary;

    /// The jobs that wait, by their lanes.
    fn look(&self, at: &Installation, _: &Permit<'_>) -> Result<Preview, Error> {
        let Some(store) = at.state_if_any()? else { return Ok(Preview::default()) };
        let waiting = store.read(lanes)?.into_iter().filter(|lane| lane.waiting > 0);
        Ok(Preview::of(waiting.map(|lane| {
            let number = u64::try_from(lane.waiting).unwrap_or(0);
            Change::new(Kind::Rows, "job").number_of(number).after(format!("done, of lane {}", lane.lane))
        })))
    }

    fn act(&self, at: &Installation, _: &Permit<'_>) -> Result<Summary, Error> {
        let began = Instant::now();
        let session = self.begin(at)?;
        let pulse = self.outlast(|| at.pulse(&session))?;
        let stop = self.listener.begun().map_err(Error::file("cannot handle signals"))?;
        let summary = self.dispatch(&session, began, stop)?;
        if let Some(found) = session.store.outgrown() {
            return Err(StateError::Newer { found, known: schema::CURRENT }.into());
        }
        // The next run would do it, too.
        let last =
            samples::take(&session.store).and_then(|()| integrity::examine_if_due(&session.store).map(drop));
        if let Err(error) = last {
            self.note(format!("cannot record the samples of this run: {error}"));
        }
        session.troubles.take_notes().into_iter().for_each(|note| self.note(note));
        drop(pulse);
        session.close(&summary.why, Some(&counted(&summary)))?;
        Ok(summary)
    }
}

/// Numbers of a run's attempts, as its record and its last line have them.
pub fn counted(summary: &Summary) -> String {
    format!(
        "{} attempts, {} imported, {} failed, {} parked",
        summary.attempts, summary.imported, summary.failed, summary.parked
    )
}

/// True when a server does not answer, which a service waits for; a file that cannot be opened needs a person.
fn is_server_away(error: &Error) -> bool {
    error.of_state().is_some_and(|error| match error {
        StateError::Open { name, .. } => !Path::new(name).is_absolute(),
        error => error.is_outage(),
    })
}
