//! Compressed patch files, which dpkg recognises by name.

use std::io::{self, Read};

use liblzma::stream::{CONCATENATED, Stream};

/// A dictionary of the strongest preset needs 65 MiB; a patch has no use for much more.
const DECODER_MEMORY: u64 = 256 << 20;

/// Content of a patch file, decompressed if its name has such a suffix.
pub(super) fn content(name: &[u8], bytes: Vec<u8>, limit: u64) -> io::Result<Vec<u8>> {
    let input = &bytes[..];
    if name.ends_with(b".gz") {
        read(flate2::read::MultiGzDecoder::new(input), limit)
    } else if name.ends_with(b".bz2") {
        read(bzip2::read::MultiBzDecoder::new(input), limit)
    } else if name.ends_with(b".xz") {
        xz(input, Stream::new_auto_decoder(DECODER_MEMORY, CONCATENATED)?, limit)
    } else if name.ends_with(b".lzma") {
        xz(input, Stream::new_lzma_decoder(DECODER_MEMORY)?, limit)
    } else if bytes.len() as u64 > limit {
        Err(too_large(limit))
    } else {
        Ok(bytes)
    }
}

fn xz(input: &[u8], stream: Stream, limit: u64) -> io::Result<Vec<u8>> {
    read(liblzma::read::XzDecoder::new_stream(input, stream), limit)
}

fn read(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"))
}
