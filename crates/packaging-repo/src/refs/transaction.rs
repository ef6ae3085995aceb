//! Reading and moving refs. All refs of the importer live in `packed-refs`: lock, write, sync, rename, sync the folder
//! *is* the transaction, and loose refs have none.
//!
//! Loose refs that others made are packed first, with their values, so that the transaction which moves refs never has
//! a loose file with an older value beside it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use bounded::waiting::Wait;
use fail::fail_point;

use crate::durable::{begin, room, sync_folder};
use crate::record;
use crate::refs::first_publish::New;
use crate::refs::lock::{self, Guard};
use crate::refs::loose;
use crate::refs::packed::{self, Packed};
use crate::refs::refname;
use crate::{Error, ObjectId};

/// Number of times that another program's lock is waited for; next, the length of each wait.
const WAITS: u32 = 200;
const WAIT: Duration = Duration::from_millis(50);

/// Value of a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Id of the object.
    pub id: ObjectId,
    /// Object behind an annotated tag.
    pub peeled: Option<ObjectId>,
}

/// All refs, sorted by name.
pub type Refs = BTreeMap<String, Value>;

/// One change of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Full name of the ref.
    pub name: String,
    /// Object that it has to point to before; `None`: it must not exist.
    pub expected: Option<ObjectId>,
    /// Value afterwards.
    pub new: Value,
}

/// Changes beside the edits that a person has decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Refs to remove, and where they have to point before.
    pub removed: Vec<(String, ObjectId)>,
    /// Tags among the edits that may have another value before.
    pub replaced: Vec<String>,
}

impl Decided {
    fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.replaced.is_empty()
    }
}

/// Reads all refs; the values of loose refs win.
///
/// # Errors
/// A file of the refs cannot be read or parsed.
pub fn read(repository: &Path) -> Result<Refs, Error> {
    let mut refs = packed::read(repository)?.refs;
    for (name, id) in loose::read_all(repository)? {
        let same = refs.get(&name).filter(|value| value.id == id).copied();
        refs.insert(name, same.unwrap_or(Value { id, peeled: None }));
    }
    Ok(refs)
}

/// Moves refs, all or none. `peel` finds the object behind a foreign tag. `record` is the record afterwards: it is
/// durable before a ref moves.
pub(crate) fn transact(
    repository: &Path,
    guard: &Guard,
    edits: &[Edit],
    decided: &Decided,
    record: Option<&[u8]>,
    peel: impl FnMut(ObjectId) -> Result<Option<ObjectId>, Error>,
) -> Result<(), Error> {
    check_names(edits)?;
    fold(repository, guard, peel)?;
    if edits.is_empty() && decided.is_empty() {
        return record.map_or(Ok(()), |record| put_on_record(repository, guard, record));
    }
    // The order in which Git takes them, too.
    let branches = lock_branches(repository, guard, edits, decided)?;
    let locked = lock_packed(repository, guard)?;
    fail_point!("repo::refs-locked");
    let mut packed = packed::read(repository)?;
    let loose = loose::read_all(repository)?;
    apply(&mut packed, &loose, edits, decided)?;
    locked.commit(&packed, guard, record)?;
    fail_point!("repo::refs-moved");
    branches.release()
}

/// Writes `packed-refs` anew with what can be read of it. Nothing that can be read changes its value.
pub(crate) fn rewrite(
    repository: &Path,
    guard: &Guard,
    mut peel: impl FnMut(ObjectId) -> Result<Option<ObjectId>, Error>,
) -> Result<(), Error> {
    let locked = lock_packed(repository, guard)?;
    let (mut packed, _) = packed::read_damaged(repository)?;
    for value in packed.values_mut() {
        value.peeled = peel(value.id).unwrap_or(value.peeled);
    }
    locked.commit(&packed, guard, None)
}

/// Makes the edits in memory: refused if a ref is not where it has to be, or if two names exclude each other.
pub(crate) fn apply(
    packed: &mut Packed,
    loose: &BTreeMap<String, ObjectId>,
    edits: &[Edit],
    decided: &Decided,
) -> Result<(), Error> {
    check_names(edits)?;
    for (name, id) in &decided.removed {
        // A loose file would stay, and so would the ref.
        let found = loose.get(name).copied().or_else(|| packed.refs.get(name).map(|value| value.id));
        if loose.contains_key(name) || found != Some(*id) {
            return Err(Error::RefMoved { name: name.clone(), expected: Some(*id), found });
        }
        packed.refs.remove(name);
    }
    for edit in edits {
        let now =
            loose.get(&edit.name).copied().or_else(|| packed.refs.get(&edit.name).map(|value| value.id));
        if let Some(found) = now.filter(|_| is_fixed(&edit.name) && !decided.replaced.contains(&edit.name)) {
            if found == edit.new.id {
                continue;
            }
            return Err(Error::TagExists { name: edit.name.clone(), found, ours: edit.new.id });
        }
        if now != edit.expected {
            return Err(Error::RefMoved { name: edit.name.clone(), expected: edit.expected, found: now });
        }
        packed.refs.insert(edit.name.clone(), edit.new);
    }
    edits.iter().try_for_each(|edit| check_name(&edit.name, packed, loose))
}

/// Checks every name at the place where it is written, whatever was checked before.
fn check_names(edits: &[Edit]) -> Result<(), Error> {
    edits.iter().try_for_each(|edit| Ok(refname::check_ref(&edit.name)?))
}

