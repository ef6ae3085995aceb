//! A file that is coming in.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use source_package::checksum::{Hasher, ListedFile};

/// A file that is written by this process alone, with the hashes of what it has so far.
pub(crate) struct Partial {
    path: PathBuf,
    file: File,
    hasher: Hasher,
}

impl Partial {
    /// Starts with what others have left of the same file. It is copied: they may have been taken for dead and write on.
    pub(super) fn start(folder: &Path, key: &str, token: &str) -> io::Result<Partial> {
        let path = folder.join(format!("{key}.{token}"));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        let mut partial = Partial { path, file, hasher: Hasher::default() };
        let mut left: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(folder)?.flatten() {
            let mine = entry.path() == partial.path;
            let same = entry.file_name().to_string_lossy().starts_with(&format!("{key}."));
            if let Ok(metadata) = entry.metadata()
                && same
                && !mine
            {
                left.push((metadata.len(), entry.path()));
            }
        }
        left.sort();
        if let Some((_, path)) = left.last() {
            partial.copy(path)?;
        }
        for (_, path) in left {
            let _ = fs::remove_file(path);
        }
        Ok(partial)
    }

    fn copy(&mut self, path: &Path) -> io::Result<()> {
        let Ok(mut old) = File::open(path) else { return Ok(()) };
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = old.read(&mut buffer)?;
            let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else { return Ok(()) };
            self.add(piece)?;
        }
    }

    /// Bytes so far.
    pub(crate) fn size(&self) -> u64 {
        self.hasher.size()
    }

    /// Adds the next bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// Begins anew.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        io::Seek::rewind(&mut self.file)?;
        self.hasher = Hasher::default();
        Ok(())
    }

    /// What the file is, if it ends here.
    pub(crate) fn found(&self, name: &str) -> ListedFile {
        self.hasher.clone().finish(name)
    }

    /// Puts the file in its place: durable first, visible then.
    pub(super) fn finish(self, place: &Path) -> io::Result<()> {
        self.file.set_permissions(Permissions::from_mode(0o444))?;
        self.file.sync_all()?;
        fs::rename(&self.path, place)
    }

    /// Throws it away. Otherwise it stays for whoever tries next.
    pub(crate) fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }
}
