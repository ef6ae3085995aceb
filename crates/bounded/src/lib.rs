//! Locks, programs and files of this machine. Everything that a process may have to wait for has a [`Deadline`]: a lock
//! that somebody else holds, a program that hangs, a named pipe in the place of a file.

pub mod file;
pub mod lock;
pub mod program;
pub mod waiting;

use std::time::{Duration, Instant};

/// Time until which something is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// `None`: a moment beyond all times.
    end: Option<Instant>,
    limit: Duration,
}

impl Deadline {
    /// The moment that is `limit` from now.
    pub fn after(limit: Duration) -> Deadline {
        Deadline { end: Instant::now().checked_add(limit), limit }
    }

    /// The present moment: nothing is waited for.
    pub fn now() -> Deadline {
        Deadline::after(Duration::ZERO)
    }

    /// The time until then; zero if it is over.
    pub fn left(&self) -> Duration {
        self.end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }

    /// True when the time is over.
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Length of the limit at its beginning.
    pub fn limit(&self) -> Duration {
        self.limit
    }
}
