//! The files of a source package in the folder of its `.dsc`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bounded::file::open_regular;
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
