//! Files that were fetched, by their SHA-256, for all versions, workers and hosts that share the folder.
//!
//! ```text
//! files/ab/abcd...   whole files whose hash was checked; they appear by a rename, and never change
//! partial/KEY.TOKEN  files that are coming in, each written by one process
//! claims/KEY         who is fetching a file
//! pace/at-HOST       when a server may be asked next, and how often
//! ```
//! All of it can be deleted at any time.

mod claim;
mod partial;
mod trim;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bounded::file::sync_folder;
use bounded::waiting::Wait;
pub(crate) use claim::Claim;
pub(crate) use partial::Partial;
use source_package::checksum::ListedFile;

use crate::clock::Clock;

/// Intervals by which the workers that share a cache notice each other.
#[derive(Clone, Copy, Debug)]
pub struct Sharing {
    /// Interval at which a fetching worker shows that it lives.
    pub beat: Duration,
    /// Time without a sign of life after which it is taken for dead.
    pub stale: Duration,
    /// Interval at which waiting workers look.
    pub look: Duration,
}

impl Default for Sharing {
    fn default() -> Self {
        Sharing {
            beat: Duration::from_secs(5),
            stale: Duration::from_secs(60),
            look: Duration::from_millis(200),
        }
    }
}

/// The cache of fetched files.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    sharing: Sharing,
    clock: Arc<dyn Clock>,
    /// Bytes that came since the size was looked at last; the size is unknown at the start.
    added: AtomicU64,
}

/// Result of asking for a file: it is there, or the caller fetches it.
pub(crate) enum Turn {
    /// No claim is needed: the file is there.
    There(PathBuf),
    /// The caller holds the claim, and fetches the file.
    Ours(Claim),
}

impl Cache {
    /// Opens the cache in a folder. Files that are not in use are removed to keep it below `limit` bytes.
    pub fn open(folder: &Path, limit: u64, sharing: Sharing, clock: Arc<dyn Clock>) -> io::Result<Cache> {
        for part in ["files", "partial", "claims", "pace"] {
            fs::create_dir_all(folder.join(part))?;
        }
        Ok(Cache { folder: folder.to_owned(), limit, sharing, clock, added: AtomicU64::new(u64::MAX) })
    }

    /// Folder in which the processes that share it keep the pace of each server.
    pub fn pace(&self) -> PathBuf {
        self.folder.join("pace")
    }

    /// Path of a file, if it is there.
    pub fn get(&self, sha256: &str) -> Option<PathBuf> {
        let path = self.place(sha256)?;
        let file = bounded::file::open_regular(&path).ok()?;
        // The file used last is removed last. A file of another user cannot be touched, and is removed in its turn.
        let _ = file.set_modified(SystemTime::now());
        Some(path)
    }

    /// Removes a file that a reader found damaged.
    pub fn forget(&self, sha256: &str) -> io::Result<()> {
        match self.place(sha256).map(fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn place(&self, sha256: &str) -> Option<PathBuf> {
        let hexadecimal = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        let prefix = sha256.get(..2).filter(|_| hexadecimal)?;
        Some(self.folder.join("files").join(prefix).join(sha256))
    }

    /// Waits until a file is there, or until this worker holds its claim.
    pub(crate) fn turn(&self, key: &str, sha256: Option<&str>) -> io::Result<Turn> {
        let mut watch = claim::Watch::default();
        let (mut wait, began) = (Wait::new(), self.clock.now());
        let path = self.folder.join("claims").join(key);
        loop {
            if let Some(path) = sha256.and_then(|sha256| self.get(sha256)) {
                return Ok(Turn::There(path));
            }
            if let Some(claim) = Claim::take(&path, self.sharing.beat)? {
                // The previous owner may have finished between our two looks.
                return Ok(match sha256.and_then(|sha256| self.get(sha256)) {
                    Some(path) => Turn::There(path),
                    None => Turn::Ours(claim),
                });
            }
            watch.look(&path, self.clock.now(), self.sharing.stale)?;
            let lasted = self.clock.now().saturating_sub(began);
            wait.tell_after(lasted, || format!("the file {key}: {} fetches it", watch.owner()));
            self.clock.sleep(self.sharing.look);
        }
    }

    /// Opens the partial file that an earlier worker has left, for the rest of it.
    pub(crate) fn partial(&self, key: &str, claim: &Claim) -> io::Result<Partial> {
        Partial::start(&self.folder.join("partial"), key, claim.token())
    }

    /// Makes a file that was checked visible to all.
    pub(crate) fn keep(&self, partial: Partial, found: &ListedFile) -> io::Result<PathBuf> {
        let place = found.checksums.sha256.as_deref().and_then(|sha256| self.place(sha256));
        let place = place.ok_or(io::ErrorKind::InvalidInput)?;
        if let Some(folder) = place.parent() {
            if !folder.is_dir() {
                fs::create_dir_all(folder)?;
                sync_folder(&self.folder.join("files"))?;
            }
            partial.finish(&place)?;
            sync_folder(folder)?;
        }
        let before = self.added.load(Ordering::Relaxed);
        self.added.store(before.saturating_add(found.size), Ordering::Relaxed);
        Ok(place)
    }

    /// Makes room, if much was added. Called when the new files have their second names, so that they are not removed
    /// at once.
    pub(crate) fn settle(&self) {
        if self.added.load(Ordering::Relaxed) > self.limit / 16 {
            self.added.store(0, Ordering::Relaxed);
            // A cache that cannot be made smaller is no reason to fail: a full disk has an error of its own.
            let _ = self.trim();
        }
    }

    /// Removes the files that were not used for longest, down to the limit. Returns the bytes that are left.
    pub fn trim(&self) -> io::Result<u64> {
        trim::trim(&self.folder, self.limit)
    }
}
