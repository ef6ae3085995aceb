//! Reading and moving refs. All refs of the importer live in `packed-refs`: lock, write, sync, rename, sync the folder
//! *is* the transaction, and loose refs have none.
//!
//! Loose refs that others made are packed first, with their values, so that the transaction which moves refs never has
//! a loose file with an older value beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use fail::fail_point;

use crate::lock::{self, Guard};
use crate::loose;
use crate::pack::sync_folder;
use crate::{Error, ObjectId};

/// How often another program's lock is waited for, and how long each time.
const WAITS: u32 = 200;
const WAIT: Duration = Duration::from_millis(50);

const HEADER: &str = "# pack-refs with: peeled fully-peeled sorted \n";

/// Where a ref points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The object.
    pub id: ObjectId,
    /// What is behind an annotated tag.
    pub peeled: Option<ObjectId>,
}

/// All refs, sorted by name.
pub type Refs = BTreeMap<String, Value>;

/// One change of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The full name.
    pub name: String,
    /// Where it has to point before; `None`: it must not exist.
    pub expected: Option<ObjectId>,
    /// Where it points afterwards.
    pub new: Value,
}

/// Reads all refs, loose ones included, whose values win.
pub fn read(repository: &Path) -> Result<Refs, Error> {
    let mut refs = read_packed(repository)?;
    for (name, id) in loose::read_all(repository)? {
        let same = refs.get(&name).filter(|value| value.id == id).copied();
        refs.insert(name, same.unwrap_or(Value { id, peeled: None }));
    }
    Ok(refs)
}

/// Moves refs, all or none. `peel` finds what is behind a tag that somebody else made.
pub fn transact(
    repository: &Path,
    guard: &Guard,
    edits: &[Edit],
    peel: impl Fn(ObjectId) -> Result<Option<ObjectId>, Error>,
) -> Result<(), Error> {
    fold(repository, guard, peel)?;
    if edits.is_empty() {
        return Ok(());
    }
    // The order in which Git takes them, too.
    let branches = lock_branches(repository, guard, edits)?;
    let locked = lock_packed(repository, guard)?;
    fail_point!("repo::refs-locked");
    let mut refs = read_packed(repository)?;
    let loose = loose::read_all(repository)?;
    for edit in edits {
        let now = loose.get(&edit.name).copied().or_else(|| refs.get(&edit.name).map(|value| value.id));
        if now != edit.expected {
            return Err(Error::RefMoved { name: edit.name.clone(), expected: edit.expected, found: now });
        }
        refs.insert(edit.name.clone(), edit.new);
    }
    check_names(refs.keys().chain(loose.keys()))?;
    locked.commit(&refs)?;
    fail_point!("repo::refs-moved");
    branches.release()
}

/// The branches of a transaction, locked.
struct Branches<'a> {
    repository: &'a Path,
    held: Vec<(&'a str, lock::Held)>,
}

/// Locks the branches, and what exists, as Git does before it writes a loose ref: otherwise one that somebody moves
/// right now would hide our value, although both were told that they had succeeded. New tags go without. Whoever
/// makes one of the same name meanwhile keeps it, and the next import sees a tag that is not its own.
fn lock_branches<'a>(repository: &'a Path, guard: &Guard, edits: &'a [Edit]) -> Result<Branches<'a>, Error> {
    let mut branches = Branches { repository, held: Vec::new() };
    for edit in edits.iter().filter(|edit| edit.expected.is_some() || edit.name.starts_with("refs/heads/")) {
        let path = repository.join(format!("{}.lock", edit.name));
        let held = wait_for(path, || {
            // Git may remove the folder, empty as it is, at any time.
            loose::make_folder(repository, &edit.name)?;
            lock::take_loose(repository, guard, &edit.name)
        })?;
        branches.held.push((&edit.name, held));
        if loose::is_strange(repository, &edit.name) {
            return Err(Error::StrangeRef(edit.name.clone()));
        }
    }
    Ok(branches)
}

impl Branches<'_> {
    fn release(mut self) -> Result<(), Error> {
        self.held.drain(..).try_for_each(|(name, held)| {
            held.release()?;
            loose::remove_empty_folders(self.repository, name);
            Ok(())
        })
    }
}

impl Drop for Branches<'_> {
    fn drop(&mut self) {
        for (name, held) in self.held.drain(..) {
            drop(held);
            loose::remove_empty_folders(self.repository, name);
        }
    }
}

