//! Handling of signals by commands that work on imports: the children are ended, their attempts are recorded as
//! cancelled, and then the process ends by the same signal, as its sender expects.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use importer::queue::session::Session;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The signal that said stop, if one did.
pub struct Interrupted(Arc<AtomicI32>);

impl Interrupted {
    /// Number of the signal that came, if one did.
    pub fn signal(&self) -> Option<i32> {
        Some(self.0.load(Ordering::SeqCst)).filter(|&signal| signal != 0)
    }
}

/// Ends what `session` does at the first signal, and this process at the second.
pub fn stop_on_signals(session: &Arc<Session>) -> io::Result<Interrupted> {
    let seen = Arc::new(AtomicI32::new(0));
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    let (session, told) = (Arc::downgrade(session), Arc::clone(&seen));
    thread::spawn(move || {
        for signal in signals.forever() {
            if told.swap(signal, Ordering::SeqCst) != 0 {
                end_by(signal);
            }
            match session.upgrade() {
                Some(session) => session.stop(),
                None => end_by(signal),
            }
        }
    });
    Ok(Interrupted(seen))
}

/// Ends this process as the signal would have done.
pub fn end_by(signal: i32) {
    if emulate_default_handler(signal).is_err() {
        process::exit(128 + signal);
    }
}
