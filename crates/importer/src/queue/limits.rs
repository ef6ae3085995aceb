//! Limits of a machine's load.

use std::fs;

/// Memory that a package is expected to need before its first import, in bytes.
pub const UNKNOWN_NEED: i64 = 64 << 20;

/// The bounds of a machine. They can be changed while it works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineLimits {
    /// Imports at a time.
    pub jobs: usize,
    /// Bytes of memory of all imports together.
    pub memory: i64,
    /// No new import above this load average.
    pub load: Option<f64>,
}

impl MachineLimits {
    /// Limits of this machine: as many imports as processors, three quarters of its memory.
    pub fn of_machine() -> MachineLimits {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        MachineLimits { jobs, memory: total_memory().map_or(i64::MAX, |total| total / 4 * 3), load: None }
    }

    /// True when a job that needs `need` bytes may start beside `running` others that need `used`. A job that is
    /// larger than the limit runs alone.
    pub fn allow(&self, running: usize, used: i64, need: i64) -> bool {
        running == 0 || used.saturating_add(need) <= self.memory
    }

    /// True when the machine is too busy for one more.
    pub fn is_overloaded(&self, running: usize) -> bool {
        // With nothing running the load is not ours, and would not fall by waiting.
        running > 0 && self.load.is_some_and(|limit| load_average().is_some_and(|load| load > limit))
    }
}

/// Memory that a job is expected to need, in bytes.
pub fn need(known: i64) -> i64 {
    if known > 0 { known } else { UNKNOWN_NEED }
}

fn total_memory() -> Option<i64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_larger_than_the_budget_runs_alone() {
        let limits = MachineLimits { jobs: 4, memory: 100, load: None };
        assert!(limits.allow(0, 0, 1000));
        assert!(!limits.allow(1, 1000, 1));
        assert!(limits.allow(1, 50, 50));
        assert!(!limits.allow(1, 51, 50));
    }
}
