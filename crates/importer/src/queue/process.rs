//! Identity of a process: its number alone may be given to another process.

use std::fs;

use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};
use state::runs::Process;

/// This process.
pub fn myself() -> Process {
    let pid = i64::from(std::process::id());
    Process { pid, start: start_of(pid).unwrap_or(0), boot: boot() }
}

/// True when a process of this machine is alive.
pub fn is_alive(process: &Process) -> bool {
    process.boot == boot() && start_of(process.pid) == Some(process.start)
}

/// Start of a process, in kernel ticks since boot (proc(5): field 22 of `stat`). `None` if there is no such
/// process, or only a zombie.
fn start_of(pid: i64) -> Option<i64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if fields.first().is_some_and(|state| matches!(*state, "Z" | "X")) {
        return None;
    }
    fields.get(19)?.parse().ok()
}

/// The machine's start, as a name.
fn boot() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}

/// Ends a child of ours; with all that it has started, if it leads a process group.
pub fn kill(pid: u32) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    let _ = match getpgid(Some(pid)) {
        Ok(group) if group == pid => kill_process_group(pid, Signal::KILL),
        _ => kill_process(pid, Signal::KILL),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_more_than_its_number() {
        let me = myself();
        assert!(is_alive(&me));
        assert!(!is_alive(&Process { start: me.start + 1, ..me.clone() }));
        assert!(!is_alive(&Process { boot: "another".into(), ..me }));
    }
}
