//! Reads the hunks of a unified diff.

use super::error::PatchError;
use super::lines::{Dress, Reader};

/// A line of a hunk as it stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Line<'p> {
    /// Content of the line.
    pub(super) text: &'p [u8],
    /// True when the line ends with a newline.
    pub(super) ended: bool,
}

impl Line<'_> {
    /// Nothing at all: no text and no line end.
    pub(super) fn is_nothing(&self) -> bool {
        self.text.is_empty() && !self.ended
    }

    /// True when a line of a file, with its newline if it has one, equals this line.
    pub(super) fn is(&self, line: &[u8]) -> bool {
        match line.strip_suffix(b"\n") {
            Some(text) => self.ended && text == self.text,
            None => !self.ended && line == self.text,
        }
    }
}

/// One side of a hunk: its lines, and for each whether it is changed or context.
#[derive(Debug, Default)]
pub(super) struct Side<'p> {
    pub(super) lines: Vec<Line<'p>>,
    pub(super) changed: Vec<bool>,
}

impl<'p> Side<'p> {
    fn push(&mut self, text: &'p [u8], ended: bool, changed: bool) {
        self.lines.push(Line { text, ended });
        self.changed.push(changed);
    }
}

/// A hunk.
#[derive(Debug, Default)]
pub(super) struct Hunk<'p> {
    /// Line of its header in the patch.
    pub(super) line: u64,
    /// First of its old lines in the file, counted from 1. For a hunk without old lines: the line behind which it
    /// is inserted, plus one.
    pub(super) first: i64,
    pub(super) old: Side<'p>,
    pub(super) new: Side<'p>,
    /// Lines of context in front of the first change.
    pub(super) leading: i64,
    /// Lines of context behind the last change.
    pub(super) trailing: i64,
}

/// Reads the next hunk. `None`: no hunk follows; the reader stays where it was.
pub(super) fn next_hunk<'p>(reader: &mut Reader<'p>, dress: Dress) -> Result<Option<Hunk<'p>>, PatchError> {
    let begin = reader.place;
    let Some(header) = reader.next(dress).and_then(|line| line.strip_prefix(b"@@ -")) else {
        reader.place = begin;
        return Ok(None);
    };
    let line = reader.line();
    let malformed = |cause| PatchError::Malformed { line, cause };
    let [first, old, new_first, new] =
        ranges(header).ok_or_else(|| malformed("the line numbers of the hunk cannot be read"))?;
    if [(first, old), (new_first, new), (old, new.saturating_add(1))].iter().any(|(a, b)| *a >= i64::MAX - b)
    {
        return Err(malformed("a line number is too large"));
    }
    let first = if old == 0 { first + 1 } else { first };
    let mut hunk = Hunk { line, first, ..Hunk::default() };
    Body { reader, dress, hunk: &mut hunk, old, new, context: 0, leading: None }.read()?;
    Ok(Some(hunk))
}

/// Reads `1,2 +3,4 @@`; the rest of the line is for people.
fn ranges(header: &[u8]) -> Option<[i64; 4]> {
    let (first, old, rest) = range(header)?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"+")?;
    let (new_first, new, rest) = range(rest)?;
    rest.strip_prefix(b" ").unwrap_or(rest).strip_prefix(b"@")?;
    Some([first, old, new_first, new])
}

fn range(text: &[u8]) -> Option<(i64, i64, &[u8])> {
    let (first, rest) = number(text)?;
    match rest.strip_prefix(b",") {
        Some(rest) => number(rest).map(|(count, rest)| (first, count, rest)),
        None => Some((first, 1, rest)),
    }
}

fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let written = std::str::from_utf8(&text[..digits]).ok()?;
    Some((written.parse().ok()?, &text[digits..]))
}

struct Body<'r, 'p> {
    reader: &'r mut Reader<'p>,
    dress: Dress,
    hunk: &'r mut Hunk<'p>,
    /// Old and new lines still to come.
    old: i64,
    new: i64,
    context: i64,
    leading: Option<i64>,
}

