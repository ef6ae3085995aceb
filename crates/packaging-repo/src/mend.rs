//! Looking into a repository that is damaged, and changing what only a repair changes. Everybody else's way in is
//! [`Repository`]: it refuses what cannot be read.

mod copy;
mod reach;
mod rebuilt;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bounded::Deadline;
use source_package::version::PackageName;

use crate::record::{self, Record};
use crate::refs::lock::Guard;
use crate::refs::refname::{ASIDE, REPAIRED};
use crate::refs::{self, Decided, Edit, Refs, first_publish, loose, packed};
use crate::repack::git;
use crate::repository::Repository;
use crate::store::RepoStore;
use crate::verify::LONGEST;
use crate::{Error, ObjectId};
pub use copy::{first_missing, index_anew, take_copy};
pub use reach::incomplete;
pub use rebuilt::Rebuilt;

/// Folders without which Git takes nothing for a repository.
pub const FOLDERS: [&str; 3] = ["objects", "objects/pack", "refs"];

/// The readable part of a damaged repository's refs.
pub struct Readable {
    /// The refs.
    pub refs: Refs,
    /// Errors of `packed-refs`.
    pub packed: Vec<String>,
    /// Loose files that name nothing.
    pub loose: Vec<String>,
}

/// True if any part of a repository exists: objects, refs or a record.
pub fn is_begun(repos: &Path, package: &PackageName) -> bool {
    let path = Repository::place(repos, package);
    let has_packs = std::fs::read_dir(path.join("objects/pack")).is_ok_and(|mut entries| {
        entries.any(|it| it.is_ok_and(|it| it.path().extension().is_some_and(|ending| ending == "pack")))
    });
    path.join(record::FILE).is_file() || path.join("packed-refs").is_file() || has_packs
}

/// Opens what is left of a repository, also without a `HEAD`. Nothing is made.
///
/// # Errors
/// There is nothing; the installation's key.
pub fn open(repos: &Path, package: &PackageName) -> Result<Repository, Error> {
    Repository::open_begun(repos, package, is_begun(repos, package))
}

/// Reads what can be read of the refs.
///
/// # Errors
/// The files cannot be read at all.
pub fn refs(repository: &Repository) -> Result<Readable, Error> {
    let path = repository.path();
    let (packed, wrong) = packed::read_damaged(path)?;
    let mut refs = packed.refs;
    for (name, id) in loose::read_all(path)? {
        let same = refs.get(&name).filter(|value| value.id == id).copied();
        refs.insert(name, same.unwrap_or(refs::Value { id, peeled: None }));
    }
    Ok(Readable { refs, packed: wrong, loose: loose::unreadable(path) })
}

/// Writes `packed-refs` anew, with what can be read of it.
///
/// # Errors
/// The file, or its lock.
pub fn rewrite_packed_refs(repository: &Repository, guard: &Guard) -> Result<(), Error> {
    let mut store = repository.store(1)?;
    refs::rewrite(repository.path(), guard, |id| peel(id, &mut store))
}

/// The branch that `HEAD` should lead to: the wanted one (`distro/suite`) if there is one, else where it leads now, else the
/// first there is.
pub fn head_for(refs: &Refs, now: Option<&str>, wanted: Option<&str>) -> Option<String> {
    let wanted = wanted.map(|branch| format!("refs/heads/{branch}"));
    let is_there = |name: &String| refs.contains_key(name);
    let now = now.map(str::to_owned).filter(|name| is_there(name) && name.starts_with("refs/heads/"));
    now.or_else(|| wanted.filter(is_there)).or_else(|| first_publish::first_branch(refs))
}

/// Writes `HEAD`.
///
/// # Errors
/// The file.
pub fn write_head(repository: &Repository, guard: &Guard, branch: &str) -> Result<(), Error> {
    replace(repository, guard, "HEAD", format!("ref: {branch}\n").as_bytes())
}

/// Writes the record.
///
/// # Errors
/// The file; without the installation's key nothing can be sealed.
pub fn write_record(repository: &Repository, guard: &Guard, record: &Record) -> Result<(), Error> {
    let sealed = repository.sealed(record).ok_or_else(|| Error::BrokenRecord(record_file(repository)))?;
    refs::put_on_record(repository.path(), guard, &sealed)
}

/// The file of the record.
pub fn record_file(repository: &Repository) -> PathBuf {
    repository.path().join(record::FILE)
}

/// The record as it will be written.
pub fn sealed(repository: &Repository, record: &Record) -> Option<Vec<u8>> {
    repository.sealed(record)
}

/// Puts a whole file of the repository in place, durably.
///
/// # Errors
/// The file.
pub fn replace(repository: &Repository, guard: &Guard, name: &str, content: &[u8]) -> Result<(), Error> {
    let file = first_publish::New::write(repository.path(), guard, name, content)?;
    file.sync()?;
    guard.check(repository.path())?;
    file.put_in_place(guard)?;
    crate::durable::sync_folder(repository.path())
}

