//! Publishes during a run, beside its imports: for each remote a few packages at a time, as long as it can be reached.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use state::publishing::asked;
use state::publishing::claims::{self, Claim};
use state::publishing::remotes;
use state::words::HostState;
use state::{StateError, Store};

use super::entrance::{Entrance, Remotes};
use super::job::Job;
use super::perform::{Say, perform};
use crate::queue::session::Session;

/// Interval at which an idle remote is looked at.
const TICK: Duration = Duration::from_secs(2);
/// Pause after an error.
const PAUSE: Duration = Duration::from_secs(10);
/// Rows that are brought back in one transaction.
const CHUNK: i64 = 40;

/// Shared state of a run and its publishing threads.
#[derive(Default)]
pub struct Pool {
    is_closing: AtomicBool,
    busy: AtomicUsize,
    /// True when all rows that were due at the beginning of the run have come back.
    is_ready: AtomicBool,
}

impl Pool {
    /// Makes no new publishing begin.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
    }

    /// True when nothing runs, and nothing could be begun.
    pub fn is_done(&self, session: &Session) -> bool {
        let Some(remotes) = session.remotes() else { return true };
        if self.busy.load(Ordering::SeqCst) > 0 || !self.is_ready.load(Ordering::SeqCst) {
            return false;
        }
        let is_claimable = session.store.read(|tx| {
            let mut open = remotes::open(tx)?;
            open.retain(|it| remotes.named(&it.name).is_some());
            open.iter().try_fold(false, |found, it| Ok(found || claims::is_claimable(tx, it.id)?))
        });
        // If the state cannot be asked now, the rest is left to the next run.
        !is_claimable.unwrap_or(false)
    }

    fn closes(&self, session: &Session) -> bool {
        self.is_closing.load(Ordering::SeqCst) || session.is_stopping()
    }

    /// Starts the publishing threads. They have all ended when the scope has.
    pub fn begin<'s>(&'s self, scope: &'s Scope<'s, '_>, session: &'s Session, say: Say<'s>) {
        let Some(remotes) = session.remotes() else { return };
        scope.spawn(move || self.keep(session, remotes));
        for entrance in &remotes.all {
            scope.spawn(move || self.serve(session, entrance, say));
        }
    }

    /// Upkeep for all remotes: new ones are filled, due rows come back, rows of dead runs are taken back.
    fn keep(&self, session: &Session, remotes: &Remotes) {
        let mut is_followed = false;
        while !self.closes(session) {
            let done = self.look_after(session, &mut is_followed);
            if !matches!(done, Ok(true)) {
                self.is_ready.store(true, Ordering::SeqCst);
            }
            let pause = match &done {
                Ok(true) => Duration::ZERO,
                Ok(false) => TICK,
                Err(_) => PAUSE,
            };
            match done {
                Ok(_) => session.troubles.clear(DUE),
                Err(error) => session.troubles.note(DUE, &error),
            }
            self.sleep(session, pause);
        }
        // A second signal ends what runs.
        while self.busy.load(Ordering::SeqCst) > 0 {
            if session.is_stopping() {
                remotes.stop();
            }
            thread::sleep(TICK / 20);
        }
    }

    fn sleep(&self, session: &Session, pause: Duration) {
        let end = Instant::now() + pause;
        while Instant::now() < end && !self.closes(session) {
            thread::sleep((TICK / 20).min(end.saturating_duration_since(Instant::now())));
        }
    }

    /// Returns whether there may be more to do at once.
    fn look_after(&self, session: &Session, is_followed: &mut bool) -> Result<bool, StateError> {
        let store = &session.store;
        if !*is_followed {
            follow(session)?;
            *is_followed = true;
        }
        if !store.read(asked::is_due)? {
            return Ok(false);
        }
        let taken = store.write(|tx| claims::take_back(tx, CHUNK))?;
        let woken = store.write(|tx| asked::wake(tx, CHUNK))?;
        let is_filling = store.write(|tx| asked::fill(tx, CHUNK))?;
        Ok(taken > 0 || woken > 0 || is_filling)
    }

    /// Serves one remote.
    fn serve(&self, session: &Session, entrance: &Entrance, say: Say<'_>) {
        let (ended, endings) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let mut running = 0;
            while !self.closes(session) {
                let is_wanted = session.orders().state == HostState::Online;
                let claimed = match is_wanted && running < entrance.config.jobs {
                    true => self.claim(session, entrance),
                    false => None,
                };
                if let Some(claim) = claimed {
                    running += 1;
                    let ended: Sender<()> = ended.clone();
                    scope.spawn(move || {
                        perform(session, entrance, &claim, say);
                        self.busy.fetch_sub(1, Ordering::SeqCst);
                        let _ = ended.send(());
                    });
                    continue;
                }
                match endings.recv_timeout(TICK / 4) {
                    Ok(()) => running -= 1,
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
                }
                while endings.try_recv().is_ok() {
                    running -= 1;
                }
            }
        });
    }

    /// Claims a package, which counts as busy from before that until it is published.
    fn claim(&self, session: &Session, entrance: &Entrance) -> Option<Claim> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        let claimed = claim(session, entrance, None);
        match &claimed {
            Ok(_) => session.troubles.clear(CLAIMS),
            Err(error) => session.troubles.note(CLAIMS, error),
        }
        let claim = claimed.ok().flatten();
        if claim.is_none() {
            self.busy.fetch_sub(1, Ordering::SeqCst);
        }
        claim
    }
}

const CLAIMS: &str = "claims of what is to be published";
const DUE: &str = "what is to be published";

/// Records the remotes of the configuration.
pub(super) fn follow(session: &Session) -> Result<(), StateError> {
    let wanted: Vec<(&str, &str)> =
        session.config.remotes.iter().map(|it| (it.name.as_str(), it.url.as_str())).collect();
    if session.store.read(|tx| remotes::is_news(tx, &wanted))? {
        session.store.write(|tx| remotes::follow(tx, &wanted, "package-import"))?;
    }
    Ok(())
}

/// Claims the next package of a remote that can be reached, or this one.
pub(super) fn claim(
    session: &Session,
    entrance: &Entrance,
    only: Option<i64>,
) -> Result<Option<Claim>, StateError> {
    let store: &Store = &session.store;
    let name = &entrance.config.name;
    let open = store.read(|tx| {
        let open = remotes::open(tx)?.into_iter().find(|it| it.name == *name);
        let Some(open) = open else { return Ok(None) };
        Ok(claims::is_claimable(tx, open.id)?.then_some(open))
    })?;
    let Some(open) = open else { return Ok(None) };
    if let Some(known) = open.abilities.as_deref().and_then(|text| serde_json::from_str(text).ok()) {
        entrance.learn(&known);
    }
    store.write(|tx| claims::claim(tx, session.run, open.id, only))
}

/// Probes a remote: `text` is `NAME PACKAGE`, as it was recorded with the outage. `None` if this host does not have the
/// remote.
pub fn probe(session: &Session, text: &str) -> Option<Result<(), String>> {
    let (name, package) = text.split_once(' ')?;
    let entrance = session.remotes()?.named(name)?;
    let probed = Job { root: &session.root, entrance, package }.probe();
    Some(probed.map_err(|problem| problem.to_string()))
}

/// True when this host has a remote, by the name of its breaker.
pub fn is_ours(session: &Session, breaker: &str) -> bool {
    let name = breaker.strip_prefix("remote:");
    name.is_some_and(|name| session.config.remotes.iter().any(|it| it.name == name))
}
