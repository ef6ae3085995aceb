//! One stanza of a Debian control file, read as dpkg reads it (`deb822(5)`, and what `Dpkg::Control::HashCore` accepts).
//!
//! A general deb822 parser will not do for a `.dsc`: a text that dpkg refuses (a duplicate field, an unfinished
//! signature, text between stanza and signature) must be refused here too, and one that it accepts must be accepted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// A stanza: field names as written, values with their continuation lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stanza {
    /// All names and values, one after the other: a list of an archive has a million of them.
    text: String,
    fields: Vec<Field>,
    /// Positions of the fields by lower-case name, once there are more than [`FEW`]: a hostile input decides how many
    /// there are.
    places: HashMap<String, usize>,
    /// True when an OpenPGP signature surrounds it. That does not mean that the signature is good.
    pub signed: bool,
}

/// Bytes of a name and of its value in the text of a stanza.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

/// Reason why a text is no stanza.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ControlError {
    /// A line that is neither a field, nor a continuation, nor a comment.
    #[error("line {0}: not a field, a continuation or a comment")]
    UnknownLine(usize),
    /// A continuation line before any field.
    #[error("line {0}: a continuation line without a field")]
    NoField(usize),
    /// The same field twice.
    #[error("line {line}: field {name} stands twice")]
    Duplicate {
        /// Number of the line.
        line: usize,
        /// Name of the field.
        name: String,
    },
    /// A field whose name starts with a hyphen.
    #[error("line {0}: a field cannot start with a hyphen")]
    Hyphen(usize),
    /// A signed message begins after fields were read.
    #[error("line {0}: a signed message cannot begin here")]
    SignatureNotAllowed(usize),
    /// No signature, or half of one, after the signed text.
    #[error("the OpenPGP signature is missing or unfinished")]
    UnfinishedSignature,
    /// Not a single field.
    #[error("no fields")]
    Empty,
    /// More fields than the caller allows.
    #[error("more than {0} fields")]
    TooManyFields(usize),
}

/// Number of fields up to which looking at each is faster than an index.
const FEW: usize = 32;

/// The text of some bytes. What is valid as it is, nearly all, is not looked at character by character.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

const BEGIN_MESSAGE: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const BEGIN_SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END_SIGNATURE: &[u8] = b"-----END PGP SIGNATURE-----";

impl Stanza {
    /// Reads the first stanza of `text`; what follows a blank line is not looked at, except a signature.
    ///
    /// # Errors
    /// [`ControlError`] with the number of the line, for every text that dpkg refuses.
    pub fn parse(text: &[u8]) -> Result<Stanza, ControlError> {
        Stanza::parse_within(text, usize::MAX)
    }

    /// Same, for a text with a limited number of fields.
    ///
    /// # Errors
    /// The text is malformed, or has more fields.
    pub fn parse_within(text: &[u8], most_fields: usize) -> Result<Stanza, ControlError> {
        let mut reader = Reader { text: Some(text), number: 0 };
        let mut stanza = Stanza { text: String::with_capacity(text.len()), ..Stanza::default() };
        let mut started = false;
        let mut armored = false;
        while let Some(raw) = reader.next() {
            let line = trim_end(raw);
            if (line.is_empty() && !started) || line.first() == Some(&b'#') {
                continue;
            }
            started = true;
            if stanza.read_continuation(line, reader.number)? || stanza.read_field(line, reader.number)? {
                if stanza.fields.len() > most_fields {
                    return Err(ControlError::TooManyFields(most_fields));
                }
                continue;
            }
            if line.is_empty() || (armored && is_armor(raw, BEGIN_SIGNATURE)) {
                if armored {
                    skip_signature(raw, &mut reader)?;
                    stanza.signed = true;
                }
                break;
            }
            if !is_armor(raw, BEGIN_MESSAGE) {
                return Err(ControlError::UnknownLine(reader.number));
            }
            if !stanza.fields.is_empty() {
                return Err(ControlError::SignatureNotAllowed(reader.number));
            }
            armored = true;
            while reader.next().is_some_and(|header| !header.trim_ascii().is_empty()) {}
        }
        if armored && !stanza.signed {
            return Err(ControlError::UnfinishedSignature);
        }
        if stanza.fields.is_empty() {
            return Err(ControlError::Empty);
        }
        Ok(stanza)
    }

    /// The value of a field; names are compared without case. A field without a colon has no value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.place(name).map(|place| &self.text[self.fields[place].value.clone()])
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.fields.len() > FEW {
            return self.places.get(&name.to_ascii_lowercase()).copied();
        }
        let is_it = |field: &Field| self.text[field.name.clone()].eq_ignore_ascii_case(name);
        self.fields.iter().position(is_it)
    }

    fn push(&mut self, name: &str, value: &str) {
        let start = self.text.len();
        self.text.push_str(name);
        let between = self.text.len();
        self.text.push_str(value);
        self.fields.push(Field { name: start..between, value: between..self.text.len() });
        if self.fields.len() <= FEW {
            return;
        }
        let known = self.places.len();
        for (place, field) in self.fields.iter().enumerate().skip(known) {
            self.places.insert(self.text[field.name.clone()].to_ascii_lowercase(), place);
        }
    }

    /// All fields in order, as they were written.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|field| (&self.text[field.name.clone()], &self.text[field.value.clone()]))
    }

    fn read_field(&mut self, line: &[u8], number: usize) -> Result<bool, ControlError> {
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let name = line[..colon].trim_ascii_end();
        if name.is_empty() || name.iter().any(|byte| byte.is_ascii_whitespace()) {
            return Ok(false);
        }
        if name[0] == b'-' {
            return Err(ControlError::Hyphen(number));
        }
        let name = text(name);
        if self.place(&name).is_some() {
            return Err(ControlError::Duplicate { line: number, name: name.into_owned() });
        }
        let value = line.get(colon + 1..).unwrap_or_default().trim_ascii_start();
        self.push(&name, &text(value));
        Ok(true)
    }

    fn read_continuation(&mut self, line: &[u8], number: usize) -> Result<bool, ControlError> {
        if !line.first().is_some_and(u8::is_ascii_whitespace) {
            return Ok(false);
        }
        // The value of the last field ends the text.
        let Some(field) = self.fields.last_mut() else { return Err(ControlError::NoField(number)) };
        self.text.push('\n');
        let more = &line[1..];
        // A line of dots alone stands for one with a dot less (deb822(5)).
        let more = if more.iter().all(|&byte| byte == b'.') { &more[1..] } else { more };
        self.text.push_str(&text(more));
        field.value.end = self.text.len();
        Ok(true)
    }
}

