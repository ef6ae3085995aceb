//! Lists of source packages (`Sources`), read stanza by stanza from a stream: a list of any size takes the memory of
//! its largest stanza.

use std::io::BufRead;

use source_package::checksum::ListedFile;
use source_package::control::Stanza;
use source_package::dsc::listed_files;
use source_package::version::{PackageName, Version};

use crate::config::stays_below;

/// The longest stanza that is read. The longest of Debian's is below 200 KiB.
const MAX_STANZA: usize = 4 << 20;

/// A version of a source package in a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Name of the source package.
    pub package: PackageName,
    /// Version of the source package.
    pub version: Version,
    /// The component; empty in a flat archive.
    pub component: String,
    /// Path of its files, below the archive's folder; empty for that folder itself.
    pub directory: String,
    /// The `.dsc`.
    pub dsc: ListedFile,
    /// All other files.
    pub files: Vec<ListedFile>,
}

impl Publication {
    /// The path of one of its files below the archive's folder.
    pub fn path(&self, file: &ListedFile) -> String {
        match self.directory.as_str() {
            "" => file.name.clone(),
            directory => format!("{directory}/{}", file.name),
        }
    }
}

/// A stanza that is skipped. The others are used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", which(*number, name.as_deref()))]
pub struct BadStanza {
    /// Its place in the list, from 1; 0 if its reader did not count.
    pub number: u64,
    /// Name that it gives for the package.
    pub name: Option<String>,
    /// Reason why it cannot be used.
    pub reason: String,
}

fn which(number: u64, name: Option<&str>) -> String {
    match (number, name) {
        (0, name) => format!("a stanza of {:?}", name.unwrap_or_default()),
        (number, Some(name)) => format!("stanza {number} ({name:?})"),
        (number, None) => format!("stanza {number}"),
    }
}

/// Kind of a stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // Nearly all of them are the large one, and none is kept.
pub enum Entry {
    /// A publication.
    Publication(Publication),
    /// A source that is kept only because binaries were built from it (`Extra-Source-Only: yes`).
    ExtraOnly,
    /// Nothing that can be used.
    Bad(BadStanza),
}

/// Reason why a list cannot be read any further.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Reading or decompressing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A stanza is longer than any should be.
    #[error("stanza {0} is longer than {MAX_STANZA} bytes")]
    Long(u64),
}

/// Reader of a list.
pub struct Reader<R> {
    input: R,
    component: String,
    number: u64,
    stanza: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    /// Starts at the beginning of a list.
    pub fn new(input: R, component: &str) -> Self {
        Reader { input, component: component.to_owned(), number: 0, stanza: Vec::new() }
    }

    /// Next stanza; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Long`] for a stanza that is too long, [`ReadError::Io`] when the list cannot be read. A stanza
    /// that cannot be used is an entry.
    pub fn read(&mut self) -> Result<Option<Entry>, ReadError> {
        loop {
            self.stanza.clear();
            let more = self.read_stanza()?;
            if self.stanza.iter().any(|byte| !byte.is_ascii_whitespace()) {
                self.number += 1;
                return Ok(Some(self.entry()));
            }
            if !more {
                return Ok(None);
            }
        }
    }

    /// Reads up to an empty line; true when there is more. A block of the input is copied once, not line by line.
    fn read_stanza(&mut self) -> Result<bool, ReadError> {
        // True while the line at the end of the stanza has nothing but white space.
        let mut is_blank = true;
        loop {
            let block = self.input.fill_buf()?;
            if block.is_empty() {
                return Ok(false);
            }
            let end = end_of_stanza(block, &mut is_blank);
            let count = end.unwrap_or(block.len());
            if self.stanza.len() + count > MAX_STANZA {
                return Err(ReadError::Long(self.number + 1));
            }
            self.stanza.extend_from_slice(&block[..count]);
            self.input.consume(count);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn entry(&self) -> Entry {
        let bad = |name: Option<&str>, reason: String| {
            // A name of a megabyte is of no use in a message.
            let name = name.map(|name| name.chars().take(100).collect());
            Entry::Bad(BadStanza { number: self.number, name, reason })
        };
        let stanza = match Stanza::parse(&self.stanza) {
            Ok(stanza) => stanza,
            Err(error) => return bad(claimed_name(&self.stanza), error.to_string()),
        };
        if stanza.get("Extra-Source-Only").is_some_and(|value| value.trim().eq_ignore_ascii_case("yes")) {
            return Entry::ExtraOnly;
        }
        match publication(&stanza, &self.component) {
            Ok(publication) => Entry::Publication(publication),
            Err(reason) => bad(stanza.get("Package"), reason),
        }
    }
}

/// End of the first empty line in a block. `is_blank` tells of the line that the block begins within, and afterwards of the
/// one that it ends within.
fn end_of_stanza(block: &[u8], is_blank: &mut bool) -> Option<usize> {
    let mut start = 0;
    while let Some(length) = memchr::memchr(b'\n', &block[start..]) {
        let line = &block[start..start + length];
        start += length + 1;
        if *is_blank && line.trim_ascii_start().is_empty() {
            return Some(start);
        }
        *is_blank = true;
    }
    *is_blank = *is_blank && block[start..].trim_ascii_start().is_empty();
    None
}

fn publication(stanza: &Stanza, component: &str) -> Result<Publication, String> {
    let need = |field: &str| stanza.get(field).ok_or_else(|| format!("no field {field}"));
    let package = PackageName::new(need("Package")?).map_err(|error| error.to_string())?;
    let version = Version::new(need("Version")?).map_err(|error| error.to_string())?;
    // A flat archive's own folder: apt-ftparchive leaves the field out there, and apt accepts that.
    let directory = directory(stanza.get("Directory").unwrap_or("."))?;
    let mut files = listed_files(stanza).map_err(|error| error.to_string())?;
    let mut found = files.iter().enumerate().filter(|(_, file)| file.name.ends_with(".dsc"));
    let (Some((at, _)), None) = (found.next(), found.next()) else {
        return Err("it does not name one .dsc".to_owned());
    };
    let dsc = files.remove(at);
    Ok(Publication { package, version, component: component.to_owned(), directory, dsc, files })
}

/// A folder below that of the archive, by apt's rule: with any printable character, a slash at its start or several in
/// a row.
fn directory(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let plain = parts.join("/");
    if plain.is_empty() || stays_below(&plain) {
        return Ok(plain);
    }
    match parts.contains(&"..") {
        true => Err(format!("the Directory {text:?} leads out of the archive")),
        false => Err(format!("the Directory {text:?} is too long, or has characters that cannot be printed")),
    }
}

/// Name of the package in a stanza that cannot be read.
fn claimed_name(stanza: &[u8]) -> Option<&str> {
    let line = stanza.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(b"Package:"))?;
    std::str::from_utf8(line).ok().map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
