//! Probes: tests whether the dependency of a breaker (a host, a disk, a remote) works again.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::thread;

use state::StateError;
use state::breaker::{self, Breaker};
use state::publishing::remotes;

use super::archives::Archives;
use super::outage::is_disk;
use super::session::Session;
use crate::publishing::pool;

/// Text of the probe of an archive.
pub fn probe_of(archive: &str) -> String {
    format!("archive {archive}")
}

/// Makes the probe due for dependencies that no configured archive names any more: a mirror may have been replaced just
/// because it cannot be reached, and its jobs need not wait. A probe asks the archive's present mirrors; a dependency
/// may also be a host that a mirror redirects to.
pub fn hurry(session: &Session) -> Result<(), StateError> {
    for breaker in session.store.read(breaker::list_open)? {
        if !session.archives.uses(&breaker.name) && !remotes::is_of_remote(&breaker.name) {
            session.store.write(|tx| breaker::hurry(tx, breaker.id))?;
        }
    }
    Ok(())
}

/// Bytes that have to be free for a full disk to count as usable again.
const ENOUGH: u64 = 64 << 20;

/// Sends a probe, and records and reports the result. A host that swallows every packet answers after a long time:
/// imports that do not need it go on meanwhile.
pub fn send_probe(session: Arc<Session>, breaker: Breaker, notes: Sender<String>) {
    session.outages.probing.fetch_add(1, Ordering::SeqCst);
    thread::spawn(move || {
        let cause = {
            let reserve = session.config.limits.disk_reserve;
            let text = breaker.probe.as_deref().unwrap_or_default();
            match text.strip_prefix("remote ") {
                Some(text) => pool::probe(&session, text).and_then(Result::err),
                None => probe(text, &session.archives, reserve).err(),
            }
        };
        // If this cannot be recorded, the probe is given up after its time, and another one goes out.
        let noted =
            session.store.write(|tx| breaker::probed(tx, breaker.id, cause.as_deref(), &session.rule));
        if cause.is_none() && noted.is_ok() {
            session.outages.closed(&breaker.name);
        }
        session.outages.probing.fetch_sub(1, Ordering::SeqCst);
        let note = match cause {
            None if remotes::is_of_remote(&breaker.name) => {
                Some(format!("{} can be reached again", breaker.name))
            }
            None if is_disk(&breaker.name) => Some(format!("{} has room again", breaker.name)),
            None if session.archives.uses(&breaker.name) => {
                Some(format!("{} can be reached again", breaker.name))
            }
            None => Some(format!("what waited for {} resumes without it", breaker.name)),
            Some(cause) => session.outages.tells(&breaker.name).then(|| {
                let state = if is_disk(&breaker.name) { "full" } else { "out of reach" };
                format!("{} is {state}: {cause}", breaker.name)
            }),
        };
        // If the run is over, the note is dropped.
        let _ = note.map(|note| notes.send(note));
    });
}

/// Tests whether the dependency of a breaker works again. Returns the error, if there is one.
pub fn probe(probe: &str, archives: &Archives, reserve: u64) -> Result<(), String> {
    match probe.split_once(' ') {
        Some(("archive", name)) => archives.probe(name),
        Some(("history", name)) => archives.probe_history(name),
        Some(("disk", path)) => disk_has_room(std::path::Path::new(path), reserve),
        _ => Ok(()),
    }
}

/// Bytes that a probe writes: a smaller file may find room on a full disk.
const TRIED: usize = 256 << 10;

/// Checks that a disk has room for imports beyond its reserve, and that this user can write there: quotas, a lack of
/// inodes and a disk that became read-only forbid it where there is room.
pub fn disk_has_room(root: &std::path::Path, reserve: u64) -> Result<(), String> {
    let path = root.display();
    let found = rustix::fs::statvfs(root).map_err(|error| format!("cannot look at {path}: {error}"))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if free < ENOUGH.max(reserve) {
        return Err(format!("{path} has {} MiB free", free >> 20));
    }
    let write = || {
        let mut file = tempfile::tempfile_in(root)?;
        file.write_all(&vec![0x55; TRIED])?;
        file.sync_all()
    };
    write().map_err(|error: std::io::Error| format!("cannot write to {path}: {error}"))
}
