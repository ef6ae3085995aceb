//! The floor that imports are measured against: the least that has to be done with a source package's tarballs, by
//! the same crates, on one thread. File -> SHA-256 and decompression -> tar -> SHA-1 -> deflate level 1 -> one pack
//! with its index, both of which Git takes. No trees, no commits, no patches, no other hash, no check, no sync.
//!
//! Usage: `floor OUT.pack FILE...`

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use libdeflater::{CompressionLvl, Compressor, Crc};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use source_package::compression::decompress;
use source_package::limits::Limits;
use source_package::tar::{EntryKind, TarReader};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let out = arguments.next().ok_or("usage: floor OUT.pack FILE...")?;
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&out)?;
    let mut pack = Pack::new(file)?;
    for name in arguments {
        let file = File::open(&name)?;
        let size = file.metadata()?.len();
        let mut hashing = Hashing { inner: file, hash: Sha256::new() };
        unpack(decompress(&mut hashing, size, &Limits::default())?, &mut pack)?;
        io::copy(&mut hashing, &mut io::sink())?;
        std::hint::black_box(hashing.hash.finalize());
    }
    pack.finish(&Path::new(&out).with_extension("idx"))
}

fn unpack(archive: impl Read, pack: &mut Pack) -> Result<()> {
    let mut reader = TarReader::new(archive);
    let mut content = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        if entry.kind == EntryKind::File {
            content.clear();
            reader.content().read_to_end(&mut content)?;
            pack.add(&content)?;
        }
    }
    Ok(reader.finish(u64::MAX)?)
}

struct Hashing {
    inner: File,
    hash: Sha256,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

struct Pack {
    out: BufWriter<File>,
    offset: u64,
    slots: BTreeMap<[u8; 20], (u64, u32)>,
    compressor: Compressor,
    buffer: Vec<u8>,
}

impl Pack {
    fn new(file: File) -> Result<Pack> {
        let mut pack = Pack {
            out: BufWriter::with_capacity(256 << 10, file),
            offset: 0,
            slots: BTreeMap::new(),
            compressor: Compressor::new(CompressionLvl::new(1).unwrap_or_default()),
            buffer: Vec::new(),
        };
        pack.write(b"PACK\0\0\0\x02\0\0\0\0")?;
        Ok(pack)
    }

    fn add(&mut self, content: &[u8]) -> Result<()> {
        let mut hasher = sha1dc::Hasher::new();
        hasher.update(format!("blob {}\0", content.len()).as_bytes());
        hasher.update(content);
        let id: [u8; 20] = hasher.finalize()?.as_ref().try_into()?;
        if self.slots.contains_key(&id) {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(self.compressor.zlib_compress_bound(content.len()), 0);
        let length = self.compressor.zlib_compress(content, &mut buffer).map_err(|_| "cannot compress")?;
        let header = header(content.len());
        let mut crc = Crc::new();
        crc.update(&header);
        crc.update(&buffer[..length]);
        self.slots.insert(id, (self.offset, crc.sum()));
        self.write(&header)?;
        self.write(&buffer[..length])?;
        self.buffer = buffer;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.offset += bytes.len() as u64;
        Ok(self.out.write_all(bytes)?)
    }

    /// The number of objects is known at the end, and the hash covers it: the file is read once more.
    fn finish(mut self, index: &Path) -> Result<()> {
        self.out.flush()?;
        let mut file = self.out.into_inner()?;
        file.seek(SeekFrom::Start(8))?;
        file.write_all(&u32::try_from(self.slots.len())?.to_be_bytes())?;
        file.seek(SeekFrom::Start(0))?;
        let mut hash = Sha1::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => hash.update(&buffer[..count]),
            }
        }
        let trailer = hash.finalize();
        file.write_all(&trailer)?;
        let mut bytes = table(&self.slots)?;
        bytes.extend_from_slice(&trailer);
        let checksum = Sha1::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        Ok(std::fs::write(index, bytes)?)
    }
}

/// The tables of an index, version 2 (`gitformat-pack(5)`).
fn table(slots: &BTreeMap<[u8; 20], (u64, u32)>) -> Result<Vec<u8>> {
    let mut bytes = b"\xfftOc\0\0\0\x02".to_vec();
    let mut fan = [0u32; 256];
    slots.keys().for_each(|id| fan[usize::from(id[0])] += 1);
    let mut total = 0;
    for count in fan {
        total += count;
        bytes.extend_from_slice(&total.to_be_bytes());
    }
    slots.keys().for_each(|id| bytes.extend_from_slice(id));
    slots.values().for_each(|(_, crc)| bytes.extend_from_slice(&crc.to_be_bytes()));
    for (offset, _) in slots.values() {
        bytes.extend_from_slice(&u32::try_from(*offset)?.to_be_bytes());
    }
    Ok(bytes)
}

fn header(size: usize) -> Vec<u8> {
    let mut bytes = vec![0x30 | (size & 15) as u8];
    let mut rest = size >> 4;
    while rest > 0 {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push((rest & 0x7f) as u8);
        rest >>= 7;
    }
    bytes
}
