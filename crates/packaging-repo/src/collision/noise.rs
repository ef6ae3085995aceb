//! Differences that mean nothing: what tools make of a tree without anybody's will.

use std::borrow::Cow;

use super::tree::{Change, Place, find};
use crate::store::RepoStore;
use crate::{Error, ObjectId};
use source_package::store::{ContentId, ContentStore};

/// Larger files are never taken for noise.
const LARGEST: u64 = 8 << 20;

/// Scripts that are brought up to date by tools in every build.
const UPDATED: [&[u8]; 2] = [b"config.guess", b"config.sub"];

/// Fields of the header of a translation that say what its messages mean. All others say who wrote it, when, with what.
const MEANT: [&[u8]; 2] = [b"\"Plural-Forms:", b"\"Content-Type:"];

/// Removes noise from the changes between two trees.
pub(super) fn without(
    changes: Vec<Change>,
    before: ObjectId,
    store: &mut RepoStore,
) -> Result<Vec<Change>, Error> {
    let is_template = |path: &[u8]| path == b"debian/control.in" || path.starts_with(b"debian/control.in/");
    let is_generated = !changes.iter().any(|it| is_template(&it.path))
        && changes.iter().any(|it| it.path == b"debian/control")
        && find(before, b"debian/control.in", store)? != Place::Nothing;
    let mut left = Vec::new();
    for change in changes {
        if !is_noise(&change, is_generated, store)? {
            left.push(change);
        }
    }
    Ok(left)
}

fn is_noise(change: &Change, control_is_generated: bool, store: &mut RepoStore) -> Result<bool, Error> {
    let path = change.path.as_slice();
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    if path == b".pc" || path.starts_with(b".pc/") || UPDATED.contains(&name) {
        return Ok(true);
    }
    let (Some(before), Some(after)) = (change.before, change.after) else { return Ok(false) };
    if before.kind != after.kind || !before.is_file() {
        return Ok(false);
    }
    if path == b"debian/control" && control_is_generated {
        return Ok(true);
    }
    let mut read = |id: ObjectId| -> Result<Option<Vec<u8>>, Error> {
        let id = ContentId(crate::raw_id(id));
        if store.size(id).map_err(Error::Content)? > LARGEST {
            return Ok(None);
        }
        store.get(id).map(Some).map_err(Error::Content)
    };
    let (Some(before), Some(after)) = (read(before.id)?, read(after.id)?) else { return Ok(false) };
    if before.contains(&0) || after.contains(&0) {
        return Ok(false);
    }
    let (before, after) = (plain_lines(&before), plain_lines(&after));
    let is_translation = name.ends_with(b".po") || name.ends_with(b".pot");
    Ok(before == after
        || (is_translation && translation(&before) == translation(&after))
        || (path.starts_with(b"debian/patches/") && patch(&before) == patch(&after)))
}

/// A text with the line ends of Unix, the last line's included.
fn plain_lines(text: &[u8]) -> Cow<'_, [u8]> {
    let is_plain = !text.contains(&b'\r') && text.last().is_none_or(|&last| last == b'\n');
    if is_plain {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len() + 1);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        plain.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        plain.push(b'\n');
    }
    Cow::Owned(plain)
}

/// The messages of a translation: without the comments at its top, what its header says of its making, and places in sources.
fn translation(text: &[u8]) -> Vec<&[u8]> {
    #[derive(PartialEq)]
    enum At {
        Top,
        Header { kept: bool, ended: bool },
        Messages,
    }
    let (mut at, mut kept) = (At::Top, Vec::new());
    for line in text.split(|&byte| byte == b'\n') {
        match &mut at {
            At::Top if line.starts_with(b"#") || line.is_empty() => {}
            At::Top if line == b"msgid \"\"" => at = At::Header { kept: true, ended: true },
            At::Top => {
                at = At::Messages;
                kept.push(line);
            }
            At::Header { .. } if line.is_empty() => at = At::Messages,
            At::Header { kept: is_kept, ended } if line.starts_with(b"\"") => {
                // A field may go on in the next line.
                if *ended {
                    *is_kept = MEANT.iter().any(|field| line.starts_with(field));
                }
                *ended = line.ends_with(b"\\n\"");
                if *is_kept {
                    kept.push(line);
                }
            }
            At::Header { .. } => {}
            At::Messages if line.starts_with(b"#:") => {}
            At::Messages => kept.push(line),
        }
    }
    kept
}

/// Content of a patch: its description, its files, and the lines that it adds and removes. Line numbers and context are
/// left out, because `quilt refresh` writes them anew.
fn patch(text: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut kept: Vec<Cow<'_, [u8]>> = Vec::new();
    let mut is_description = true;
    for line in text.split(|&byte| byte == b'\n') {
        let begins = |start: &[u8]| line.starts_with(start);
        is_description &= !(begins(b"--- ") || begins(b"diff ") || begins(b"Index: "));
        if is_description {
            kept.push(Cow::Borrowed(line));
        } else if begins(b"--- ") || begins(b"+++ ") {
            let name = line.split(|&byte| byte == b'\t').next().unwrap_or_default();
            let file = name.iter().position(|&byte| byte == b'/').map_or(name, |at| &name[at..]);
            kept.push(Cow::Owned([&line[..4], file].concat()));
        } else if begins(b"+") || begins(b"-") || begins(b"new ") || begins(b"deleted ") || begins(b"old ") {
            kept.push(Cow::Borrowed(line));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_header_says_of_its_making_is_noise_and_plural_forms_are_not() {
        let po = |date: &str, plural: &str, message: &str| {
            format!(
                "# Somebody, {date}\nmsgid \"\"\nmsgstr \"\"\n\"POT-Creation-Date: {date}\\n\"\n\"Plural-Forms: \"\n\
                 \"{plural}\\n\"\n\n#: a.c:{date}\nmsgid \"a\"\nmsgstr \"{message}\"\n"
            )
        };
        let is_same = |a: &str, b: &str| translation(a.as_bytes()) == translation(b.as_bytes());
        assert!(is_same(&po("1", "n", "b"), &po("2", "n", "b")));
        assert!(!is_same(&po("1", "n", "b"), &po("1", "m", "b")));
        assert!(!is_same(&po("1", "n", "b"), &po("1", "n", "c")));
    }

    #[test]
    fn a_patch_that_was_refreshed_does_the_same() {
        let one = "Fix it\n\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n";
        let other =
            "Fix it\n\nIndex: p/x\n===\n--- p.orig/x\t2024\n+++ p/x\t2024\n@@ -9,3 +9,3 @@\n e\n-b\n+c\n d\n";
        assert_eq!(patch(one.as_bytes()), patch(other.as_bytes()));
        assert_ne!(patch(one.as_bytes()), patch(other.replace("+c", "+d").as_bytes()));
        assert_ne!(patch(one.as_bytes()), patch(other.replace("Fix it", "Forwarded: yes").as_bytes()));
    }

    #[test]
    fn line_ends() {
        assert_eq!(plain_lines(b"a\r\nb"), plain_lines(b"a\nb\n"));
        assert_ne!(plain_lines(b"a \r\nb"), plain_lines(b"a\nb\n"));
    }
}
