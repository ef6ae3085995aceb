//! Compression, and the ways in which it can be odd or broken.

use std::io::Write;

/// Compression of a tarball.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// gzip, `.gz`
    Gz,
    /// bzip2, `.bz2`
    Bz2,
    /// xz, `.xz`
    Xz,
    /// The old format of one LZMA stream without a container.
    Lzma,
    /// Zstandard, `.zst`
    Zst,
}

impl Compression {
    /// The extension that belongs to it.
    pub fn extension(self) -> &'static str {
        match self {
            Compression::Gz => "gz",
            Compression::Bz2 => "bz2",
            Compression::Xz => "xz",
            Compression::Lzma => "lzma",
            Compression::Zst => "zst",
        }
    }

    /// Compresses `bytes` into one stream. The same bytes always give the same stream.
    pub fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Compression::Gz => {
                let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                out.write_all(bytes).unwrap();
                out.finish().unwrap()
            }
            Compression::Bz2 => {
                let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(9));
                out.write_all(bytes).unwrap();
                out.finish().unwrap()
            }
            Compression::Xz => xz(liblzma::write::XzEncoder::new(Vec::new(), 6), bytes),
            Compression::Lzma => {
                let options = liblzma::stream::LzmaOptions::new_preset(6).unwrap();
                let stream = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
                xz(liblzma::write::XzEncoder::new_stream(Vec::new(), stream), bytes)
            }
            Compression::Zst => zstd::bulk::compress(bytes, 3).unwrap(),
        }
    }

    /// Compresses `bytes` into several streams, one after the other.
    pub fn pack_in_pieces(self, bytes: &[u8], pieces: usize) -> Vec<u8> {
        bytes.chunks(bytes.len().div_ceil(pieces)).flat_map(|piece| self.pack(piece)).collect()
    }
}

fn xz(mut out: liblzma::write::XzEncoder<Vec<u8>>, bytes: &[u8]) -> Vec<u8> {
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}