/// The configuration of a new repository.
pub fn new_config() -> &'static str {
    first_publish::CONFIG
}

/// Moves refs, all or none, with a record that is given as the bytes of its file.
///
/// # Errors
/// A ref is not where it has to be; the files.
pub fn transact(
    repository: &Repository,
    guard: &Guard,
    edits: &[Edit],
    decided: &Decided,
    record: Option<&[u8]>,
) -> Result<(), Error> {
    repository.move_refs(guard, edits, decided, record)?;
    if record.is_some() {
        record::note_moved(repository.path());
    }
    Ok(())
}

/// Makes the index of a pack again.
///
/// # Errors
/// Git, or the pack.
pub fn index_pack(repository: &Repository, pack: &Path) -> Result<(), Error> {
    let name = pack.display().to_string();
    git(repository, "index-pack", &[&name], Stdio::null(), Deadline::after(LONGEST))
}

/// Packs whose content is not what their checksums say, with what Git says of each. It needs no `HEAD` and no refs.
///
/// # Errors
/// Git cannot be run.
pub fn broken_packs(repository: &Repository) -> Result<Vec<(String, String)>, Error> {
    let folder = repository.path().join("objects/pack");
    let entries = std::fs::read_dir(&folder).map_err(|error| Error::file("read", &folder, error))?;
    let mut broken = Vec::new();
    let paths: BTreeSet<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "idx")) {
        let pack = path.with_extension("pack");
        if !pack.is_file() {
            continue;
        }
        let name = path.display().to_string();
        match git(repository, "verify-pack", &[&name], Stdio::null(), Deadline::after(LONGEST)) {
            Ok(()) => {}
            Err(Error::Git { cause, .. }) => {
                let name = pack.file_name().unwrap_or_default().to_string_lossy().into_owned();
                broken.push((name, cause));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(broken)
}

/// True for a ref under which a foreign object was set aside.
pub fn is_aside(name: &str) -> bool {
    name.starts_with(ASIDE) || name.starts_with("refs/tags/collisions/")
}

/// An object's id from its digits.
pub fn id(text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text.as_bytes()).ok()
}

/// The object behind a tag.
///
/// # Errors
/// An object that cannot be read.
pub fn peel(id: ObjectId, store: &mut RepoStore) -> Result<Option<ObjectId>, Error> {
    crate::repository::peel(id, store)
}

/// The record without some refs, sealed; `None` if no record can be read.
pub fn record_without<'a>(repository: &Repository, names: impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
    let mut record = repository.record().ok().flatten()?;
    names.for_each(|name| record.forget(name));
    repository.sealed(&record)
}

/// Moves refs back, with the record as it was. Nothing is noted behind it.
///
/// # Errors
/// A ref is not where it has to be; the files.
pub fn put_back(
    repository: &Repository,
    guard: &Guard,
    edits: &[Edit],
    decided: &Decided,
    record: Option<&[u8]>,
) -> Result<(), Error> {
    repository.move_refs(guard, edits, decided, record)
}

/// Sees to it that those who clone do not see what repairs keep.
///
/// # Errors
/// The configuration.
pub fn hide_repairs(repository: &Repository, guard: &Guard) -> Result<(), Error> {
    const HIDDEN: &str = "hideRefs = refs/package-import";
    let path = repository.path().join("config");
    let text = bounded::file::read_text(&path, 1 << 20).unwrap_or_default();
    if text.contains(HIDDEN) {
        return Ok(());
    }
    let text =
        if text.is_empty() { new_config().to_owned() } else { format!("{text}\n[transfer]\n\t{HIDDEN}\n") };
    replace(repository, guard, "config", text.as_bytes())
}

/// Removes the refs under which a repair keeps what it has replaced. Returns their number.
///
/// # Errors
/// The refs.
pub fn forget_kept(repository: &Repository, guard: &Guard, id: i64) -> Result<usize, Error> {
    let folder = format!("{REPAIRED}{id}/");
    let kept = refs(repository)?.refs.into_iter().filter(|(name, _)| name.starts_with(&folder));
    let removed: Vec<(String, ObjectId)> = kept.map(|(name, value)| (name, value.id)).collect();
    let number = removed.len();
    if number > 0 {
        repository.move_refs(guard, &[], &Decided { removed, ..Decided::default() }, None)?;
    }
    Ok(number)
}

/// Takes out of a pack that is not whole what can be read of it.
///
/// # Errors
/// Git cannot be run, or the file.
pub fn salvage(repository: &Repository, pack: &Path) -> Result<(), Error> {
    let file = bounded::file::open_regular(pack).map_err(|error| Error::file("read", pack, error))?;
    let arguments = ["-r", "-q"];
    match git(repository, "unpack-objects", &arguments, file.into(), Deadline::after(LONGEST)) {
        // It says so if it could not read all.
        Ok(()) | Err(Error::Git { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
