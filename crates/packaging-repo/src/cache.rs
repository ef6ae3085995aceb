//! A repository as a cache: the primary copy is on a remote, and the folder may be removed at any time.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bounded::Deadline;
use fail::fail_point;
use source_package::version::PackageName;

use crate::record::Record;
use crate::record::vouched::Vouched;
use crate::refs::lock::Guard;
use crate::refs::{Decided, Edit, Refs, Value};
use crate::repository::{Repository, peel};
use crate::{Error, ObjectId};

/// Prefix of folders that are being removed.
const GOING: &str = ".going-";

/// Sets the refs to those of the remote, foreign ones included; `vouched` tells which are the importer's. Their objects
/// have to be here, durable. Unpublished refs are removed, and imported again. Returns the importer's refs.
///
/// # Errors
/// [`Error::Missing`] if an object is not here; errors of files.
pub fn take_over(
    repository: &Repository,
    guard: &Guard,
    there: &BTreeMap<String, ObjectId>,
    head: Option<&str>,
    vouched: &Vouched,
) -> Result<BTreeMap<String, ObjectId>, Error> {
    repository.remove_leftovers(guard)?;
    let mut store = repository.store(1)?;
    let before = if repository.exists() { repository.refs()? } else { Refs::new() };
    let mut edits = Vec::new();
    let mut decided = Decided::default();
    for (name, id) in there {
        let expected = before.get(name).map(|value| value.id);
        if expected == Some(*id) {
            continue;
        }
        store.kind(*id)?;
        let peeled = peel(*id, &mut store)?;
        edits.push(Edit { name: name.clone(), expected, new: Value { id: *id, peeled } });
        if expected.is_some() && !name.starts_with("refs/heads/") {
            decided.replaced.push(name.clone());
        }
    }
    let gone = before.iter().filter(|(name, _)| !there.contains_key(*name));
    decided.removed.extend(gone.map(|(name, value)| (name.clone(), value.id)));
    // Objects that neither the remote nor this host has cannot be restored.
    let mut record = vouched.record(there);
    record.retain(|name, id| there.contains_key(name) || store.contains(&id));
    drop(store);
    fail_point!("cache::taking-over");
    repository.publish_decided(guard, &edits, &decided, head, Some(&record))?;
    let mut ours = there.clone();
    ours.retain(|name, id| record.publishes(name, *id));
    Ok(ours)
}

/// The record of a repository, updated by its refs; `None` if there is no record.
///
/// # Errors
/// Errors of files, or a record with a seal by another key.
pub fn standing(repository: &Repository) -> Result<Option<Record>, Error> {
    let Some(record) = repository.record()? else { return Ok(None) };
    Ok(Some(record.with(&repository.refs()?, std::iter::empty())))
}

/// Removes a package's repository. A worker that uses it fails without further harm. Returns whether there was one.
///
/// # Errors
/// An import works on the repository, or a file cannot be removed.
pub fn discard(repos: &Path, package: &PackageName) -> Result<bool, Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let place = Repository::place(repos, package);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let going = place.with_file_name(format!("{GOING}{}-{number}", std::process::id()));
    match fs::rename(&place, &going) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other.map_err(|error| Error::file("remove", &place, error))?,
    }
    fail_point!("cache::going");
    fs::remove_dir_all(&going).map_err(|error| Error::file("remove", &going, error))?;
    Ok(true)
}

/// Removes a package's repository if no worker uses it, and if `is_still` confirms that it is
/// unchanged.
///
/// # Errors
/// [`Error::Busy`] if a worker uses it.
pub fn discard_idle(
    repos: &Path,
    package: &PackageName,
    is_still: impl Fn(&Repository) -> bool,
) -> Result<bool, Error> {
    let repository = match Repository::open(repos, package) {
        Err(Error::NoRepository(_)) => return Ok(false),
        other => other?,
    };
    let guard = repository.lock_idle()?;
    let is_gone = is_still(&repository) && discard(repos, package)?;
    drop(guard);
    Ok(is_gone)
}

/// A repository in a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Name of the package.
    pub package: PackageName,
    /// Size of its files in bytes.
    pub bytes: u64,
    /// Time of the last use.
    pub used: SystemTime,
}

/// Lists all repositories of a cache, the least recently used first. Folders whose removal was interrupted are
/// removed.
///
/// # Errors
/// A folder that cannot be read.
pub fn list(repos: &Path) -> Result<Vec<Cached>, Error> {
    let mut found = Vec::new();
    for prefix in folders(repos)? {
        for path in folders(&prefix)? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name.starts_with(GOING) {
                // Another process may be removing it as well.
                let _ = fs::remove_dir_all(&path);
                continue;
            }
            let package = name.strip_suffix(".git").and_then(|name| PackageName::new(name).ok());
            found.extend(package.map(|package| Cached { package, bytes: bytes(&path), used: used(&path) }));
        }
    }
    found.sort_by(|a, b| (a.used, &a.package).cmp(&(b.used, &b.package)));
    Ok(found)
}

/// The time of the last claim, which writes its fence into this folder.
fn used(repository: &Path) -> SystemTime {
    let changed = |path: PathBuf| fs::metadata(path).and_then(|it| it.modified()).ok();
    changed(repository.join("package-import"))
        .or_else(|| changed(repository.to_owned()))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The size of a repository: nearly all of it is packs.
fn bytes(repository: &Path) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |it| it.len());
    let packs = fs::read_dir(repository.join("objects/pack")).into_iter().flatten().flatten();
    packs.map(|entry| size(&entry.path())).sum::<u64>() + size(&repository.join("packed-refs"))
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(path) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).filter(|it| it.is_dir()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::file("read", path, error)),
    }
}

/// The longest wait for the lock of a repository that is to be fetched.
pub const LOCK: std::time::Duration = std::time::Duration::from_secs(30);

/// The deadline of that wait, from now on.
pub fn patience() -> Deadline {
    Deadline::after(LOCK)
}
