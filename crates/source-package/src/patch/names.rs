//! File names in the headers of a diff.

use super::date::{Stamp, stamp};

/// Content of a header line about a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// Nothing usable; the name of an earlier line stays.
    Nothing,
    /// `/dev/null`: there is no file.
    NoFile,
    /// Name without its first folder, and the rest of the line.
    Named {
        /// Name of the file.
        name: Vec<u8>,
        /// Time of the file.
        stamp: Stamp,
    },
}

/// White space in the C locale.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The text without leading white space.
pub(super) fn skip_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&byte| is_space(byte)).count()..]
}

/// A line as a C string sees it: it ends at the first NUL. The answer says whether the line end is still there.
pub(super) fn until_nul(line: &[u8]) -> (&[u8], bool) {
    match memchr::memchr(0, line) {
        Some(nul) => (&line[..nul], false),
        None => (line, true),
    }
}

/// Reads what follows `---`, `+++` or `***`, where a time may stand behind the name.
pub(super) fn dated(rest: &[u8]) -> Header {
    let (rest, ended) = until_nul(rest);
    let Some((name, behind)) = quoted_or(rest, |text| plain_length(text, last_tab_follows(text))) else {
        return Header::Nothing;
    };
    if name == b"/dev/null" {
        return Header::NoFile;
    }
    let Some(name) = strip_first_folder(&name) else { return Header::Nothing };
    let stamp = if behind.is_empty() && ended { Stamp::Unknown } else { stamp(behind) };
    Header::Named { name, stamp }
}

/// Reads what follows `Index:`, where nothing may stand behind the name.
pub(super) fn index(rest: &[u8]) -> Option<Vec<u8>> {
    let (rest, ended) = until_nul(rest);
    let (name, behind) = quoted_or(rest, |text| plain_length(text, |at| ended && at < text.len()))?;
    if name == b"/dev/null" || !behind.is_empty() || !ended {
        return None;
    }
    strip_first_folder(&name)
}

/// Reads the two names behind `diff --git`.
pub(super) fn git_pair(rest: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (rest, _) = until_nul(rest);
    let word = |text: &[u8]| text.iter().take_while(|&&byte| !is_space(byte)).count();
    let (old, behind) = quoted_or(rest, word)?;
    if !behind.first().is_some_and(|&byte| is_space(byte)) {
        return None;
    }
    let (new, behind) = quoted_or(behind, word)?;
    if !skip_spaces(behind).is_empty() {
        return None;
    }
    Some((strip_first_folder(&old)?, strip_first_folder(&new)?))
}

/// A name, quoted as in C or measured by `plain`, and the text behind it.
fn quoted_or(text: &[u8], plain: impl Fn(&[u8]) -> usize) -> Option<(Vec<u8>, &[u8])> {
    let text = skip_spaces(text);
    if text.first() == Some(&b'"') {
        return unquote(text);
    }
    let length = plain(text);
    Some((text[..length].to_vec(), &text[length..]))
}

fn last_tab_follows(text: &[u8]) -> impl Fn(usize) -> bool {
    let last = memchr::memrchr(b'\t', text);
    move |at| last.is_some_and(|tab| tab > at)
}

/// The length of a name that may hold spaces as long as its end is marked behind them (`marked` says whether
/// the mark follows a position).
fn plain_length(text: &[u8], marked: impl Fn(usize) -> bool) -> usize {
    let mut at = 0;
    while at < text.len() {
        if !is_space(text[at]) {
            at += 1;
            continue;
        }
        // The run of white space counts as one, up to its first tab.
        let mut last = at;
        while text[last] != b'\t' && text.get(last + 1).is_some_and(|&next| is_space(next)) {
            last += 1;
        }
        // A run that reaches the end of the line has only the line end behind it.
        if text[last] == b'\t' || last + 1 >= text.len() || !marked(last) {
            return at;
        }
        at = last + 1;
    }
    at
}

/// Undoes C quoting, as Git writes names with unusual bytes.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut name = Vec::new();
    let mut at = 1;
    loop {
        let byte = *text.get(at)?;
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => {
                let (plain, length) = escape(&text[at..])?;
                name.push(plain);
                at += length;
            }
            _ => name.push(byte),
        }
    }
    name.truncate(until_nul(&name).0.len());
    Some((name, &text[at..]))
}

fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let plain = match *text.first()? {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        same @ (b'\\' | b'"') => same,
        high @ b'0'..=b'3' => {
            let digit = |at: usize| text.get(at).filter(|byte| (b'0'..=b'7').contains(*byte));
            return Some((((high - b'0') << 6) | ((digit(1)? - b'0') << 3) | (digit(2)? - b'0'), 3));
        }
        _ => return None,
    };
    Some((plain, 1))
}

/// Name without its first folder (`-p1`); `None` if it has no folder or ends with it.
pub(super) fn strip_first_folder(name: &[u8]) -> Option<Vec<u8>> {
    let slash = memchr::memchr(b'/', name)?;
    let slashes = name[slash..].iter().take_while(|&&byte| byte == b'/').count();
    let rest = &name[slash + slashes..];
    (!rest.is_empty()).then(|| rest.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(rest: &[u8]) -> Option<Vec<u8>> {
        match dated(rest) {
            Header::Named { name, .. } => Some(name),
            _ => None,
        }
    }

    #[test]
    fn a_name_ends_at_the_first_space_unless_a_tab_follows() {
        assert_eq!(name(b"a/b c"), Some(b"b".to_vec()));
        assert_eq!(name(b"a/b c\t2020-01-01"), Some(b"b c".to_vec()));
        assert_eq!(name(b"a/b  c d\t"), Some(b"b  c d".to_vec()));
        assert_eq!(name(b"a/b \tc\td"), Some(b"b".to_vec()));
        assert_eq!(name(b"a/b \r"), Some(b"b".to_vec()));
        assert_eq!(name(b"a/b\0c"), Some(b"b".to_vec()));
    }

    #[test]
    fn the_first_folder_is_taken_away() {
        assert_eq!(name(b"a//b/c"), Some(b"b/c".to_vec()));
        assert_eq!(name(b"/b/c"), Some(b"b/c".to_vec()));
        assert_eq!(name(b"b"), None);
        assert_eq!(name(b"b/"), None);
        assert_eq!(dated(b"/dev/null\tx"), Header::NoFile);
    }

    #[test]
    fn quoted_names_are_read() {
        assert_eq!(name(b"\"a/\\303\\244 \\\"\\t\""), Some(b"\xc3\xa4 \"\t".to_vec()));
        assert_eq!(name(b"\"a/b"), None);
        assert_eq!(name(b"\"a/\\9\""), None);
        assert_eq!(git_pair(b"\"a/x y\" b/z"), Some((b"x y".to_vec(), b"z".to_vec())));
        assert_eq!(git_pair(b"a/x y b/x y"), None);
    }

    #[test]
    fn an_index_line_ends_with_its_name() {
        assert_eq!(index(b" a/b c"), Some(b"b c".to_vec()));
        assert_eq!(index(b" a/b "), None);
        assert_eq!(index(b" /dev/null"), None);
    }
}
