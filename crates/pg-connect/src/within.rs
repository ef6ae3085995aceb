//! A time limit for calls that cannot be interrupted.
//!
//! The client library limits only the opening of the socket: a server that accepts and never answers (a stopped
//! postmaster, whose kernel accepts for it) would be waited for without end. So the connecting is done by a thread
//! that can be left behind. It ends as soon as the server answers or dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::error::Failure;

/// Number of threads that are left behind at this moment.
static ABANDONED: AtomicUsize = AtomicUsize::new(0);
/// Largest number of such threads: a process that tries again and again during an outage must not accumulate them.
const MOST: usize = 8;

const WAITED_FOR: u8 = 0;
const LEFT: u8 = 1;
const DONE: u8 = 2;

/// Ends the account of a thread, however it ends.
struct Account(Arc<AtomicU8>);

impl Drop for Account {
    fn drop(&mut self) {
        if self.0.swap(DONE, Ordering::SeqCst) == LEFT {
            ABANDONED.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Runs the work and gives up waiting for it after the limit.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let abandoned = ABANDONED.load(Ordering::SeqCst);
    if abandoned >= MOST {
        return Err(Failure::TooManyWaiting(abandoned));
    }
    let state = Arc::new(AtomicU8::new(WAITED_FOR));
    let account = Account(state.clone());
    let (sender, receiver) = sync_channel(1);
    let run = move || {
        let _account = account;
        // If the caller waits no more, the connection is dropped here, and so closed.
        let _ = sender.send(work());
    };
    thread::Builder::new().name("pg-connect".into()).spawn(run).map_err(Failure::Thread)?;
    match receiver.recv_timeout(limit) {
        Ok(result) => Ok(result),
        Err(RecvTimeoutError::Disconnected) => Err(Failure::Lost),
        Err(RecvTimeoutError::Timeout) => {
            ABANDONED.fetch_add(1, Ordering::SeqCst);
            // It may have ended just now; then nothing was left behind.
            if state.swap(LEFT, Ordering::SeqCst) == DONE {
                ABANDONED.fetch_sub(1, Ordering::SeqCst);
            }
            // A part of a second counts as one.
            Err(Failure::TimedOut(limit.as_secs() + u64::from(limit.subsec_nanos() > 0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn those_left_behind_are_counted_and_limited() {
        assert_eq!(within(Duration::from_secs(60), || 7).ok(), Some(7));
        let (ends, gates): (Vec<_>, Vec<_>) = (0..MOST).map(|_| channel::<()>()).unzip();
        for gate in gates {
            let result = within(Duration::ZERO, move || gate.recv().ok());
            assert!(matches!(result, Err(Failure::TimedOut(0))), "{result:?}");
        }
        let result = within(Duration::from_secs(60), || 7);
        assert!(matches!(result, Err(Failure::TooManyWaiting(MOST))), "{result:?}");
        drop(ends);
        while ABANDONED.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
        assert_eq!(within(Duration::from_secs(60), || 7).ok(), Some(7));
    }
}
