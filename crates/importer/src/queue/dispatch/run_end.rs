//! End of a run, and the first time that the queue is empty.

use std::time::{Duration, Instant};

use state::words::HostState;
use state::{breaker, meta, queue, samples};

use super::{Loop, TIDYING, Until};

/// Time for which a run that ends by itself waits for a right that was taken away.
const DENIED_FOR: Duration = Duration::from_secs(60);
/// Noun for the message that this could not be recorded.
const FILLED: &str = "that the first queue is done";

impl Loop<'_> {
    /// Reason why the run is over; `None` if it goes on.
    pub(super) fn is_over(&self, idle: bool) -> Option<&'static str> {
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
        if session.store.outgrown().is_some() {
            return Some("outgrown");
        }
        if self.dispatcher.until == Until::Stopped {
            return None;
        }
        if session.orders().state != HostState::Online {
            return Some("quiesced");
        }
        // A login that may not claim leaves the rest to a later run; its own work is recorded.
        if self.denied.is_some_and(|(since, _)| since.elapsed() >= DENIED_FOR) {
            return Some("denied");
        }
        if !idle || self.unreachable.is_some() || session.outages.is_probing() {
            return None;
        }
        if self.has_tidied_enough() {
            return Some("empty");
        }
        // Parked jobs may come back within a moment. A longer outage is left to the next run.
        let soon = session.outages.any_open() && self.opened_recently();
        // First the publications, then the jobs: a publication may leave a job behind when it ends, and this order does
        // not overlook it.
        let has_published = self.has_published_enough();
        if soon || self.is_more() {
            self.lingering.set(None);
            return None;
        }
        has_published.then_some("empty")
    }

    /// True when nothing is left to publish now, or when a run that ends by itself leaves the rest to the next.
    fn has_published_enough(&self) -> bool {
        let since = self.lingering.get().unwrap_or_else(Instant::now);
        self.lingering.set(Some(since));
        self.pool.is_done(self.session()) || since.elapsed() >= TIDYING
    }

    /// True when a job is parked on a dependency that became unreachable only a moment ago.
    fn opened_recently(&self) -> bool {
        let session = self.session();
        // The last of the frequent probes is waited for.
        let early = session.rule.early + 2 * session.rule.probe_early;
        session
            .store
            .read(|tx| {
                let now = tx.now()?;
                Ok(breaker::list_open(tx)?.iter().any(|it| it.parked > 0 && now - it.since < early))
            })
            .unwrap_or(true)
    }

    /// True when there is something to claim after all, or parked jobs are on their way back.
    fn is_more(&self) -> bool {
        let session = self.session();
        session.store.read(queue::is_more).unwrap_or(true)
    }

    /// Records that the queue was empty for the first time; from then on the checks may learn the norm.
    pub(super) fn note_filled(&mut self, idle: bool) {
        let is_done = (idle || self.tidying.is_some()) && self.importing == 0;
        // A service that has nothing to do asks no more often than it looks.
        let is_asked = self.dispatcher.until == Until::Stopped && !self.is_known;
        if self.is_filled || !is_done || is_asked || self.is_closing() {
            return;
        }
        let noted = self.session().store.write(|tx| {
            if meta::get(tx, meta::FILLED)?.is_some() {
                return Ok(true);
            }
            // Jobs that wait for an archive are not done, and where nothing was asked for yet, nothing is.
            let parked = samples::counter(tx, "parked")? > 0;
            if parked || !queue::is_anything_known(tx)? {
                return Ok(false);
            }
            let now = tx.now()?;
            meta::set(tx, meta::FILLED, &now.to_string())?;
            Ok(true)
        });
        match noted {
            Ok(noted) => {
                self.session().troubles.clear(FILLED);
                self.is_filled = noted;
            }
            Err(error) if error.is_outage() => self.away(&error),
            Err(error) => self.session().troubles.note(FILLED, &error),
        }
    }
}
