//! Checks that dpkg makes before it runs patch: stricter about the form, and it creates missing folders.

use std::collections::BTreeSet;

use super::choose::check_name;
use super::error::{Context, PatchError};
use super::names::{is_space, strip_first_folder};
use super::tree_journal::TreeJournal;
use crate::tree::Kind;

/// The files that dpkg expects a patch to change, each as the patch spells it.
pub(super) type Expected = BTreeSet<Vec<u8>>;

/// Lines as dpkg reads them: every line end, and one CR before it, comes off; a last line counts without one.
struct Lines<'p> {
    rest: &'p [u8],
    number: u64,
}

impl<'p> Lines<'p> {
    fn next(&mut self) -> Option<&'p [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest);
        let line = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = end.map_or(&[], |end| &self.rest[end + 1..]);
        self.number += 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn malformed(&self, cause: &'static str) -> PatchError {
        PatchError::Malformed { line: self.number, cause }
    }
}

/// Checks a patch against the tree as it is before the patch, and makes the folders that it needs.
pub(super) fn analyze(patch: &[u8], journal: &mut TreeJournal<'_>) -> Result<Expected, PatchError> {
    let mut lines = Lines { rest: patch, number: 0 };
    let mut expected = Expected::new();
    let mut folders: BTreeSet<(Vec<u8>, u64)> = BTreeSet::new();
    let mut line = lines.next();
    while let Some(found) = skip_text(&mut lines, line) {
        let file = file_header(&mut lines, found, journal)?;
        let at = Context { line: lines.number, path: &file };
        let above = match file.iter().rposition(|&byte| byte == b'/') {
            Some(slash) if slash + 1 < file.len() => &file[..slash],
            _ => b"",
        };
        if above.contains(&0) {
            return Err(at.bad_name("which holds a NUL byte"));
        }
        if !journal.is_folder(above)? {
            folders.insert((above.to_vec(), lines.number));
        }
        if let Some(stat) = exists(journal, &file, at)?
            && !matches!(stat, Kind::File { .. })
        {
            return Err(at.bad_name("which is not a plain file"));
        }
        expected.insert(file);
        line = hunks(&mut lines)?;
    }
    for (folder, line) in folders {
        journal.make_folder(&folder, Context { line, path: &folder })?;
    }
    Ok(expected)
}

fn skip_text<'p>(lines: &mut Lines<'p>, mut line: Option<&'p [u8]>) -> Option<&'p [u8]> {
    while let Some(text) = line {
        if [&b"--- "[..], b"+++ ", b"@@ -"].iter().any(|begin| text.starts_with(begin)) {
            return Some(text);
        }
        line = lines.next();
    }
    None
}

/// Reads the `---` and `+++` lines and tells which file they mean.
fn file_header<'p>(
    lines: &mut Lines<'p>,
    line: &'p [u8],
    journal: &mut TreeJournal<'_>,
) -> Result<Vec<u8>, PatchError> {
    let Some(rest) = line.strip_prefix(b"--- ") else {
        return Err(lines.malformed("a diff must begin with \"--- \""));
    };
    let old = name(rest, lines)?;
    let old_file = usable(old);
    if old_file.as_deref().unwrap_or(old).ends_with(b".dpkg-orig") {
        return Err(lines.malformed("a name that ends in .dpkg-orig is reserved"));
    }
    let Some(rest) = lines.next().and_then(|line| line.strip_prefix(b"+++ ")) else {
        return Err(lines.malformed("\"+++ \" must follow \"--- \""));
    };
    let new = name(rest, lines)?;
    let new_file = usable(new);
    if old == b"/dev/null" && new == b"/dev/null" {
        return Err(lines.malformed("both files are /dev/null"));
    }
    for (written, file) in [(old, &old_file), (new, &new_file)] {
        let Some(file) = file else { continue };
        check_path(journal, written, Context { line: lines.number, path: file })?;
    }
    if new == b"/dev/null" && old_file.is_none() {
        return Err(lines.malformed("a removed file has no usable name"));
    }
    match (old_file, new_file) {
        (Some(old), Some(new)) => choose(old, new, journal, lines.number),
        (Some(file), None) | (None, Some(file)) => Ok(file),
        (None, None) => Err(lines.malformed("neither name has a folder in front that could be taken away")),
    }
}

/// The name in a header: up to a tab, or to the first white space if there is no tab.
fn name<'p>(rest: &'p [u8], lines: &Lines<'_>) -> Result<&'p [u8], PatchError> {
    let rest = super::names::skip_spaces(rest);
    if rest.first() == Some(&b'"') {
        return Err(lines.malformed("a quoted file name is not allowed"));
    }
    let end = memchr::memchr(b'\t', rest).or_else(|| rest.iter().position(|&byte| is_space(byte)));
    Ok(&rest[..end.unwrap_or(rest.len())])
}

/// The path in the tree that a name means; an empty one is the top of the tree.
fn usable(name: &[u8]) -> Option<Vec<u8>> {
    if name == b"/dev/null" || !name.contains(&b'/') {
        return None;
    }
    Some(strip_first_folder(name).unwrap_or_default())
}

