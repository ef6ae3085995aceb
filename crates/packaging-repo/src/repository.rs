//! The bare repository of one source package, as files.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bounded::Deadline;
use fail::fail_point;
use source_package::version::PackageName;

use crate::durable::{room, sync_folder};
use crate::object;
use crate::pack;
use crate::record::{self, Record};
use crate::refs::fence::{self, Fence};
use crate::refs::first_publish;
use crate::refs::lock::{self, Guard};
use crate::refs::packed;
use crate::refs::refname;
use crate::refs::{self, Decided, Edit, Refs};
use crate::repack;
use crate::seal::{Key, PackageKey};
use crate::store::RepoStore;
use crate::{Error, ObjectId};

/// The maximum length of `HEAD`.
const LONGEST_HEAD: u64 = 64 << 10;

/// A packaging repository.
#[derive(Clone, Debug)]
pub struct Repository {
    path: PathBuf,
    key: Option<PackageKey>,
    /// Content of the configuration file of a new repository.
    config: &'static str,
}

impl Repository {
    /// Path of a package's repository below `repos`: by the rule of an archive's pool.
    pub fn place(repos: &Path, package: &PackageName) -> PathBuf {
        repos.join(package.pool_prefix()).join(format!("{package}.git"))
    }

    /// Opens a package's repository.
    ///
    /// # Errors
    /// [`Error::NoRepository`] when there is none.
    pub fn open(repos: &Path, package: &PackageName) -> Result<Repository, Error> {
        let path = Repository::place(repos, package);
        if !first_publish::is_complete(&path) {
            return Err(Error::NoRepository(path));
        }
        let key = Key::open(repos)?.map(|key| key.of_package(package));
        Ok(Repository { path, key, config: first_publish::CONFIG })
    }

    /// Opens what is left of a damaged one.
    pub(crate) fn open_begun(
        repos: &Path,
        package: &PackageName,
        is_begun: bool,
    ) -> Result<Repository, Error> {
        let path = Repository::place(repos, package);
        if !is_begun && !first_publish::is_complete(&path) {
            return Err(Error::NoRepository(path));
        }
        let key = Key::open(repos)?.map(|key| key.of_package(package));
        Ok(Repository { path, key, config: first_publish::CONFIG })
    }

    /// A record as it is written; none without a key.
    pub(crate) fn sealed(&self, record: &Record) -> Option<Vec<u8>> {
        self.key.as_ref().map(|key| record.encode(key))
    }

    /// Opens a package's repository. If there is none, its folder is made: it is one as soon as something was
    /// published. So is the installation's key, without which nobody imports.
    ///
    /// # Errors
    /// The folder or the key cannot be made or read.
    pub fn open_or_init(repos: &Path, package: &PackageName) -> Result<Repository, Error> {
        let path = Repository::place(repos, package);
        if !first_publish::is_complete(&path) {
            first_publish::prepare(&path)?;
        }
        let key = Some(Key::open_or_make(repos)?.of_package(package));
        Ok(Repository { path, key, config: first_publish::CONFIG })
    }

    /// A repository that no importer writes: a mirror, which has no record. It need not exist.
    pub(crate) fn copy(path: &Path) -> Repository {
        Repository { path: path.to_owned(), key: None, config: first_publish::OF_COPY }
    }

    /// Record of the refs that the importer has written; `None` if there is none: the repository is new, or older than
    /// records.
    ///
    /// # Errors
    /// [`Error::BrokenRecord`] if it was not sealed by this installation.
    pub fn record(&self) -> Result<Option<Record>, Error> {
        Record::read(&self.path, self.key.as_ref())
    }

    /// True when there is a record, valid or not.
    pub fn has_record(&self) -> bool {
        self.path.join(record::FILE).exists()
    }

    /// True if it is a repository already.
    pub fn exists(&self) -> bool {
        first_publish::is_complete(&self.path)
    }

    /// Folder of the repository.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until no other importer works on it.
    ///
    /// # Errors
    /// [`Error::Busy`] if one still does at the deadline.
    pub fn lock(&self, deadline: Deadline) -> Result<Guard, Error> {
        lock::repository(&self.path, None, deadline)
    }

