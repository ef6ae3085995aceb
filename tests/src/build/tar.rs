//! A raw tar writer that can write what no sane program would: every field of every header is in the caller's hand.

/// The time that every entry bears unless told otherwise.
pub const MTIME: u64 = 1_600_000_000;

const BLOCK: usize = 512;

/// Dialect that a header claims.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Magic {
    /// `ustar  \0`, as GNU tar writes.
    Gnu,
    /// `ustar\0` `00`, as POSIX has it.
    Ustar,
    /// No magic at all, as in Unix V7.
    V7,
}

/// One entry: a header and its content.
#[derive(Clone, Debug)]
pub struct Entry {
    name: Vec<u8>,
    kind: u8,
    mode: u32,
    mtime: u64,
    link: Vec<u8>,
    content: Vec<u8>,
    size: Option<u64>,
    magic: Magic,
    base256: bool,
    bad_checksum: bool,
    signed_checksum: bool,
    long_names: bool,
    overrides: Vec<(usize, Vec<u8>)>,
}

impl Entry {
    /// A regular file, mode 644.
    pub fn file(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        Entry { content: content.as_ref().to_vec(), ..Entry::new(b'0', name) }
    }

    /// Any entry without content.
    pub fn new(kind: u8, name: impl AsRef<[u8]>) -> Self {
        Entry {
            name: name.as_ref().to_vec(),
            kind,
            mode: 0o644,
            mtime: MTIME,
            link: Vec::new(),
            content: Vec::new(),
            size: None,
            magic: Magic::Gnu,
            base256: false,
            bad_checksum: false,
            signed_checksum: false,
            long_names: true,
            overrides: Vec::new(),
        }
    }

    /// A folder, mode 755; a trailing slash is the caller's choice.
    pub fn dir(name: impl AsRef<[u8]>) -> Self {
        Entry::new(b'5', name).mode(0o755)
    }

