//! A reader of tar archives that sees what GNU tar sees: old, ustar, GNU and pax headers, long names, every
//! format of sparse files.
//!
//! The well-known crates read sparse pax archives wrongly, and repair or refuse other input than GNU tar
//! does; the content of a source package is *defined* by GNU tar, which dpkg calls.

mod header;
mod pax;
mod sparse;

use std::io::{self, Read};

use header::{BLOCK, Header, text};
use pax::Extended;

/// Long names and extended headers beyond this are hostile.
const LONGEST_HEADER: u64 = 1 << 20;

/// Reason why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// A header makes no sense.
    #[error("not a tar archive, or damaged: bad {what} in the header at byte {offset}")]
    BadHeader {
        /// Offset in the uncompressed archive, in bytes.
        offset: u64,
        /// Name of the header's field.
        what: &'static str,
    },
    /// Extended headers, or what follows the end of the archive, are longer than they may be.
    #[error("the headers at byte {0} are longer than they may be")]
    TooLong(u64),
    /// The archive ends inside an entry.
    #[error("the tar archive ends too early, in the entry at byte {0}")]
    Truncated(u64),
    /// The stream cannot be read.
    #[error(transparent)]
    Read(io::Error),
}

impl From<io::Error> for TarError {
    /// Recovers the error of this type that reading an entry's content may have wrapped.
    fn from(error: io::Error) -> TarError {
        error.downcast().unwrap_or_else(TarError::Read)
    }
}

/// Kind of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file; its content follows.
    File,
    /// Another name of an entry before it.
    HardLink,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
    /// A named pipe.
    Fifo,
    /// A character or block device.
    Device,
    /// The rest of a file that began in another archive.
    Continuation,
    /// A label, or a note of GNU tar's: nothing to unpack.
    Note,
}

/// The head of an entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Kind of the entry.
    pub kind: EntryKind,
    /// The path as it stands in the archive, without slashes at the end.
    pub path: Vec<u8>,
    /// The target of a link.
    pub link: Vec<u8>,
    /// True when any execute bit is set.
    pub executable: bool,
    /// The time of the last change, in seconds since 1970.
    pub mtime: i64,
    /// The size of the content, holes included.
    pub size: u64,
    /// Bytes that follow in the archive, used or not.
    pub stored: u64,
    /// Bytes of the holes of a sparse file, and the number of regions between them.
    pub sparse: (u64, u64),
}

/// Reads entries one after the other.
pub struct TarReader<R> {
    input: io::BufReader<R>,
    offset: u64,
    entry_at: u64,
    /// Bytes of the present entry's data not read yet, and the padding behind them.
    data: u64,
    padding: u64,
    /// Positions of the data of a sparse entry.
    map: Option<sparse::Map>,
    global: Extended,
    /// Bytes of names and extended headers that may still follow: they are no content of any entry.
    headers_left: u64,
}

impl<R: Read> TarReader<R> {
    /// Starts at the beginning of an uncompressed archive.
    pub fn new(input: R) -> Self {
        TarReader {
            input: io::BufReader::with_capacity(64 << 10, input),
            offset: 0,
            entry_at: 0,
            data: 0,
            padding: 0,
            map: None,
            global: Extended::default(),
            headers_left: u64::MAX,
        }
    }

    /// Limits the bytes of names and extended headers that are read from here on. Those that were not needed are left.
    pub fn headers_left(&mut self) -> &mut u64 {
        &mut self.headers_left
    }

