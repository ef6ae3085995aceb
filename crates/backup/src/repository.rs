//! A copy of a repository with all objects that its refs name, although others import, push and repack meanwhile.
//!
//! No lock is taken: an import may hold one for hours. First all refs are read into memory, as they are at one moment.
//! Then objects are copied; those of the refs existed before. A repack makes its new pack before it removes old ones,
//! so objects that vanish while they are copied are found elsewhere when the folder is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use packaging_repo::record;

use crate::error::BackupError;
use crate::sums::{self, CopyError, Sums};

/// Number of looks at a repository that changes meanwhile.
const TRIES: usize = 200;

/// Folders and files that are copied in another way, or are of no use elsewhere: locks, fences, caches.
const LEFT_OUT: [&str; 6] = ["objects", "refs", "HEAD", "packed-refs", "package-import", "logs"];

/// Destination of a copy, and the files of the previous backup.
pub struct Target<'a> {
    /// Folder of the backup.
    pub folder: &'a Path,
    /// The folder of the backup before, and its checksums.
    pub previous: Option<(&'a Path, &'a Sums)>,
    /// The checksums, by path below the backup's folder.
    pub sums: &'a mut Sums,
    /// Bytes that were copied.
    pub copied: u64,
    /// Files that are shared with the backup before.
    pub linked: u64,
}

impl Target<'_> {
    /// Writes a file of its own.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, name: &Path, content: &[u8]) -> Result<(), BackupError> {
        let path = self.place(name)?;
        fs::write(&path, content).map_err(BackupError::file("write", &path))?;
        self.sums.0.insert(name.to_owned(), sums::of_bytes(content));
        self.copied += content.len() as u64;
        Ok(())
    }

    /// Copies a file; `false` if it has gone.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy(&mut self, from: &Path, name: &Path) -> Result<bool, BackupError> {
        let path = self.place(name)?;
        match sums::copy(from, &path) {
            Ok((sum, size)) => {
                self.sums.0.insert(name.to_owned(), sum);
                self.copied += size;
                Ok(true)
            }
            Err(CopyError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {
                remove(&path)?;
                Ok(false)
            }
            Err(error) => Err(error.named(from, &path)),
        }
    }

    /// Copies a file whose name identifies its content: one of the same name and size was copied before.
    fn copy_object(&mut self, from: &Path, name: &Path) -> Result<bool, BackupError> {
        let size = |path: &Path| fs::metadata(path).map(|it| it.len()).ok();
        if let Some((folder, sums)) = self.previous
            && let Some(sum) = sums.0.get(name)
            && size(from).is_some()
            && size(&folder.join(name)) == size(from)
        {
            let path = self.place(name)?;
            if fs::hard_link(folder.join(name), &path).is_ok() {
                self.sums.0.insert(name.to_owned(), sum.clone());
                self.linked += 1;
                return Ok(true);
            }
        }
        self.copy(from, name)
    }

    fn place(&self, name: &Path) -> Result<PathBuf, BackupError> {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(BackupError::file("create", folder))?;
        }
        Ok(path)
    }

    fn forget(&mut self, name: &Path) -> Result<(), BackupError> {
        self.sums.0.remove(name);
        remove(&self.folder.join(name))
    }
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BackupError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Copies a repository to `name` below the target.
///
/// # Errors
/// [`BackupError::Restless`] when its refs change without a pause, [`BackupError::File`] when the disk fails.
pub fn copy(repository: &Path, name: &Path, target: &mut Target<'_>) -> Result<(), BackupError> {
    let refs = read_refs(repository)?;
    copy_objects(repository, name, target)?;
    for (path, content) in &refs {
        target.write(&name.join(path), content)?;
    }
    // Git does not accept a folder without these as a repository.
    for folder in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
        let path = target.folder.join(name).join(folder);
        fs::create_dir_all(&path).map_err(BackupError::file("create", &path))?;
    }
    copy_others(repository, Path::new(""), name, target)
}

/// Files that hold refs, as of one moment.
type RefFiles = BTreeMap<PathBuf, Vec<u8>>;

fn read_refs(repository: &Path) -> Result<RefFiles, BackupError> {
    let mut before = ref_files(repository)?;
    for _ in 0..TRIES {
        let after = ref_files(repository)?;
        if before == after {
            return Ok(after);
        }
        before = after;
    }
    Err(BackupError::Restless(repository.to_owned()))
}

/// Loose refs first: one that is packed between the two readings is seen twice, and not lost.
fn ref_files(repository: &Path) -> Result<RefFiles, BackupError> {
    let mut found = RefFiles::new();
    loose(repository, Path::new("refs"), &mut found)?;
    // The record is read after the refs that it confirms.
    for name in ["packed-refs", "HEAD", record::FILE] {
        if let Some(content) = read(&repository.join(name))? {
            found.insert(name.into(), content);
        }
    }
    Ok(found)
}

