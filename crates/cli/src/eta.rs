//! Progress of a run for a terminal: `[12/216, 3m left]`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use state::Store;

use crate::time::span;

/// Progress of a run.
pub struct Eta {
    all: i64,
    done: AtomicI64,
    began: Instant,
}

impl Eta {
    /// Progress through the jobs that wait now; `None` if they cannot be read, or if there is no terminal.
    pub fn of(store: &Store, is_watched: bool) -> Option<Eta> {
        let lanes = is_watched.then(|| store.read(state::read::queue::lanes))?.ok()?;
        let all = lanes.iter().map(|lane| lane.waiting).sum();
        Some(Eta { all, done: AtomicI64::new(0), began: Instant::now() })
    }

    /// Progress after one more job, as the beginning of its line.
    pub fn next(&self) -> String {
        let done = self.done.fetch_add(1, Ordering::SeqCst) + 1;
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        text(done, self.all, elapsed)
    }
}

/// Text of the progress. Jobs that come during the run are counted as well.
fn text(done: i64, all: i64, elapsed: i64) -> String {
    let all = all.max(done);
    match all - done {
        0 => format!("[{done}/{all}] "),
        left => format!("[{done}/{all}, {} left] ", span(elapsed.saturating_mul(left) / done.max(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_takes_as_long_as_what_is_done() {
        assert_eq!(text(1, 216, 1000), "[1/216, 3m left] ");
        assert_eq!(text(54, 216, 60_000), "[54/216, 3m left] ");
        assert_eq!(text(216, 216, 60_000), "[216/216] ");
        assert_eq!(text(217, 216, 60_000), "[217/217] ");
        assert_eq!(text(1, 1, 0), "[1/1] ");
    }
}