/// The line without trailing white space, to which dpkg counts the vertical tab.
fn trim_end(line: &[u8]) -> &[u8] {
    let last = line.iter().rposition(|byte| !byte.is_ascii_whitespace() && *byte != 0x0b);
    &line[..last.map_or(0, |last| last + 1)]
}

/// The lines of a text.
struct Reader<'a> {
    text: Option<&'a [u8]>,
    number: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        self.number += 1;
        let text = self.text?;
        let (line, rest) = match memchr::memchr(b'\n', text) {
            Some(end) => (&text[..end], Some(&text[end + 1..])),
            None => (text, None),
        };
        self.text = rest;
        Some(line)
    }
}

fn is_armor(line: &[u8], armor: &[u8]) -> bool {
    line.strip_prefix(armor).is_some_and(|rest| rest.iter().all(|byte| matches!(byte, b'\r' | b'\t' | b' ')))
}

fn skip_signature<'a>(first: &'a [u8], reader: &mut Reader<'a>) -> Result<(), ControlError> {
    let mut line = Some(first);
    while line.is_some_and(|line| line.trim_ascii().is_empty()) {
        line = reader.next();
    }
    if !line.is_some_and(|line| is_armor(line, BEGIN_SIGNATURE)) {
        return Err(ControlError::UnfinishedSignature);
    }
    while let Some(line) = reader.next() {
        if is_armor(line, END_SIGNATURE) {
            return Ok(());
        }
    }
    Err(ControlError::UnfinishedSignature)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_fields_continuations_and_comments() {
        let stanza =
            Stanza::parse(b"\n# c\nFormat: 1.0\r\nFiles:\n a 1 b\n ..\n c\t\n# x\nfiles2:x\n\nOther: 1\n")
                .unwrap();
        assert_eq!(stanza.get("format"), Some("1.0"));
        assert_eq!(stanza.get("Files"), Some("\na 1 b\n.\nc"));
        assert_eq!(stanza.get("Other"), None);
        assert!(!stanza.signed);
    }

    #[test]
    fn refuses_what_dpkg_refuses() {
        let refused = |text: &[u8]| Stanza::parse(text).unwrap_err();
        assert_eq!(refused(b"A: 1\na: 2\n"), ControlError::Duplicate { line: 2, name: "a".into() });
        assert_eq!(refused(b"A: 1\nno colon here\n"), ControlError::UnknownLine(2));
        assert_eq!(refused(b" A\n"), ControlError::NoField(1));
        assert_eq!(refused(b"-A: 1\n"), ControlError::Hyphen(1));
        assert_eq!(refused(b""), ControlError::Empty);
        let begin = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n";
        assert_eq!(refused(format!("{begin}A: 1\n").as_bytes()), ControlError::UnfinishedSignature);
        assert_eq!(refused(format!("{begin}A: 1\n\nB: 2\n").as_bytes()), ControlError::UnfinishedSignature);
        assert_eq!(refused(format!("A: 1\n{begin}").as_bytes()), ControlError::SignatureNotAllowed(2));
    }

    #[test]
    fn many_fields_are_found_like_few() {
        for count in [1, FEW - 1, FEW, FEW + 1, FEW + 2, 200] {
            let text: String = (0..count).map(|number| format!("Field-{number}: {number}\n")).collect();
            let stanza = Stanza::parse(text.as_bytes()).unwrap();
            for number in 0..count {
                assert_eq!(stanza.get(&format!("fIELD-{number}")), Some(number.to_string().as_str()));
            }
            assert_eq!(stanza.get("Field"), None);
            for number in [0, count / 2, count - 1] {
                let twice = format!("{text}FIELD-{number}: x\n");
                let expected = ControlError::Duplicate { line: count + 1, name: format!("FIELD-{number}") };
                assert_eq!(Stanza::parse(twice.as_bytes()), Err(expected));
            }
            assert_eq!(Stanza::parse_within(text.as_bytes(), count).unwrap(), stanza);
            let refused = Stanza::parse_within(text.as_bytes(), count - 1);
            assert_eq!(refused, Err(ControlError::TooManyFields(count - 1)));
        }
    }

    #[test]
    fn finds_the_stanza_inside_a_signature() {
        let text = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nA: 1\n\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";
        let stanza = Stanza::parse(text.as_bytes()).unwrap();
        assert!(stanza.signed);
        assert_eq!(stanza.get("A"), Some("1"));
    }
}
