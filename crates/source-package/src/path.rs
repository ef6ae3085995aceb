//! Paths inside a source package: bytes, separated by `/`, relative to the top of the source.

use std::fmt;

use crate::printable::is_hidden;

/// The name of one entry in a folder. Bytes, not text: a tarball may hold any encoding.
pub type Name = Box<[u8]>;

/// Splits a path into its names; empty ones and `.` are left out, as a kernel does.
pub fn names(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
    path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

/// True when one of the path's names is `..`.
pub fn climbs(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|name| name == b"..")
}

/// The folder and the last name of a path (`a/b/c` gives `a/b` and `c`).
pub fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// Shows a path to a person: printable ASCII and UTF-8 stay, everything else is escaped.
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() || is_hidden(character) {
                    write!(f, "{}", character.escape_default())?;
                } else {
                    write!(f, "{character}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}
