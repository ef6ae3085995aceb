//! A copy of a packaging repository in a folder of this machine, to which others push. It is written like the
//! repositories of imports: objects first, durable, then all refs in one transaction. A killed `git push` leaves a lock
//! for every ref, which blocks all further pushes; files that a killed push of this kind leaves are removed by the
//! next.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bounded::Deadline;
use bounded::program::Group;
use fail::fail_point;

use crate::durable::sync_folder;
use crate::refs::first_publish;
use crate::refs::lock::{self, Guard};
use crate::refs::{Edit, Refs};
use crate::repack;
use crate::repository::Repository;
use crate::store::RepoStore;
use crate::{Error, ObjectId};

/// Folder for incoming objects: `git gc` removes old folders with such a name.
const INCOMING: &str = "objects/tmp_objdir-package-import";
/// Prefix of such folders where several can exist at once.
const FETCHING: &str = "tmp_objdir-package-import-fetch-";
/// Git works on durable files.
const DURABLE: [(&str, &str); 2] = [("core.fsync", "all"), ("core.fsyncMethod", "fsync")];

/// A copy in a folder.
#[derive(Clone, Debug)]
pub struct Mirror {
    repository: Repository,
}

impl Mirror {
    /// At this path. It need not be there.
    pub fn at(path: &Path) -> Mirror {
        Mirror { repository: Repository::copy(path) }
    }

    /// Folder of the mirror.
    pub fn path(&self) -> &Path {
        self.repository.path()
    }

    /// True when there is a repository.
    pub fn exists(&self) -> bool {
        first_publish::is_complete(self.path())
    }

    /// All its refs, and the branch that a clone checks out, if that is there.
    ///
    /// # Errors
    /// [`Error::NoRepository`]; [`Error::Unsuitable`] if it keeps its refs or objects in another way.
    pub fn read(&self) -> Result<(Refs, Option<String>), Error> {
        if !self.exists() {
            return Err(Error::NoRepository(self.path().to_owned()));
        }
        self.check_format()?;
        let refs = self.repository.refs()?;
        let head = self.repository.head()?;
        let head = refs.contains_key(&head).then_some(head);
        Ok((refs, head))
    }

    /// Moves refs, all or none, after all that they lead to was copied out of `objects`. `head`, as `DISTRO/SUITE`, is
    /// the branch that a clone checks out. A missing repository is created.
    ///
    /// # Errors
    /// [`Error::RefMoved`], [`Error::TagExists`] and [`Error::NameConflict`] if somebody else was faster.
    pub fn push(
        &self,
        objects: &Path,
        edits: &[Edit],
        head: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        if self.exists() {
            self.check_format()?;
        } else {
            first_publish::prepare(self.path())?;
        }
        let guard = self.repository.lock(deadline)?;
        self.tidy(&guard)?;
        let there = if self.exists() { self.repository.refs()? } else { Refs::new() };
        let known = RepoStore::open(objects, 1)?;
        let have: Vec<ObjectId> =
            there.values().map(|value| value.id).filter(|id| known.contains(id)).collect();
        drop(known);
        let want: Vec<ObjectId> = edits.iter().map(|edit| edit.new.id).collect();
        // The holder of the lock removes files that are left below a name that is always the same.
        copy(objects, self.path(), &self.path().join(INCOMING), &want, &have, deadline)?;
        drop_incoming(self.path())?;
        fail_point!("mirror::copied");
        self.repository.publish(&guard, edits, head, None)
    }

    /// Copies all that objects lead to into another repository's folder, durable. No ref names it there.
    ///
    /// # Errors
    /// [`Error::Missing`] when the objects are not all there; [`Error::Git`] when Git fails or the deadline is over.
    pub fn fetch(&self, into: &Path, want: &[ObjectId], deadline: Deadline) -> Result<(), Error> {
        let theirs = RepoStore::open(&self.path().join("objects"), 1)?;
        let ours = crate::refs::read(into)?;
        let have: Vec<ObjectId> =
            ours.values().map(|value| value.id).filter(|id| theirs.contains(id)).collect();
        drop(theirs);
        // No lock: an import need not wait for this, and two of these may be under way.
        let objects = into.join("objects");
        let incoming = tempfile::Builder::new()
            .prefix(FETCHING)
            .tempdir_in(&objects)
            .map_err(|error| Error::file("create", &objects, error))?;
        copy(&self.path().join("objects"), into, incoming.path(), want, &have, deadline)
    }

