//! Standard output, written once and without waiting for ever.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, write};

use crate::process::began_without_stdout;

/// Standard output cannot be written.
#[derive(Debug)]
pub(crate) struct Unwritable;

/// Writes everything before the deadline, even if nobody empties the pipe.
pub(crate) fn print(text: &[u8], deadline: Instant) -> Result<(), Unwritable> {
    if began_without_stdout() {
        return Err(Unwritable);
    }
    write_all(rustix::stdio::stdout(), text, deadline)
}

/// The same to any file.
pub(crate) fn write_all(out: BorrowedFd<'_>, mut text: &[u8], deadline: Instant) -> Result<(), Unwritable> {
    // Number of bytes that a ready pipe takes without blocking.
    const AT_ONCE: usize = 4096;
    while !text.is_empty() {
        if !is_ready(out, PollFlags::OUT, deadline) {
            return Err(Unwritable);
        }
        match write(out, text.get(..AT_ONCE).unwrap_or(text)) {
            Ok(written) => text = text.get(written..).unwrap_or(&[]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return Err(Unwritable),
        }
    }
    Ok(())
}

/// Waits until something can be written or read, or has failed; whether that was before the deadline.
pub(crate) fn is_ready(file: impl AsFd, wanted: PollFlags, deadline: Instant) -> bool {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&file, wanted)], Some(&left)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return true,
        }
    }
}

/// Reads the bytes that are there at this moment.
pub(crate) fn read_some(file: &mut impl Read, into: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut part = [0; 4096];
    let length = file.read(&mut part)?;
    into.extend_from_slice(part.get(..length).unwrap_or(&[]));
    Ok(length)
}
