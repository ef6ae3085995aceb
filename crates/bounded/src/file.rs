//! Regular files only: no named pipe without a writer, no device, and nothing behind a symbolic link where a file is
//! written.

use std::fs::{File, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
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

/// Reads the last bytes of a regular file, at most `most` of them. Returns how many were left out before them, too.
///
/// # Errors
/// It is no regular file, or cannot be read.
pub fn read_end(path: &Path, most: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut file = open_regular(path)?;
    let left_out = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(left_out))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok((bytes, left_out))
}

/// Files of less than this are read to their end, whatever they are.
const HUGE: u64 = 4 << 30;

/// Refuses a file that is nearly nothing but holes: to read it to its end would take hours, and a copy fill the disk.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`], with both sizes.
pub fn check_dense(file: &File) -> io::Result<()> {
    let it = file.metadata()?;
    let stored = it.blocks().saturating_mul(512);
    // File systems that compress store less than a file's size, but not by so much.
    if it.len() < HUGE || stored >= it.len() / 64 {
        return Ok(());
    }
    let message =
        format!("its size is {} bytes, of which {stored} are on the disk: it is no file of ours", it.len());
    Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
}

/// Opens a folder, to sync it or to ask for its disk.
///
/// # Errors
/// It is no folder, or cannot be opened.
pub fn open_folder(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
    Ok(File::from(open(path, flags, Mode::empty())?))
}

/// Makes durable what was created, renamed or removed in a folder.
///
/// # Errors
/// The folder cannot be opened, or the disk refuses it.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    open_folder(path)?.sync_all()
}

/// Opens a regular file that is there, to add to its end. A symbolic link in its place is refused.
///
/// # Errors
/// It is missing, is no regular file, or cannot be written.
pub fn append(path: &Path) -> io::Result<File> {
    writable(path, OFlags::APPEND, Mode::empty())
}

/// Opens a regular file to add to its end, and creates it if it is missing. A symbolic link in its place is refused.
pub fn append_or_create(path: &Path) -> io::Result<File> {
    writable(path, OFlags::APPEND | OFlags::CREATE, Mode::from_raw_mode(0o666))
}

/// The word of [`what_else`] for a folder.
pub const FOLDER: &str = "a folder";

/// The kind of object in the place of a file, as a word for people; `None` for a file, and if nothing is there.
pub fn what_else(path: &Path) -> Option<&'static str> {
    let kind = std::fs::metadata(path).ok()?.file_type();
    let names = [
        (kind.is_dir(), FOLDER),
        (kind.is_fifo(), "a named pipe"),
        (kind.is_socket(), "a socket"),
        (!kind.is_file(), "a device"),
    ];
    names.into_iter().find_map(|(is_it, name)| is_it.then_some(name))
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
///
/// # Errors
/// It is no regular file, or cannot be created.
pub fn lock_file(path: &Path) -> io::Result<File> {
    let file = write(path, Mode::RUSR | Mode::WUSR)?;
    let metadata = file.metadata()?;
    if metadata.mode() & 0o077 != 0 && metadata.uid() == rustix::process::geteuid().as_raw() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn write(path: &Path, mode: Mode) -> io::Result<File> {
    writable(path, OFlags::CREATE, mode)
}

fn writable(path: &Path, how: OFlags, mode: Mode) -> io::Result<File> {
    let flags = how | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
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
        assert!(sync_folder(&pipe).is_err());
        sync_folder(folder.path()).unwrap();
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
        assert_eq!(read_end(&path, 3).unwrap(), (b"our".to_vec(), 1));
        assert_eq!(read_end(&path, 9).unwrap(), (b"four".to_vec(), 0));
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(HUGE - 1).unwrap();
        check_dense(&file).unwrap();
        file.set_len(HUGE).unwrap();
        assert!(check_dense(&file).unwrap_err().to_string().contains("4294967296 bytes"));
    }
}
