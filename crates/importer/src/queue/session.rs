//! Session: shared by all threads that work through the queue: the store, the installation, the run, and requests to
//! stop.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock};
use std::thread;
use std::time::Duration;

use bounded::Deadline;
use state::finish::Finished;
use state::fleet::look::{self, Look};
use state::fleet::rights;
use state::fleet::walls;
use state::policy::Retries;
use state::queue::Claim;
use state::runs::{self, NewRun};
use state::words::HostState;
use state::{StateError, Store, breaker};

use super::archives::Archives;
use super::outage::Outages;
use super::process;
use super::trouble::Troubles;
use crate::config::Config;
use crate::publishing::entrance::{Entrance, Remotes};
use crate::sandbox::Wall;

mod entry;

pub use entry::take_back;
use entry::{begin_run, enter_as_configured};

/// Length of a lease without a heartbeat, in milliseconds.
pub const LEASE: i64 = 60_000;

/// First and longest pause between attempts to reach an unreachable database.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Time for which a command that a person waits for tries to reach an unreachable database.
const PATIENCE: Duration = Duration::from_secs(120);

/// Version of the program, as in the records.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A run that works on the queue.
pub struct Session {
    /// State of the installation.
    pub store: Store,
    /// Root of the installation.
    pub root: PathBuf,
    /// Configuration of the installation.
    pub config: Config,
    /// Path of this program.
    pub program: PathBuf,
    /// Host name of the machine.
    pub host: String,
    /// Row of the run.
    pub run: i64,
    /// The state's epoch: rises with each restore.
    pub epoch: u64,
    /// Imports at a time, to share the processors among them.
    pub jobs: usize,
    /// The rule of retries.
    pub retries: Retries,
    /// The rule of breakers.
    pub rule: breaker::Rule,
    /// Dependencies that cannot be reached.
    pub outages: Outages,
    /// Sources of files.
    pub archives: Archives,
    /// Errors of recording.
    pub troubles: Troubles,
    /// Time to wait for an unreachable database; `None` for ever.
    patience: Option<Duration>,
    /// Set when the missing limits of this host's sandbox are recorded.
    walls: Once,
    orders: Mutex<Orders>,
    children: Mutex<BTreeMap<i64, u32>>,
    known: Mutex<BTreeSet<i64>>,
    stopping: AtomicBool,
    remotes: OnceLock<Option<Remotes>>,
}

/// Orders of an operator for this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// State of the host: online hosts begin new imports.
    pub state: HostState,
    /// Imports at a time, if that was set.
    pub jobs: Option<usize>,
    /// Bytes of memory, if that was set.
    pub memory: Option<i64>,
    /// The highest load average, if that was set.
    pub load: Option<i64>,
}

impl Default for Orders {
    fn default() -> Self {
        Orders { state: HostState::Online, jobs: None, memory: None, load: None }
    }
}

/// Parameters of a new session.
pub struct Start<'a> {
    /// State of the installation.
    pub store: Store,
    /// The installation's root, an absolute path.
    pub root: PathBuf,
    /// Configuration of the installation.
    pub config: Config,
    /// Path of this program.
    pub program: PathBuf,
    /// Name of the host.
    pub host: &'a str,
    /// `until-empty`, `service` or the name of a command.
    pub mode: &'a str,
    /// Imports at a time.
    pub jobs: usize,
}

impl Session {
    /// Begins a run. With `alone`, another one on this host keeps it from starting; what dead ones left is taken back.
    ///
    /// # Errors
    /// [`StateError::RunActive`] when another run is active on this host; others of the database.
    pub fn begin(start: Start<'_>, alone: bool) -> Result<Arc<Session>, StateError> {
        let me = process::myself();
        let new = NewRun {
            host: start.host,
            mode: start.mode,
            process: &me,
            version: VERSION,
            jobs: i64::try_from(start.jobs).unwrap_or(i64::MAX),
        };
        enter_as_configured(&start)?;
        let (run, epoch) = begin_run(&start.store, &new, alone)?;
        let archives = Archives::open(&start.config, &start.root, &format!("{}-{run}", start.host))
            .map_err(|error| StateError::File { verb: "open", path: start.root.join("cache"), error })?;
        let session = Arc::new(Session {
            store: start.store,
            root: start.root,
            config: start.config,
            program: start.program,
            host: start.host.to_owned(),
            run,
            epoch: u64::try_from(epoch).unwrap_or(0),
            jobs: start.jobs,
            retries: Retries::default(),
            rule: breaker::Rule::default(),
            outages: Outages::default(),
            archives,
            troubles: Troubles::default(),
            patience: (!matches!(start.mode, "until-empty" | "service")).then_some(PATIENCE),
            walls: Once::new(),
            orders: Mutex::default(),
            children: Mutex::default(),
            known: Mutex::default(),
            stopping: AtomicBool::new(false),
            remotes: OnceLock::new(),
        });
        // Without the remote, no import could be completed.
        if session.config.repos.is_cache() && session.cache().is_none() {
            let why = session.troubles.take_notes().join("; ");
            session.close("failed", Some(&why))?;
            return Err(StateError::Refused(why));
        }
        Ok(session)
    }

