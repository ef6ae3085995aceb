//! Keeping the cache below its limit.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bounded::Deadline;
use bounded::lock::{self, LockError, Mode};

/// Age of a partial file from which on it is taken for abandoned.
const ABANDONED: Duration = Duration::from_secs(7 * 24 * 3600);

struct Kept {
    used: SystemTime,
    size: u64,
    path: PathBuf,
}

/// Removes the files that were not used for longest. Returns the bytes that are left.
pub(super) fn trim(folder: &Path, limit: u64) -> io::Result<u64> {
    // Two workers that trim at once would remove too much. On a file system without locks that is accepted.
    let _lock = match lock::open(&folder.join("trim.lock"), Mode::Exclusive, Deadline::now()) {
        Err(LockError::Held(_)) => return Ok(limit),
        Err(LockError::File { action: "open", error, .. }) => return Err(error),
        other => other.ok(),
    };
    remove_abandoned(&folder.join("partial"));
    remove_abandoned(&folder.join("claims"));
    let mut files = Vec::new();
    let mut total = 0;
    for sub in fs::read_dir(folder.join("files"))?.flatten() {
        for entry in fs::read_dir(sub.path()).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            // A file with a second name is in use: removing it would free nothing.
            if metadata.nlink() == 1 {
                total += metadata.len();
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push(Kept { used, size: metadata.len(), path: entry.path() });
            }
        }
    }
    if total <= limit {
        return Ok(total);
    }
    files.sort_by_key(|file| file.used);
    // A little more than necessary, so that the next file does not start it all again.
    let wanted = limit - limit / 10;
    for file in files {
        if total <= wanted {
            break;
        }
        if fs::remove_file(&file.path).is_ok() {
            total -= file.size;
        }
    }
    Ok(total)
}

fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|metadata| metadata.modified());
        if used.is_ok_and(|used| used.elapsed().is_ok_and(|age| age > ABANDONED)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs::File;

    use super::*;

    #[test]
    fn the_oldest_go_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("files/ab");
        fs::create_dir_all(&files).unwrap();
        fs::create_dir_all(folder.path().join("partial")).unwrap();
        for age in 0..10 {
            let file = File::create(files.join(age.to_string())).unwrap();
            file.set_len(100).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age * 60)).unwrap();
        }
        fs::hard_link(files.join("9"), folder.path().join("in-use")).unwrap();
        let old = File::create(folder.path().join("partial/x.y")).unwrap();
        old.set_modified(SystemTime::now() - ABANDONED * 2).unwrap();
        assert_eq!(trim(folder.path(), 2000).unwrap(), 900);
        assert_eq!(trim(folder.path(), 500).unwrap(), 400);
        let mut left: Vec<String> = fs::read_dir(&files)
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["0", "1", "2", "3", "9"]);
        assert!(!folder.path().join("partial/x.y").exists());
    }
}
