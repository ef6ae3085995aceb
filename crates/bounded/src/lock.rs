//! Advisory locks (`flock(2)`), waited for until a deadline.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::waiting::Wait;
use crate::{Deadline, file};

/// First and longest pause between tries of a lock; the first is short, because most locks are held for a moment.
const NAPS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Mode of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everybody else who shares it.
    Shared,
    /// Only one process holds it.
    Exclusive,
}

/// Reason why a file could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds it.
    Held(Held),
    /// Error of the file.
    File {
        /// Verb of what was tried, for the message.
        action: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        error: io::Error,
    },
}

/// A lock that somebody else holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Path of the file.
    pub path: PathBuf,
    /// Time that was waited for it.
    pub waited: Duration,
    /// Process that holds it, if it can be seen from here.
    pub holder: Option<Holder>,
}

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Process number.
    pub pid: i32,
    /// The name of its program.
    pub name: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is locked by ", self.path.display())?;
        match &self.holder {
            Some(holder) => write!(f, "{holder}")?,
            None => write!(f, "a process that cannot be seen from here")?,
        }
        if self.waited.is_zero() {
            return Ok(());
        }
        write!(f, "; waited {} s for it", self.waited.as_secs_f64())
    }
}

/// Opens the file of a lock, see [`file::lock_file`], and locks it. The lock is held until the file is closed.
///
/// # Errors
/// [`LockError::Held`] with the holder when the deadline is over, [`LockError::File`] when the file cannot be opened.
pub fn open(path: &Path, mode: Mode, deadline: Deadline) -> Result<File, LockError> {
    let opened = file::lock_file(path);
    let opened = opened.map_err(|error| LockError::File { action: "open", path: path.to_owned(), error })?;
    lock(&opened, path, mode, deadline)?;
    Ok(opened)
}

/// Locks a file. It is tried once even if the deadline is over.
///
/// # Errors
/// [`LockError::Held`] with the holder when the deadline is over.
pub fn lock(file: &File, path: &Path, mode: Mode, deadline: Deadline) -> Result<(), LockError> {
    let how = match mode {
        Mode::Shared => FlockOperation::NonBlockingLockShared,
        Mode::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    let mut nap = NAPS.0;
    let mut wait = Wait::new();
    loop {
        match flock(file, how) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) if !deadline.is_over() => {
                wait.tell(|| {
                    let (path, waited) = (path.to_owned(), Duration::ZERO);
                    format!("a lock: {}", Held { path, waited, holder: holder(file) })
                });
                thread::sleep(nap.min(deadline.left()));
                nap = (nap * 2).min(NAPS.1);
            }
            Err(Errno::WOULDBLOCK) => {
                let (path, waited) = (path.to_owned(), deadline.limit());
                return Err(LockError::Held(Held { path, waited, holder: holder(file) }));
            }
            Err(error) => {
                let (path, error) = (path.to_owned(), error.into());
                return Err(LockError::File { action: "lock", path, error });
            }
        }
    }
}

/// Another process with a record lock (`fcntl(2)`) on a file, as SQLite has one on its database.
pub fn holder_of_records(path: &Path) -> Option<Holder> {
    find_holder("POSIX", &std::fs::metadata(path).ok()?)
}

fn holder(file: &File) -> Option<Holder> {
    find_holder("FLOCK", &file.metadata().ok()?)
}

/// Process that holds a lock on a file, from `/proc/locks`: another process before this one, and one that writes
/// before a reader. Holders on other hosts, and those outside of a container, cannot be seen.
fn find_holder(kind: &str, metadata: &Metadata) -> Option<Holder> {
    let (major, minor) = (rustix::fs::major(metadata.dev()), rustix::fs::minor(metadata.dev()));
    let exact = format!("{major:02x}:{minor:02x}:{}", metadata.ino());
    let inode = format!(":{}", metadata.ino());
    let text = std::fs::read_to_string("/proc/locks").ok()?;
    let ours = i32::try_from(std::process::id()).unwrap_or(0);
    // `1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234 0 EOF`. Some file systems have another device there than `stat` says.
    let held = |line: &str| {
        let mut fields = line.split_whitespace();
        (fields.nth(1) == Some(kind)).then_some(())?;
        let reads = fields.nth(1)? == "READ";
        let pid: i32 = fields.next()?.parse().ok()?;
        let place = fields.next()?;
        (pid > 0 && place.ends_with(&inode)).then_some(((place != exact, pid == ours, reads), pid))
    };
    let (_, pid) = text.lines().filter_map(held).min()?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    let printable = |name: String| name.trim_end().chars().filter(|c| !c.is_control()).collect();
    Some(Holder { pid, name: name.map(printable) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_waited_for_until_the_deadline_and_its_holder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = open(&path, Mode::Shared, Deadline::now()).unwrap();
        open(&path, Mode::Shared, Deadline::now()).unwrap();
        let Err(LockError::Held(held)) =
            open(&path, Mode::Exclusive, Deadline::after(Duration::from_millis(20)))
        else {
            panic!("locked twice");
        };
        assert_eq!(held.holder.as_ref().unwrap().pid, i32::try_from(std::process::id()).unwrap());
        assert!(held.to_string().contains("waited 0.02 s"), "{held}");
        drop(first);
        open(&path, Mode::Exclusive, Deadline::now()).unwrap();
    }
}