fn loose(repository: &Path, folder: &Path, found: &mut RefFiles) -> Result<(), BackupError> {
    for (name, is_folder) in entries(&repository.join(folder))? {
        let path = folder.join(&name);
        if is_folder {
            loose(repository, &path, found)?;
        } else if !name.as_encoded_bytes().starts_with(b".")
            && !name.as_encoded_bytes().ends_with(b".lock")
            && let Some(content) = read(&repository.join(&path))?
        {
            found.insert(path, content);
        }
    }
    Ok(())
}

/// No file is larger that is read as a whole: refs, the record, a configuration.
const LARGEST: u64 = 256 << 20;

fn read(path: &Path) -> Result<Option<Vec<u8>>, BackupError> {
    match bounded::file::read(path, LARGEST) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::file("read", path)(error)),
    }
}

/// Files and folders in a folder; none if it has gone.
fn entries(folder: &Path) -> Result<Vec<(std::ffi::OsString, bool)>, BackupError> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BackupError::file("read", folder)(error)),
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry.map_err(BackupError::file("read", folder))?;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() || kind.is_file() => found.push((entry.file_name(), kind.is_dir())),
            _ => {}
        }
    }
    found.sort();
    Ok(found)
}

fn copy_objects(repository: &Path, name: &Path, target: &mut Target<'_>) -> Result<(), BackupError> {
    let mut copied: BTreeSet<PathBuf> = BTreeSet::new();
    for _ in 0..TRIES {
        let mut vanished = false;
        for files in object_files(repository)? {
            if files.iter().all(|path| copied.contains(path)) {
                continue;
            }
            let mut whole = true;
            for path in &files {
                whole = whole
                    && (copied.contains(path)
                        || target.copy_object(&repository.join(path), &name.join(path))?);
            }
            if whole {
                copied.extend(files);
            } else {
                // A pack without its index is of no use, and the other way round.
                vanished = true;
                for path in &files {
                    copied.remove(path);
                    target.forget(&name.join(path))?;
                }
            }
        }
        if !vanished {
            return Ok(());
        }
    }
    Err(BackupError::Restless(repository.to_owned()))
}

/// Files with objects, in groups that belong together: a pack, its index and what is beside it; or one loose object.
/// Files that Git can make again (bitmaps, graphs, indices of many packs) are left out.
fn object_files(repository: &Path) -> Result<Vec<Vec<PathBuf>>, BackupError> {
    let mut groups = Vec::new();
    let mut packs: BTreeMap<std::ffi::OsString, Vec<PathBuf>> = BTreeMap::new();
    for (folder, is_folder) in entries(&repository.join("objects"))? {
        let folder = Path::new("objects").join(folder);
        if !is_folder {
            continue;
        }
        for (name, is_folder) in entries(&repository.join(&folder))? {
            let path = folder.join(&name);
            let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
            match folder.file_name().and_then(OsStr::to_str) {
                _ if is_folder => {}
                Some("pack") if matches!(ending, "pack" | "idx" | "rev" | "keep" | "mtimes" | "promisor") => {
                    let stem = path.file_stem().unwrap_or_default().to_owned();
                    packs.entry(stem).or_default().push(path);
                }
                Some("info") if name == "alternates" => groups.push(vec![path]),
                Some(two) if two.len() == 2 && is_object(&name) => groups.push(vec![path]),
                _ => {}
            }
        }
    }
    let has = |files: &[PathBuf], ending: &str| {
        files.iter().any(|path| path.extension().is_some_and(|it| it == ending))
    };
    // A pack that is being written has no index yet: no ref that was read names its objects.
    groups.extend(packs.into_values().filter(|files| has(files, "pack") && has(files, "idx")));
    Ok(groups)
}

fn is_object(name: &OsStr) -> bool {
    name.len() >= 38 && name.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit)
}

/// Copies configuration, hooks and descriptions.
fn copy_others(
    repository: &Path,
    folder: &Path,
    name: &Path,
    target: &mut Target<'_>,
) -> Result<(), BackupError> {
    for (entry, is_folder) in entries(&repository.join(folder))? {
        let at_top = folder.as_os_str().is_empty();
        let text = entry.to_string_lossy();
        let ours = text.starts_with("package-import") || text.ends_with(".lock") || text.contains('\n');
        if at_top && (ours || LEFT_OUT.contains(&text.as_ref())) {
            continue;
        }
        let path = folder.join(&entry);
        if is_folder {
            copy_others(repository, &path, name, target)?;
        } else if !ours {
            target.copy(&repository.join(&path), &name.join(&path))?;
        }
    }
    Ok(())
}
