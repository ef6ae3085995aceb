//! Git's extended headers, which stand between `diff --git` and the first hunk, or instead of hunks.

use super::diff::{Absent, Diff, NEW, OLD};
use super::names::{self, is_space, skip_spaces};

/// Reads one of Git's extended headers; `None` for any other line. Names in them have lost their prefix, so they are
/// not used. With a header that changes something, the diff needs no hunk.
pub(super) fn extended_header(diff: &mut Diff, text: &[u8]) -> Option<bool> {
    if let Some(rest) = text.strip_prefix(b"index ") {
        return Some(index_header(diff, rest));
    } else if let Some(rest) = text.strip_prefix(b"old mode ") {
        diff.modes[OLD] = mode(rest);
    } else if let Some(rest) = text.strip_prefix(b"new mode ") {
        diff.modes[NEW] = mode(rest);
    } else if let Some(rest) = text.strip_prefix(b"deleted file mode ") {
        diff.modes[OLD] = mode(rest);
        diff.absent[NEW] = Absent::Certain;
    } else if let Some(rest) = text.strip_prefix(b"new file mode ") {
        diff.modes[NEW] = mode(rest);
        diff.absent[OLD] = Absent::Certain;
    } else if text.starts_with(b"rename from ") {
        diff.renames[OLD] = true;
    } else if text.starts_with(b"rename to ") {
        diff.renames[NEW] = true;
    } else if text.starts_with(b"copy from ") {
        diff.copies[OLD] = true;
    } else if text.starts_with(b"copy to ") {
        diff.copies[NEW] = true;
    } else {
        return None;
    }
    Some(true)
}

/// Reads `index <hash>..<hash> [<mode>]`; `false` if it is something else.
fn index_header(diff: &mut Diff, rest: &[u8]) -> bool {
    let hash = |text: &[u8]| {
        text.iter().take_while(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(*byte)).count()
    };
    let old = hash(rest);
    let Some(behind) = rest[old..].strip_prefix(b"..").filter(|_| old > 0) else { return false };
    let new = hash(behind);
    let tail = names::until_nul(&behind[new..]).0;
    if new == 0 || tail.first().is_some_and(|&byte| !is_space(byte)) {
        return false;
    }
    diff.absent = [absent_by_hash(&rest[..old]), absent_by_hash(&behind[..new])];
    let tail = skip_spaces(tail);
    if !tail.is_empty() {
        diff.modes = [mode(tail); 2];
    }
    true
}

/// Git writes zeros for a missing file; the hash of the empty file is a constant.
fn absent_by_hash(hash: &[u8]) -> Absent {
    const EMPTY: &[u8] = b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    if hash.iter().all(|&byte| byte == b'0') {
        Absent::Certain
    } else if EMPTY.starts_with(hash) {
        Absent::Empty
    } else {
        Absent::No
    }
}

/// Six octal digits and nothing else, or 0.
fn mode(text: &[u8]) -> u32 {
    let text = skip_spaces(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.len() != 6 || !text.iter().all(|byte| (b'0'..=b'7').contains(byte)) {
        return 0;
    }
    text.iter().fold(0, |mode, byte| (mode << 3) | u32::from(byte - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_tell_what_is_absent() {
        assert_eq!(absent_by_hash(b"0000000"), Absent::Certain);
        assert_eq!(absent_by_hash(b"e69de29"), Absent::Empty);
        assert_eq!(absent_by_hash(b"e69de28"), Absent::No);
    }

    #[test]
    fn a_mode_is_six_digits_and_nothing_else() {
        assert_eq!(mode(b" 100755\r"), 0o100_755);
        assert_eq!(mode(b"0755"), 0);
        assert_eq!(mode(b"100755 "), 0);
        assert_eq!(mode(b"100855"), 0);
    }
}
