//! Making files and names durable.

use std::fs::File;
use std::io;
use std::path::Path;

use fail::fail_point;
use rustix::fs::{Advice, fadvise};

use crate::Error;

/// Passed before each change of a file or a folder of a repository: here the tests fill the disk.
pub(crate) fn room() -> io::Result<()> {
    fail_point!("repo::disk", |_| Err(io::ErrorKind::StorageFull.into()));
    Ok(())
}

/// Makes the kernel begin to write a file out, without waiting. Files that are begun together go out together, so
/// that the first sync that waits does most of the work of the others. It is only a hint: each file still has to be
/// synced.
pub(crate) fn begin(file: &File) {
    let _ = fadvise(file, 0, None, Advice::DontNeed);
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    room()
        .and_then(|()| bounded::file::sync_folder(folder))
        .map_err(|error| Error::file("sync", folder, error))
}
