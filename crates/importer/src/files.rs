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
        // A named pipe must not make the import wait for ever.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = File::from(rustix::fs::open(self.0.join(name), flags, rustix::fs::Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Box::new(file))
    }
}
