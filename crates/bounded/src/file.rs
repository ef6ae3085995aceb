//! Regular files only: no named pipe without a writer, no device, and nothing behind a symbolic link where a file is
//! written.

use std::fs::{File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};

/// Largest memory that is reserved for a file before it is read: its size comes from outside.
const LARGEST_RESERVED: u64 = 16 << 20;

/// Opens a regular file to read it. Links are followed.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if it is anything else than a regular file; a named pipe is not waited for.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    regular(File::from(open(path, flags, Mode::empty())?))
}

/// Reads a regular file of at most `most` bytes.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] if it is longer.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    let size = file.metadata()?.len().min(most).min(LARGEST_RESERVED);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("larger than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Reads a regular file of at most `most` bytes of UTF-8.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when it is longer, or no UTF-8; others when it is no regular file, or cannot be
/// read.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Creates a regular file, or empties the one that is there. A symbolic link in its place is refused.
///
/// # Errors
/// When a link, a pipe or another thing that is no regular file is there, or it cannot be written.
pub fn create(path: &Path) -> io::Result<File> {
    let file = write(path, Mode::from_raw_mode(0o666))?;
    file.set_len(0)?;
    Ok(file)
}

/// Opens a file that only serves as a lock, and creates it if it is missing. Its mode becomes 0600: anybody who can
/// open a file can lock it.
pub fn lock_file(path: &Path) -> io::Result<File> {
    let file = write(path, Mode::RUSR | Mode::WUSR)?;
    let metadata = file.metadata()?;
    if metadata.mode() & 0o077 != 0 && metadata.uid() == rustix::process::geteuid().as_raw() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn write(path: &Path, mode: Mode) -> io::Result<File> {
    let flags = OFlags::WRONLY
        | OFlags::CREATE
        | OFlags::CLOEXEC
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY;
    match open(path, flags, mode) {
        Ok(file) => regular(File::from(file)),
        Err(rustix::io::Errno::LOOP) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link, which is not followed"))
        }
        // Not a regular file: a named pipe without a reader, a socket.
        Err(rustix::io::Errno::NXIO) => Err(not_regular()),
        Err(error) => Err(error.into()),
    }
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .unwrap();
        for result in [open_regular(&pipe), create(&pipe), lock_file(&pipe)] {
            assert_eq!(result.unwrap_err().to_string(), "not a regular file");
        }
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "precious").unwrap();
        for to in [&target, &folder.path().join("new")] {
            let _ = std::fs::remove_file(&link);
            symlink(to, &link).unwrap();
            assert!(create(&link).unwrap_err().to_string().contains("symbolic link"));
            assert!(lock_file(&link).unwrap_err().to_string().contains("symbolic link"));
        }
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
        assert!(!folder.path().join("new").exists());
        assert_eq!(read_text(&folder.path().join("link"), 10).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_lock_file_is_its_owners_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mode = || std::fs::metadata(&path).unwrap().mode() & 0o777;
        lock_file(&path).unwrap();
        assert_eq!(mode(), 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o664)).unwrap();
        lock_file(&path).unwrap();
        assert_eq!(mode(), 0o600, "one of an older version is mended");
    }

    #[test]
    fn what_is_longer_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "four").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "four");
        assert_eq!(read(&path, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
