//! Names that Git refuses, stored under others, reversibly.
//!
//! `git fsck --strict` rejects names that some file system would take for `.git` (in any case, as `git~1`, with dots
//! and spaces behind, with the code points that HFS+ ignores, behind a backslash), and some files for their content.
//! Such a name gets one more dot in front; one with a backslash is written with `%5C` instead. A name that looks
//! escaped is escaped again, so that the mapping is one to one.

use std::borrow::Cow;

use crate::modules;

/// Condition under which a name has to be escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is never escaped.
    Never,
    /// It is escaped whatever the entry is.
    Always,
    /// True when `fsck` rejects its content.
    IfContentIsRefused(ContentRule),
}

/// Kind of content that `fsck` looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentRule {
    /// A `.gitmodules` file.
    Modules,
    /// A `.gitattributes` file.
    Attributes,
}

const MODULES: &[u8] = b".gitmodules";
const ATTRIBUTES: &[u8] = b".gitattributes";
/// Prefix of a stored name that had backslashes.
const BACKSLASH_MARK: &[u8] = b".%";
/// Git refuses attribute files with longer lines.
const LONGEST_ATTRIBUTE_LINE: usize = 2048;
/// Git refuses larger attribute files; module files of this size do not occur.
pub const LARGEST_LOOKED_AT: u64 = 100 << 20;

/// Condition under which a name is stored under another.
pub fn need(name: &[u8]) -> Need {
    if !matches!(name.first(), Some(b'.' | b'g' | b'G' | b'~')) && !name.contains(&b'\\') && name.is_ascii() {
        return Need::Never;
    }
    if is_refused(name) || is_refused_behind_backslash(name) || looks_escaped(name) {
        return Need::Always;
    }
    match content_rule(name) {
        Some(rule) => Need::IfContentIsRefused(rule),
        None => Need::Never,
    }
}

/// The stored form of a name that has to be escaped.
pub fn escape(name: &[u8]) -> Vec<u8> {
    if is_refused_behind_backslash(name) {
        return [BACKSLASH_MARK, &encode_backslashes(name)].concat();
    }
    [b".", name].concat()
}

/// The name that a stored one stands for.
pub fn unescape(stored: &[u8]) -> Cow<'_, [u8]> {
    if let Some(name) = decode_backslashes(stored) {
        return Cow::Owned(name);
    }
    match stored.strip_prefix(b".") {
        Some(name) if is_special(name) || looks_escaped(name) => Cow::Borrowed(name),
        _ => Cow::Borrowed(stored),
    }
}

/// True when a stored name is not the name itself.
pub fn is_escaped(stored: &[u8]) -> bool {
    matches!(stored.first(), Some(b'.')) && unescape(stored) != stored
}

fn is_special(name: &[u8]) -> bool {
    is_refused(name) || content_rule(name).is_some()
}

/// One dot more than a name that may be escaped, or the mark of backslashes.
fn looks_escaped(name: &[u8]) -> bool {
    let mut rest = name;
    loop {
        if decode_backslashes(rest).is_some() {
            return true;
        }
        let Some(shorter) = rest.strip_prefix(b".") else { return false };
        if is_special(shorter) {
            return true;
        }
        rest = shorter;
    }
}

fn is_refused(name: &[u8]) -> bool {
    is_ntfs_dotgit(name) || without_ignored(name).eq_ignore_ascii_case(b".git")
}

fn is_refused_behind_backslash(name: &[u8]) -> bool {
    let behind = |at: usize| {
        let rest = &name[at + 1..];
        is_ntfs_dotgit(rest) || content_rule(rest).is_some()
    };
    (0..name.len()).filter(|&at| name[at] == b'\\').any(behind)
}

/// `.git` or `git~1`, then dots and spaces up to the end, a colon or a backslash.
fn is_ntfs_dotgit(name: &[u8]) -> bool {
    let stem = if name.first() == Some(&b'.') { &b".git"[..] } else { &b"git~1"[..] };
    name.len() >= stem.len()
        && name[..stem.len()].eq_ignore_ascii_case(stem)
        && ends_for_ntfs(&name[stem.len()..])
}

fn ends_for_ntfs(rest: &[u8]) -> bool {
    let tail = rest.iter().find(|&&byte| byte != b'.' && byte != b' ');
    matches!(tail, None | Some(b'\\' | b'/' | b':'))
}

/// The name without the code points that HFS+ ignores. Git reads it only up to the first invalid UTF-8.
fn without_ignored(name: &[u8]) -> Cow<'_, [u8]> {
    if name.is_ascii() {
        return Cow::Borrowed(name);
    }
    let valid = name.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let ends = |c: &char| matches!(c, '\u{fffe}' | '\u{ffff}');
    let ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let seen = valid.chars().take_while(|c| !ends(c)).filter(|c| !ignored(c));
    Cow::Owned(seen.collect::<String>().into_bytes())
}

fn content_rule(name: &[u8]) -> Option<ContentRule> {
    let rules = [
        (MODULES, &b"gitmod"[..], &b"gi7eba"[..], ContentRule::Modules),
        (ATTRIBUTES, &b"gitatt"[..], &b"gi7d29"[..], ContentRule::Attributes),
    ];
    let plain = without_ignored(name);
    rules.into_iter().find_map(|(full, long, hashed, rule)| {
        let same = plain.eq_ignore_ascii_case(full)
            || (name.len() >= full.len()
                && name[..full.len()].eq_ignore_ascii_case(full)
                && ends_for_ntfs(&name[full.len()..]))
            || is_short_name(name, long, hashed);
        same.then_some(rule)
    })
}

