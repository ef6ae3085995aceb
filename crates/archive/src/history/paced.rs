//! A server that is asked only so often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::error::Error;
use crate::location::Location;
use crate::transport::{Answer, Mirror, Request};

/// Passes requests on, with a least time between them.
pub(super) struct Paced {
    inner: Box<dyn Mirror>,
    interval: Duration,
    clock: Arc<dyn Clock>,
    next: Mutex<Duration>,
}

impl Paced {
    pub(super) fn new(inner: Box<dyn Mirror>, interval: Duration, clock: Arc<dyn Clock>) -> Paced {
        Paced { inner, interval, clock, next: Mutex::new(Duration::ZERO) }
    }

    fn wait(&self) {
        let now = self.clock.now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(now);
            *next = turn + self.interval;
            turn
        };
        if turn > now {
            self.clock.sleep(turn - now);
        }
    }
}

impl Mirror for Paced {
    fn location(&self) -> &Location {
        self.inner.location()
    }

    fn get(&self, request: &Request<'_>) -> Result<Answer, Error> {
        self.wait();
        self.inner.get(request)
    }

    fn folders(&self, path: &str) -> Result<Vec<String>, Error> {
        self.wait();
        self.inner.folders(path)
    }
}
