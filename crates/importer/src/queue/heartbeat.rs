//! The heartbeat: one statement keeps all leases of a run, on a connection of its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use state::policy::Retries;
use state::runs;
use state::words::Outcome;
use state::{StateError, Store, attempt, finish};

use super::session::{LEASE, Session};

/// Six beats may get lost before a lease does.
const PAUSE: Duration = Duration::from_millis(LEASE as u64 / 6);

/// Noun for records that are impossible without it.
const BEATS: &str = "heartbeats";

/// A heartbeat that goes on until this is dropped.
pub struct Pulse {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Starts the heartbeat, after a pause: a run begins as alive. `open` opens a connection that nothing else
    /// waits for; a process that ends before the first beat needs none.
    pub fn start(
        session: Arc<Session>,
        mut open: impl FnMut() -> Result<Store, StateError> + Send + 'static,
    ) -> Pulse {
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let (mut store, mut strays) = (None, BTreeSet::new());
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PAUSE) {
                // An unreachable database is asked again; leases lost meanwhile are found then.
                let connected = match store.take() {
                    Some(store) => Ok(store),
                    None => open(),
                };
                let beaten = connected.and_then(|opened| beat(&session, store.insert(opened), &strays));
                match beaten {
                    Ok(found) => {
                        session.troubles.clear(BEATS);
                        strays = found;
                    }
                    Err(error) => session.troubles.note(BEATS, &error),
                }
            }
        });
        Pulse { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One beat. Returns leases that this process does not know: claims whose answer was lost with a connection.
fn beat(session: &Session, store: &Store, before: &BTreeSet<i64>) -> Result<BTreeSet<i64>, StateError> {
    let running = session.attempts();
    let beat = store.write(|tx| runs::beat(tx, session.run, LEASE))?;
    let held: BTreeSet<i64> = beat.held.iter().copied().collect();
    // Other runs have these packages now; the fence keeps our children from moving refs, so the children are ended.
    running.iter().filter(|attempt| !held.contains(attempt)).for_each(|attempt| session.end_child(*attempt));
    let known = session.known().clone();
    let strays: BTreeSet<i64> = held.difference(&known).copied().collect();
    for stray in strays.intersection(before) {
        give_back(store, *stray)?;
    }
    Ok(strays)
}

fn give_back(store: &Store, stray: i64) -> Result<(), StateError> {
    store.write(|tx| {
        let Some((package_id, package)) = attempt::package_of(tx, stray)? else { return Ok(()) };
        let claim = state::queue::Claim {
            attempt: stray,
            package_id,
            package,
            lane: state::words::Lane::Upload,
            tasks: state::words::Tasks::IMPORT,
            lease_until: 0,
            memory: 0,
        };
        match finish::finish(tx, &Session::blank(&claim, Outcome::Lost), &Retries::default()) {
            Ok(_) | Err(StateError::LeaseLost(_)) => Ok(()),
            Err(error) => Err(error),
        }
    })
}