    /// The next entry; content that was not read is skipped. `None` at the end of the archive.
    ///
    /// # Errors
    /// [`TarError`] with the offset of the damage.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        let mut records = None;
        let mut long_name = None;
        let mut long_link = None;
        loop {
            self.skip_data()?;
            self.entry_at = self.offset;
            let Some(header) = self.header()? else { return Ok(None) };
            let kind = header.kind();
            let size = header.size(self.entry_at)?;
            match kind {
                b'L' => long_name = Some(self.long_text(size)?),
                b'K' => long_link = Some(self.long_text(size)?),
                // Of two extended headers only the last one counts.
                b'x' | b'X' => records = Some(self.header_data(size)?),
                b'g' => {
                    let records = self.header_data(size)?;
                    self.global.read(&records, self.entry_at)?;
                }
                _ => {
                    let mut extended = self.global.clone();
                    if let Some(records) = records {
                        extended.read(&records, self.entry_at)?;
                    }
                    header.check_owner(self.entry_at)?;
                    return self.entry(&header, size, extended, long_name, long_link).map(Some);
                }
            }
        }
    }

    /// The content of the entry that was returned last.
    pub fn content(&mut self) -> Content<'_, R> {
        Content { reader: self }
    }

    /// Reads to the end of the stream: the decompressor checks its sums there. It may be so far away.
    ///
    /// # Errors
    /// [`TarError::TooLong`] when more than `most` bytes follow.
    pub fn finish(mut self, most: u64) -> Result<(), TarError> {
        let rest = io::copy(&mut (&mut self.input).take(most.saturating_add(1)), &mut io::sink())?;
        if rest > most { Err(TarError::TooLong(self.offset)) } else { Ok(()) }
    }

    fn entry(
        &mut self,
        header: &Header,
        size: u64,
        extended: Extended,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Entry, TarError> {
        let at = self.entry_at;
        let named = extended.sparse.name.as_deref().or(extended.path.as_deref()).or(long_name.as_deref());
        let mut path = named.map_or_else(|| header.name(), <[u8]>::to_vec);
        let slash = path.last() == Some(&b'/');
        while path.len() > 1 && path.last() == Some(&b'/') {
            path.pop();
        }
        let kind = entry_kind(header.kind(), slash);
        // An entry that is no file has no data, whatever size it gives: GNU tar reads the next block as a header.
        let has_data = matches!(kind, EntryKind::File | EntryKind::Note | EntryKind::Continuation)
            || header.kind() == b'D';
        let mapped = header.is_posix() && extended.sparse.has_map() && kind == EntryKind::File;
        // The size of a sparse file is that of its stored data, until its map gives another.
        let sparse_size = if mapped { None } else { extended.sparse.real_size };
        let stored = if has_data { sparse_size.or(extended.size).unwrap_or(size) } else { 0 };
        self.set_data(stored);
        self.map = None;
        let real = match header.kind() {
            b'S' if header.is_gnu() => self.old_sparse(header)?,
            _ if mapped => self.pax_sparse(&extended.sparse)?,
            _ => stored,
        };
        let is_link = matches!(kind, EntryKind::Link | EntryKind::HardLink);
        let link = extended.link.as_deref().or(long_link.as_deref()).filter(|_| is_link);
        Ok(Entry {
            path,
            link: link.map_or_else(|| header.link(), <[u8]>::to_vec),
            executable: header.mode(at)? & 0o111 != 0,
            mtime: extended.mtime.unwrap_or(header.mtime(at)?),
            size: if kind == EntryKind::File { real } else { 0 },
            stored,
            sparse: self.map.as_ref().map_or((0, 0), sparse::Map::cost),
            kind,
        })
    }

    fn header(&mut self) -> Result<Option<Header>, TarError> {
        let mut block = [0; BLOCK];
        let read = read_full(&mut self.input, &mut block)?;
        self.offset += read as u64;
        // An archive may end without the blocks of zeros that should end it; half a header is dropped.
        if read < BLOCK {
            let empty = self.entry_at == 0;
            return if empty { Err(TarError::Truncated(0)) } else { Ok(None) };
        }
        let header = Header(block);
        if header.is_end() {
            return Ok(None);
        }
        header.check(self.entry_at)?;
        Ok(Some(header))
    }

    fn set_data(&mut self, size: u64) {
        self.data = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn skip_data(&mut self) -> Result<(), TarError> {
        let skip = self.data.saturating_add(self.padding);
        let skipped = io::copy(&mut (&mut self.input).take(skip), &mut io::sink())?;
        self.offset += skipped;
        if skipped < skip {
            return Err(TarError::Truncated(self.entry_at));
        }
        self.set_data(0);
        Ok(())
    }

    fn header_data(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > LONGEST_HEADER {
            return Err(TarError::BadHeader {
                offset: self.entry_at,
                what: "length of a name or extended header",
            });
        }
        // Each has a block of its own in front.
        let left = self.headers_left.checked_sub(size + BLOCK as u64);
        self.headers_left = left.ok_or(TarError::TooLong(self.entry_at))?;
        self.set_data(size);
        let mut data = vec![0; size as usize];
        self.read_data_exact(&mut data)?;
        Ok(data)
    }

    fn long_text(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        Ok(text(&self.header_data(size)?).to_vec())
    }

    /// Reads bytes of the present entry's data as they are stored.
    fn read_data(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.data).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        // The content store must be able to tell a stream that breaks off from a full disk.
        let read = self.input.read(&mut buffer[..most]);
        let count = read.map_err(|error| io::Error::new(error.kind(), TarError::Read(error)))?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, TarError::Truncated(self.entry_at)));
        }
        self.data -= count as u64;
        self.offset += count as u64;
        Ok(count)
    }

    fn read_data_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), TarError> {
        while !buffer.is_empty() {
            match self.read_data(buffer)? {
                0 => return Err(TarError::Truncated(self.entry_at)),
                count => buffer = &mut buffer[count..],
            }
        }
        Ok(())
    }
}

fn entry_kind(code: u8, trailing_slash: bool) -> EntryKind {
    match code {
        b'1' => EntryKind::HardLink,
        b'2' => EntryKind::Link,
        b'3' | b'4' => EntryKind::Device,
        b'5' | b'D' => EntryKind::Folder,
        b'6' => EntryKind::Fifo,
        b'M' => EntryKind::Continuation,
        b'V' => EntryKind::Note,
        // Before folders had a type of their own, a slash told them from files.
        b'0' | 0 | b'7' if trailing_slash => EntryKind::Folder,
        _ => EntryKind::File,
    }
}

fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The content of one entry, holes filled with zeros.
pub struct Content<'a, R> {
    reader: &'a mut TarReader<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(map) = &mut self.reader.map else { return self.reader.read_data(buffer) };
        match map.next_piece(buffer.len()) {
            sparse::Piece::End => Ok(0),
            sparse::Piece::Hole(length) => {
                buffer[..length].fill(0);
                map.advance(length);
                Ok(length)
            }
            sparse::Piece::Data(length) => {
                let count = self.reader.read_data(&mut buffer[..length])?;
                if let Some(map) = &mut self.reader.map {
                    map.advance(count);
                }
                Ok(count)
            }
        }
    }
}
