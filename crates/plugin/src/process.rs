//! Operations of this process that need unsafe code: the only file of this product that has any.
//!
//! One is `fork`. Starting this program once more would do as well, without unsafe code; but then it is loaded and
//! linked a second time, which takes as long as all work of a check (docs/writing-a-check.md).
//!
//! The other is a look before `main` whether the caller had closed standard output. The runtime opens `/dev/null` in
//! its place, which cannot be told from a `/dev/null` that the caller gave.
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::fcntl_getfd;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// Side of the fork that this process is.
pub(crate) enum Side {
    /// The new process.
    Child,
    /// The old process.
    Parent(Pid),
}

/// Splits this process, which must have one thread, in two.
pub(crate) fn split() -> io::Result<Side> {
    if !alone() {
        return Err(io::Error::other("this process has several threads"));
    }
    let everywhere = stay_here();
    // SAFETY: `fork` is dangerous beside other threads: they do not exist in the child, and their locks stay locked.
    // There is one thread, and nothing in this process starts others in the moment between.
    let side = match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Child),
        child => Pid::from_raw(child).map(Side::Parent).ok_or_else(|| io::Error::other("no process")),
    };
    if let Some(everywhere) = everywhere {
        let _ = sched_setaffinity(None, &everywhere);
    }
    side
}

/// Has the child begin on the processor that this process is on, which then only waits: another processor may sleep,
/// and to wake it takes a tenth of a check's time. Returns the processors that both may use afterwards.
fn stay_here() -> Option<CpuSet> {
    let everywhere = sched_getaffinity(None).ok()?;
    let mut here = CpuSet::new();
    here.set(sched_getcpu());
    sched_setaffinity(None, &here).ok()?;
    Some(everywhere)
}

/// True when this process has one thread: a folder has two links more than it has folders.
fn alone() -> bool {
    rustix::fs::stat("/proc/self/task").map_or(true, |tasks| tasks.st_nlink == 3)
}

static HAD_NO_STDOUT: AtomicBool = AtomicBool::new(false);

/// True when the caller had closed standard output.
pub(crate) fn began_without_stdout() -> bool {
    HAD_NO_STDOUT.load(Ordering::Relaxed)
}

extern "C" fn look_for_stdout() {
    HAD_NO_STDOUT.store(fcntl_getfd(rustix::stdio::stdout()).is_err(), Ordering::Relaxed);
}

// SAFETY: functions in this section are called once, before `main`, when only system calls can be relied on.
// `look_for_stdout` makes one of them and writes to an atomic.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK_FIRST: extern "C" fn() = look_for_stdout;
