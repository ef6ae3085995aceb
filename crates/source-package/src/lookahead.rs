//! A reader that can peek at its next bytes, however short its buffer happens to be.

use std::io::{self, BufRead, Read};

/// Returns the bytes that were looked at, then goes on with the reader.
pub struct Lookahead<R> {
    ahead: Vec<u8>,
    used: usize,
    inner: R,
}

impl<R: BufRead> Lookahead<R> {
    /// Nothing is read yet.
    pub fn new(inner: R) -> Self {
        Lookahead { ahead: Vec::new(), used: 0, inner }
    }

    /// The next `count` bytes, or as many as are left.
    ///
    /// # Errors
    /// The input cannot be read.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        self.ahead.drain(..self.used);
        self.used = 0;
        let missing = count.saturating_sub(self.ahead.len());
        (&mut self.inner).take(missing as u64).read_to_end(&mut self.ahead)?;
        Ok(&self.ahead)
    }
}

impl<R: BufRead> Read for Lookahead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Lookahead<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used < self.ahead.len() { Ok(&self.ahead[self.used..]) } else { self.inner.fill_buf() }
    }

    fn consume(&mut self, count: usize) {
        if self.used < self.ahead.len() { self.used += count } else { self.inner.consume(count) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::BufReader;

    use super::*;

    #[test]
    fn what_was_looked_at_is_read_again() {
        let mut reader = Lookahead::new(BufReader::with_capacity(2, b"abcdefg".as_slice()));
        assert_eq!(reader.peek(3).unwrap(), b"abc");
        let mut first = [0; 2];
        reader.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"ab");
        assert_eq!(reader.peek(3).unwrap(), b"cde");
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"cdefg");
        assert_eq!(reader.peek(3).unwrap(), b"");
    }
}
