//! Kills or freezes the process at a crash point, or fills its disk, for the tests of crash safety.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// Variables with the name of a crash point, a colon, and the number of the hit; and the signal that each sends.
const VARIABLES: [(&str, Signal); 2] =
    [("PACKAGE_IMPORT_KILL_AT", Signal::KILL), ("PACKAGE_IMPORT_STOP_AT", Signal::STOP)];

/// The variables that the child of an import has to see, too.
pub(crate) const VARIABLE_NAMES: &[&str] = &["PACKAGE_IMPORT_KILL_AT", "PACKAGE_IMPORT_STOP_AT", DISK_FULL];

/// Number of changes of repositories' files after which the disk is full; with `:once` behind the number for one change
/// only.
const DISK_FULL: &str = "PACKAGE_IMPORT_DISK_FULL_AFTER";
/// Crash point that fills the disk.
const DISK: &str = "repo::disk";

/// Sends the signal that the environment asks for.
pub fn arm() {
    fill_disk();
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

fn fill_disk() {
    let wanted = std::env::var(DISK_FULL).unwrap_or_default();
    let (number, then) = match wanted.strip_suffix(":once") {
        Some(number) => (number, "1*return->off"),
        None => (wanted.as_str(), "return"),
    };
    let Ok(number) = number.parse::<usize>() else { return };
    let actions = if number == 0 { then.to_owned() } else { format!("{number}*off->{then}") };
    if let Err(error) = fail::cfg(DISK, &actions) {
        eprintln!("cannot arm {DISK}: {error}");
    }
}
