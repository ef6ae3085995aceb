//! Writes a patched file: the lines of the hunks, and those between them.

use super::error::{Context, PatchError};
use super::hunk::{Hunk, Line};
use super::input::Input;

/// The new file, as far as it is written.
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    /// Nothing was written, not even an empty line.
    pub(super) untouched: bool,
    /// The last line of the input that has been dealt with.
    pub(super) frozen: i64,
    ended: bool,
    limit: u64,
}

impl Output {
    pub(super) fn new(limit: u64) -> Self {
        Output { bytes: Vec::new(), untouched: true, frozen: 0, ended: true, limit }
    }

    /// Writes a hunk whose old lines begin at line `place` of the input.
    pub(super) fn hunk(
        &mut self,
        input: &Input,
        hunk: &Hunk<'_>,
        place: i64,
        at: Context<'_>,
    ) -> Result<(), PatchError> {
        let (mut old, mut new) = (0, 0);
        while old < hunk.old.lines.len() {
            let before = place + old as i64 - 1;
            if hunk.old.changed[old] {
                if !self.ended {
                    // Patch stops with a failed assertion.
                    return Err(at.hunk("a line would be removed behind one without a line end"));
                }
                self.copy_until(input, before, at)?;
                self.frozen += 1;
                old += 1;
                continue;
            }
            match (hunk.new.lines.get(new), hunk.new.changed.get(new)) {
                (Some(line), Some(true)) => {
                    self.copy_until(input, before, at)?;
                    self.line(*line, at)?;
                }
                (Some(_), _) => old += 1,
                _ => break,
            }
            new += 1;
        }
        if new < hunk.new.lines.len() {
            self.copy_until(input, place + old as i64 - 1, at)?;
        }
        for line in &hunk.new.lines[new..] {
            if !self.ended {
                self.bytes.push(b'\n');
            }
            self.line(*line, at)?;
        }
        Ok(())
    }

    /// Copies the rest of the input.
    pub(super) fn finish(&mut self, input: &Input, at: Context<'_>) -> Result<(), PatchError> {
        if self.frozen < input.count { self.copy_until(input, input.count, at) } else { Ok(()) }
    }

    fn copy_until(&mut self, input: &Input, last: i64, at: Context<'_>) -> Result<(), PatchError> {
        if self.frozen > last {
            return Err(at.hunk("it lies in front of the hunk before it"));
        }
        let lines = input.lines(self.frozen + 1, last);
        self.frozen = last;
        if lines.is_empty() {
            return Ok(());
        }
        if !self.ended {
            self.bytes.push(b'\n');
        }
        self.write(lines, at)?;
        self.ended = lines.last() == Some(&b'\n');
        Ok(())
    }

    fn line(&mut self, line: Line<'_>, at: Context<'_>) -> Result<(), PatchError> {
        if line.is_nothing() {
            // Patch takes the writing of no bytes for a failure.
            return Err(at.hunk("it adds an empty line without a line end"));
        }
        self.write(line.text, at)?;
        if line.ended {
            self.bytes.push(b'\n');
        }
        self.ended = line.ended;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], at: Context<'_>) -> Result<(), PatchError> {
        // The line end that may follow counts too.
        if (self.bytes.len() + bytes.len()) as u64 >= self.limit {
            return Err(at.too_large(self.limit));
        }
        self.bytes.extend_from_slice(bytes);
        self.untouched = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::hunk::next_hunk;
    use super::super::lines::{Dress, Reader};
    use super::*;

    fn patched(file: &[u8], hunks: &[u8], limit: u64) -> Result<Vec<u8>, PatchError> {
        let at = Context { line: 1, path: b"f" };
        let input = Input::new(file.to_vec());
        let mut reader = Reader::new(hunks);
        let mut output = Output::new(limit);
        while let Some(hunk) = next_hunk(&mut reader, Dress::default())? {
            output.hunk(&input, &hunk, hunk.first, at)?;
        }
        output.finish(&input, at)?;
        Ok(output.bytes)
    }

    #[test]
    fn what_stands_between_hunks_is_kept() {
        let hunks = b"@@ -1,2 +1,2 @@\n-a\n+A\n b\n@@ -4 +4,2 @@\n d\n+e\n";
        assert_eq!(patched(b"a\nb\nc\nd\n", hunks, 99).unwrap(), b"A\nb\nc\nd\ne\n");
    }

    #[test]
    fn line_ends_are_added_where_a_line_follows() {
        let hunks = b"@@ -1 +1 @@\n-a\n+A\n\\ No newline at end of file\n@@ -3,0 +4 @@\n+x\n";
        assert_eq!(patched(b"a\nb\nc", hunks, 99).unwrap(), b"A\nb\nc\nx\n");
    }

    #[test]
    fn overlapping_hunks_and_large_files_are_refused() {
        let hunks = b"@@ -2 +2 @@\n-b\n+B\n@@ -1 +1 @@\n-a\n+A\n";
        assert!(matches!(patched(b"a\nb\n", hunks, 99), Err(PatchError::Hunk { .. })));
        let hunks = b"@@ -1,0 +2 @@\n+0123456789\n";
        assert!(matches!(patched(b"a\n", hunks, 9), Err(PatchError::TooLarge { .. })));
    }
}