    /// Locks it if no importer works on it.
    ///
    /// # Errors
    /// [`Error::Busy`] otherwise.
    pub fn lock_idle(&self) -> Result<Guard, Error> {
        lock::idle(&self.path)
    }

    /// Puts up a fence: importers with a lower one cannot move refs any more, even if they were frozen just before.
    /// A repack, or an importer without a fence, is waited for until the deadline: [`Error::Busy`].
    ///
    /// # Errors
    /// [`Error::Fenced`] when a higher fence stands, [`Error::Busy`] when a repack holds the lock until the deadline.
    pub fn lock_fenced(&self, fence: Fence, deadline: Deadline) -> Result<Guard, Error> {
        lock::repository(&self.path, Some(fence), deadline)
    }

    /// The highest fence that stands.
    pub fn highest_fence(&self) -> Option<Fence> {
        fence::highest(&self.path)
    }

    /// Removes the files of a killed importer or repack: unfinished packs, locks, and files of a new repository.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove_leftovers(&self, guard: &Guard) -> Result<(), Error> {
        lock::remove_stale(&self.path, guard)?;
        pack::remove_unfinished(&self.path.join("objects/pack"))?;
        repack::tidy(&self.path)
    }

    /// Checks that its disk has a number of bytes free.
    ///
    /// # Errors
    /// [`Error::File`] with the error of a full disk if it has not.
    pub fn check_free(&self, bytes: u64) -> Result<(), Error> {
        let file = |error| Error::file("write to the disk of", &self.path, error);
        let folder = bounded::file::open_folder(&self.path).map_err(file)?;
        crate::space::check(&folder, bytes).map_err(file)
    }

    /// The objects, and a new pack to add to.
    ///
    /// # Errors
    /// The objects cannot be opened.
    pub fn store(&self, threads: usize) -> Result<RepoStore, Error> {
        RepoStore::open(&self.path.join("objects"), threads)
    }

    /// All refs, with the objects behind tags.
    ///
    /// # Errors
    /// A file of the refs cannot be read or parsed.
    pub fn refs(&self) -> Result<Refs, Error> {
        refs::read(&self.path)
    }

    /// A branch, `DISTRO/SUITE`, because of which there cannot be one for another suite: Git has one name either for a branch or
    /// for a folder of branches.
    ///
    /// # Errors
    /// The refs cannot be read.
    pub fn conflicting_branch(&self, distro: &str, suite: &str) -> Result<Option<String>, Error> {
        let refs = self.refs()?;
        let found = packed::find_conflict(&refname::branch(distro, suite), &refs);
        // A foreign branch is no reason to give the suite another name: the import reports what to do.
        let record = self.record()?;
        let is_ours = |name: &String| {
            let id = refs.get(name).map(|value| value.id);
            record.as_ref().zip(id).is_none_or(|(record, id)| record.knows(name, id))
        };
        let found = found.filter(is_ours);
        Ok(found.map(|name| name.trim_start_matches("refs/heads/").to_owned()))
    }

    /// Moves refs, all or none, and has `HEAD` point to the wanted branch (`distro/suite`), if there is one. The
    /// objects have to be durable. A new repository appears with this. `record` is its record from then on.
    ///
    /// # Errors
    /// [`Error::RefMoved`] and [`Error::TagExists`] when another program was faster, [`Error::Fenced`] when a later
    /// importer has taken over. No ref has moved then.
    pub fn publish(
        &self,
        guard: &Guard,
        edits: &[Edit],
        wanted: Option<&str>,
        record: Option<&Record>,
    ) -> Result<(), Error> {
        self.publish_decided(guard, edits, &Decided::default(), wanted, record)
    }

    /// The same, with operators' decisions about foreign refs.
    ///
    /// # Errors
    /// As of [`Repository::publish`].
    pub fn publish_decided(
        &self,
        guard: &Guard,
        edits: &[Edit],
        decided: &Decided,
        wanted: Option<&str>,
        record: Option<&Record>,
    ) -> Result<(), Error> {
        let record = record.zip(self.key.as_ref()).map(|(record, key)| record.encode(key));
        if first_publish::is_complete(&self.path) {
            self.move_refs(guard, edits, decided, record.as_deref())?;
            self.point_head(guard, wanted)?;
        } else {
            let wanted = wanted.map(|branch| format!("refs/heads/{branch}"));
            first_publish::complete(
                &self.path,
                guard,
                edits,
                wanted.as_deref(),
                record.as_deref(),
                self.config,
            )?;
        }
        if record.is_some() {
            record::note_moved(&self.path);
        }
        Ok(())
    }

    /// Tidies up after a killed importer: its unfinished files are removed, and a new repository becomes complete, even
    /// if it is empty.
    ///
    /// # Errors
    /// A file cannot be removed or written.
    pub fn settle(&self, guard: &Guard) -> Result<(), Error> {
        self.remove_leftovers(guard)?;
        if first_publish::is_complete(&self.path) {
            return Ok(());
        }
        // It has a record from the beginning: refs that others push into it are never taken for ours.
        // Entries that are on record are true, whatever else is gone.
        let record = match self.record() {
            Ok(record) => self.sealed(&record.unwrap_or_default()),
            Err(_) => None,
        };
        first_publish::complete(&self.path, guard, &[], None, record.as_deref(), self.config)
    }

    /// Moves refs, all or none, without a word on record. The objects have to be durable.
    ///
    /// # Errors
    /// [`Error::RefMoved`] and [`Error::TagExists`] when another program was faster. No ref has moved then.
    pub fn transact(&self, guard: &Guard, edits: &[Edit]) -> Result<(), Error> {
        self.move_refs(guard, edits, &Decided::default(), None)
    }

    pub(crate) fn move_refs(
        &self,
        guard: &Guard,
        edits: &[Edit],
        decided: &Decided,
        record: Option<&[u8]>,
    ) -> Result<(), Error> {
        // Opened at most once, and only if others made refs.
        let mut opened = None;
        refs::transact(&self.path, guard, edits, decided, record, |id| {
            let store = match &mut opened {
                Some(store) => store,
                none => none.insert(self.store(1)?),
            };
            peel(id, store)
        })
    }

    /// The branch that a clone checks out.
    ///
    /// # Errors
    /// `HEAD` cannot be read.
    pub fn head(&self) -> Result<String, Error> {
        let path = self.path.join("HEAD");
        let text = bounded::file::read_text(&path, LONGEST_HEAD)
            .map_err(|error| Error::file("read", &path, error))?;
        Ok(text.trim_end().strip_prefix("ref: ").unwrap_or_default().to_owned())
    }

    /// Points `HEAD` to the wanted branch (`distro/suite`) if there is one, else keeps it if its branch exists, else
    /// points it to the first branch there is.
    ///
    /// # Errors
    /// `HEAD` or the refs cannot be read or written.
    pub fn point_head(&self, _guard: &Guard, wanted: Option<&str>) -> Result<(), Error> {
        let refs = self.refs()?;
        let wanted = wanted.map(|branch| format!("refs/heads/{branch}"));
        let now = self.head()?;
        let target = match wanted.filter(|branch| refs.contains_key(branch)) {
            Some(branch) => branch,
            None if refs.contains_key(&now) => return Ok(()),
            None => match first_publish::first_branch(&refs) {
                Some(branch) => branch,
                None => return Ok(()),
            },
        };
        if target == now {
            return Ok(());
        }
        let (path, temporary) = (self.path.join("HEAD"), self.path.join("package-import.head"));
        write_durably(&temporary, format!("ref: {target}\n").as_bytes())?;
        fail_point!("repo::head-written");
        room()
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(|error| Error::file("write", &path, error))?;
        fail_point!("repo::head-renamed");
        sync_folder(&self.path)
    }
}

/// Object behind a tag and behind all further tags; `None` if `id` is no tag.
pub(crate) fn peel(id: ObjectId, store: &mut RepoStore) -> Result<Option<ObjectId>, Error> {
    let mut at = id;
    while let Some(target) = object::tag_target(at, store)? {
        at = target;
    }
    Ok((at != id).then_some(at))
}

fn write_durably(path: &Path, content: &[u8]) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        room()?;
        let mut file = bounded::file::create(path)?;
        room()?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|error| Error::file("write", path, error))
}
