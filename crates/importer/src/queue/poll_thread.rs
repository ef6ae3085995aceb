//! Polls of archives beside the imports, so that no worker waits for a mirror.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use state::{StateError, integrity, suites};

use super::session::Session;
use crate::polling::{Accepted, Poller, Report};

/// Interval at which the suites' intervals are looked at.
const PAUSE: Duration = Duration::from_secs(10);

/// Interval at which the need for an examination of the database is looked at.
const EXAMINE: Duration = Duration::from_secs(3600);

/// Polling that goes on until this is dropped.
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to poll; `told` is called with each report.
    pub fn start(session: Arc<Session>, told: impl Fn(&Report) + Send + 'static) -> Watch {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let mut examined: Option<Instant> = None;
            let mut is_open = true;
            loop {
                // The configuration is read once a run: after the first round, only a suite whose interval is over is a
                // reason for another. A round that could not be recorded is repeated, or its trouble would never end.
                let is_due = is_open || suites::is_any_due(&session.store).unwrap_or(true);
                if is_due {
                    is_open = !round(&session, true, &told);
                }
                // Nobody waits for it here. An error comes again where it is reported.
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

/// Polls all archives once, or only the due ones. Returns true when everything could be recorded.
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
    // An unreachable database is reported by the loop of the queue; the next round polls again.
    let mut is_recorded = note(session, "suites", suites::follow_only(&session.store, &names).err());
    for name in names {
        let need = session.archives.need(&name);
        // While it is known to be unreachable, its breaker's probe asks.
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

/// Notes an error of recording; returns true when there is none. An unreachable database is noticed and reported by the
/// loop of the queue.
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
