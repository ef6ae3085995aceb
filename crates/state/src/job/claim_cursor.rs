//! Where the next job is looked for first.
//!
//! While somebody's snapshot is open (a dump), PostgreSQL keeps the index entries of jobs that are long finished, at just
//! the end of the index where the next job is looked for. Whoever remembers how far it has come steps over them. A mark
//! is a hint: every so often, and whenever nothing is found behind it, everything is looked at.

use std::sync::{Mutex, MutexGuard};

/// Everything is looked at as often as this: a job may have come back to an old place.
const WHOLE: u32 = 64;

/// How far claims have come.
#[derive(Debug, Default)]
pub struct Marks(Mutex<Reached>);

#[derive(Debug, Default)]
struct Reached {
    claims: u32,
    by_lane: Option<(i64, i64)>,
    by_age: Option<i64>,
}

impl Marks {
    /// Lane and time of the job that was claimed last in the order of lanes; `None` if everything is to be looked at.
    pub(crate) fn by_lane(&self) -> Option<(i64, i64)> {
        let mut reached = self.reached();
        reached.claims = reached.claims.wrapping_add(1);
        if reached.claims.is_multiple_of(WHOLE) { None } else { reached.by_lane }
    }

    /// The time of the job that was claimed last in the order of age.
    pub(crate) fn by_age(&self) -> Option<i64> {
        let mut reached = self.reached();
        reached.claims = reached.claims.wrapping_add(1);
        if reached.claims.is_multiple_of(WHOLE) { None } else { reached.by_age }
    }

    /// Notes what was claimed.
    pub(crate) fn note(&self, oldest: bool, lane: i64, entered: i64) {
        let mut reached = self.reached();
        match oldest {
            true => reached.by_age = Some(entered),
            false => reached.by_lane = Some((lane, entered)),
        }
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
