//! The file that is patched, by its lines.

use memchr::{memchr, memchr_iter};

/// The distance between lines with a remembered offset: a file of line ends alone must not cost many times its size.
const STEP: usize = 64;

/// Largest number of lines that are looked at in search of the places of all hunks of a file. A real patch
/// needs a few searches; a hostile one could need one for each hunk, each through the whole file.
const SEARCH_BUDGET: u64 = 1 << 28;

/// A file by its lines.
pub(super) struct Input {
    bytes: Vec<u8>,
    /// Offsets of lines at regular intervals.
    marks: Vec<usize>,
    /// The number of lines; the last one may lack its line end.
    pub(super) count: i64,
    /// Number of lines that the searches may still look at.
    pub(super) budget: u64,
}

impl Input {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let mut marks = vec![0];
        let mut ends = 0_usize;
        for end in memchr_iter(b'\n', &bytes) {
            ends += 1;
            if ends.is_multiple_of(STEP) {
                marks.push(end + 1);
            }
        }
        let open = bytes.last().is_some_and(|&byte| byte != b'\n');
        let count = (ends + usize::from(open)) as i64;
        Input { bytes, marks, count, budget: SEARCH_BUDGET }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the lines from `first` up to and with `last`, as far as the file has them.
    pub(super) fn lines(&self, first: i64, last: i64) -> &[u8] {
        let (first, last) = (first.max(1), last.min(self.count));
        if first > last { &[] } else { &self.bytes[self.start(first)..self.start(last + 1)] }
    }

    /// The offset at which a line begins; lines count from 1.
    pub(super) fn start(&self, line: i64) -> usize {
        let index = usize::try_from(line - 1).unwrap_or(0);
        let Some(&mark) = self.marks.get(index / STEP) else { return self.bytes.len() };
        let mut offset = mark;
        for _ in 0..index % STEP {
            offset = self.end(offset);
        }
        offset
    }

    /// The offset behind the line that begins at an offset.
    pub(super) fn end(&self, offset: usize) -> usize {
        memchr(b'\n', &self.bytes[offset..]).map_or(self.bytes.len(), |end| offset + end + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_in_long_files() {
        let text: Vec<u8> = (1..=1000).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        let input = Input::new(text);
        assert_eq!(input.count, 1000);
        for line in [1, 63, 64, 65, 128, 999, 1000] {
            assert_eq!(input.lines(line, line), format!("{line}\n").as_bytes());
        }
        assert_eq!(input.lines(1001, 2000), b"");
    }
}