    /// Removes the files that a killed process left.
    fn tidy(&self, guard: &Guard) -> Result<(), Error> {
        lock::remove_stale(self.path(), guard)?;
        drop_incoming(self.path())
    }

    fn check_format(&self) -> Result<(), Error> {
        let path = self.path().join("config");
        let text = match bounded::file::read_text(&path, LONGEST_CONFIG) {
            Ok(text) => text.to_ascii_lowercase(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::file("read", &path, error)),
        };
        for (word, what) in [("reftable", "its refs in reftables"), ("sha256", "objects named by SHA-256")] {
            let is_set = text.lines().any(|line| {
                let line = line.trim();
                (line.starts_with("refstorage") || line.starts_with("objectformat")) && line.contains(word)
            });
            if is_set {
                return Err(Error::Unsuitable { path: self.path().to_owned(), what });
            }
        }
        Ok(())
    }
}

/// A configuration longer than this is none.
const LONGEST_CONFIG: u64 = 1 << 20;

/// Copies what `want` leads to, and `have` does not, from a folder of objects into a repository, as one pack.
fn copy(
    from: &Path,
    to: &Path,
    incoming: &Path,
    want: &[ObjectId],
    have: &[ObjectId],
    deadline: Deadline,
) -> Result<(), Error> {
    let packs = incoming.join("pack");
    fs::create_dir_all(&packs).map_err(|error| Error::file("create", &packs, error))?;
    let mut input = String::with_capacity((want.len() + have.len()) * 42);
    want.iter().for_each(|id| input.push_str(&format!("{id}\n")));
    have.iter().for_each(|id| input.push_str(&format!("^{id}\n")));
    let base = packs.join("pack").to_string_lossy().into_owned();
    let arguments = ["--revs", "--quiet", "--non-empty", "--delta-base-offset", "--threads=1", base.as_str()];
    let mut command = repack::command(to_git_dir(from), "pack-objects", &arguments);
    let mut alternates = OsString::from("\"");
    // Git's quoting: a colon would end the name.
    alternates.push(from.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\""));
    alternates.push("\"");
    command.env("GIT_OBJECT_DIRECTORY", incoming).env("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates);
    repack::configure(&mut command, &DURABLE);
    repack::run(&mut command, "pack-objects", Group::Own, Some(input.into_bytes()), deadline, |_| {})?;
    fail_point!("mirror::packed");
    put_in_place(&packs, &to.join("objects/pack"))
}

/// The repository of a folder of objects.
fn to_git_dir(objects: &Path) -> &Path {
    objects.parent().unwrap_or(objects)
}

/// An index comes last: with it, a pack is there.
fn put_in_place(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(|error| Error::file("create", to, error))?;
    let mut files = list(from)?;
    files.sort_by_key(|path| path.extension().is_some_and(|it| it == "idx"));
    for path in files {
        let target = to.join(path.file_name().unwrap_or_default());
        // The same name is the same content.
        if !target.exists() {
            fs::rename(&path, &target).map_err(|error| Error::file("rename", &path, error))?;
            fail_point!("mirror::renamed");
        }
    }
    sync_folder(to)
}

/// Removes objects that were coming in when somebody was killed, and packs of theirs that have no index yet.
fn drop_incoming(repository: &Path) -> Result<(), Error> {
    let incoming = repository.join(INCOMING);
    if !incoming.exists() {
        return Ok(());
    }
    for path in list(&incoming.join("pack"))? {
        if path.extension().is_some_and(|it| it == "idx")
            && let Some(name) = path.file_stem()
        {
            let pack = repository.join("objects/pack").join(name);
            if !pack.with_extension("idx").exists() {
                lock::remove_if_there(&pack.with_extension("pack"))?;
                lock::remove_if_there(&pack.with_extension("rev"))?;
            }
        }
    }
    fs::remove_dir_all(&incoming).map_err(|error| Error::file("remove", &incoming, error))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::file("read", folder, error)),
    }
}

#[cfg(test)]
mod tests;
