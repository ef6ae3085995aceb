//! Standard output, written once and without waiting for ever.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::{Errno, write};

/// Nobody can read what was to be said.
#[derive(Debug)]
pub(crate) struct Unwritable;

/// Writes everything before the deadline, even if nobody empties the pipe.
pub(crate) fn print(text: &[u8], deadline: Instant) -> Result<(), Unwritable> {
    let out = rustix::stdio::stdout();
    if was_closed(out) {
        return Err(Unwritable);
    }
    write_all(out, text, deadline)
}

/// The same to any file.
pub(crate) fn write_all(out: BorrowedFd<'_>, mut text: &[u8], deadline: Instant) -> Result<(), Unwritable> {
    // A pipe that is ready takes so much without blocking.
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

/// Reads what is there at this moment.
pub(crate) fn read_some(file: &mut impl Read, into: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut part = [0; 4096];
    let length = file.read(&mut part)?;
    into.extend_from_slice(part.get(..length).unwrap_or(&[]));
    Ok(length)
}

/// Whether the caller closed standard output.
///
/// The runtime opens `/dev/null` for reading and writing in its place before `main`, which succeeds in taking
/// everything. A caller that wants no output usually opens it for writing only (a shell, systemd), or has two or three
/// of the standard files share one opening (a daemon): neither is taken for closed. With a second standard file closed
/// the runtime lets them share one as well, so that this cannot be told from such a caller, and counts as one.
fn was_closed(out: BorrowedFd<'_>) -> bool {
    let is_null = |file: BorrowedFd<'_>| {
        let null = File::open("/dev/null").ok().and_then(|null| fstat(null).ok()).map(|stat| stat.st_rdev);
        fstat(file).is_ok_and(|stat| null == Some(stat.st_rdev) && stat.st_rdev != 0)
    };
    let both_ways = fcntl_getfl(out).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR);
    if !both_ways || !is_null(out) {
        return false;
    }
    let others = [rustix::stdio::stdin(), rustix::stdio::stderr()];
    !others.into_iter().any(|other| is_null(other) && is_shared(out, other))
}

/// Whether two files are one opening: a flag that is set through one shows in the other.
fn is_shared(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let Ok(before) = fcntl_getfl(one) else { return false };
    let toggled = before ^ OFlags::APPEND;
    let shows = |wanted: OFlags| {
        fcntl_getfl(other).is_ok_and(|flags| (flags ^ wanted) & OFlags::APPEND == OFlags::empty())
    };
    let shared = shows(before) && fcntl_setfl(one, toggled).is_ok() && shows(toggled);
    let _ = fcntl_setfl(one, before);
    shared
}
