//! The files of a source package in the folder of its `.dsc`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use source_package::source::SourceFiles;

/// Files that lie beside a `.dsc`.
pub struct Beside(PathBuf);

impl Beside {
    /// The folder of this `.dsc`.
    pub fn new(dsc: &Path) -> Beside {
        Beside(dsc.parent().unwrap_or(Path::new("")).to_owned())
    }
}

impl SourceFiles for Beside {
    fn open(&mut self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(open_regular(&self.0.join(name))?))
    }
}

/// Opens a regular file. A named pipe must not make anybody wait for ever.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
    }
}
