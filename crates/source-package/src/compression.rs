//! Decompression by content, not by name: gzip, bzip2, xz, lzma and zstd.
//!
//! Bytes behind the compressed data are treated as the tools that dpkg calls do: gzip takes more members and
//! zeros, bzip2 ignores garbage, xz takes more streams and padding.

use std::io::{self, BufRead, BufReader, Read};

use liblzma::stream::{CONCATENATED, Stream};

use crate::limits::{Limits, OverLimit};
use crate::lookahead::Lookahead;

const BUFFER: usize = 128 << 10;
/// Number of bytes at the start of a file that show its format.
const DETECTABLE: usize = 13;
/// Below this size no expansion is suspicious: a small archive of zeros is harmless.
const RATIO_FREE_BYTES: u64 = 64 << 20;

/// Compression format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// gzip (RFC 1952).
    Gzip,
    /// bzip2, `.bz2`.
    Bzip2,
    /// xz, `.xz`.
    Xz,
    /// The format that came before xz.
    Lzma,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Format {
    /// Recognises a format by the first bytes of a file (13 are enough).
    pub fn detect(start: &[u8]) -> Option<Format> {
        match start {
            [0x1f, 0x8b, ..] => Some(Format::Gzip),
            [b'B', b'Z', b'h', ..] => Some(Format::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Format::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::Zstd),
            _ if is_lzma(start) => Some(Format::Lzma),
            _ => None,
        }
    }
}

/// The lzma format has no magic number: its first byte codes three small numbers, and real encoders write a
/// dictionary size of 2^n or 2^n + 2^(n-1).
fn is_lzma(start: &[u8]) -> bool {
    let [properties, a, b, c, d, ..] = *start else { return false };
    let dictionary = u32::from_le_bytes([a, b, c, d]);
    let power = dictionary.is_power_of_two() || (dictionary % 3 == 0 && (dictionary / 3).is_power_of_two());
    start.len() >= 13 && properties < 225 && power
}

/// Decompresses a stream. `packed` is the size of the compressed file, for the limit on its expansion.
///
/// # Errors
/// [`io::Error`] of the input, or when the start of the stream is damaged. Later damage and a passed
/// [`OverLimit`](crate::limits::OverLimit) come from reading the result.
pub fn decompress<'a>(
    input: impl Read + Send + 'a,
    packed: u64,
    limits: &Limits,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut input = Lookahead::new(BufReader::with_capacity(BUFFER, input));
    let format = Format::detect(input.peek(DETECTABLE)?);
    let decoded: Box<dyn Read + Send + 'a> = match format {
        Some(Format::Gzip) => Box::new(Members::new(input, Gzip)),
        Some(Format::Bzip2) => Box::new(Members::new(input, Bzip2)),
        Some(Format::Xz) => Box::new(lzma_reader(
            input,
            Stream::new_stream_decoder(limits.decoder_memory, CONCATENATED).map_err(io::Error::from)?,
        )),
        Some(Format::Lzma) => {
            let stream = Stream::new_lzma_decoder(limits.decoder_memory).map_err(io::Error::from)?;
            Box::new(LzmaAlone { decoder: Some(lzma_reader(input, stream)) })
        }
        Some(Format::Zstd) => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(limits.decoder_memory.max(1).ilog2())?;
            Box::new(decoder)
        }
        None => return Err(invalid("not compressed by gzip, bzip2, xz, lzma or zstd")),
    };
    let allowed = packed.saturating_mul(limits.expansion_ratio).max(RATIO_FREE_BYTES);
    Ok(Box::new(Metered { inner: decoded, left: allowed, ratio: limits.expansion_ratio }))
}

fn lzma_reader<R: BufRead>(input: R, stream: Stream) -> liblzma::bufread::XzDecoder<R> {
    liblzma::bufread::XzDecoder::new_stream(input, stream)
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// The old format contains one stream and nothing behind it.
struct LzmaAlone<R: BufRead> {
    decoder: Option<liblzma::bufread::XzDecoder<R>>,
}

impl<R: BufRead> Read for LzmaAlone<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = self.decoder.as_mut() else { return Ok(0) };
        let count = decoder.read(buffer)?;
        if count == 0
            && !buffer.is_empty()
            && let Some(decoder) = self.decoder.take()
            && !decoder.into_inner().fill_buf()?.is_empty()
        {
            return Err(invalid("garbage after the end of the lzma data"));
        }
        Ok(count)
    }
}

