//! Reads a patch line by line, the way GNU patch does: only whole lines count, and lines that begin with `#`
//! are comments.

use memchr::memchr;

/// Decoration of the lines of one diff, which is removed to get their content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dress {
    /// Columns of white space (or `X`) in front, as in a diff quoted in a mail.
    pub(super) indent: usize,
    /// Number of `- ` in front of the line, as in an RFC 934 digest.
    pub(super) dashes: usize,
    /// True when the lines end with CR LF and the CR belongs to the patch, not to the file.
    pub(super) carriage_returns: bool,
}

/// A place in the patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Offset in bytes.
    pub(super) offset: usize,
    /// Number of lines before it.
    pub(super) lines: u64,
}

/// The patch and how far it has been read.
#[derive(Debug)]
pub(super) struct Reader<'p> {
    bytes: &'p [u8],
    /// Start of the next line.
    pub(super) place: Place,
}

impl<'p> Reader<'p> {
    pub(super) fn new(bytes: &'p [u8]) -> Self {
        Reader { bytes, place: Place::default() }
    }

    /// The number of the line that was read last, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.place.lines
    }

    /// True when the patch is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn at_end(&self) -> bool {
        self.place.offset >= self.bytes.len()
    }

    /// The next line without its end. A last line that lacks the line end is not returned: GNU patch
    /// takes it for the end of the patch.
    pub(super) fn next(&mut self, dress: Dress) -> Option<&'p [u8]> {
        loop {
            let begin = self.undress(dress)?;
            let Some(length) = memchr(b'\n', &self.bytes[begin..]) else {
                self.place.offset = self.bytes.len();
                return None;
            };
            self.place.offset = begin + length + 1;
            self.place.lines += 1;
            let line = &self.bytes[begin..begin + length];
            if line.first() == Some(&b'#') {
                continue;
            }
            return Some(match line.strip_suffix(b"\r") {
                Some(stripped) if dress.carriage_returns => stripped,
                _ => line,
            });
        }
    }

    /// Takes the note `\ No newline at end of file` if it is what follows. Its wording is free.
    pub(super) fn take_backslash(&mut self) -> bool {
        if self.bytes.get(self.place.offset) != Some(&b'\\') {
            return false;
        }
        let rest = &self.bytes[self.place.offset..];
        self.place.offset += memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        self.place.lines += 1;
        true
    }

    /// Offset of the content of the next line, behind indentation and dashes.
    fn undress(&mut self, dress: Dress) -> Option<usize> {
        let mut at = self.place.offset;
        let mut column = 0;
        while column < dress.indent {
            match self.bytes.get(at) {
                Some(b' ' | b'X') => column += 1,
                Some(b'\t') => column = (column + 8) & !7,
                _ => break,
            }
            at += 1;
        }
        for _ in 0..dress.dashes {
            if self.bytes.get(at) != Some(&b'-') || self.bytes.get(at + 1).is_some_and(|&next| next != b' ') {
                break;
            }
            at += 2;
        }
        if at >= self.bytes.len() {
            self.place.offset = self.bytes.len();
            return None;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], dress: Dress) -> Vec<&[u8]> {
        let mut reader = Reader::new(bytes);
        std::iter::from_fn(|| reader.next(dress)).collect()
    }

    #[test]
    fn a_last_line_without_an_end_is_no_line() {
        assert_eq!(all(b"a\nb", Dress::default()), [b"a"]);
    }

    #[test]
    fn comments_are_skipped_and_counted() {
        let mut reader = Reader::new(b"# a\nb\n");
        assert_eq!(reader.next(Dress::default()), Some(&b"b"[..]));
        assert_eq!(reader.line(), 2);
    }

    #[test]
    fn indentation_dashes_and_carriage_returns_come_off() {
        let dress = Dress { indent: 2, dashes: 1, carriage_returns: true };
        assert_eq!(all(b"  - +a\r\n\t-b\r\n-- c\n", dress), [&b"+a"[..], b"-b", b"-- c"]);
    }
}
