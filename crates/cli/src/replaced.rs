//! Files that other programs read while they are replaced.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a text beside a file, then gives it the name of the file, whose readers so see the old text or the new one. All
/// users may read it. `hint` ends the message about a file that is not replaced.
///
/// # Errors
/// The file cannot be written, or is no regular file.
pub fn write(path: &Path, text: &str, hint: &str) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(there) => Some(there.file_type()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // A device, a pipe or a link is there on purpose, and is written to and not replaced.
    if kind.is_some_and(|kind| !kind.is_file()) {
        let message = format!("it is not a regular file, and only such a one is replaced{hint}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new("/"));
    // Not a name that ends like the file: some programs read whatever ends in .prom.
    let mut beside =
        tempfile::Builder::new().prefix(&format!(".{name}.")).suffix(".new").tempfile_in(folder)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().set_permissions(Permissions::from_mode(0o644))?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        write(&place("new.prom"), "1", "").unwrap();
        write(&place("new.prom"), "2", "").unwrap();
        assert_eq!(fs::read_to_string(place("new.prom")).unwrap(), "2");
        assert_eq!(fs::metadata(place("new.prom")).unwrap().permissions().mode() & 0o777, 0o644);
        symlink(place("new.prom"), place("link")).unwrap();
        symlink(place("nowhere"), place("dangling")).unwrap();
        fs::create_dir(place("folder")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        for name in ["link", "dangling", "folder", "pipe"] {
            let before = fs::symlink_metadata(place(name)).unwrap().file_type();
            assert!(write(&place(name), "3", "").unwrap_err().to_string().contains("not a regular file"));
            assert_eq!(fs::symlink_metadata(place(name)).unwrap().file_type(), before, "{name}");
        }
        assert!(write(Path::new("/dev/null"), "3", "").is_err());
        assert_eq!(fs::read_to_string(place("new.prom")).unwrap(), "2");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5, "nothing is left behind");
    }
}