/// True when a ref never changes once it exists.
fn is_fixed(name: &str) -> bool {
    !name.starts_with("refs/heads/")
}

/// Writes the record alone: nothing moves.
pub(crate) fn put_on_record(repository: &Path, guard: &Guard, record: &[u8]) -> Result<(), Error> {
    let file = New::write(repository, guard, record::FILE, record)?;
    file.sync()?;
    guard.check(repository)?;
    file.put_in_place(guard)?;
    sync_folder(repository)
}

/// The branches of a transaction, locked.
struct Branches<'a> {
    repository: &'a Path,
    held: Vec<(&'a str, lock::Held)>,
}

/// Locks the branches, and what exists, as Git does before it writes a loose ref: otherwise one that another
/// program moves right now would hide our value, although both moves had succeeded. New tags are not locked. If
/// another program makes one of the same name meanwhile, it stays, and the next import finds a foreign tag.
fn lock_branches<'a>(
    repository: &'a Path,
    guard: &Guard,
    edits: &'a [Edit],
    decided: &'a Decided,
) -> Result<Branches<'a>, Error> {
    let mut branches = Branches { repository, held: Vec::new() };
    let moved = edits.iter().filter(|edit| edit.expected.is_some() || edit.name.starts_with("refs/heads/"));
    let removed = decided.removed.iter().map(|(name, _)| name);
    for name in removed.chain(moved.map(|edit| &edit.name)) {
        let path = repository.join(format!("{name}.lock"));
        let held = wait_for(path, || {
            // Git may remove the empty folder at any time.
            loose::make_folder(repository, name)?;
            lock::take_loose(repository, guard, name)
        })?;
        branches.held.push((name, held));
        if loose::is_strange(repository, name) {
            return Err(Error::StrangeRef(name.clone()));
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

/// Tries to take a lock until another program has had time to release it.
fn wait_for<T>(path: PathBuf, mut take: impl FnMut() -> Result<Option<T>, Error>) -> Result<T, Error> {
    let mut wait = Wait::new();
    for _ in 0..WAITS {
        if let Some(taken) = take()? {
            return Ok(taken);
        }
        wait.tell(|| format!("{}: another Git has it", path.display()));
        thread::sleep(WAIT);
    }
    Err(Error::Locked(path))
}

/// Packs the loose refs that others made, and adds peeled values of tags where another program did not. No ref
/// changes its value, so this may be interrupted anywhere.
fn fold(
    repository: &Path,
    guard: &Guard,
    mut peel: impl FnMut(ObjectId) -> Result<Option<ObjectId>, Error>,
) -> Result<(), Error> {
    if loose::read_all(repository)?.is_empty() && packed::is_fully_peeled(repository)? {
        return Ok(());
    }
    let locked = lock_packed(repository, guard)?;
    // Read again under the lock: deleted refs must not come back.
    let found = loose::read_all(repository)?;
    let mut packed = packed::read(repository)?;
    if !packed::is_fully_peeled(repository)? {
        for value in packed.values_mut().filter(|value| value.peeled.is_none()) {
            value.peeled = peel(value.id).unwrap_or_default();
        }
    }
    for (name, id) in &found {
        // Only an existing object can be peeled; a broken ref stays as it is.
        if let Ok(peeled) = peel(*id) {
            packed.refs.insert(name.clone(), Value { id: *id, peeled });
        }
    }
    found.keys().try_for_each(|name| check_name(name, &packed, &found))?;
    locked.commit(&packed, guard, None)?;
    fail_point!("repo::refs-folded");
    let is_packed = |name: &str, id: ObjectId| packed.refs.get(name).is_some_and(|value| value.id == id);
    loose::prune(repository, guard, found.iter().filter(|(name, id)| is_packed(name, **id)))
}

/// A ref cannot be a folder of refs, too: `a` and `a/b`.
fn check_name(name: &str, packed: &Packed, loose: &BTreeMap<String, ObjectId>) -> Result<(), Error> {
    match packed.conflict(name).or_else(|| packed::find_conflict(name, loose)) {
        Some(other) => Err(Error::NameConflict { name: name.to_owned(), other }),
        None => Ok(()),
    }
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
    /// The record is written first: every ref must be in the record, not the other way round.
    fn commit(mut self, packed: &Packed, guard: &Guard, record: Option<&[u8]>) -> Result<(), Error> {
        let path = self.repository.join("packed-refs");
        let write = |error| Error::file("write", &path, error);
        room().and_then(|()| self.file.write_all(&packed.encode())).map_err(write)?;
        begin(&self.file);
        let record = record.map(|text| New::write(self.repository, guard, record::FILE, text)).transpose()?;
        fail_point!("repo::refs-written");
        record.as_ref().map_or(Ok(()), New::sync)?;
        room().and_then(|()| self.file.sync_all()).map_err(write)?;
        fail_point!("repo::refs-synced");
        guard.check(self.repository)?;
        fail_point!("repo::refs-checked");
        if let Some(record) = &record {
            record.put_in_place(guard)?;
            fail_point!("repo::record-renamed");
        }
        self.held.rename_to(&path, guard)?;
        fail_point!("repo::refs-renamed");
        sync_folder(self.repository)?;
        fail_point!("repo::refs-durable");
        Ok(())
    }
}
