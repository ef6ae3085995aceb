//! Time, behind a trait, so that tests need not wait.

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of the time, which can also wait.
pub trait Clock: Debug + Send + Sync {
    /// Time since a fixed moment in the past. It never goes back.
    fn now(&self) -> Duration;

    /// Seconds since 1970, by the machine's clock.
    fn unix(&self) -> i64;

    /// The same in milliseconds.
    fn unix_millis(&self) -> i64 {
        self.unix().saturating_mul(1000)
    }

    /// Waits for a duration.
    fn sleep(&self, time: Duration);

    /// Waits until a time, in milliseconds since 1970.
    fn sleep_until(&self, at: i64) {
        let left = at.saturating_sub(self.unix_millis());
        if let Ok(left @ 1..) = u64::try_from(left) {
            self.sleep(Duration::from_millis(left));
        }
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    fn unix_millis(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}