/// A short name of NTFS for the file: `gitmod~1` to `gitmod~4`; or eight characters that begin like the name that NTFS
/// would make of a hash, which may be a `~` and digits alone.
fn is_short_name(name: &[u8], long: &[u8], hashed: &[u8]) -> bool {
    let Some(tilde) = name.iter().position(|&byte| byte == b'~').filter(|&tilde| tilde <= 6) else {
        return false;
    };
    let (stem, number) = (&name[..tilde], &name[tilde + 1..]);
    let is_long = stem.eq_ignore_ascii_case(long)
        && matches!(number.first(), Some(b'1'..=b'4'))
        && ends_for_ntfs(&number[1..]);
    let is_hashed = stem.eq_ignore_ascii_case(&hashed[..tilde])
        && number.split_at_checked(7 - tilde).is_some_and(|(digits, rest)| {
            digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit) && ends_for_ntfs(rest)
        });
    is_long || is_hashed
}

fn encode_backslashes(name: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(name.len() + 8);
    for &byte in name {
        match byte {
            b'\\' => encoded.extend_from_slice(b"%5C"),
            b'%' => encoded.extend_from_slice(b"%25"),
            byte => encoded.push(byte),
        }
    }
    encoded
}

/// The name with backslashes that a stored name encodes; only the exact form that is written counts.
fn decode_backslashes(stored: &[u8]) -> Option<Vec<u8>> {
    let encoded = stored.strip_prefix(BACKSLASH_MARK)?;
    let mut name = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&byte, tail)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(b"%5C") {
            name.push(b'\\');
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix(b"%25") {
            name.push(b'%');
            rest = tail;
        } else {
            name.push(byte);
            rest = tail;
        }
    }
    (is_refused_behind_backslash(&name) && encode_backslashes(&name) == encoded).then_some(name)
}

/// True when a file is escaped because of its content; `None` stands for a symbolic link.
pub fn content_is_refused(rule: ContentRule, content: Option<&[u8]>) -> bool {
    match (rule, content) {
        (_, None) => true,
        (ContentRule::Attributes, Some(content)) => {
            let too_long = |line: &[u8]| line.len() >= LONGEST_ATTRIBUTE_LINE;
            content.len() as u64 > LARGEST_LOOKED_AT || content.split(|&byte| byte == b'\n').any(too_long)
        }
        (ContentRule::Modules, Some(content)) => !modules::are_harmless(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stored(name: &[u8]) -> Vec<u8> {
        if need(name) == Need::Always { escape(name) } else { name.to_vec() }
    }

    #[test]
    fn refuses_what_git_refuses() {
        for name in [
            &b".git"[..],
            b".GIT",
            b"git~1",
            b".git . .",
            b".git::$INDEX_ALLOCATION",
            b"a\\.git",
            b".git\\x",
            "\u{200c}.gi\u{feff}t".as_bytes(),
        ] {
            assert_eq!(need(name), Need::Always, "{}", String::from_utf8_lossy(name));
            assert_ne!(need(&escape(name)), Need::Never);
        }
        for name in [&b".gitignore"[..], b"git", b".gitfoo", b"..", b"a\\b", b"git~2x", b".github"] {
            assert_eq!(need(name), Need::Never, "{}", String::from_utf8_lossy(name));
        }
        assert_eq!(need(b".gitmodules"), Need::IfContentIsRefused(ContentRule::Modules));
        assert_eq!(need(b"GITATT~1"), Need::IfContentIsRefused(ContentRule::Attributes));
    }

    #[test]
    fn ordinary_module_files_stay() {
        let text =
            b"# x\n[submodule \"a/b\"]\n\tpath = a/b\n\turl = https://example.org/a.git\n\tbranch = main\n";
        assert!(!content_is_refused(ContentRule::Modules, Some(text)));
        for bad in
            ["url = -x", "path = -x", "update = !rm", "[submodule \"../x\"]", "url = ../:a", "[core]", "x"]
        {
            assert!(content_is_refused(ContentRule::Modules, Some(bad.as_bytes())), "{bad}");
        }
        let long = vec![b'a'; 2048];
        assert!(content_is_refused(ContentRule::Attributes, Some(&long)));
        assert!(!content_is_refused(ContentRule::Attributes, Some(&long[1..])));
    }

    fn tricky() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            ".",
            "..",
            "git",
            ".git",
            "GIT",
            "~1",
            "git~1",
            "\\",
            "%5C",
            "%25",
            ".%",
            "modules",
            "attributes",
            " ",
            ":",
            "x",
            "\u{200c}",
            ".gitmodules",
            "gitmod~1",
            "~1000000",
            "gi7eb~99",
        ]);
        prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name in tricky()) {
            prop_assert_eq!(unescape(&stored(&name)).into_owned(), name.clone());
            // Names that are escaped because of their content come back, too.
            if let Need::IfContentIsRefused(_) = need(&name) {
                prop_assert_eq!(unescape(&escape(&name)).into_owned(), name);
            }
        }

        #[test]
        fn no_two_names_share_a_stored_one(a in tricky(), b in tricky()) {
            prop_assume!(a != b);
            prop_assert_ne!(stored(&a), stored(&b));
        }
    }
}
