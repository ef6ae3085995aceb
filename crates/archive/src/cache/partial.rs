//! A file that is coming in.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use source_package::checksum::{Hasher, ListedFile};

/// A partial file that only this process writes, with the hashes of its bytes so far.
pub(crate) struct Partial {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    /// The file may have more than was hashed: nothing is added to it any more.
    is_broken: bool,
}

impl Partial {
    /// Starts with the part that other workers have left of the same file. It is copied, because they may have been
    /// taken for dead and still write.
    pub(super) fn start(folder: &Path, key: &str, token: &str) -> io::Result<Partial> {
        let path = folder.join(format!("{key}.{token}"));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        let mut partial = Partial { path, file, hasher: Hasher::default(), is_broken: false };
        if let Err(error) = partial.take_over(folder, key) {
            // Otherwise each attempt on a full disk would leave another copy.
            let _ = fs::remove_file(&partial.path);
            return Err(error);
        }
        Ok(partial)
    }

    /// Takes over the part that other workers have left.
    fn take_over(&mut self, folder: &Path, key: &str) -> io::Result<()> {
        let mut left: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(folder)?.flatten() {
            let mine = entry.path() == self.path;
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
            self.copy(path)?;
        }
        for (_, path) in left {
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    fn copy(&mut self, path: &Path) -> io::Result<()> {
        let Ok(mut old) = bounded::file::open_regular(path) else { return Ok(()) };
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
        self.check()?;
        if let Err(error) = self.file.write_all(bytes) {
            // A part of the bytes may have been written. The next mirror goes on behind the hashed part, if that is
            // possible.
            let end = self.size();
            let cut = self.file.set_len(end).and_then(|()| self.file.seek(SeekFrom::Start(end)));
            self.is_broken = cut.is_err();
            return Err(error);
        }
        self.hasher.update(bytes);
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        if !self.is_broken {
            return Ok(());
        }
        let path = self.path.display();
        Err(io::Error::other(format!(
            "{path} could not be written and not be cut back to what is known of it"
        )))
    }

    /// Begins again with an empty file.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.is_broken = true;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.is_broken = false;
        self.hasher = Hasher::default();
        Ok(())
    }

    /// Size and checksums of the file, if it ends here.
    pub(crate) fn found(&self, name: &str) -> ListedFile {
        self.hasher.clone().finish(name)
    }

    /// Moves the file to its place: durable first, visible then.
    pub(super) fn finish(self, place: &Path) -> io::Result<()> {
        self.check()?;
        self.file.set_permissions(Permissions::from_mode(0o444))?;
        self.file.sync_all()?;
        fs::rename(&self.path, place)
    }

    /// Removes the partial file. Otherwise it stays for the next try.
    pub(crate) fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }
}
