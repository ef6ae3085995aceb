//! A tree as the tests compare it: path by path, byte by byte, mode by mode.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::build::dsc::hex;

/// Entry at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A regular file.
    File {
        /// True when it has any execute bit.
        exec: bool,
        /// The SHA-256 of its content.
        sha256: String,
        /// Size in bytes.
        size: u64,
    },
    /// A symbolic link.
    Link {
        /// Target of the link.
        target: Vec<u8>,
    },
    /// A folder.
    Dir,
    /// A named pipe.
    Fifo {
        /// True when it has any execute bit.
        exec: bool,
    },
}

/// A whole tree, the top left out.
pub type Listing = BTreeMap<Vec<u8>, Entry>;

impl Entry {
    /// A regular file with this content.
    pub fn file(content: &[u8], exec: bool) -> Self {
        Entry::File { exec, sha256: hex(&Sha256::digest(content)), size: content.len() as u64 }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::File { exec, sha256, size } => {
                let mode = if *exec { "755" } else { "644" };
                write!(f, "file {mode}, {size} bytes, {}", &sha256[..12])
            }
            Entry::Link { target } => write!(f, "link to {}", target.escape_ascii()),
            Entry::Dir => write!(f, "folder"),
            Entry::Fifo { exec } => write!(f, "fifo{}", if *exec { " 755" } else { "" }),
        }
    }
}

/// One place where two listings differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Path of the entry.
    pub path: Vec<u8>,
    /// Expected entry.
    pub expected: Option<Entry>,
    /// Entry that was found.
    pub actual: Option<Entry>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |entry: &Option<Entry>| entry.as_ref().map_or("nothing".to_owned(), Entry::to_string);
        let path = self.path.escape_ascii().to_string();
        let path =
            if path.len() > 120 { format!("{}... ({} bytes)", &path[..120], self.path.len()) } else { path };
        write!(f, "{path}: expected {}, is {}", shown(&self.expected), shown(&self.actual))
    }
}

/// Every difference between two listings, by path.
pub fn compare(expected: &Listing, actual: &Listing) -> Vec<Difference> {
    let mut paths: Vec<_> = expected.keys().chain(actual.keys()).collect();
    paths.sort();
    paths.dedup();
    let pairs = paths.into_iter().map(|path| (path, expected.get(path), actual.get(path)));
    let different = pairs.filter(|(_, expected, actual)| expected != actual);
    different
        .map(|(path, expected, actual)| Difference {
            path: path.clone(),
            expected: expected.cloned(),
            actual: actual.cloned(),
        })
        .collect()
}

/// The listing without its named pipes, which Git cannot hold.
pub fn without_fifos(listing: &Listing) -> Listing {
    let kept = listing.iter().filter(|(_, entry)| !matches!(entry, Entry::Fifo { .. }));
    kept.map(|(path, entry)| (path.clone(), entry.clone())).collect()
}

/// Lists a folder on disk. Deeper paths than the system takes in one piece are reached step by step.
pub fn read_folder(folder: &Path) -> io::Result<Listing> {
    let mut listing = Listing::new();
    read_into(&Handle::open(folder)?, &mut Vec::new(), &mut listing)?;
    Ok(listing)
}

/// A folder that is held open, so that paths below it stay short.
struct Handle(fs::File);

impl Handle {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Handle(fs::File::open(path)?))
    }

    fn path(&self) -> std::path::PathBuf {
        use std::os::fd::AsRawFd;
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

fn read_into(folder: &Handle, prefix: &mut Vec<u8>, listing: &mut Listing) -> io::Result<()> {
    for item in fs::read_dir(folder.path())? {
        let item = item?;
        let length = prefix.len();
        prefix.extend_from_slice(item.file_name().as_bytes());
        let entry = entry_of(&item)?;
        let is_folder = entry == Entry::Dir;
        listing.insert(prefix.clone(), entry);
        if is_folder {
            prefix.push(b'/');
            read_into(&Handle::open(&item.path())?, prefix, listing)?;
        }
        prefix.truncate(length);
    }
    Ok(())
}

fn entry_of(item: &fs::DirEntry) -> io::Result<Entry> {
    let data = item.metadata()?;
    let exec = data.permissions().mode() & 0o111 != 0;
    let kind = data.file_type();
    if kind.is_dir() {
        Ok(Entry::Dir)
    } else if kind.is_symlink() {
        Ok(Entry::Link { target: fs::read_link(item.path())?.into_os_string().into_vec() })
    } else if kind.is_fifo() {
        Ok(Entry::Fifo { exec })
    } else if kind.is_file() {
        let mut digest = Sha256::new();
        let size = io::copy(&mut fs::File::open(item.path())?, &mut HashWriter(&mut digest))?;
        Ok(Entry::File { exec, sha256: hex(&digest.finalize()), size })
    } else {
        Err(io::Error::other(format!("{} is a device or a socket", item.path().display())))
    }
}

/// Feeds a digest from a reader.
struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
