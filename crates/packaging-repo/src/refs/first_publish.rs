//! A repository that is new. Without a `HEAD`, Git and everybody else take a folder for no repository: so nobody can
//! push to it, no ref has to be locked, and all its files can be written and synced together. `HEAD` comes last, and
//! with it the repository is there, whole: a kill before that leaves a folder that the next importer completes.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fail::fail_point;

use crate::Error;
use crate::durable::{begin, room, sync_folder};
use crate::record;
use crate::refs::lock::Guard;
use crate::refs::packed;
use crate::refs::refname;
use crate::refs::{self, Decided, Edit, Refs};

/// Automatic collection is off: `repack` keeps the repository in shape, under the importers' lock.
pub(crate) const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n[transfer]\n\thideRefs = refs/package-import\n";
/// That of a copy, which others push to, and which is Git's to keep in shape.
pub(crate) const OF_COPY: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";
/// Target of `HEAD` as long as there is no branch.
const NO_BRANCH: &str = "refs/heads/main";
/// Prefix of a repository's files before they are durable; the name of the owner's fence follows.
pub(crate) const NEW: &str = "package-import.new-";

/// Makes the folders without which Git takes nothing for a repository. No lock: one that is frozen here must not keep
/// others back.
pub(crate) fn prepare(repository: &Path) -> Result<(), Error> {
    let above: Vec<&Path> =
        repository.ancestors().skip(1).take(2).filter(|folder| !folder.exists()).collect();
    for part in ["objects/pack", "refs"] {
        let part = repository.join(part);
        room()
            .and_then(|()| fs::create_dir_all(&part))
            .map_err(|error| Error::file("create", &part, error))?;
    }
    above.into_iter().for_each(let_group_list);
    fail_point!("repo::init");
    Ok(())
}

/// Lets the group list the repositories, whatever the umask, as it may read the state: a check compares their names with
/// the state. The content of a repository stays as the umask has it.
fn let_group_list(folder: &Path) {
    if let Ok(it) = fs::metadata(folder) {
        // On an error the check says that it cannot see the names.
        let _ = fs::set_permissions(folder, Permissions::from_mode(it.mode() & 0o7777 | 0o050));
    }
}

/// True when it is a repository, for Git and for the importer.
pub(crate) fn is_complete(repository: &Path) -> bool {
    repository.join("HEAD").is_file()
}

/// Gives a new repository its first refs, `HEAD` and all. The objects have to be durable.
pub(crate) fn complete(
    repository: &Path,
    guard: &Guard,
    edits: &[Edit],
    wanted: Option<&str>,
    record: Option<&[u8]>,
    config: &str,
) -> Result<(), Error> {
    // A predecessor may have been killed just before `HEAD`.
    let mut packed = packed::read(repository)?;
    refs::apply(&mut packed, &Default::default(), edits, &Decided::default())?;
    let head = wanted.filter(|branch| packed.refs.contains_key(*branch)).map(str::to_owned);
    let head = head.or_else(|| first_branch(&packed.refs)).unwrap_or_else(|| NO_BRANCH.into());
    let mut files = vec![New::write(repository, guard, "config", config.as_bytes())?];
    // Before the refs, whose word it is.
    if let Some(record) = record {
        files.push(New::write(repository, guard, record::FILE, record)?);
    }
    if !packed.refs.is_empty() {
        files.push(New::write(repository, guard, "packed-refs", &packed.encode())?);
    }
    files.push(New::write(repository, guard, "HEAD", format!("ref: {head}\n").as_bytes())?);
    fail_point!("repo::refs-written");
    files.iter().try_for_each(New::sync)?;
    sync_folder(&repository.join("objects"))?;
    fail_point!("repo::refs-synced");
    guard.check(repository)?;
    fail_point!("repo::refs-checked");
    // `HEAD` is the last of them.
    for file in &files {
        file.put_in_place(guard)?;
        fail_point!("repo::birth");
    }
    sync_folder(repository)?;
    repository.parent().map_or(Ok(()), sync_folder)?;
    fail_point!("repo::birth-durable");
    Ok(())
}

/// The branch that `HEAD` points to if none is wanted, or there is no such branch.
pub(crate) fn first_branch(refs: &Refs) -> Option<String> {
    let mut branches = refs.keys().filter(|name| name.starts_with("refs/heads/"));
    let is_beside = |name: &str| name.starts_with("refs/heads/applied/") || name.starts_with(refname::ASIDE);
    branches.find(|name| !is_beside(name)).cloned()
}

/// A file of the repository under a name of our own.
pub(crate) struct New {
    own: PathBuf,
    target: PathBuf,
    file: File,
}

impl New {
    pub(crate) fn write(repository: &Path, guard: &Guard, name: &str, content: &[u8]) -> Result<New, Error> {
        let own = repository.join(format!("{NEW}{}{name}", guard.prefix()));
        let write = || {
            room()?;
            let mut file = bounded::file::create(&own)?;
            room()?;
            file.write_all(content)?;
            begin(&file);
            Ok(file)
        };
        let file = write().map_err(|error| Error::file("write", &own, error))?;
        Ok(New { own, target: repository.join(name), file })
    }

    pub(crate) fn sync(&self) -> Result<(), Error> {
        room().and_then(|()| self.file.sync_all()).map_err(|error| Error::file("write", &self.own, error))
    }

    pub(crate) fn put_in_place(&self, guard: &Guard) -> Result<(), Error> {
        let renamed = room().and_then(|()| fs::rename(&self.own, &self.target));
        renamed.map_err(|error| guard.gone("rename", &self.own, error))
    }
}
