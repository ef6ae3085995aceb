//! A large blob on its way into the pack: hashed and compressed while it is read, never whole in memory.

use std::fs::File;
use std::io::{self, Read, Write};

use gix_object::Kind;

use crate::deflate::{code, entry_header};
use crate::durable::room;
use crate::space::Space;
use crate::{Error, ObjectId};

/// An object that was appended to the pack.
pub(crate) struct Streamed {
    pub(crate) id: ObjectId,
    pub(crate) length: u64,
    pub(crate) crc32: u32,
}

/// Appends a blob. After an error, the file ends with the bytes written so far.
pub(crate) fn append(
    file: &mut File,
    size: u64,
    content: &mut dyn Read,
    space: &mut Space,
) -> Result<Streamed, Error> {
    let mut out = Counting { file, length: 0, crc32: libdeflater::Crc::new(), space };
    let mut header = [0; 16];
    out.write_all(entry_header(code(Kind::Blob), size, &mut header)).map_err(Error::write_pack)?;
    let mut encoder = flate2::write::ZlibEncoder::new(out, flate2::Compression::fast());
    let id = hash_through(size, content, &mut encoder)?;
    let out = encoder.finish().map_err(Error::write_pack)?;
    Ok(Streamed { id, length: out.length, crc32: out.crc32.sum() })
}

fn hash_through(size: u64, content: &mut dyn Read, out: &mut impl Write) -> Result<ObjectId, Error> {
    let mut hasher = crate::hash::start(Kind::Blob, size);
    let mut buffer = vec![0; 64 << 10];
    let mut left = size;
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = match content.read(&mut buffer[..most]) {
            Ok(0) => return Err(Error::Content(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::Content(error)),
        };
        hasher.update(&buffer[..count]);
        out.write_all(&buffer[..count]).map_err(Error::write_pack)?;
        left -= count as u64;
    }
    crate::hash::finish(hasher)
}

struct Counting<'a> {
    file: &'a mut File,
    length: u64,
    crc32: libdeflater::Crc,
    space: &'a mut Space,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        room()?;
        let count = self.file.write(bytes)?;
        self.crc32.update(&bytes[..count]);
        self.length += count as u64;
        self.space.wrote(self.file, count as u64)?;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
