//! Requirement 9: an answer in time under any circumstance.

use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use crate::common::{GOOD, Root};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};

fn make_fifo(path: &std::path::Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn req9_a_pipe_in_the_place_of_a_file() {
    // Opening a FIFO would wait for a writer: it is not opened.
    for (name, about) in [("state.db", "is a named pipe, not a file"), ("config.toml", "not a regular file")]
    {
        let root = Root::with_database();
        let _ = std::fs::remove_file(root.file(name));
        make_fifo(&root.file(name));
        let said = root.check(&["-t", "700ms"]);
        said.is(3, "IMPORT EXAMPLE UNKNOWN - ");
        said.contains(about);
        said.contains(root.path().to_str().unwrap());
    }
}

#[test]
fn req9_an_exclusive_lock() {
    let root = Root::with_database();
    let arguments = ["-t", "1", "--timeout-state", "warning"];
    let writer = locked(&root);
    let said = root.check(&arguments);
    said.is(1, "IMPORT EXAMPLE WARNING - ");
    said.contains("locked");
    drop(writer);
    root.check(&arguments).is(0, "IMPORT EXAMPLE OK - 4 failing");
    // Without WAL mode, in the middle of a change: the content of the file cannot be trusted.
    let root = Root::new();
    let writer = Connection::open(root.file("state.db")).unwrap();
    writer.execute_batch(crate::common::SCHEMA).unwrap();
    writer.execute_batch("PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN EXCLUSIVE").unwrap();
    writer
        .execute_batch("UPDATE counters SET failing = 4; INSERT INTO worst VALUES (zeroblob(900000), '')")
        .unwrap();
    root.check(&arguments).is(3, "IMPORT EXAMPLE UNKNOWN - ");
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(root.check(&arguments).out, GOOD);
}

/// A writer that was killed with a lock may leave the index of the log torn, beside a live and idle writer. SQLite then
/// reports "attempt to write a readonly database": only a writer can recover it, and does when it writes next.
#[test]
fn req9_an_index_that_a_writer_has_to_mend() {
    let root = Root::with_database();
    let writer = root.writer();
    writer.execute_batch("UPDATE counters SET failing = 4").unwrap();
    let tear = || {
        // Another process: closing the file in this one would release the writer's locks.
        let index = format!("of={}", root.file("state.db-shm").display());
        let arguments = ["if=/dev/urandom", &index, "bs=96", "count=1", "conv=notrunc", "status=none"];
        assert!(Command::new("dd").args(arguments).status().unwrap().success());
    };
    tear();
    let said = root.check(&["-t", "1", "--timeout-state", "warning"]);
    said.is(1, "IMPORT EXAMPLE WARNING - ");
    said.contains("its log has to be repaired: start the importer once");
    let check = root.command(&["-t", "60"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writer.execute_batch("UPDATE counters SET failing = 5").unwrap();
    let said: crate::common::Said = check.wait_with_output().unwrap().into();
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    root.check(&[]).is(0, "IMPORT EXAMPLE OK - 5 failing");
}

#[test]
fn req9_the_reading_process_is_killed() {
    let root = Root::with_database();
    let held_up = locked(&root);
    let check = root.command(&["-t", "60"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let reader = child_of(check.id());
    kill_process(reader, Signal::KILL).unwrap();
    let said: crate::common::Said = check.wait_with_output().unwrap().into();
    said.is(3, "IMPORT EXAMPLE UNKNOWN - the reading process died");
    drop(held_up);
}

#[test]
fn req9_nothing_stays_behind() {
    let root = Root::with_database();
    let held_up = locked(&root);
    // The check is killed, as a monitoring system kills what takes too long: its reader ends with it.
    let mut check = root.command(&["-t", "60"]).stdout(Stdio::piped()).spawn().unwrap();
    let reader = child_of(check.id());
    let handle = rustix::process::pidfd_open(reader, rustix::process::PidfdFlags::empty()).unwrap();
    check.kill().unwrap();
    check.wait().unwrap();
    let mut ended = [rustix::event::PollFd::new(&handle, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut ended, None).unwrap();
    drop(held_up);
}

#[test]
fn req9_a_pipe_that_nobody_empties() {
    let root = Root::with_database();
    let (reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(writer.as_fd(), true).unwrap();
    while rustix::io::write(&writer, &[b'x'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(writer.as_fd(), false).unwrap();
    let status = root.command(&["-t", "1"]).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(3));
    drop(reader);
}

#[test]
fn req9_stderr_and_stdout_are_not_held_by_what_is_left() {
    let root = Root::with_database();
    let held_up = locked(&root);
    let check = root.command(&["-t", "60"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let reader = child_of(check.id());
    let held = |fd: u32| std::fs::read_link(format!("/proc/{}/fd/{fd}", reader.as_raw_nonzero())).unwrap();
    let ours = |fd: u32| std::fs::read_link(format!("/proc/{}/fd/{fd}", check.id())).unwrap();
    let outside = [ours(1), ours(2)];
    assert!(!outside.contains(&held(1)) && !outside.contains(&held(2)));
    assert_eq!(held(0).to_str(), Some("/dev/null"));
    // The lock is given up: the reader goes on, and everything ends.
    drop(held_up);
    let said: crate::common::Said = check.wait_with_output().unwrap().into();
    said.is(0, "IMPORT EXAMPLE OK - 4 failing");
}

/// A writer that has the database for itself: in WAL mode only this locking mode excludes readers.
fn locked(root: &Root) -> Connection {
    let writer = root.writer();
    writer.execute_batch("PRAGMA locking_mode = EXCLUSIVE; UPDATE counters SET failing = 4").unwrap();
    writer
}

/// The reader of a check, once it exists and waits for the lock.
fn child_of(parent: u32) -> Pid {
    loop {
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
        let child =
            children.split_whitespace().next().and_then(|child| child.parse().ok()).and_then(Pid::from_raw);
        if let Some(child) = child {
            let number = child.as_raw_nonzero();
            let waits = std::fs::read_to_string(format!("/proc/{number}/wchan")).unwrap_or_default();
            if waits.contains("nanosleep") {
                return child;
            }
        }
        std::thread::yield_now();
    }
}
