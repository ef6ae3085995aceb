//! Making files and names durable.

use std::fs::File;
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use crate::Error;

/// Has the kernel begin to write a file out, without waiting. What is begun together goes out together, and the first
/// sync that waits settles most of what the others would have to do. Only a hint: each file is still to be synced.
pub(crate) fn begin(file: &File) {
    let _ = fadvise(file, 0, None, Advice::DontNeed);
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(|error| Error::file("sync", folder, error))
}
