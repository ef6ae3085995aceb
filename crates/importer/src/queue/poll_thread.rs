//! Polls archives beside the imports: whoever waits for a mirror keeps no worker waiting.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use state::{StateError, integrity, suites};

use super::session::Session;
use crate::polling::{Accepted, Poller, Report};

/// How often it is looked whether a suite's interval is over.
const PAUSE: Duration = Duration::from_secs(10);

/// How often it is looked whether the database should be examined again.
const EXAMINE: Duration = Duration::from_secs(3600);

/// Polling that goes on until this is dropped.
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to poll; `told` hears of each poll.
    pub fn start(session: Arc<Session>, told: impl Fn(&Report) + Send + 'static) -> Watch {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let mut examined: Option<Instant> = None;
            let mut is_open = true;
            loop {
                // The configuration is read once a run: after the first round, a suite whose time has come is reason for one.
                // What could not be recorded is tried again: else it would be a trouble that never ends.
                let is_due = is_open || suites::is_any_due(&session.store).unwrap_or(true);
                if is_due {
                    is_open = !round(&session, true, &told);
                }
                // Here nobody waits for it. An error comes again where somebody hears it.
                if examined.is_none_or(|at| at.elapsed() >= EXAMINE) {
                    let error = integrity::examine_if_due(&session.store).err();
                    if note(&session, "the state of the database", error) {
                        examined = Some(Instant::now());
                    }
                }
                match stopped.recv_timeout(PAUSE) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
            }
        });
        Watch { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Polls all archives once: those whose time has come, or all. Returns whether all of it could be recorded.
pub fn round(session: &Session, only_due: bool, told: &dyn Fn(&Report)) -> bool {
    let now = session.store.read(|tx| tx.now()).ok();
    let poller = Poller {
        store: &session.store,
        archives: &session.archives,
        dry_run: false,
        due: now.filter(|_| only_due),
        by_hand: false,
        accepted: Accepted::default(),
        progress: Arc::default(),
        about: None,
    };
    let names = session.archives.names();
    // A database that is away is told by whoever works on the queue; the next round does it then.
    let mut is_recorded = note(session, "suites", suites::follow_only(&session.store, &names).err());
    for name in names {
        let need = session.archives.need(&name);
        // While it is known to be out of reach, its breaker's probe asks.
        if need.is_some_and(|need| session.outages.open(&need.name).is_some()) {
            continue;
        }
        let what = format!("the poll of {name}");
        let missed = match poller.archive(&name, told) {
            Ok(missed) => {
                session.troubles.clear(&what);
                missed
            }
            Err(error) => {
                is_recorded &= note(session, &what, Some(error));
                Vec::new()
            }
        };
        for missed in missed {
            if let Some(need) = &missed.need {
                let noted = session.outages.bad(&session.store, &missed.failure, need, &session.rule);
                is_recorded &= note(session, "outages", noted.err());
            }
        }
    }
    is_recorded
}

/// Notes what could not be recorded, and returns whether it could. A database that is away is noticed, and told, by whoever
/// works on the queue.
fn note(session: &Session, what: &str, error: Option<StateError>) -> bool {
    match error {
        Some(error) if !error.is_outage() => session.troubles.note(what, &error),
        Some(_) => {}
        None => {
            session.troubles.clear(what);
            return true;
        }
    }
    false
}
