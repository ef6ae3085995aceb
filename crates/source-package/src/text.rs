//! Bytes of unknown encoding made into text that a Git commit can hold, and a cursor to read lines with.

/// Decodes one line: UTF-8 where it is valid, else Windows-1252, the superset of Latin-1.
///
/// Each line on its own, because old files changed their encoding half-way. Control characters other than the
/// tab are dropped (Git refuses NUL, and terminals act on the others); so is a byte order mark, and white
/// space at the end.
pub(crate) fn decode_line(line: &[u8]) -> String {
    let mut text = match std::str::from_utf8(line) {
        Ok(text) => text.chars().filter(|&c| is_shown(c)).collect::<String>(),
        Err(_) => line.iter().map(|&byte| windows_1252(byte)).filter(|&c| is_shown(c)).collect(),
    };
    text.truncate(text.trim_end().len());
    text
}

/// One byte of Windows-1252. Its five holes become the control characters of Latin-1.
pub(crate) fn windows_1252(byte: u8) -> char {
    const FROM_0X80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', //
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_0X80[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn is_shown(character: char) -> bool {
    character == '\t' || !(character.is_control() || character == '\u{feff}')
}

/// Joins lines, without the empty ones at the start and at the end.
pub(crate) fn join_lines<S: AsRef<str>>(lines: &[S]) -> String {
    let is_text = |line: &S| !line.as_ref().trim().is_empty();
    let Some(first) = lines.iter().position(is_text) else { return String::new() };
    let last = lines.iter().rposition(is_text).unwrap_or(first);
    let size = lines[first..=last].iter().map(|line| line.as_ref().len() + 1).sum();
    let mut text = String::with_capacity(size);
    for line in &lines[first..=last] {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line.as_ref());
    }
    text
}

/// White space in ASCII, with the vertical tab that [`u8::is_ascii_whitespace`] leaves out.
pub(crate) fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// Letters, digits and `_`.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Reads a line from its start. Text that does not match is left unread.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    /// Takes the bytes that satisfy `fits`, as many as there are.
    pub(crate) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|&byte| !fits(byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    /// Like [`Self::take_while`], but there must be one at least.
    pub(crate) fn take_some(&mut self, fits: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        Some(self.take_while(fits)).filter(|taken| !taken.is_empty())
    }

    /// Takes exactly `expected`, in any case of its letters.
    pub(crate) fn eat(&mut self, expected: &[u8]) -> Option<()> {
        let start = self.0.get(..expected.len())?;
        if !start.eq_ignore_ascii_case(expected) {
            return None;
        }
        self.0 = &self.0[expected.len()..];
        Some(())
    }

    /// Takes `min` to `max` digits.
    pub(crate) fn digits(&mut self, min: usize, max: usize) -> Option<&'a [u8]> {
        let count = self.0.iter().take(max).take_while(|byte| byte.is_ascii_digit()).count();
        if count < min {
            return None;
        }
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(taken)
    }

    /// Takes white space, one at least.
    pub(crate) fn spaces(&mut self) -> Option<()> {
        self.take_some(is_space).map(|_| ())
    }

    /// True when only white space is left.
    pub(crate) fn at_end(&self) -> bool {
        self.0.iter().all(|&byte| is_space(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_utf8_and_else_windows_1252() {
        assert_eq!(decode_line("  Raphaël\t \r".as_bytes()), "  Raphaël");
        assert_eq!(decode_line(b"Rapha\xebl \x93x\x94\x80\x81"), "Raphaël “x”€");
        assert_eq!(decode_line(b"a\0b\x1b[1m\tc"), "ab[1m\tc");
        assert_eq!(decode_line("\u{feff}hello".as_bytes()), "hello");
    }

    #[test]
    fn joins_lines_without_blank_ends() {
        assert_eq!(join_lines(&["", " ", "  a", "", "b", "\t"]), "  a\n\nb");
        assert_eq!(join_lines(&["", " "]), "");
        assert_eq!(join_lines::<&str>(&[]), "");
    }
}
