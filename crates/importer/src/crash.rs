//! Kills or freezes the process at a crash point, for the tests of crash safety.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// What to do: the name of a crash point, a colon, and at which of its hits.
const VARIABLES: [(&str, Signal); 2] =
    [("PACKAGE_IMPORT_KILL_AT", Signal::KILL), ("PACKAGE_IMPORT_STOP_AT", Signal::STOP)];

/// The variables that the child of an import has to see, too.
pub(crate) const VARIABLE_NAMES: &[&str] = &["PACKAGE_IMPORT_KILL_AT", "PACKAGE_IMPORT_STOP_AT"];

/// Does what the environment says.
pub fn arm() {
    for (variable, signal) in VARIABLES {
        let wanted = std::env::var(variable).unwrap_or_default();
        let Some((name, number)) = wanted.rsplit_once(':') else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        let hits = AtomicUsize::new(0);
        let armed = fail::cfg_callback(name, move || {
            if hits.fetch_add(1, Ordering::SeqCst) + 1 == number {
                let _ = kill_process(getpid(), signal);
            }
        });
        if let Err(error) = armed {
            eprintln!("cannot arm {name}: {error}");
        }
    }
}