/// Ends with an error once more was read than the file's size allows.
struct Metered<R> {
    inner: R,
    left: u64,
    ratio: u64,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(OverLimit::ExpansionRatio(self.ratio)))?;
        Ok(count)
    }
}

/// A compression whose files may hold several members, one after the other.
trait Member<R: BufRead> {
    type Decoder: Read;
    fn start(&self, input: R) -> Self::Decoder;
    fn input_of(&self, decoder: Self::Decoder) -> R;
    /// True when another member begins here.
    ///
    /// # Errors
    /// When the bytes that follow make the command-line tool fail.
    fn continues(&self, input: &mut R) -> io::Result<bool>;
}

struct Gzip;

impl<R: BufRead> Member<R> for Gzip {
    type Decoder = flate2::bufread::GzDecoder<R>;

    fn start(&self, input: R) -> Self::Decoder {
        flate2::bufread::GzDecoder::new(input)
    }

    fn input_of(&self, decoder: Self::Decoder) -> R {
        decoder.into_inner()
    }

    fn continues(&self, input: &mut R) -> io::Result<bool> {
        if input.fill_buf()?.first() == Some(&0x1f) {
            return Ok(true);
        }
        loop {
            let rest = input.fill_buf()?;
            if rest.is_empty() {
                return Ok(false);
            }
            if rest.iter().any(|&byte| byte != 0) {
                return Err(invalid("garbage after the end of the gzip data"));
            }
            let zeros = rest.len();
            input.consume(zeros);
        }
    }
}

struct Bzip2;

impl<R: BufRead> Member<Lookahead<R>> for Bzip2 {
    type Decoder = bzip2::bufread::BzDecoder<Lookahead<R>>;

    fn start(&self, input: Lookahead<R>) -> Self::Decoder {
        bzip2::bufread::BzDecoder::new(input)
    }

    fn input_of(&self, decoder: Self::Decoder) -> Lookahead<R> {
        decoder.into_inner()
    }

    fn continues(&self, input: &mut Lookahead<R>) -> io::Result<bool> {
        match input.peek(4)? {
            [] => Ok(false),
            [b'B', b'Z', b'h', b'1'..=b'9'] => Ok(true),
            // bzip2 ignores garbage, but not a file that ends within the possible head of a stream.
            [b'B'] | [b'B', b'Z'] | [b'B', b'Z', b'h'] => {
                Err(invalid("the bzip2 data end within the head of a stream"))
            }
            _ => Ok(false),
        }
    }
}

struct Members<R: BufRead, M: Member<R>> {
    member: M,
    decoder: Option<M::Decoder>,
}

impl<R: BufRead, M: Member<R>> Members<R, M> {
    fn new(input: R, member: M) -> Self {
        let decoder = Some(member.start(input));
        Members { member, decoder }
    }
}

impl<R: BufRead, M: Member<R>> Read for Members<R, M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = self.decoder.as_mut() {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if let Some(decoder) = self.decoder.take() {
                let mut input = self.member.input_of(decoder);
                if self.member.continues(&mut input)? {
                    self.decoder = Some(self.member.start(input));
                }
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    /// Returns one byte at a time, so that no two lie together in a buffer.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn bzip2(text: &[u8]) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn streams_are_found_wherever_a_buffer_ends() {
        let streams = [bzip2(b"one "), bzip2(b"two")].concat();
        for (tail, ends_well) in [("", true), ("garbage", true), ("BZh0", true), ("BZ", false)] {
            let packed = [streams.as_slice(), tail.as_bytes()].concat();
            let mut text = String::new();
            let mut reader = decompress(Drops(&packed), packed.len() as u64, &Limits::default()).unwrap();
            assert_eq!(reader.read_to_string(&mut text).is_ok(), ends_well, "{tail}");
            if ends_well {
                assert_eq!(text, "one two", "{tail}");
            }
        }
    }
}
