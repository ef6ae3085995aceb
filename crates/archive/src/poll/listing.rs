//! Publications of a suite, read from lists whose hashes were checked.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use source_package::ahead::Ahead;
use source_package::compression::decompress;
use source_package::limits::{Limits, OverLimit};

use crate::error::{Error, Stage};
use crate::problem::Problem;
use crate::sources::{Entry, ReadError, Reader};

/// Largest expansion of a compressed list. A list of text shrinks to a sixth.
const EXPANSION: u64 = 100;
/// Memory that `xz -9` needs for decompression, in bytes.
const DECODER_MEMORY: u64 = 96 << 20;

/// The lists of a suite.
#[derive(Debug)]
pub struct Listing {
    /// Each component that is followed.
    pub components: Vec<ComponentList>,
    /// The date of the index, in seconds since 1970.
    pub date: i64,
}

/// The list of one component.
#[derive(Debug)]
pub struct ComponentList {
    /// The component; empty in a flat archive.
    pub component: String,
    list: Option<Downloaded>,
}

/// A list whose hash is right. The file has no name: nobody else can change it, and it goes with the process.
#[derive(Debug)]
pub(super) struct Downloaded {
    pub(super) file: File,
    pub(super) size: u64,
    /// Bytes when decompressed, if the index lists that form.
    pub(super) plain: Option<u64>,
    pub(super) compressed: bool,
}

impl ComponentList {
    pub(super) fn new(component: &str, list: Option<Downloaded>) -> Self {
        ComponentList { component: component.to_owned(), list }
    }

    /// A plain list that another program has checked; `None` if it did not change.
    pub(crate) fn plain(component: &str, list: Option<(File, u64)>) -> Self {
        let downloaded = |(file, size)| Downloaded { file, size, plain: None, compressed: false };
        ComponentList::new(component, list.map(downloaded))
    }

    /// True when it differs from that of the last poll. If not, its publications are the same.
    pub fn is_changed(&self) -> bool {
        self.list.is_some()
    }

    /// Entries of the list; none if it did not change.
    pub fn entries(self) -> Result<Entries, Error> {
        let Some(list) = self.list else { return Ok(Entries { reader: None }) };
        let input = list.open().map_err(|error| Error::new(Stage::Poll, problem(&error)))?;
        Ok(Entries { reader: Some(Reader::new(input, &self.component)) })
    }
}

impl Downloaded {
    fn open(self) -> io::Result<Box<dyn BufRead + Send>> {
        if !self.compressed {
            return Ok(Box::new(BufReader::with_capacity(BUFFER, self.file)));
        }
        let limits =
            Limits { expansion_ratio: EXPANSION, decoder_memory: DECODER_MEMORY, ..Limits::default() };
        let decoded = decompress(self.file, self.size, &limits)?;
        Ok(Box::new(Ahead::of(Bounded { inner: decoded, left: self.plain.unwrap_or(u64::MAX) })?))
    }
}

const BUFFER: usize = 256 << 10;

/// Fails when a list is longer than its size in the index.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| io::Error::other(TooLong))?;
        Ok(count)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it is longer than the index says")]
struct TooLong;

/// The stanzas of a list. After an error there are no more.
pub struct Entries {
    reader: Option<Reader<Box<dyn BufRead + Send>>>,
}

impl Iterator for Entries {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let problem = match self.reader.as_mut()?.read() {
            Ok(Some(entry)) => return Some(Ok(entry)),
            Ok(None) => None,
            Err(ReadError::Io(error)) => Some(problem(&error)),
            Err(error @ ReadError::Long(_)) => Some(Problem::BadSources(error.to_string())),
        };
        self.reader = None;
        problem.map(|problem| Err(Error::new(Stage::Poll, problem)))
    }
}

fn problem(error: &io::Error) -> Problem {
    let inner = error.get_ref();
    let over = inner.is_some_and(|inner| inner.is::<TooLong>() || inner.is::<OverLimit>());
    if over { Problem::ExpandsTooMuch(error.to_string()) } else { Problem::BadCompression(error.to_string()) }
}