    /// A symbolic link.
    pub fn link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Entry::new(b'2', name).mode(0o777).target(target)
    }

    /// A hard link.
    pub fn hard(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Entry::new(b'1', name).target(target)
    }

    /// Permissions, as they stand in the header.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the type flag.
    #[must_use]
    pub fn kind(mut self, kind: u8) -> Self {
        self.kind = kind;
        self
    }

    /// The time of last change.
    #[must_use]
    pub fn mtime(mut self, mtime: u64) -> Self {
        self.mtime = mtime;
        self
    }

    /// Sets the link's target.
    #[must_use]
    pub fn target(mut self, target: impl AsRef<[u8]>) -> Self {
        self.link = target.as_ref().to_vec();
        self
    }

    /// The content, for entries made with [`Entry::new`].
    #[must_use]
    pub fn content(mut self, content: impl AsRef<[u8]>) -> Self {
        self.content = content.as_ref().to_vec();
        self
    }

    /// A size in the header that is not the content's.
    #[must_use]
    pub fn claims_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// Sets the header's dialect.
    #[must_use]
    pub fn magic(mut self, magic: Magic) -> Self {
        self.magic = magic;
        self
    }

    /// Numbers in base 256 (GNU) rather than octal.
    #[must_use]
    pub fn base256(mut self) -> Self {
        self.base256 = true;
        self
    }

    /// A header whose checksum is wrong.
    #[must_use]
    pub fn bad_checksum(mut self) -> Self {
        self.bad_checksum = true;
        self
    }

    /// A checksum over signed bytes, as some old programs made it.
    #[must_use]
    pub fn signed_checksum(mut self) -> Self {
        self.signed_checksum = true;
        self
    }

    /// Cuts a long name off instead of writing a long-name entry before it.
    #[must_use]
    pub fn without_long_names(mut self) -> Self {
        self.long_names = false;
        self
    }

    /// Puts bytes at an offset of the header, before the checksum is made.
    #[must_use]
    pub fn at(mut self, offset: usize, bytes: impl AsRef<[u8]>) -> Self {
        self.overrides.push((offset, bytes.as_ref().to_vec()));
        self
    }

    /// The prefix field of POSIX headers.
    #[must_use]
    pub fn prefix(self, prefix: impl AsRef<[u8]>) -> Self {
        self.magic(Magic::Ustar).at(345, prefix)
    }

    fn header(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        put_cut(&mut block[..100], &self.name);
        put_octal(&mut block[100..108], u64::from(self.mode));
        put_octal(&mut block[108..116], 0);
        put_octal(&mut block[116..124], 0);
        let size = self.size.unwrap_or(self.content.len() as u64);
        for (field, number) in [(124..136, size), (136..148, self.mtime)] {
            if self.base256 {
                put_base256(&mut block[field], number);
            } else {
                put_octal(&mut block[field], number);
            }
        }
        block[156] = self.kind;
        put_cut(&mut block[157..257], &self.link);
        match self.magic {
            Magic::Gnu => block[257..265].copy_from_slice(b"ustar  \0"),
            Magic::Ustar => block[257..265].copy_from_slice(b"ustar\x0000"),
            Magic::V7 => {}
        }
        for (offset, bytes) in &self.overrides {
            block[*offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        let sum = checksum(&block, self.signed_checksum) + i64::from(self.bad_checksum);
        put_checksum(&mut block, sum);
        block
    }
}

fn put_cut(field: &mut [u8], bytes: &[u8]) {
    let length = bytes.len().min(field.len());
    field[..length].copy_from_slice(&bytes[..length]);
}

/// Octal digits and a NUL, filling the field.
pub fn put_octal(field: &mut [u8], number: u64) {
    let digits = field.len() - 1;
    put_cut(field, format!("{number:0digits$o}").as_bytes());
}

fn put_base256(field: &mut [u8], number: u64) {
    let start = field.len() - 8;
    field[start..].copy_from_slice(&number.to_be_bytes());
    field[0] = 0x80;
}

fn checksum(block: &[u8; BLOCK], signed: bool) -> i64 {
    let value = |byte: u8| if signed { i64::from(byte.cast_signed()) } else { i64::from(byte) };
    let blank = 8 * value(b' ');
    let others = block[..148].iter().chain(&block[156..]);
    others.map(|&byte| value(byte)).sum::<i64>() + blank
}

fn put_checksum(block: &mut [u8; BLOCK], sum: i64) {
    put_octal(&mut block[148..155], u64::try_from(sum).unwrap());
    block[155] = b' ';
}

/// An archive in the making.
#[derive(Clone, Debug, Default)]
pub struct Tar {
    bytes: Vec<u8>,
    no_end: bool,
    truncated: Option<usize>,
}

impl Tar {
    /// An empty archive.
    pub fn new() -> Self {
        Tar::default()
    }

    /// An archive that begins with a top folder.
    pub fn top(name: &str) -> Self {
        Tar::new().dir(format!("{name}/"))
    }

    /// Adds a regular file.
    #[must_use]
    pub fn file(self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::file(name, content))
    }

    /// Adds an executable file.
    #[must_use]
    pub fn exec(self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::file(name, content).mode(0o755))
    }

    /// Adds a folder.
    #[must_use]
    pub fn dir(self, name: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::dir(name))
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::link(name, target))
    }

    /// Adds a hard link.
    #[must_use]
    pub fn hard(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::hard(name, target))
    }

    /// Adds a named pipe.
    #[must_use]
    pub fn fifo(self, name: impl AsRef<[u8]>) -> Self {
        self.entry(Entry::new(b'6', name))
    }

    /// Adds an entry, with GNU long-name entries before it where its names need them.
    #[must_use]
    pub fn entry(mut self, entry: Entry) -> Self {
        if entry.long_names && entry.magic == Magic::Gnu {
            if entry.name.len() > 100 {
                self = self.long(b'L', &entry.name);
            }
            if entry.link.len() > 100 {
                self = self.long(b'K', &entry.link);
            }
        }
        self.bytes.extend_from_slice(&entry.header());
        self.content(&entry.content)
    }

    /// Adds a GNU long name (`L`) or long link (`K`) for the next entry.
    #[must_use]
    pub fn long(self, kind: u8, name: &[u8]) -> Self {
        let mut content = name.to_vec();
        content.push(0);
        self.entry(Entry::file("././@LongLink", content).kind(kind))
    }

    /// Adds pax records for the next entry.
    #[must_use]
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        self.pax_of(b'x', records)
    }

    /// Adds global (`g`) or other pax records.
    #[must_use]
    pub fn pax_of(self, kind: u8, records: &[(&str, &[u8])]) -> Self {
        let content: Vec<u8> = records.iter().flat_map(|(key, value)| pax_record(key, value)).collect();
        self.entry(Entry::file("PaxHeaders/x", content).kind(kind).magic(Magic::Ustar))
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Leaves out the two zero blocks at the end.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.no_end = true;
        self
    }

    /// Cuts the finished archive so many bytes before the end of its entries.
    #[must_use]
    pub fn cut_by(mut self, bytes: usize) -> Self {
        self.truncated = Some(bytes);
        self
    }

    /// Bytes of the archive.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = self.bytes;
        if let Some(cut) = self.truncated {
            bytes.truncate(bytes.len() - cut);
        } else if !self.no_end {
            bytes.resize(bytes.len() + 2 * BLOCK, 0);
        }
        bytes
    }

    fn content(mut self, content: &[u8]) -> Self {
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        self
    }
}

/// One record of a pax header; its length counts itself.
pub fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length.to_string().len() + rest != length {
        length += 1;
    }
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}
