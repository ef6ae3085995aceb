//! Starting point of the search for the next job.
//!
//! While a snapshot is open (a dump), PostgreSQL keeps the index entries of jobs that finished long ago, at the end of
//! the index where the next job is searched. The process remembers how far earlier claims have come, and begins there.
//! A mark is a hint: now and then, and whenever nothing is found behind it, the whole index is searched.

use std::sync::{Mutex, MutexGuard};

/// Number of claims of which one searches the whole queue: a job may have returned to an earlier place.
const WHOLE: u32 = 64;

/// Positions that claims have reached, by lane and by age.
#[derive(Debug, Default)]
pub struct Marks(Mutex<Reached>);

#[derive(Debug, Default)]
struct Reached {
    claims: u32,
    by_lane: Option<(i64, i64)>,
    by_age: Option<i64>,
}

impl Marks {
    /// Lane and time of the job that was claimed last in the order of lanes; `None` if the whole queue is to be
    /// searched.
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

    /// Notes a claim.
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
