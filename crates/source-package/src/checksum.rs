//! Checksums of the files of a source package, computed on the stream while it is unpacked.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The checksums of one file. In a `.dsc` some may be missing; after a file was read all are set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checksums {
    /// MD5, in lower-case hexadecimal, from `Files`.
    pub md5: Option<String>,
    /// SHA-1 in hexadecimal, from `Checksums-Sha1`.
    pub sha1: Option<String>,
    /// SHA-256 in hexadecimal, from `Checksums-Sha256`.
    pub sha256: Option<String>,
}

/// A file as listed in its `.dsc`, or as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name, without a folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Checksums of the file.
    pub checksums: Checksums,
}

/// The content of a file differs from the listed checksums.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} has {what} {found} instead of the expected {expected}")]
pub struct Mismatch {
    /// Name of the file.
    pub name: String,
    /// `size`, `MD5`, `SHA-1` or `SHA-256`.
    pub what: &'static str,
    /// Value that the file has.
    pub found: String,
    /// Value that is listed.
    pub expected: String,
}

impl ListedFile {
    /// Compares with the computed values; every checksum that both have must agree.
    ///
    /// # Errors
    /// [`Mismatch`] with the first value that differs: the size, or a checksum.
    pub fn check(&self, found: &ListedFile) -> Result<(), Mismatch> {
        let mismatch = |what, found: &dyn fmt::Display, expected: &dyn fmt::Display| {
            Err(Mismatch {
                name: self.name.clone(),
                what,
                found: found.to_string(),
                expected: expected.to_string(),
            })
        };
        if self.size != found.size {
            return mismatch("size", &found.size, &self.size);
        }
        let (mine, theirs) = (&self.checksums, &found.checksums);
        let pairs = [
            ("MD5", &mine.md5, &theirs.md5),
            ("SHA-1", &mine.sha1, &theirs.sha1),
            ("SHA-256", &mine.sha256, &theirs.sha256),
        ];
        for (what, expected, found) in pairs {
            if let (Some(expected), Some(found)) = (expected, found)
                && expected != found
            {
                return mismatch(what, found, expected);
            }
        }
        Ok(())
    }
}

/// Number of files up to which looking at each is faster than an index.
const FEW: usize = 32;

/// Files in the order of their first listing, with an index by name: input decides how many there are.
#[derive(Debug, Default)]
pub struct FileList {
    files: Vec<ListedFile>,
    /// Positions of the files by name, once there are more than [`FEW`]: a hostile input decides how many there are.
    places: HashMap<String, usize>,
}

impl FileList {
    /// The file with this name; a new one starts without checksums.
    pub fn entry(&mut self, name: &str, size: u64) -> &mut ListedFile {
        let place = self.place(name).unwrap_or_else(|| {
            self.files.push(ListedFile { name: name.to_owned(), size, checksums: Checksums::default() });
            self.index();
            self.files.len() - 1
        });
        &mut self.files[place]
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.files.len() > FEW {
            return self.places.get(name).copied();
        }
        self.files.iter().position(|file| file.name == name)
    }

    fn index(&mut self) {
        if self.files.len() > FEW {
            let known = self.places.len();
            let new = self.files.iter().enumerate().skip(known);
            self.places.extend(new.map(|(place, file)| (file.name.clone(), place)));
        }
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True when the list has no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files, in the order of the list.
    pub fn into_files(self) -> Vec<ListedFile> {
        self.files
    }
}

/// Computes the size and all the checksums of bytes that come in pieces.
#[derive(Clone, Default)]
pub struct Hasher {
    size: u64,
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
}

impl Hasher {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        self.sha1.update(bytes);
        self.sha256.update(bytes);
    }

    /// Number of bytes hashed so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Size and checksums of the file.
    ///
    /// # Errors
    /// The file cannot be read to its end.
    pub fn finish(self, name: &str) -> ListedFile {
        let checksums = Checksums {
            md5: Some(hex(&self.md5.finalize())),
            sha1: Some(hex(&self.sha1.finalize())),
            sha256: Some(hex(&self.sha256.finalize())),
        };
        ListedFile { name: name.to_owned(), size: self.size, checksums }
    }
}

/// Passes a file's bytes on and computes its size and all its checksums.
pub struct Hashing<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Hashing<R> {
    /// Starts at the beginning of a file.
    pub fn new(inner: R) -> Self {
        Hashing { inner, hasher: Hasher::default() }
    }

    /// Reads the rest, and returns size and checksums of the file.
    pub fn finish(mut self, name: &str) -> io::Result<ListedFile> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.hasher.finish(name))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte)]).collect()
}

/// The SHA-256 of bytes in memory, in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
