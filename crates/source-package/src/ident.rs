//! Names and addresses of authors, in a form that a Git commit can hold.

use crate::text::windows_1252;

/// A name and an address, valid in a Git commit: UTF-8, no control character, no `<` and no `>`.
///
/// The name is never empty; the address may be.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ident {
    name: String,
    email: String,
}

/// Largest number of bytes of a name or an address; a longer one is cut, at a character.
const MAX_LEN: usize = 255;

/// Name used for an author whose address has no name, or whose name has nothing that Git can hold.
const NOBODY: &str = "Unknown";

impl Ident {
    /// A name and an address, made valid:
    /// - encoded words (RFC 2047) are decoded; quotes around a whole name go away, commas and inner quotes stay;
    /// - control characters, `<` and `>` go away, white space becomes one space;
    /// - a missing name becomes the address's part before the `@`, else `Unknown`; a missing address stays empty;
    /// - both are cut at 255 bytes.
    pub fn new(name: &str, email: &str) -> Ident {
        let email = clean(email);
        let decoded = decode_words(name);
        let mut name = clean(unquoted(decoded.trim()));
        if name.is_empty() {
            name = clean(email.split('@').next().unwrap_or_default());
        }
        if name.is_empty() {
            name = NOBODY.into();
        }
        Ident { name, email }
    }

    /// Reads the first person of a text; `None` if nothing is left of it.
    ///
    /// Forms: `Name <address>`, `address (Name)`, `Name address`, the address or the name alone. Of a list the
    /// first that has an address counts; a comma without an address before it is part of the name.
    pub fn parse(text: &str) -> Option<Ident> {
        let text = text.trim();
        let (name, email) = in_brackets(text).or_else(|| with_bare_address(text)).unwrap_or((text, ""));
        let is_empty = clean(unquoted(name.trim())).is_empty() && clean(email).is_empty();
        (!is_empty).then(|| Ident::new(name, email))
    }

    /// The name, not empty.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address, possibly empty.
    pub fn email(&self) -> &str {
        &self.email
    }
}

/// `Name <address>`: the first brackets with an `@` in them, else the last ones. A missing `>` is forgiven.
fn in_brackets(text: &str) -> Option<(&str, &str)> {
    let mut found = None;
    let mut at = 0;
    while let Some(open) = text[at..].find('<').map(|open| at + open) {
        let inside = &text[open + 1..];
        let end = inside.find('>').unwrap_or(inside.len());
        found = Some((&text[..open], &inside[..end]));
        at = open + 1 + end;
        if inside[..end].contains('@') {
            break;
        }
    }
    found
}

/// `address (Name)`, `Name address`, `Name (address)`: the first word with an `@` is the address.
fn with_bare_address(text: &str) -> Option<(&str, &str)> {
    const AROUND: &[char] = &['(', ')', '[', ']', '{', '}', ',', ';', ':', '"', '\''];
    let mut start = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let email = word.trim().trim_matches(AROUND);
        if email.contains('@') {
            let (before, after) = (text[..start].trim(), text[start + word.len()..].trim());
            // Text after a comma or a semicolon belongs to the next person.
            let ends_here = word.trim_end().ends_with([',', ';']);
            let name = match (before.is_empty(), after.strip_prefix('(')) {
                (true, Some(comment)) => comment.split(')').next().unwrap_or_default(),
                (true, None) if !ends_here => after,
                _ => before,
            };
            return Some((name, email));
        }
        start += word.len();
    }
    None
}

/// The inside of a name that is quoted as a whole; with quotes in it, it stays as written.
fn unquoted(name: &str) -> &str {
    let inside = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.filter(|inside| !inside.contains('"')).unwrap_or(name)
}

fn clean(text: &str) -> String {
    let kept = text
        .chars()
        .filter(|&c| c.is_whitespace() || !(c.is_control() || matches!(c, '<' | '>' | '\u{feff}')));
    let kept: String = kept.take(MAX_LEN).collect();
    let mut clean = String::with_capacity(kept.len());
    for word in kept.split_whitespace() {
        if clean.len() + 1 + word.len() > MAX_LEN {
            let room = MAX_LEN.saturating_sub(clean.len() + 1);
            let end = (0..=room.min(word.len())).rev().find(|&end| word.is_char_boundary(end)).unwrap_or(0);
            push_word(&mut clean, &word[..end]);
            break;
        }
        push_word(&mut clean, word);
    }
    clean
}