/// Tries to take a lock until another program has had time to give it up.
fn wait_for<T>(path: PathBuf, mut take: impl FnMut() -> Result<Option<T>, Error>) -> Result<T, Error> {
    for _ in 0..WAITS {
        if let Some(taken) = take()? {
            return Ok(taken);
        }
        thread::sleep(WAIT);
    }
    Err(Error::Locked(path))
}

/// Packs the loose refs that others made. Nothing changes its value, so it may be cut off anywhere.
fn fold(
    repository: &Path,
    guard: &Guard,
    peel: impl Fn(ObjectId) -> Result<Option<ObjectId>, Error>,
) -> Result<(), Error> {
    if loose::read_all(repository)?.is_empty() {
        return Ok(());
    }
    let locked = lock_packed(repository, guard)?;
    // Read again under the lock: what was deleted before must not come back.
    let found = loose::read_all(repository)?;
    let mut refs = read_packed(repository)?;
    for (name, id) in &found {
        // Only an object that is there can be peeled; a broken ref stays as it is.
        if let Ok(peeled) = peel(*id) {
            refs.insert(name.clone(), Value { id: *id, peeled });
        }
    }
    check_names(refs.keys())?;
    locked.commit(&refs)?;
    fail_point!("repo::refs-folded");
    let packed = |name: &str, id: ObjectId| refs.get(name).is_some_and(|value| value.id == id);
    loose::prune(repository, guard, found.iter().filter(|(name, id)| packed(name, **id)))
}

/// `packed-refs`, locked as Git locks it.
struct Locked<'a> {
    repository: &'a Path,
    file: File,
    held: lock::Held,
}

fn lock_packed<'a>(repository: &'a Path, guard: &Guard) -> Result<Locked<'a>, Error> {
    let path = repository.join("packed-refs.lock");
    let (file, held) = wait_for(path, || lock::take_packed(repository, guard))?;
    Ok(Locked { repository, file, held })
}

impl Locked<'_> {
    fn commit(mut self, refs: &Refs) -> Result<(), Error> {
        let path = self.repository.join("packed-refs");
        let write = |error| Error::file("write", &path, error);
        self.file.write_all(encode(refs).as_bytes()).map_err(write)?;
        fail_point!("repo::refs-written");
        self.file.sync_all().map_err(write)?;
        fail_point!("repo::refs-synced");
        self.held.rename_to(&path)?;
        fail_point!("repo::refs-renamed");
        sync_folder(self.repository)?;
        fail_point!("repo::refs-durable");
        Ok(())
    }
}

fn encode(refs: &Refs) -> String {
    let mut text = String::with_capacity(refs.len() * 96 + HEADER.len());
    text.push_str(HEADER);
    for (name, value) in refs {
        text.push_str(&format!("{} {name}\n", value.id));
        if let Some(peeled) = value.peeled {
            text.push_str(&format!("^{peeled}\n"));
        }
    }
    text
}

fn read_packed(repository: &Path) -> Result<Refs, Error> {
    let path = repository.join("packed-refs");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Refs::new()),
        Err(error) => return Err(Error::file("read", &path, error)),
    };
    let mut refs: Vec<(String, Value)> = Vec::new();
    for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let malformed = || Error::BadLine { path: path.clone(), line: number + 1 };
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        if let Some(peeled) = line.strip_prefix(b"^") {
            let (_, value) = refs.last_mut().ok_or_else(malformed)?;
            value.peeled = Some(ObjectId::from_hex(peeled).map_err(|_| malformed())?);
            continue;
        }
        let id = line.get(..40).and_then(|hex| ObjectId::from_hex(hex).ok()).ok_or_else(malformed)?;
        let name = line.get(41..).and_then(|name| std::str::from_utf8(name).ok()).ok_or_else(malformed)?;
        refs.push((name.to_owned(), Value { id, peeled: None }));
    }
    Ok(refs.into_iter().collect())
}

/// A ref cannot be a folder of refs, too: `a` and `a/b`.
fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), Error> {
    let names: BTreeSet<&str> = names.map(String::as_str).collect();
    for &name in &names {
        let mut folder = name;
        while let Some((shorter, _)) = folder.rsplit_once('/') {
            if names.contains(shorter) {
                return Err(Error::NameConflict { name: name.to_owned(), other: shorter.to_owned() });
            }
            folder = shorter;
        }
    }
    Ok(())
}
