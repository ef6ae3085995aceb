//! Nobody waits for a lock for long without saying for whom.

use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::driver::Driver;

/// Whoever listens.
type Listener = Box<dyn Fn(&str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();
static TOLD: Mutex<Option<Instant>> = Mutex::new(None);

/// A wait is told after this time,
const EARLY: Duration = Duration::from_secs(5);
/// and then as often as this, however many threads of a process wait.
const AGAIN: Duration = Duration::from_secs(10);

/// Has waits told to somebody: to the terminal of an operator, to the log of a service. Once a process.
pub fn listen(listener: impl Fn(&str) + Send + Sync + 'static) {
    let _ = LISTENER.set(Box::new(listener));
}

/// Tells that a transaction has waited, if it is time to.
pub(crate) fn tell(driver: &mut dyn Driver, waited: Duration) {
    let Some(listener) = LISTENER.get() else { return };
    if waited < EARLY {
        return;
    }
    let mut told = TOLD.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if told.is_some_and(|at| at.elapsed() < AGAIN) {
        return;
    }
    *told = Some(Instant::now());
    drop(told);
    // The first that others wait for, else the oldest.
    let holder = driver.held().ok().and_then(|held| held.into_iter().next());
    let whom =
        holder.map_or_else(|| "it is not known who holds the lock".to_owned(), |held| held.to_string());
    listener(&format!("waiting for the state database for {} s: {whom}", waited.as_secs()));
}
