//! The 512 bytes in front of every entry (`tar(5)`), as GNU tar reads them.

use super::TarError;

/// The size of a block.
pub(super) const BLOCK: usize = 512;

/// One header block of 512 bytes.
pub(super) struct Header(pub [u8; BLOCK]);

impl Header {
    /// True when the block is all zeros: the end of the archive.
    pub(super) fn is_end(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    /// Checks the sum, which old tars built from signed bytes.
    pub(super) fn check(&self, offset: u64) -> Result<(), TarError> {
        let stored = octal_only(&self.0[148..156]).ok_or(TarError::BadHeader { offset, what: "checksum" })?;
        let mut unsigned = 0i64;
        let mut signed = 0i64;
        for (index, &byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&index) { b' ' } else { byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte as i8);
        }
        if stored == unsigned || stored == signed {
            Ok(())
        } else {
            Err(TarError::BadHeader { offset, what: "checksum" })
        }
    }

    /// True for a POSIX header, which has a prefix of the name.
    pub(super) fn is_posix(&self) -> bool {
        &self.0[257..263] == b"ustar\0"
    }

    /// True for a header of GNU tar, which may have a map of a sparse file.
    pub(super) fn is_gnu(&self) -> bool {
        &self.0[257..265] == b"ustar  \0"
    }

    /// The type of the entry.
    pub(super) fn kind(&self) -> u8 {
        self.0[156]
    }

    /// The name, with the prefix that POSIX headers have.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[0..100]);
        let prefix = text(&self.0[345..500]);
        if self.is_posix() && !prefix.is_empty() {
            return [prefix, b"/", name].concat();
        }
        name.to_vec()
    }

    /// The target of a link.
    pub(super) fn link(&self) -> Vec<u8> {
        text(&self.0[157..257]).to_vec()
    }

    /// The size of what follows.
    pub(super) fn size(&self, offset: u64) -> Result<u64, TarError> {
        number(&self.0[124..136])
            .and_then(|size| u64::try_from(size).ok())
            .ok_or(TarError::BadHeader { offset, what: "size" })
    }

    /// Permission bits of the entry.
    pub(super) fn mode(&self, offset: u64) -> Result<i64, TarError> {
        number(&self.0[100..108]).ok_or(TarError::BadHeader { offset, what: "mode" })
    }

    /// Checks the numbers of the owner and the group, which GNU tar reads even where it does not need them. It does
    /// not where the header has a name that the machine knows, and every machine knows `root`.
    pub(super) fn check_owner(&self, offset: u64) -> Result<(), TarError> {
        let named = self.is_posix() || self.is_gnu();
        let fields = [(108..116, 265..297, "owner"), (116..124, 297..329, "group")];
        for (number_at, name_at, what) in fields {
            let known = named && text(&self.0[name_at]) == b"root";
            if !known && number(&self.0[number_at]).is_none_or(|id| u32::try_from(id).is_err()) {
                return Err(TarError::BadHeader { offset, what });
            }
        }
        Ok(())
    }

    /// The time of the last change, in seconds since 1970.
    pub(super) fn mtime(&self, offset: u64) -> Result<i64, TarError> {
        number(&self.0[136..148]).ok_or(TarError::BadHeader { offset, what: "mtime" })
    }
}

/// The text of a field: up to the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    &field[..field.iter().position(|&byte| byte == 0).unwrap_or(field.len())]
}

/// A number as GNU tar reads it: octal text, base 256 where the first byte has its top bit set, or base 64 as some of
/// its versions of 1999 wrote it. `None` for blanks and for text that is no number.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    let field = without_lead(field);
    match field {
        [] => None,
        [0x80, rest @ ..] if !rest.is_empty() => base256(rest, 0),
        [0xff, rest @ ..] if !rest.is_empty() => base256(rest, -1),
        [b'+', rest @ ..] => base64(rest),
        [b'-', rest @ ..] => base64(rest).map(|value| -value),
        _ => octal(field),
    }
}

/// The checksum is plain octal text.
fn octal_only(field: &[u8]) -> Option<i64> {
    let field = without_lead(field);
    if field.is_empty() { None } else { octal(field) }
}

/// Some tars overwrote the first byte with NUL, others wrote leading spaces.
fn without_lead(field: &[u8]) -> &[u8] {
    let field = field.strip_prefix(b"\0").unwrap_or(field);
    let start = field.iter().position(|&byte| !is_space(byte)).unwrap_or(field.len());
    &field[start..]
}

/// C's `isspace`, which counts the vertical tab.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn base256(bytes: &[u8], start: i64) -> Option<i64> {
    bytes.iter().try_fold(start, |value, &byte| value.checked_mul(256)?.checked_add(i64::from(byte)))
}

fn base64(bytes: &[u8]) -> Option<i64> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let count = bytes.iter().take_while(|&&byte| digit(byte).is_some()).count();
    if !ends_number(bytes.get(count)) {
        return None;
    }
    let mut digits = bytes[..count].iter().filter_map(|&byte| digit(byte));
    digits.try_fold(0i64, |value, digit| value.checked_mul(64)?.checked_add(i64::from(digit)))
}

fn octal(field: &[u8]) -> Option<i64> {
    let count = field.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    if !ends_number(field.get(count)) {
        return None;
    }
    let mut digits = field[..count].iter();
    digits.try_fold(0i64, |value, &digit| value.checked_mul(8)?.checked_add(i64::from(digit - b'0')))
}

/// True when a number may end in front of this byte.
fn ends_number(byte: Option<&u8>) -> bool {
    byte.is_none_or(|&byte| byte == 0 || is_space(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_as_gnu_tar_does() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(number(b"\x80\0\0\0\0\0\x01\0"), Some(256));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff"), Some(-1));
        assert_eq!(number(b"12x4567\0"), None);
        assert_eq!(number(&[0xff; 12]), Some(-1));
        assert_eq!(number(b"\0\x80\0\0\0\0\x01\0"), Some(256));
        assert_eq!(number(b"+AAAAAD "), Some(3));
        assert_eq!(number(b"-BA\0"), Some(-64));
        assert_eq!(number(b"        "), None);
        assert_eq!(number(b"\0       "), None);
        assert_eq!(octal_only(b"+AAAAAD "), None);
        assert_eq!(number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
    }
}
