//! The bare repository of one source package, as files.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fail::fail_point;
use source_package::version::PackageName;

use crate::fence::Fence;
use crate::lock::{self, Guard};
use crate::object;
use crate::pack::{self, sync_folder};
use crate::refs::{self, Edit, Refs};
use crate::store::RepoStore;
use crate::{Error, ObjectId};

/// Automatic collection is off: `repack` keeps the repository in shape, under the importers' lock.
const CONFIG: &str =
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n";
/// Where a new repository's `HEAD` points if no branch is to be expected.
const NO_BRANCH: &str = "main";

/// A packaging repository.
#[derive(Clone, Debug)]
pub struct Repository {
    path: PathBuf,
}

impl Repository {
    /// Where a package's repository is below `repos`: by the rule of the archive's pool.
    pub fn place(repos: &Path, package: &PackageName) -> PathBuf {
        repos.join(package.pool_prefix()).join(format!("{package}.git"))
    }

    /// Opens a package's repository.
    pub fn open(repos: &Path, package: &PackageName) -> Result<Repository, Error> {
        let path = Repository::place(repos, package);
        if path.join("HEAD").is_file() { Ok(Repository { path }) } else { Err(Error::NoRepository(path)) }
    }

    /// Opens a package's repository, made if there is none. A new one's `HEAD` points to the branch that is expected
    /// (`distro/suite`): to point it there afterwards would take two more syncs.
    pub fn open_or_init(
        repos: &Path,
        package: &PackageName,
        branch: Option<&str>,
    ) -> Result<Repository, Error> {
        match Repository::open(repos, package) {
            Err(Error::NoRepository(path)) => {
                init(&path, branch.unwrap_or(NO_BRANCH)).map(|()| Repository { path })
            }
            other => other,
        }
    }

    /// The repository's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until no other importer works on it.
    pub fn lock(&self) -> Result<Guard, Error> {
        lock::repository(&self.path, None)
    }

    /// Puts up a fence: importers with a lower one cannot move refs any more, even if they were frozen just before.
    pub fn lock_fenced(&self, fence: Fence) -> Result<Guard, Error> {
        lock::repository(&self.path, Some(fence))
    }

    /// Removes what a killed importer left: unfinished packs and locks.
    pub fn remove_leftovers(&self, guard: &Guard) -> Result<(), Error> {
        lock::remove_stale(&self.path, guard)?;
        pack::remove_unfinished(&self.path.join("objects/pack"))
    }

    /// The objects, and a new pack to add to them.
    pub fn store(&self, threads: usize) -> Result<RepoStore, Error> {
        RepoStore::open(&self.path.join("objects"), threads)
    }

    /// All refs.
    pub fn refs(&self) -> Result<Refs, Error> {
        refs::read(&self.path)
    }

    /// Moves refs, all or none. The objects have to be durable.
    pub fn transact(&self, guard: &Guard, edits: &[Edit]) -> Result<(), Error> {
        // Opened at most once, and only if others made refs.
        let mut opened = None;
        refs::transact(&self.path, guard, edits, |id| {
            let store = match &mut opened {
                Some(store) => store,
                none => none.insert(self.store(1)?),
            };
            peel(id, store)
        })
    }

    /// The branch that a clone checks out.
    pub fn head(&self) -> Result<String, Error> {
        let path = self.path.join("HEAD");
        let text = fs::read_to_string(&path).map_err(|error| Error::file("read", &path, error))?;
        Ok(text.trim_end().strip_prefix("ref: ").unwrap_or_default().to_owned())
    }

    /// Points `HEAD` to the wanted branch (`distro/suite`) if there is one, else keeps it if its branch exists, else
    /// points it to the first branch there is.
    pub fn point_head(&self, _guard: &Guard, wanted: Option<&str>) -> Result<(), Error> {
        let refs = self.refs()?;
        let wanted = wanted.map(|branch| format!("refs/heads/{branch}"));
        let now = self.head()?;
        let target = match wanted.filter(|branch| refs.contains_key(branch)) {
            Some(branch) => branch,
            None if refs.contains_key(&now) => return Ok(()),
            None => match first_branch(&refs) {
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
        fs::rename(&temporary, &path).map_err(|error| Error::file("write", &path, error))?;
        fail_point!("repo::head-renamed");
        sync_folder(&self.path)
    }
}

/// What is behind a tag, and behind the tag that this names; `None` for anything but a tag.
fn peel(id: ObjectId, store: &mut RepoStore) -> Result<Option<ObjectId>, Error> {
    let mut at = id;
    while let Some(target) = object::tag_target(at, store)? {
        at = target;
    }
    Ok((at != id).then_some(at))
}

fn first_branch(refs: &Refs) -> Option<String> {
    let mut branches = refs.keys().filter(|name| name.starts_with("refs/heads/"));
    branches.find(|name| !name.starts_with("refs/heads/applied/")).cloned()
}

/// Makes a repository beside its place and moves it there, so that a kill leaves no half of one. Whoever moves first
/// has made it. No lock: one that is frozen here must not keep others back.
fn init(path: &Path, branch: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Error::file("create", folder, error))?;
    let name = format!(".new-{}-", path.file_name().unwrap_or_default().to_string_lossy());
    remove_half_made(folder, &name)?;
    let temporary = tempfile::Builder::new()
        .prefix(&name)
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(folder)
        .map_err(|error| Error::file("create", folder, error))?;
    fill(temporary.path(), branch)?;
    match fs::rename(temporary.path(), path) {
        Ok(()) => {
            let _ = temporary.keep();
        }
        Err(_) if path.join("HEAD").is_file() => {}
        Err(error) => return Err(Error::file("create", path, error)),
    }
    fail_point!("repo::init-renamed");
    sync_folder(folder)
}

/// What is needed for Git to take a folder for a repository.
fn fill(folder: &Path, branch: &str) -> Result<(), Error> {
    for part in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        let part = folder.join(part);
        fs::create_dir_all(&part).map_err(|error| Error::file("create", &part, error))?;
    }
    write_durably(&folder.join("config"), CONFIG.as_bytes())?;
    fail_point!("repo::init");
    write_durably(&folder.join("HEAD"), format!("ref: refs/heads/{branch}\n").as_bytes())
}

/// What dead importers of this package left.
fn remove_half_made(folder: &Path, name: &str) -> Result<(), Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    for entry in
        entries.flatten().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(name.as_bytes()))
    {
        match fs::remove_dir_all(entry.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::file("remove", &entry.path(), error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn write_durably(path: &Path, content: &[u8]) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|error| Error::file("write", path, error))
}
