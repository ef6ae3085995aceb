//! Checksums of files, in the form of `sha256sum`: a backup can be checked without this program.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bounded::file::{check_dense, open_regular};
use sha2::{Digest, Sha256};

use crate::error::BackupError;

/// Name of the file of checksums.
pub const SUMS: &str = "SHA256SUMS";

/// Bytes that are read at a time.
const BLOCK: usize = 256 << 10;

/// No list of checksums is larger: it has a line for each of a million files.
const LARGEST: u64 = 256 << 20;

/// The checksum of each file, by its path below the backup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(pub BTreeMap<PathBuf, String>);

impl Sums {
    /// Reads those of a backup.
    ///
    /// # Errors
    /// The list cannot be read, or has a malformed line.
    pub fn read(folder: &Path) -> Result<Sums, BackupError> {
        let path = folder.join(SUMS);
        let text = bounded::file::read(&path, LARGEST).map_err(BackupError::file("read", &path))?;
        let mut sums = BTreeMap::new();
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let parts =
                line.split_at_checked(64).and_then(|(sum, rest)| Some((sum, rest.strip_prefix(b"  ")?)));
            let Some((sum, name)) = parts else {
                return Err(BackupError::Damaged {
                    path: folder.to_owned(),
                    problems: vec![format!("{SUMS} has a line that is none")],
                });
            };
            sums.insert(PathBuf::from(OsStr::from_bytes(name)), String::from_utf8_lossy(sum).into_owned());
        }
        Ok(Sums(sums))
    }

    /// The text of the file.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (path, sum) in &self.0 {
            text.extend_from_slice(sum.as_bytes());
            text.extend_from_slice(b"  ");
            text.extend(path.clone().into_os_string().into_vec());
            text.push(b'\n');
        }
        text
    }
}

/// The checksum of bytes.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The checksum of a file, and its size.
///
/// # Errors
/// The file cannot be read.
pub fn of_file(path: &Path) -> io::Result<(String, u64)> {
    copy_and_sum(&mut dense(path)?, None).map_err(|error| match error {
        CopyError::Read(error) | CopyError::Write(error) => error,
    })
}

/// The side of a copy that failed: a full disk is the target's error, a bad block the source's.
#[derive(Debug)]
pub enum CopyError {
    /// The source cannot be read.
    Read(io::Error),
    /// The target cannot be written.
    Write(io::Error),
}

impl CopyError {
    /// With the file that it is about.
    pub fn named(self, from: &Path, to: &Path) -> BackupError {
        match self {
            CopyError::Read(error) => BackupError::file("read", from)(error),
            CopyError::Write(error) => BackupError::file("write", to)(error),
        }
    }
}

/// Copies a file whose checksum is taken on the way. Blocks are shared where the file system can do that.
///
/// # Errors
/// A file cannot be read or written, which [`CopyError`] tells apart.
pub fn copy(from: &Path, to: &Path) -> Result<(String, u64), CopyError> {
    let mut source = dense(from).map_err(CopyError::Read)?;
    let permissions = source.metadata().map_err(CopyError::Read)?.permissions();
    // It cannot be read before it has the permissions of its original.
    let target = File::options().write(true).create_new(true).mode(0o600).open(to);
    let mut target = target.map_err(CopyError::Write)?;
    let shared = rustix::fs::ioctl_ficlone(&target, &source).is_ok();
    let done = copy_and_sum(&mut source, (!shared).then_some(&mut target))?;
    target.set_permissions(permissions).map_err(CopyError::Write)?;
    Ok(done)
}

fn dense(path: &Path) -> io::Result<File> {
    let file = open_regular(path)?;
    check_dense(&file)?;
    Ok(file)
}

fn copy_and_sum(source: &mut File, mut target: Option<&mut File>) -> Result<(String, u64), CopyError> {
    let (mut digest, mut size) = (Sha256::new(), 0);
    let mut block = vec![0; BLOCK];
    loop {
        let count = match source.read(&mut block) {
            Ok(0) => return Ok((hex(&digest.finalize()), size)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        let part = block.get(..count).unwrap_or_default();
        digest.update(part);
        size += count as u64;
        if let Some(target) = &mut target {
            target.write_all(part).map_err(CopyError::Write)?;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
