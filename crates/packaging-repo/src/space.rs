//! A reserve of free space: an import does not use up the last of a disk that others need.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{StatVfs, fstatvfs};

/// Number of bytes after which the disk is looked at again.
const STEP: u64 = 8 << 20;

/// Free space that a disk must keep while a file is written.
#[derive(Default)]
pub(crate) struct Space {
    reserve: u64,
    unchecked: u64,
}

impl Space {
    /// Keeps a number of bytes free.
    pub(crate) fn keeping(reserve: u64) -> Space {
        Space { reserve, unchecked: 0 }
    }

    /// Records that bytes were written. The disk counts as full once the reserve is reached.
    pub(crate) fn wrote(&mut self, file: &File, bytes: u64) -> io::Result<()> {
        self.unchecked += bytes;
        if self.reserve == 0 || self.unchecked < STEP {
            return Ok(());
        }
        self.unchecked = 0;
        check(file, self.reserve)
    }
}

/// Checks that a disk has its reserve free.
///
/// # Errors
/// [`io::ErrorKind::StorageFull`] if it has not.
pub(crate) fn check(file: impl AsFd, reserve: u64) -> io::Result<()> {
    let free = free(&fstatvfs(file)?);
    if free >= reserve {
        return Ok(());
    }
    let message = format!("only {free} bytes are free, and {reserve} are kept (limits.disk_reserve)");
    Err(io::Error::new(io::ErrorKind::StorageFull, message))
}

fn free(found: &StatVfs) -> u64 {
    found.f_bavail.saturating_mul(found.f_frsize)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_last_of_a_disk_is_left() {
        let file = tempfile::tempfile().unwrap();
        check(&file, 0).unwrap();
        let full = check(&file, u64::MAX).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert!(full.to_string().contains("limits.disk_reserve"), "{full}");
        let mut space = Space::keeping(u64::MAX);
        space.wrote(&file, STEP - 1).unwrap();
        assert!(space.wrote(&file, 1).is_err());
        Space::default().wrote(&file, u64::MAX).unwrap();
    }
}
