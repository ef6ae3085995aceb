//! Claims: they decide which worker fetches a file, among threads, processes and hosts that share a folder, perhaps by
//! NFS.
//!
//! A claim is a name that only one worker can give (`link`), to a file that names its owner: from the moment at which a
//! claim is visible it has its owner's token and lock, whenever the owner is killed. The owner rewrites a number in it
//! at intervals. A waiting worker takes the owner for dead
//! - on the same running system if the lock is free: the kernel frees it with the process;
//! - else if the number stays the same for long, by the waiting side's clock. Locks prove nothing there, because a
//!   mount may keep them to itself.
//!
//! Removing a claim must not remove a successor's. A worker that wants to remove a claim, its owner or another, first
//! creates a marker with the claim's token in its name, and then looks at the claim again: as long as the marker
//! stands, nobody else removes a claim with this token.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};

/// The right to fetch a file. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    token: String,
    heart: Option<JoinHandle<()>>,
    stop: Arc<(Mutex<bool>, Condvar)>,
}

impl Claim {
    /// Takes the claim, unless another worker has it.
    pub(super) fn take(path: &Path, beat: Duration) -> io::Result<Option<Claim>> {
        if fs::symlink_metadata(path).is_ok() {
            return Ok(None);
        }
        let token = new_token();
        // A file that is left here by a killed process is removed with other abandoned files.
        let fresh = path.with_extension(format!("new.{token}"));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&fresh)?;
        // A file system without locks is allowed: then only the number shows whether the owner lives.
        let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let taken = write(&file, &token, 0).and_then(|()| fs::hard_link(&fresh, path));
        ignore_missing(fs::remove_file(&fresh))?;
        match taken {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        }
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let heart = {
            let (stop, token) = (stop.clone(), token.clone());
            thread::spawn(move || live(&file, &token, beat, &stop))
        };
        Ok(Some(Claim { path: path.to_owned(), token, heart: Some(heart), stop }))
    }

    /// Token that no other claim has.
    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Removed while it is still locked, so that nobody takes it for that of a dead owner meanwhile. If it cannot
        // be removed now, the next waiting worker removes it.
        let _ = remove(&self.path, &self.token, |_| true);
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(heart) = self.heart.take() {
            let _ = heart.join();
        }
    }
}

/// Raises the number until told to stop. The file, and with it the lock, is closed then.
fn live(file: &File, token: &str, beat: Duration, stop: &(Mutex<bool>, Condvar)) {
    let mut stopped = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut count = 0;
    while !*stopped {
        stopped = stop.1.wait_timeout(stopped, beat).unwrap_or_else(PoisonError::into_inner).0;
        count += 1;
        // If that fails, the others see a number that does not change, and take over.
        let _ = write(file, token, count);
    }
}

fn write(mut file: &File, token: &str, count: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("{token}\n{count:020}\n").as_bytes())?;
    file.sync_data()
}

/// Identifiers of the running system and the process, and a number: unique without random numbers.
fn new_token() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}.{}.{time:x}.{number}", *BOOT, std::process::id())
}

/// Identifier of this host and this boot.
static BOOT: LazyLock<String> = LazyLock::new(|| {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.chars().filter(char::is_ascii_hexdigit).collect()
});

/// State of another worker's claim at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    /// Empty while its owner, of an older version, is just making it.
    token: String,
    text: String,
    inode: u64,
}

/// Looks at a claim; `None` if there is none.
fn see(path: &Path) -> io::Result<Option<(Seen, File)>> {
    let mut file = match bounded::file::open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    Read::by_ref(&mut file).take(4096).read_to_string(&mut text)?;
    let fits = |token: &&str| token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    let token = text.lines().next().filter(fits).unwrap_or_default().to_owned();
    let inode = file.metadata()?.ino();
    Ok(Some((Seen { token, text, inode }, file)))
}

impl Seen {
    /// True when its owner ran on this system and does not run any more.
    fn is_dead(&self, file: &File) -> bool {
        let here = !BOOT.is_empty() && self.token.split('.').next() == Some(&*BOOT);
        here && flock(file, FlockOperation::NonBlockingLockShared).is_ok()
    }

    fn name(&self) -> String {
        if self.token.is_empty() { format!("i{}", self.inode) } else { self.token.clone() }
    }
}

/// Observations of a waiting worker.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Option<(Seen, Duration)>,
    marker: Option<Duration>,
}

impl Watch {
    /// Description of the claim's owner, for messages.
    pub(super) fn owner(&self) -> String {
        let token = self.last.as_ref().map(|(seen, _)| seen.token.as_str()).unwrap_or_default();
        match token.split('.').collect::<Vec<_>>()[..] {
            [boot, pid, ..] if !BOOT.is_empty() && boot == *BOOT => format!("process {pid}"),
            [_, pid, ..] => format!("process {pid} of another host"),
            _ => "another process".to_owned(),
        }
    }

    /// Looks at another worker's claim, and removes it if its owner is dead.
    pub(super) fn look(&mut self, path: &Path, now: Duration, stale: Duration) -> io::Result<()> {
        let Some((seen, file)) = see(path)? else { return Ok(()) };
        let since = match &self.last {
            Some((last, since)) if *last == seen => *since,
            _ => now,
        };
        let still = now.saturating_sub(since) >= stale;
        let dead = still || seen.is_dead(&file);
        drop(file);
        self.last = Some((seen.clone(), since));
        if !dead {
            return Ok(());
        }
        let same = |again: &Seen| *again == seen;
        if remove(path, &seen.name(), same)? {
            (self.last, self.marker) = (None, None);
            return Ok(());
        }
        // Another worker is removing it. If that takes long, that worker has died.
        let first = *self.marker.get_or_insert(now);
        if now.saturating_sub(first) >= stale {
            self.marker = None;
            ignore_missing(fs::remove_file(marker(path, &seen.name())))?;
        }
        Ok(())
    }
}

fn marker(path: &Path, name: &str) -> PathBuf {
    path.with_extension(format!("remove.{name}"))
}

/// Removes a claim, if it still has the expected token. `false` if another worker is about to remove it.
fn remove(path: &Path, name: &str, is_meant: impl Fn(&Seen) -> bool) -> io::Result<bool> {
    let marker = marker(path, name);
    match OpenOptions::new().write(true).create_new(true).open(&marker) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    let removed = match see(path) {
        Ok(Some((seen, _))) if seen.name() == name && is_meant(&seen) => {
            ignore_missing(fs::remove_file(path))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    ignore_missing(fs::remove_file(&marker))?;
    removed.map(|()| true)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