    /// Repeats `work` as long as the database is unreachable or this login lacks a right; `what` is a noun for the
    /// status meanwhile. A command that a person waits for gives up after [`PATIENCE`], with the error.
    ///
    /// # Errors
    /// The error of `work`, if it will not pass, or if the time is over.
    pub fn patiently<T>(
        &self,
        what: &str,
        mut work: impl FnMut() -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let mut pause = PAUSES.0;
        let deadline = self.patience.map(Deadline::after);
        let is_over = || self.is_stopping() || deadline.is_some_and(|deadline| deadline.is_over());
        loop {
            match work() {
                Err(error) if may_pass(&error) && !is_over() => {
                    self.troubles.note(what, &error);
                    thread::sleep(pause);
                    pause = (pause * 2).min(PAUSES.1);
                }
                Ok(done) => {
                    self.troubles.clear(what);
                    return Ok(done);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Remotes, ready to be used; `None` if they cannot be opened.
    pub fn remotes(&self) -> Option<&Remotes> {
        let open = || match Remotes::open(&self.config.remotes, &self.root) {
            Ok(remotes) => Some(remotes),
            Err(problem) => {
                self.troubles.say(format!("cannot publish: {problem}"));
                None
            }
        };
        if self.config.remotes.is_empty() { None } else { self.remotes.get_or_init(open).as_ref() }
    }

    /// The remote of the repositories, if those of this host are a cache.
    pub fn cache(&self) -> Option<&Entrance> {
        if !self.config.repos.is_cache() {
            return None;
        }
        self.remotes()?.all.first()
    }

    /// Records the missing walls of this host's imports, once a run.
    pub fn note_walls(&self, missing: &[Wall]) {
        let is_of_interest = !missing.is_empty() || self.patience.is_none();
        if !is_of_interest {
            return;
        }
        self.walls.call_once(|| {
            let names: Vec<&str> = missing.iter().map(|wall| wall.as_str()).collect();
            // The log of each attempt has it, too.
            let host = crate::root::host_name();
            let noted = self.patiently("the walls that this host lacks", || {
                self.store.write(|tx| walls::set(tx, &host, &names))
            });
            if let Err(error) = noted {
                self.troubles.say(format!("cannot record the walls that this host lacks: {error}"));
            }
        });
    }

    /// Remembers the process of an attempt; one that has to stop is ended at once.
    pub fn started(&self, attempt: i64, pid: u32) {
        self.children().insert(attempt, pid);
        if self.is_stopping() {
            process::kill(pid);
        }
    }

    /// Forgets the process of an attempt.
    pub fn is_over(&self, attempt: i64) {
        self.children().remove(&attempt);
    }

    /// Ends the process of an attempt that this run has lost.
    pub fn end_child(&self, attempt: i64) {
        if let Some(pid) = self.children().get(&attempt) {
            process::kill(*pid);
        }
    }

    /// Remembers an attempt between its claim and its end.
    pub fn know(&self, attempt: i64) {
        self.known().insert(attempt);
    }

    /// The attempt is on record as ended.
    pub fn forget(&self, attempt: i64) {
        self.known().remove(&attempt);
    }

    /// Attempts that this process knows of.
    pub fn known(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Reads an operator's orders for this host, and the due work; also the missing rights of this login, if wanted.
    pub fn look(&self, with_rights: bool) -> Result<(Look, Option<Vec<String>>), StateError> {
        let looked = self.store.read(|tx| {
            let look = look::look(tx, &crate::root::host_name())?;
            let lacking = if with_rights { Some(rights::lacking(tx)?) } else { None };
            Ok((look, lacking))
        });
        if let Err(StateError::Newer { found, .. }) = looked {
            self.store.outgrow(found);
        }
        let (look, lacking) = looked?;
        let orders = Orders {
            state: look.state,
            jobs: look.jobs.and_then(|jobs| usize::try_from(jobs).ok()),
            memory: look.memory,
            load: look.load,
        };
        *self.orders.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = orders;
        Ok((look, lacking))
    }

    /// Orders of an operator for this host.
    pub fn orders(&self) -> Orders {
        *self.orders.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Attempts whose children run.
    pub fn attempts(&self) -> Vec<i64> {
        self.children().keys().copied().collect()
    }

    /// Ends all children: their attempts are cancelled.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for pid in self.children().values() {
            process::kill(*pid);
        }
    }

    /// True when everything has to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn children(&self) -> MutexGuard<'_, BTreeMap<i64, u32>> {
        self.children.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The run is over.
    pub fn close(&self, outcome: &str, note: Option<&str>) -> Result<(), StateError> {
        self.archives.close();
        self.store.write(|tx| runs::end(tx, self.run, outcome, note))
    }

    /// An end of `claim` that has nothing to tell yet.
    pub fn blank(claim: &Claim, outcome: state::words::Outcome) -> Finished {
        Finished {
            attempt: claim.attempt,
            package_id: claim.package_id,
            package: claim.package.clone(),
            outcome,
            cause: None,
            usage: state::finish::Usage::default(),
            versions: 0,
            first_tries: (0, 0),
            log: None,
            parked_on: None,
            wait: None,
            importer: VERSION.to_owned(),
        }
    }
}

/// True when the same call may succeed later: the database is unreachable, or this login lacks a right.
pub fn may_pass(error: &StateError) -> bool {
    error.is_outage() || error.is_denial()
}
