//! The files of an SQLite database, before it is opened.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::StateError;

/// A database and the files beside it.
fn files(path: &Path) -> impl Iterator<Item = PathBuf> {
    ["", "-wal", "-shm", "-journal"].into_iter().map(|ending| {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        PathBuf::from(file)
    })
}

/// Refuses what SQLite would wait for or overlook: a named pipe, and a log that is none.
///
/// # Errors
/// [`StateError::Open`] for something that is no file, [`StateError::Damaged`] for such a log.
pub(crate) fn check(path: &Path) -> Result<(), StateError> {
    check_regular(path)?;
    let log = files(path).nth(1).filter(|log| begins_otherwise(log));
    log.map_or(Ok(()), |log| {
        let cause = format!(
            "{} is no log of SQLite, so what was written last is lost; SQLite would go on without it",
            log.display()
        );
        Err(StateError::Damaged { name: path.display().to_string(), cause })
    })
}

/// First four bytes of a log of SQLite, but for the lowest bit.
const LOG: u32 = 0x377f_0682;

/// True when a file is there, and begins neither as a log of SQLite nor with zeros, as a power cut may leave one in which
/// nothing was written yet.
fn begins_otherwise(log: &Path) -> bool {
    let mut start = [0; 4];
    let read = bounded::file::open_regular(log).and_then(|mut file| file.read_exact(&mut start));
    let start = u32::from_be_bytes(start);
    read.is_ok() && start != 0 && start & !1 != LOG
}

fn check_regular(path: &Path) -> Result<(), StateError> {
    let strange = files(path).find_map(|file| Some((bounded::file::what_else(&file)?, file)));
    strange.map_or(Ok(()), |(what, file)| {
        let cause = format!(
            "{} is {what}, not a file: move it away; what was in the file comes back from a backup",
            file.display()
        );
        Err(StateError::Open { name: path.display().to_string(), cause })
    })
}

/// SQLite does not say which of its files it cannot use: that one, and why.
pub(crate) fn unusable(path: &Path) -> Option<String> {
    files(path).filter(|file| file.symlink_metadata().is_ok()).find_map(|file| {
        let opened = std::fs::OpenOptions::new().read(true).write(true).open(&file);
        Some(format!("{}: {}", file.display(), opened.err()?))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_none_is_refused_and_one_that_is_empty_or_torn_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let log = folder.path().join("state.db-wal");
        for (content, good) in [
            (&b""[..], true),
            (b"x", true),
            (&[0; 40], true),
            (&[0x37, 0x7f, 0x06, 0x82, 1], true),
            (&[0x37, 0x7f, 0x06, 0x83, 1], true),
            (b"SQLite format 3", false),
        ] {
            std::fs::write(&log, content).unwrap();
            let checked = check(&path);
            assert_eq!(checked.is_ok(), good, "{content:?}: {checked:?}");
            assert!(checked.err().is_none_or(|error| error.is_damage()));
        }
    }
}
