//! Choice of the file that a diff changes, from the names in its headers.

use super::diff::{Absent, Diff, INDEX, LINK, NEW, OLD, REGULAR};
use super::error::{Context, PatchError};
use super::tree_journal::{Stat, TreeJournal};
use crate::path::{climbs, names};
use crate::tree::Kind;

/// The longest path that system calls take.
const LONGEST_PATH: usize = 4095;

/// The file that a diff reads.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: Vec<u8>,
    /// Kind, size and inode of the file, if it exists.
    pub(super) stat: Option<Stat>,
}

/// Type bits of an entry of a tree.
pub(super) fn type_of(kind: Kind) -> u32 {
    match kind {
        Kind::Missing => 0,
        Kind::File { .. } => REGULAR,
        Kind::Link(_) => LINK,
        Kind::Fifo => 0o010_000,
        Kind::Folder => 0o040_000,
    }
}

/// Chooses the file. `gone` says whether a file is only there until the patch is through.
pub(super) fn choose(
    diff: &mut Diff,
    line: u64,
    journal: &mut TreeJournal<'_>,
    gone: impl Fn(u64) -> bool,
) -> Result<Source, PatchError> {
    if diff.names[OLD].is_some() || diff.names[NEW].is_some() {
        diff.names[INDEX] = None;
    }
    let mut stats = [None; 3];
    let mut last = None;
    for (side, name) in diff.names.iter().enumerate() {
        let Some(name) = name else { continue };
        let at = Context { line, path: name };
        last = Some(side);
        // Patch looks at nothing outside: there is no such file, whatever is there.
        if !climbs(name) {
            check_name(at)?;
            stats[side] = journal.stat(name, at)?.filter(|stat| !gone(stat.inode));
        }
    }
    let Some(last) = last else { return Err(PatchError::NoFile { line, path: Vec::new() }) };
    let existing = best(diff, |side| stats[side].is_some());
    refuse_reversed(diff, line, existing.unwrap_or(last), existing.and_then(|side| stats[side]))?;
    let chosen = match existing {
        Some(side) => Some(side),
        None if diff.absent[OLD] != Absent::No => fewest_folders(diff, journal)?,
        None => None,
    };
    if (diff.renames() || diff.copies()) && !has_both_names(diff, chosen) {
        return Err(PatchError::Malformed { line, cause: "a rename or a copy needs two file names" });
    }
    let Some(name) = chosen.and_then(|side| diff.names[side].clone()) else {
        return Err(PatchError::NoFile { line, path: diff.names[last].clone().unwrap_or_default() });
    };
    check_name(Context { line, path: &name })?;
    Ok(Source { name, stat: chosen.and_then(|side| stats[side]) })
}

/// Refuses a name that leaves its folder, or that no system call would take.
pub(super) fn check_name(at: Context<'_>) -> Result<(), PatchError> {
    if climbs(at.path) {
        return Err(at.bad_name("which climbs out of its folder"));
    }
    if at.path.len() > LONGEST_PATH {
        return Err(at.bad_name("which is too long"));
    }
    Ok(())
}

fn has_both_names(diff: &Diff, chosen: Option<usize>) -> bool {
    let is_valid = |side: usize| diff.names[side].as_deref().is_some_and(|name| !climbs(name));
    chosen.is_some_and(|side| side != INDEX) && is_valid(OLD) && is_valid(NEW)
}

/// A diff that makes a file which is there, or removes one which is not, has been applied before.
fn refuse_reversed(diff: &Diff, line: u64, side: usize, stat: Option<Stat>) -> Result<(), PatchError> {
    if stat.is_some_and(|stat| Some(type_of(stat.kind)) != diff.file_type()) {
        return Ok(());
    }
    let empty = stat.is_none_or(|stat| stat.size == 0);
    let [old, new] = if stat.is_some() { [OLD, NEW] } else { [NEW, OLD] };
    if empty && diff.absent[old] == Absent::Empty && diff.absent[new] == Absent::Certain {
        // Git says by its hashes that an empty file is made or removed.
        return Ok(());
    }
    let reversed = if empty { diff.absent[NEW] != Absent::No } else { diff.absent[OLD] == Absent::Certain };
    if !reversed {
        return Ok(());
    }
    let path = diff.names[side].as_deref().unwrap_or_default();
    Err(Context { line, path }.reversed(match stat {
        None => "does not exist",
        Some(_) if empty => "is empty already",
        Some(_) => "exists already",
    }))
}

/// The best of the names that may be used: the one in the fewest folders, then the shortest. Patch compares in one
/// pass and never takes back a length that it saw in more folders, so that it may find none.
fn best(diff: &Diff, usable: impl Fn(usize) -> bool) -> Option<usize> {
    let measured: Vec<_> = diff
        .names
        .iter()
        .enumerate()
        .filter_map(|(side, name)| name.as_deref().map(|name| (side, name)))
        .filter(|(side, _)| usable(*side))
        .map(|(side, name)| (side, folders(name).count(), trimmed(name), name.len()))
        .collect();
    let mut least = (usize::MAX, usize::MAX, usize::MAX);
    for &(_, folders, trimmed, length) in &measured {
        if folders > least.0 {
            continue;
        }
        least.0 = folders;
        if trimmed > least.1 {
            continue;
        }
        least.1 = trimmed;
        least.2 = least.2.min(length);
    }
    measured.iter().find(|&&(_, a, b, c)| (a, b, c) == least).map(|&(side, ..)| side)
}

/// The length of a name without slashes at its end.
fn trimmed(name: &[u8]) -> usize {
    name.len() - name.iter().rev().take_while(|&&byte| byte == b'/').count()
}

/// Every folder in a name, as the length of the name up to it.
fn folders(name: &[u8]) -> impl Iterator<Item = usize> {
    (1..name.len()).filter(|&at| name[at] == b'/' && name[at - 1] != b'/')
}

/// Of names of which none exists, the one for which the fewest folders have to be made.
fn fewest_folders(diff: &Diff, journal: &mut TreeJournal<'_>) -> Result<Option<usize>, PatchError> {
    let mut missing = [usize::MAX; 3];
    for (side, name) in diff.names.iter().enumerate() {
        let Some(name) = name else { continue };
        let there = journal.folders_there(name)?;
        let (mut begin, mut depth, mut exist) = (0, 0, 0);
        for end in folders(name) {
            depth += names(&name[begin..end]).count();
            begin = end;
            exist += usize::from(depth <= there);
        }
        missing[side] = folders(name).count() - exist;
    }
    let least = missing.iter().copied().min().unwrap_or(0);
    Ok(best(diff, |side| missing[side] == least))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::headers::next_diff;
    use super::super::lines::Reader;
    use super::*;

    fn diff(old: &str, new: &str) -> Diff {
        let patch = format!("--- a/{old}\n+++ b/{new}\n@@ -1 +1 @@\n");
        next_diff(&mut Reader::new(patch.as_bytes()), true).unwrap()
    }

    #[test]
    fn few_folders_then_short_names_then_the_old_one() {
        let best = |old, new| best(&diff(old, new), |_| true);
        assert_eq!(best("d/xyzzy", "d/e/x"), Some(OLD));
        // The shorter length was seen first, in more folders.
        assert_eq!(best("d/e/x", "d/xyzzy"), None);
        assert_eq!(best("x", "y"), Some(OLD));
        assert_eq!(best("xx", "y"), Some(NEW));
        assert_eq!(best("d/e/xxx", "d/xy"), Some(NEW));
    }
}