fn check_path(journal: &mut TreeJournal<'_>, written: &[u8], at: Context<'_>) -> Result<(), PatchError> {
    if memchr::memmem::find(written, b"/../").is_some() {
        return Err(at.bad_name("which climbs out of its folder"));
    }
    check_name(at)?;
    if let Some(link) = journal.link(at.path)? {
        return Err(PatchError::ThroughLink { line: at.line, path: at.path.to_vec(), link });
    }
    Ok(())
}

fn exists(journal: &mut TreeJournal<'_>, path: &[u8], at: Context<'_>) -> Result<Option<Kind>, PatchError> {
    if path.contains(&0) {
        return Ok(None);
    }
    Ok(journal.stat(path, at)?.map(|stat| stat.kind))
}

/// Name of the two that dpkg expects patch to change. It can differ from the one that patch changes.
fn choose(
    old: Vec<u8>,
    new: Vec<u8>,
    journal: &mut TreeJournal<'_>,
    line: u64,
) -> Result<Vec<u8>, PatchError> {
    let old_exists = exists(journal, &old, Context { line, path: &old })?.is_some();
    let new_exists = exists(journal, &new, Context { line, path: &new })?.is_some();
    if old_exists != new_exists {
        return Ok(if new_exists { new } else { old });
    }
    let measure = |path: &[u8]| {
        let slash = |byte: &u8| *byte == b'/' || *byte == b'\\';
        // The path hangs below the top of the tree, so a slash at its beginning belongs to that one.
        let runs = path.windows(2).filter(|pair| slash(&pair[1]) && !slash(&pair[0])).count();
        let base = path.iter().rev().take_while(|byte| !slash(byte)).count();
        (runs, base, path.len())
    };
    Ok(if measure(&new) < measure(&old) { new } else { old })
}

/// Reads the hunks of a file. The answer is the first line behind them.
fn hunks<'p>(lines: &mut Lines<'p>) -> Result<Option<&'p [u8]>, PatchError> {
    let mut count = 0_u64;
    while let Some(line) = lines.next() {
        if line.starts_with(b"\\ ") {
            continue;
        }
        let Some((old, new)) = ranges(line) else {
            return if count > 0 { Ok(Some(line)) } else { Err(lines.malformed("a hunk is expected")) };
        };
        if !hunk(lines, old, new)? {
            return Ok(None);
        }
        count += 1;
    }
    if count == 0 {
        return Err(lines.malformed("a hunk is expected"));
    }
    Ok(None)
}

/// Reads the lines of a hunk; `false` if the patch ends where a few blank lines may be missing.
fn hunk(lines: &mut Lines<'_>, mut old: Left, mut new: Left) -> Result<bool, PatchError> {
    while old.is_some() || new.is_some() {
        let Some(line) = lines.next() else {
            if old.lines == new.lines && old.lines < 3 {
                return Ok(false);
            }
            return Err(lines.malformed("the patch ends inside of a hunk"));
        };
        match line {
            [b'\\', b' ', ..] => {}
            [] | [b' ', ..] => {
                old.take();
                new.take();
            }
            [b'-', ..] => old.take(),
            [b'+', ..] => new.take(),
            _ => return Err(lines.malformed("a line of a hunk must begin with a space, + or -")),
        }
    }
    Ok(true)
}

/// Number of lines of a hunk that are still to come.
struct Left {
    lines: i64,
    /// dpkg counts in Perl, where the text "00" is true, other than the number 0: as it stands it is no end.
    is_text_of_zeros: bool,
}

impl Left {
    fn is_some(&self) -> bool {
        self.lines != 0 || self.is_text_of_zeros
    }

    fn take(&mut self) {
        *self = Left { lines: self.lines - 1, is_text_of_zeros: false };
    }
}

/// The two line counts in `@@ -1,2 +3,4 @@`.
fn ranges(line: &[u8]) -> Option<(Left, Left)> {
    let rest = line.strip_prefix(b"@@ -")?;
    let (old, rest) = range(rest)?;
    let (new, rest) = range(rest.strip_prefix(b" +")?)?;
    let rest = rest.strip_prefix(b" @@")?;
    (rest.is_empty() || rest[0] == b' ').then_some((old, new))
}

fn range(text: &[u8]) -> Option<(Left, &[u8])> {
    let (_, rest) = number(text)?;
    let Some(count) = rest.strip_prefix(b",") else {
        return Some((Left { lines: 1, is_text_of_zeros: false }, rest));
    };
    let (lines, rest) = number(count)?;
    let is_text_of_zeros = lines == 0 && count.len() - rest.len() > 1;
    Some((Left { lines, is_text_of_zeros }, rest))
}

fn number(text: &[u8]) -> Option<(i64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..digits].iter().fold(0_i64, |value, digit| {
        // A number beyond every file only has to stay beyond it.
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    (digits > 0).then_some((value, &text[digits..]))
}