impl<'p> Body<'_, 'p> {
    fn read(mut self) -> Result<(), PatchError> {
        while self.old > 0 || self.new > 0 {
            let (mark, text) = match self.reader.next(self.dress) {
                Some(line) => split(line),
                // Blank lines at the end of a patch get lost in mails; patch forgives three.
                None if self.new < 4 => (b' ', &b""[..]),
                None => return Err(self.malformed("the patch ends inside of a hunk")),
            };
            self.line(mark, text)?;
            if mark != b' ' {
                self.leading.get_or_insert(self.context);
                self.context = 0;
            }
        }
        let Some(leading) = self.leading else { return Err(self.malformed("the hunk changes nothing")) };
        self.hunk.leading = leading;
        self.hunk.trailing = self.context;
        Ok(())
    }

    fn line(&mut self, mark: u8, text: &'p [u8]) -> Result<(), PatchError> {
        let (in_old, in_new) = match mark {
            b' ' => (true, true),
            b'-' => (true, false),
            b'+' => (false, true),
            _ => return Err(self.malformed("a line of a hunk must begin with a space, + or -")),
        };
        if (in_old && self.old == 0) || (in_new && self.new == 0) {
            return Err(self.malformed("the hunk has more lines than its header says"));
        }
        self.context += i64::from(mark == b' ');
        let mut ended = true;
        if in_old {
            self.old -= 1;
            ended = !(self.old == 0 && self.reader.take_backslash());
            self.hunk.old.push(text, ended, mark == b'-');
        }
        if in_new {
            self.new -= 1;
            ended &= !(self.new == 0 && self.reader.take_backslash());
            self.hunk.new.push(text, ended, mark == b'+');
        }
        Ok(())
    }

    fn malformed(&self, cause: &'static str) -> PatchError {
        PatchError::Malformed { line: self.reader.line(), cause }
    }
}

/// The mark in front of a line and its text. An empty line, or one that begins with a tab, has lost its space.
fn split(line: &[u8]) -> (u8, &[u8]) {
    match line {
        [] | [b'\t', ..] => (b' ', line),
        [b'=', text @ ..] => (b' ', text),
        [mark, text @ ..] => (*mark, text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn read(patch: &[u8]) -> Result<Option<Hunk<'_>>, PatchError> {
        next_hunk(&mut Reader::new(patch), Dress::default())
    }

    #[test]
    fn sides_and_context_are_told_apart() {
        let hunk = read(b"@@ -3,3 +3,4 @@ fn\n a\n-b\n+c\n+d\n e\n").unwrap().unwrap();
        assert_eq!((hunk.first, hunk.leading, hunk.trailing), (3, 1, 1));
        assert_eq!(hunk.old.changed, [false, true, false]);
        assert_eq!(hunk.new.changed, [false, true, true, false]);
        assert_eq!(hunk.new.lines[2], Line { text: b"d", ended: true });
    }

    #[test]
    fn a_note_takes_the_line_end_from_the_last_line_of_each_side() {
        let hunk = read(b"@@ -1 +1 @@\n-a\n\\ No newline\n+b\n\\ No newline\n").unwrap().unwrap();
        assert!(!hunk.old.lines[0].ended && !hunk.new.lines[0].ended);
        let hunk = read(b"@@ -1 +1,2 @@\n a\n\\ No newline\n+b\n").unwrap().unwrap();
        assert!(!hunk.old.lines[0].ended && hunk.new.lines[1].ended);
    }

    #[test]
    fn lost_spaces_and_lost_blank_lines_are_forgiven() {
        let hunk = read(b"@@ -1,4 +1,5 @@\n+x\n\n\ta\n").unwrap().unwrap();
        let texts: Vec<_> = hunk.old.lines.iter().map(|line| line.text).collect();
        assert_eq!(texts, [&b""[..], b"\ta", b"", b""]);
    }

    #[test]
    fn counts_that_lie_are_refused() {
        assert!(read(b"@@ -1,2 +1 @@\n-a\n+b\n+c\n").is_err());
        assert!(read(b"@@ -1,9 +1,9 @@\n-a\n+b\n").is_err());
        assert!(read(b"@@ -1 +1 @@\n a\n").is_err());
        assert!(read(b"@@ -9223372036854775807,0 +1 @@\n+a\n").is_err());
        assert!(read(b"@@ -1,0 @@\n").is_err());
        assert!(read(b"@@@ -1 +1 @@\n").unwrap().is_none());
    }
}
