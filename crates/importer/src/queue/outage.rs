//! Outages: what jobs need, whether it is there, and how to find out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use state::breaker::{self, Breaker};
use state::{StateError, Store};

use super::archives::Archives;
use super::session::Session;
use crate::failure::Failure;
use crate::publishing::pool;

/// What is known about the breakers without asking the database for each job.
#[derive(Default)]
pub struct Outages {
    known: Mutex<Known>,
    probing: AtomicUsize,
}

#[derive(Default)]
struct Known {
    /// Breakers that are open, by the name of what they guard.
    open: BTreeMap<String, i64>,
    /// Good uses that are not written down yet.
    good: BTreeMap<String, i64>,
    /// Of which it was said that they are out of reach: each probe that finds it so is no news.
    told: BTreeSet<String>,
}

impl Outages {
    /// Whether it is news that a dependency is out of reach.
    fn tells(&self, name: &str) -> bool {
        self.known().told.insert(name.to_owned())
    }

    /// The open breaker of a dependency.
    pub fn open(&self, name: &str) -> Option<i64> {
        self.known().open.get(name).copied()
    }

    /// Whether any is open.
    pub fn any_open(&self) -> bool {
        !self.known().open.is_empty()
    }

    /// Whether a probe is out.
    pub fn is_probing(&self) -> bool {
        self.probing.load(Ordering::SeqCst) > 0
    }

    /// A probe has found it: those who come back now must not be parked again.
    pub fn closed(&self, name: &str) {
        let mut known = self.known();
        known.open.remove(name);
        known.told.remove(name);
    }

    /// Notes that a dependency was there when it was needed.
    pub fn good(&self, name: &str) {
        *self.known().good.entry(name.to_owned()).or_default() += 1;
    }

    /// Notes that it was not. Returns its breaker's row if it is open now.
    pub fn bad(
        &self,
        store: &Store,
        failure: &Failure,
        need: &Need,
        rule: &breaker::Rule,
    ) -> Result<Option<i64>, StateError> {
        let good = self.known().good.remove(&need.name).unwrap_or(0);
        let cause = format!("{}/{}: {}", failure.stage.as_str(), failure.code, failure.message);
        let rule = need.rule(rule);
        let (now, _) = store
            .write(|tx| breaker::note(tx, &need.name, (good, 1), Some(&cause), Some(&need.probe), &rule))?;
        let mut known = self.known();
        if now.open {
            known.open.insert(need.name.clone(), now.id);
        }
        Ok(now.open.then_some(now.id))
    }

    /// Writes the good news down and learns what others have found out: the breakers that are open.
    pub fn refresh(&self, store: &Store, rule: &breaker::Rule, open: &[Breaker]) -> Result<(), StateError> {
        self.known().open = open.iter().map(|it| (it.name.clone(), it.id)).collect();
        let good = std::mem::take(&mut self.known().good);
        for (name, count) in good {
            store.write(|tx| {
                // Only a breaker that has a reason to exist is worth a row.
                if breaker::get(tx, &name)?.is_some() {
                    breaker::note(tx, &name, (count, 0), None, None, rule)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Something that an import cannot do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name: `disk:/srv/import`, `deb.debian.org`.
    pub name: String,
    /// How to find out whether it is there.
    pub probe: String,
}

impl Need {
    /// A disk.
    pub fn disk(root: &std::path::Path, host: &str) -> Need {
        Need { name: format!("disk:{host}:{}", root.display()), probe: format!("disk {}", root.display()) }
    }

    /// One full disk is enough to know that it is full, one folder without anything that it is not mounted.
    fn rule(&self, rule: &breaker::Rule) -> breaker::Rule {
        match is_disk(&self.name) || self.name.starts_with("file://") {
            true => breaker::Rule { least: 1, percent: 1, ..rule.clone() },
            false => rule.clone(),
        }
    }
}

/// How to find out whether an archive is there.
pub fn probe_of(archive: &str) -> String {
    format!("archive {archive}")
}

/// Makes the probe due of what no archive of the configuration names: its mirror was replaced, perhaps just because it is
/// out of reach, and what waits for it need not. A probe asks the archive's present mirrors; it may also be a host that
/// a mirror refers to.
pub fn hurry(session: &Session) -> Result<(), StateError> {
    for breaker in session.store.read(breaker::list_open)? {
        if !session.archives.uses(&breaker.name) && !pool::is_of_remote(&breaker.name) {
            session.store.write(|tx| breaker::hurry(tx, breaker.id))?;
        }
    }
    Ok(())
}

/// Bytes that have to be free for a full disk to count as usable again.
const ENOUGH: u64 = 64 << 20;

/// Sends a probe, and records and tells what it finds. A host that swallows every packet answers after a long time: the
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
        // If this cannot be written down, the probe is given up after its time, and another one goes out.
        let noted =
            session.store.write(|tx| breaker::probed(tx, breaker.id, cause.as_deref(), &session.rule));
        if cause.is_none() && noted.is_ok() {
            session.outages.closed(&breaker.name);
        }
        session.outages.probing.fetch_sub(1, Ordering::SeqCst);
        let note = match cause {
            None if pool::is_of_remote(&breaker.name) => {
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
        // Nobody listens any more if the run is over.
        let _ = note.map(|note| notes.send(note));
    });
}

/// Whether a breaker is that of a disk.
fn is_disk(name: &str) -> bool {
    name.starts_with("disk:")
}

/// Finds out whether what a breaker guards can be used again. Returns what is wrong, if something is.
pub fn probe(probe: &str, archives: &Archives, reserve: u64) -> Result<(), String> {
    match probe.split_once(' ') {
        Some(("archive", name)) => archives.probe(name),
        Some(("history", name)) => archives.probe_history(name),
        Some(("disk", path)) => disk_has_room(std::path::Path::new(path), reserve),
        _ => Ok(()),
    }
}

/// Whether a disk has room for imports, of which a reserve is never used.
pub fn disk_has_room(root: &std::path::Path, reserve: u64) -> Result<(), String> {
    let path = root.display();
    let found = rustix::fs::statvfs(root).map_err(|error| format!("cannot look at {path}: {error}"))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if free >= ENOUGH.max(reserve) { Ok(()) } else { Err(format!("{path} has {} MiB free", free >> 20)) }
}
