//! Messages about waiting for a lock of the database: they name the holder.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bounded::waiting::{Wait, say};

use crate::driver::Driver;

/// Last message about a holder, and its time: one line is enough, however many threads of a process wait for the same
/// holder.
static TOLD: Mutex<Option<(String, Instant)>> = Mutex::new(None);

/// Shortest time after which the same message is repeated.
const AGAIN: Duration = Duration::from_secs(9);

/// Reports that a transaction waits, if a report is due.
pub(crate) fn tell(driver: &mut dyn Driver, wait: &mut Wait) {
    let waited = wait.lasted();
    if !wait.is_due(waited) {
        return;
    }
    // The first transaction that others wait for, else the oldest.
    let holder = driver.held().ok().and_then(|held| held.into_iter().next());
    let name = holder.as_ref().map(|held| held.holder.clone()).unwrap_or_default();
    let mut told = TOLD.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if told.as_ref().is_some_and(|(before, at)| *before == name && at.elapsed() < AGAIN) {
        return;
    }
    *told = Some((name, Instant::now()));
    drop(told);
    let whom = holder.map_or_else(|| "it is not known who holds the lock".to_owned(), |it| it.to_string());
    say(&format!("waiting for {} s for the state database: {whom}", waited.as_secs()));
}
