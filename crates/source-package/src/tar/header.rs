//! The 512 bytes in front of every entry (`tar(5)`), as GNU tar reads them.

use super::TarError;

/// The size of a block.
pub(super) const BLOCK: usize = 512;

/// One header block.
pub(super) struct Header(pub [u8; BLOCK]);

impl Header {
    /// Whether the block is all zeros: the end of the archive.
    pub(super) fn is_end(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    /// Checks the sum, which old tars built from signed bytes.
    pub(super) fn check(&self, offset: u64) -> Result<(), TarError> {
        let stored = number(&self.0[148..156]).ok_or(TarError::BadHeader { offset, what: "checksum" })?;
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

    /// The type of the entry.
    pub(super) fn kind(&self) -> u8 {
        self.0[156]
    }

    /// The name, with the prefix that POSIX headers have.
    pub(super) fn name(&self) -> Vec<u8> {
        let name = text(&self.0[0..100]);
        let prefix = text(&self.0[345..500]);
        if &self.0[257..263] == b"ustar\0" && !prefix.is_empty() {
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

    /// The permissions.
    pub(super) fn mode(&self, offset: u64) -> Result<i64, TarError> {
        number(&self.0[100..108]).ok_or(TarError::BadHeader { offset, what: "mode" })
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

/// A number: octal text, or base 256 where the first byte has its top bit set.
pub(super) fn number(field: &[u8]) -> Option<i64> {
    match field.first()? {
        0x80 => base256(&field[1..], 0),
        0xff => base256(&field[1..], -1),
        _ => octal(field),
    }
}

fn base256(bytes: &[u8], start: i64) -> Option<i64> {
    bytes.iter().try_fold(start, |value, &byte| value.checked_mul(256)?.checked_add(i64::from(byte)))
}

fn octal(field: &[u8]) -> Option<i64> {
    // Some tars overwrote the first byte with NUL.
    let field = field.strip_prefix(b"\0").unwrap_or(field).trim_ascii_start();
    let digits = field.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    match field.get(digits) {
        Some(0) | None => {}
        Some(byte) if byte.is_ascii_whitespace() => {}
        Some(_) => return None,
    }
    field[..digits]
        .iter()
        .try_fold(0i64, |value, &digit| value.checked_mul(8)?.checked_add(i64::from(digit - b'0')))
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
        assert_eq!(number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None);
    }
}
