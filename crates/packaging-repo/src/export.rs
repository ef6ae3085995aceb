//! Writes a version as the folder that dpkg-source would have unpacked: escapes undone, empty folders and named
//! pipes made.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};
use source_package::path::Name;
use source_package::store::{ContentStore, FolderId};
use source_package::tree::{Folder, Node, Tree};

use crate::object;
use crate::store::RepoStore;
use crate::view::VersionTag;
use crate::{Error, raw_id};

/// Writes the tree of a version's tag to a folder that does not exist yet. It appears complete or not at all.
///
/// # Errors
/// [`Error::File`] when the folder exists, or cannot be written.
pub fn export(tag: &VersionTag, store: &mut RepoStore, folder: &Path) -> Result<(), Error> {
    let tree = object::read_commit(tag.commit, store)?.tree;
    let mut tree = Tree::stored(FolderId(raw_id(tree)));
    for (path, executable) in &tag.manifest.fifos {
        tree.put(path, Node::Fifo { executable: *executable }, store)?;
    }
    if fs::symlink_metadata(folder).is_ok() {
        let error =
            io::Error::new(io::ErrorKind::AlreadyExists, "it exists already; name a folder that does not");
        return Err(Error::file("export to", folder, error));
    }
    let above = match folder.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    // A new folder with a name that nobody can guess: after an error only our own files are removed.
    let temporary = tempfile::Builder::new()
        .prefix(".export-")
        .tempdir_in(above)
        .map_err(|error| Error::file("make a folder in", above, error))?;
    let written = temporary.path().join("source");
    write_folder(&mut tree.root, &written, store)?;
    put_in_place(&written, folder).map_err(|error| Error::file("create", folder, error))
}

/// Nothing that came there meanwhile is replaced.
fn put_in_place(written: &Path, folder: &Path) -> io::Result<()> {
    match renameat_with(CWD, written, CWD, folder, RenameFlags::NOREPLACE) {
        // Not every file system can promise that.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => fs::rename(written, folder),
        renamed => Ok(renamed?),
    }
}

fn write_folder(folder: &mut Folder, path: &Path, store: &mut RepoStore) -> Result<(), Error> {
    fs::create_dir(path).map_err(|error| Error::file("create", path, error))?;
    folder.entries(store).map_err(Error::Content)?;
    for (name, node) in folder.loaded().into_iter().flatten() {
        let target = place(path, name)?;
        match node {
            Node::Folder(below) => write_folder(below, &target, store)?,
            node => write_entry(node, &target, store)?,
        }
    }
    Ok(())
}

/// A tree made by others could have names that lead outside.
fn place(folder: &Path, name: &Name) -> Result<PathBuf, Error> {
    if matches!(&**name, b"." | b".." | b"") || name.contains(&b'/') {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "the tree has an entry called . or ..");
        return Err(Error::file("export to", folder, error));
    }
    Ok(folder.join(std::ffi::OsStr::from_bytes(name)))
}

fn write_entry(node: &Node, path: &Path, store: &mut RepoStore) -> Result<(), Error> {
    let write = |error| Error::file("write", path, error);
    match node {
        Node::File { content, executable } => {
            let content = store.get(*content).map_err(Error::Content)?;
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode(*executable))
                .open(path)
                .map_err(write)?;
            file.write_all(&content).map_err(write)
        }
        Node::Link(target) => {
            let target = store.get(*target).map_err(Error::Content)?;
            symlink(std::ffi::OsStr::from_bytes(&target), path).map_err(write)
        }
        Node::Fifo { executable } => mknodat(CWD, path, FileType::Fifo, Mode::from(mode(*executable)), 0)
            .map_err(|error| write(error.into())),
        Node::Folder(_) => Ok(()),
    }
}

/// Mode before the umask, as dpkg-source sets it.
fn mode(executable: bool) -> u32 {
    if executable { 0o777 } else { 0o666 }
}