fn push_word(text: &mut String, word: &str) {
    if !text.is_empty() && !word.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

/// Decodes the encoded words of RFC 2047 (`=?utf-8?Q?Rapha=C3=ABl?=`); white space between two of them goes away.
///
/// UTF-8, ASCII, Latin-1, Latin-9 and Windows-1252 are known, another charset only where its bytes are UTF-8. A
/// word that cannot be decoded stays as written.
pub(crate) fn decode_words(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    // The charset and the bytes of adjacent encoded words: a character may be split between two of them.
    let mut run: Option<Run> = None;
    while let Some(start) = rest.find("=?") {
        let Some(word) = EncodedWord::parse(&rest[start..]) else {
            finish_run(&mut decoded, run.take());
            decoded.push_str(&rest[..start + 2]);
            rest = &rest[start + 2..];
            continue;
        };
        let between = &rest[..start];
        match &mut run {
            Some(run) if between.trim().is_empty() && run.charset.eq_ignore_ascii_case(word.charset) => {
                run.written.push_str(&rest[..start + word.length]);
                run.bytes.extend(word.bytes);
            }
            _ => {
                let adjacent = run.is_some() && between.trim().is_empty();
                finish_run(&mut decoded, run.take());
                if !adjacent {
                    decoded.push_str(between);
                }
                let written = rest[start..start + word.length].to_owned();
                run = Some(Run { charset: word.charset.to_owned(), bytes: word.bytes, written });
            }
        }
        rest = &rest[start + word.length..];
    }
    finish_run(&mut decoded, run);
    decoded.push_str(rest);
    decoded
}

struct Run {
    charset: String,
    bytes: Vec<u8>,
    written: String,
}

fn finish_run(decoded: &mut String, run: Option<Run>) {
    let Some(run) = run else { return };
    let latin: Option<String> = match run.charset.to_ascii_lowercase().as_str() {
        "iso-8859-1" | "latin1" | "windows-1252" | "cp1252" => {
            Some(run.bytes.iter().map(|&b| windows_1252(b)).collect())
        }
        "iso-8859-15" | "latin9" => Some(run.bytes.iter().map(|&b| latin_9(b)).collect()),
        _ => None,
    };
    match latin.or_else(|| String::from_utf8(run.bytes).ok()) {
        Some(text) => decoded.push_str(&text),
        None => decoded.push_str(&run.written),
    }
}

fn latin_9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        _ => windows_1252(byte),
    }
}

struct EncodedWord<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
    length: usize,
}

impl<'a> EncodedWord<'a> {
    /// Reads `=?charset?encoding?text?=` at the start of `text`; no part holds a `?` or white space.
    fn parse(text: &'a str) -> Option<Self> {
        let (charset, rest) = text.strip_prefix("=?")?.split_at_checked(part_end(text.get(2..)?, 40)?)?;
        let (encoding, rest) = rest.strip_prefix('?')?.split_at_checked(1)?;
        let rest = rest.strip_prefix('?')?;
        let (encoded, rest) = rest.split_at_checked(part_end(rest, 4096)?)?;
        let after = rest.strip_prefix("?=")?;
        let bytes = match encoding {
            "q" | "Q" => quoted_printable(encoded),
            "b" | "B" => base64(encoded)?,
            _ => return None,
        };
        // RFC 2231 lets a language follow the charset.
        let charset = charset.split('*').next().unwrap_or(charset);
        Some(EncodedWord { charset, bytes, length: text.len() - after.len() })
    }
}

/// End of a part of an encoded word, searched in at most `max` bytes, so that the time stays linear.
fn part_end(text: &str, max: usize) -> Option<usize> {
    text.bytes().take(max).position(|byte| byte == b'?')
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match (first, after) {
            (b'=', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        bytes.push(escaped.unwrap_or(if *first == b'_' { b' ' } else { *first }));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    bytes
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
#[path = "ident_tests.rs"]
mod tests;
