//! Limits of transfers: number at once, highest speed, lowest speed.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::turns::Turns;
use crate::clock::Clock;
use crate::config::Transfer;
use crate::problem::Problem;

/// The limits of one archive in one process.
#[derive(Debug)]
pub struct Limits {
    bucket: Option<Mutex<Bucket>>,
    free: Mutex<usize>,
    freed: Condvar,
    clock: Arc<dyn Clock>,
    window: Duration,
    minimum_rate: u64,
    passed: AtomicU64,
    turns: Turns,
    longest_wait: Duration,
}

impl Limits {
    /// The limits that are configured, of this process alone.
    pub fn new(transfer: &Transfer, clock: Arc<dyn Clock>) -> Arc<Limits> {
        Limits::shared(transfer, clock, None, Duration::ZERO)
    }

    /// The same with a least time between two requests, and a folder in which all processes of this machine keep the pace
    /// of each server.
    pub fn shared(
        transfer: &Transfer,
        clock: Arc<dyn Clock>,
        folder: Option<&Path>,
        least: Duration,
    ) -> Arc<Limits> {
        Arc::new(Limits {
            turns: Turns::new(clock.clone(), folder.map(Path::to_owned), least),
            longest_wait: transfer.longest_wait,
            bucket: transfer.bandwidth.map(|rate| Mutex::new(Bucket::new(rate, clock.now()))),
            free: Mutex::new(transfer.connections.max(1)),
            freed: Condvar::new(),
            clock,
            window: transfer.rate_window,
            minimum_rate: transfer.minimum_rate,
            passed: AtomicU64::new(0),
        })
    }

    /// Clock of all work on an archive.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    pub(crate) fn longest_wait(&self) -> Duration {
        self.longest_wait
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Waits until another connection is allowed.
    pub(crate) fn connect(self: &Arc<Self>) -> Slot {
        let mut free = lock(&self.free);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Slot(self.clone())
    }

    /// Accounts for received bytes, and waits if they were too many. Returns the length of the wait.
    pub(crate) fn pass(&self, bytes: u64) -> Duration {
        self.passed.fetch_add(bytes, Ordering::Relaxed);
        let Some(bucket) = &self.bucket else { return Duration::ZERO };
        let wait = lock(bucket).take(bytes, self.clock.now());
        if !wait.is_zero() {
            self.clock.sleep(wait);
        }
        wait
    }

    /// Bytes that have come so far.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace::new(self.minimum_rate, self.window, self.clock.now())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One of the allowed connections.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Limits>);

impl Drop for Slot {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.freed.notify_one();
    }
}

/// Token bucket: lets `rate` bytes a second through, and a second's worth at once.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: u64,
    /// Time at which everything that was let through would have passed at the wanted rate.
    paid_until: Duration,
}

impl Bucket {
    pub(crate) fn new(rate: u64, now: Duration) -> Bucket {
        Bucket { rate: rate.max(1), paid_until: now }
    }

    /// Takes bytes; returns how long to wait before the next ones.
    pub(crate) fn take(&mut self, bytes: u64, now: Duration) -> Duration {
        const BURST: Duration = Duration::from_secs(1);
        let micros = bytes.saturating_mul(1_000_000) / self.rate;
        self.paid_until = self.paid_until.max(now) + Duration::from_micros(micros);
        self.paid_until.saturating_sub(now + BURST)
    }
}

/// Tells a transfer that crawls.
#[derive(Debug)]
pub(crate) struct Pace {
    minimum: u64,
    window: Duration,
    since: Duration,
    own: Duration,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(minimum: u64, window: Duration, now: Duration) -> Pace {
        Pace { minimum, window, since: now, own: Duration::ZERO, bytes: 0 }
    }

    /// Accounts for received bytes; `waited` is time of our own pauses, which is not the server's fault.
    pub(crate) fn passed(&mut self, now: Duration, waited: Duration, bytes: u64) -> Result<(), Problem> {
        self.bytes += bytes;
        self.own += waited;
        let time = now.saturating_sub(self.since + self.own);
        if time < self.window {
            return Ok(());
        }
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        if self.bytes.saturating_mul(1000) < self.minimum.saturating_mul(millis) {
            return Err(Problem::TooSlow { bytes: self.bytes, seconds: millis / 1000 });
        }
        *self = Pace::new(self.minimum, self.window, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bucket_lets_a_second_through_and_then_its_rate() {
        let mut bucket = Bucket::new(1000, SECOND);
        assert_eq!(bucket.take(1000, SECOND), Duration::ZERO);
        assert_eq!(bucket.take(500, SECOND), SECOND / 2);
        assert_eq!(bucket.take(1000, SECOND * 60), Duration::ZERO, "what was not used is lost");
        assert_eq!(bucket.take(3000, SECOND * 60), SECOND * 3);
    }

    #[test]
    fn a_crawling_transfer_is_given_up_and_a_slow_one_is_not() {
        let mut pace = Pace::new(100, SECOND * 10, Duration::ZERO);
        assert!(pace.passed(SECOND * 9, Duration::ZERO, 1).is_ok());
        assert!(pace.passed(SECOND * 10, Duration::ZERO, 998).is_err());
        let mut pace = Pace::new(100, SECOND * 10, Duration::ZERO);
        assert!(pace.passed(SECOND * 10, Duration::ZERO, 1000).is_ok());
        assert!(pace.passed(SECOND * 19, Duration::ZERO, 1).is_ok(), "each window counts alone");
        assert!(pace.passed(SECOND * 20, Duration::ZERO, 1).is_err());
    }

    #[test]
    fn time_that_we_wait_ourselves_does_not_count() {
        let mut pace = Pace::new(100, SECOND * 10, Duration::ZERO);
        assert!(pace.passed(SECOND * 15, SECOND * 10, 10).is_ok());
    }
}
