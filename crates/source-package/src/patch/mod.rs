//! Applies patches to a tree exactly as `dpkg-source -x` does, without running it.
//!
//! The reference is dpkg 1.21.22 with GNU patch 2.7.6. dpkg reads a patch first (`analyze`): it refuses some forms and
//! creates missing folders. Then patch reads the same bytes anew (`run`) with its own, more lenient idea of what they
//! mean. A tree is patched only if both accept; the two differ in so many details that each is modelled for itself.
//!
//! `diffy` is not used. It reads a whole diff into its own model, in which the lines that decide here (text between
//! diffs, Git's headers, hunks whose counts lie, a note in an odd place, comments, CR at the line end) are gone, and it
//! knows neither the search order of patch nor the rule that a hunk with less context behind than in front belongs to
//! the end of the file. Only the copying of lines would be left to it.

mod analyze;
mod choose;
mod commands;
mod compressed;
mod date;
mod diff;
mod error;
mod files;
mod git;
mod headers;
mod hunk;
mod input;
mod lines;
mod locate;
mod names;
mod output;
mod run;
mod search;
pub mod series;
mod tree_journal;

pub use error::PatchError;

use crate::store::ContentStore;
use crate::tree::{Kind, Tree};
use error::Context;
use files::{Backups, Files};
use lines::Reader;
use run::Run;
use tree_journal::TreeJournal;

/// Way in which dpkg calls patch, by the format of the source package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Format `3.0 (quilt)`.
    Quilt,
    /// Format `2.0`.
    Version2,
    /// The `.diff.gz` of `1.0`: files that become empty stay.
    Version1,
}

/// Limits of applying a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest file that is patched or written, in bytes.
    pub max_file: u64,
    /// The largest patch, in bytes after decompression.
    pub max_patch: u64,
    /// Bytes that one patch may read and write in all: it can name a large file any number of times.
    pub max_work: u64,
    /// The same of all patches of a package together.
    pub max_series: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_file: 1 << 30, max_patch: 1 << 30, max_work: 8 << 30, max_series: 16 << 30 }
    }
}

/// Result of a patch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The files that it named, in its order; a file that it names twice is there twice.
    pub files: Vec<Vec<u8>>,
    /// Bytes that were read and written for them.
    pub work: u64,
}

/// Folder in which quilt keeps the backups that it needs to take patches back.
const QUILT: &[u8] = b".pc";
/// Suffix of backup files where dpkg calls patch without quilt.
const SUFFIX: &[u8] = b".dpkg-orig";

/// Applies one patch with the usual limits. A patch that fails leaves the tree as it was.
///
/// # Errors
/// [`PatchError`] when dpkg or GNU patch would refuse the patch.
pub fn apply(
    patch: &[u8],
    rules: Rules,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<Summary, PatchError> {
    apply_within(patch, rules, Limits::default(), tree, store)
}

/// Applies one patch. A patch that fails leaves the tree as it was.
///
/// # Errors
/// [`PatchError`] when dpkg or GNU patch would refuse the patch, or when a limit is passed.
pub fn apply_within(
    patch: &[u8],
    rules: Rules,
    limits: Limits,
    tree: &mut Tree,
    store: &mut dyn ContentStore,
) -> Result<Summary, PatchError> {
    let mut journal = TreeJournal::new(tree, store);
    let result = apply_staged(patch, rules, limits, &mut journal);
    match (&result, rules) {
        (Err(_), _) => journal.undo(None)?,
        (Ok(_), Rules::Quilt) => journal.undo(Some(QUILT))?,
        (Ok(_), _) => {}
    }
    result
}

fn apply_staged(
    patch: &[u8],
    rules: Rules,
    limits: Limits,
    journal: &mut TreeJournal<'_>,
) -> Result<Summary, PatchError> {
    let expected = analyze::analyze(patch, journal)?;
    let backups = match rules {
        Rules::Quilt => Backups::Folder(b".pc/patch"),
        Rules::Version2 | Rules::Version1 => Backups::Suffix(SUFFIX),
    };
    let mut run = Run {
        journal,
        files: Files::new(backups),
        reader: Reader::new(patch),
        remove_empty: rules != Rules::Version1,
        max_file: limits.max_file,
        max_work: limits.max_work,
        work_left: limits.max_work,
        touched: Vec::new(),
    };
    run.run()?;
    let work = limits.max_work - run.work_left;
    let summary = Summary { files: std::mem::take(&mut run.touched), work };
    clean_up(&expected, backups, journal)?;
    Ok(summary)
}

/// Work of dpkg after patch: it sets the time of every file that it expects to be changed and, without quilt, removes
/// its backup, which must exist.
fn clean_up(
    expected: &analyze::Expected,
    backups: Backups,
    journal: &mut TreeJournal<'_>,
) -> Result<(), PatchError> {
    for path in expected {
        let at = Context { line: 0, path };
        if journal.is_blocked(path)? {
            return Err(at.target("a folder above it is a file by now"));
        }
        if !journal.may_be_touched(path)? {
            return Err(at.target("dpkg sets its time, and may not where the link leads"));
        }
        if backups == Backups::Suffix(SUFFIX) {
            let backup = backups.of(path);
            match journal.stat(&backup, at)?.map(|stat| stat.kind) {
                Some(Kind::File { .. } | Kind::Link(_) | Kind::Fifo) if !path.contains(&0) => {
                    journal.take(&backup)?;
                }
                _ => return Err(at.target("dpkg expects it to change, but patch changes another file")),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
