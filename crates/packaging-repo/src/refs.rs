//! Reading and moving refs. All refs of the importer live in `packed-refs`: lock, write, sync, rename, sync the folder
//! *is* the transaction, and loose refs have none.
//!
//! Loose refs that others made are packed first, with their values, so that the transaction which moves refs never has
//! a loose file with an older value beside it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
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
    /// The commit behind an annotated tag.
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

/// Moves refs, all or none. `peel` finds the commit behind a tag that somebody else made.
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
    let locked = lock_packed(repository, guard)?;
    fail_point!("repo::refs-locked");
    let mut refs = read_packed(repository)?;
    for (name, id) in loose::read_all(repository)? {
        refs.insert(name, Value { id, peeled: None });
    }
    for edit in edits {
        let now = refs.get(&edit.name).map(|value| value.id);
        if now != edit.expected {
            return Err(Error::RefMoved { name: edit.name.clone(), expected: edit.expected, found: now });
        }
        refs.insert(edit.name.clone(), edit.new);
    }
    check_names(&refs)?;
    locked.commit(&refs)
}

/// Packs the loose refs that others made. Nothing changes its value, so it may be cut off anywhere.
fn fold(
    repository: &Path,
    guard: &Guard,
    peel: impl Fn(ObjectId) -> Result<Option<ObjectId>, Error>,
) -> Result<(), Error> {
    let found = loose::read_all(repository)?;
    if found.is_empty() {
        return Ok(());
    }
    let locked = lock_packed(repository, guard)?;
    let mut refs = read_packed(repository)?;
    for (name, id) in &found {
        // Only an object that is there can be peeled; a broken ref stays as it is.
        if let Ok(peeled) = peel(*id) {
            refs.insert(name.clone(), Value { id: *id, peeled });
        }
    }
    check_names(&refs)?;
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
    for _ in 0..WAITS {
        if let Some((file, held)) = lock::take(repository, guard, "packed-refs", &path)? {
            return Ok(Locked { repository, file, held });
        }
        thread::sleep(WAIT);
    }
    Err(Error::Locked(path))
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
fn check_names(refs: &Refs) -> Result<(), Error> {
    for name in refs.keys() {
        let mut folder = name.as_str();
        while let Some((shorter, _)) = folder.rsplit_once('/') {
            if refs.contains_key(shorter) {
                return Err(Error::NameConflict { name: name.clone(), other: shorter.to_owned() });
            }
            folder = shorter;
        }
    }
    Ok(())
}
