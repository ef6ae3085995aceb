//! Applies the diffs of a patch one after the other.

use super::choose::{self, Source, type_of};
use super::diff::{Absent, Diff, Format, LINK, NEW, OLD, REGULAR};
use super::error::{Context, PatchError};
use super::files::{Files, Ready};
use super::headers::next_diff;
use super::hunk::{Hunk, next_hunk};
use super::input::Input;
use super::lines::Reader;
use super::locate::Missed;
use super::names::is_space;
use super::output::Output;
use super::tree_journal::{Stat, TreeJournal};
use crate::path::split_last;
use crate::tree::Kind;

/// By how much the name of the temporary file is longer, into which patch writes.
const TEMPORARY: usize = 8;

/// The permission bits of a file.
const PERMISSIONS: u32 = 0o777;

/// A patch that is being applied.
pub(super) struct Run<'r, 'a, 'p> {
    pub(super) journal: &'r mut TreeJournal<'a>,
    pub(super) files: Files,
    pub(super) reader: Reader<'p>,
    /// True when files that become empty are removed.
    pub(super) remove_empty: bool,
    pub(super) max_file: u64,
    pub(super) max_work: u64,
    /// Rest of `max_work`.
    pub(super) work_left: u64,
    /// The files that were written or removed, in the order of the patch.
    pub(super) touched: Vec<Vec<u8>>,
}

/// One diff and the file it works on.
struct Work {
    diff: Diff,
    line: u64,
    file_type: u32,
    source: Source,
    /// The file that it writes.
    target: Vec<u8>,
    /// True when the diff itself names the target, apart from the source.
    moves: bool,
}

impl Work {
    fn at_source(&self) -> Context<'_> {
        Context { line: self.line, path: &self.source.name }
    }

    fn at_target(&self) -> Context<'_> {
        Context { line: self.line, path: &self.target }
    }

    /// Within one run of Git all diffs refer to the files before it, so changes are written at the end
    /// of the run; new files are written at once.
    fn later(&self) -> bool {
        self.diff.git && self.diff.absent[OLD] != Absent::Certain
    }
}

/// Result of the hunks of a diff.
enum Written {
    /// There were no hunks: the file is as it was.
    Same,
    New(Output),
}

impl Run<'_, '_, '_> {
    pub(super) fn run(&mut self) -> Result<(), PatchError> {
        let mut first = true;
        let mut git = false;
        while first || !self.reader.at_end() {
            let Some(mut diff) = next_diff(&mut self.reader, first) else {
                if first && !self.reader.is_empty() {
                    return Err(PatchError::Garbage);
                }
                break;
            };
            first = false;
            let line = diff.start.lines + 1;
            if let Format::Other(what) = diff.format {
                return Err(PatchError::Unsupported { line, what });
            }
            self.reader.place = diff.start;
            let source = choose::choose(&mut diff, line, self.journal, |inode| self.files.is_gone(inode))?;
            let look_again = git && !diff.git;
            if look_again {
                self.files.flush(self.journal)?;
            }
            git = diff.git;
            self.diff(diff, source, look_again)?;
        }
        self.files.finish(self.journal)
    }

    fn diff(&mut self, diff: Diff, source: Source, look_again: bool) -> Result<(), PatchError> {
        let mut work = prepare(diff, source)?;
        if look_again {
            work.source.stat = self.journal.stat(&work.source.name, work.at_source())?;
        }
        if work.diff.git {
            self.separate_runs(&mut work)?;
        }
        if work.source.stat.is_some_and(|stat| type_of(stat.kind) != work.file_type)
            || work.source.stat.is_some() && ![REGULAR, LINK].contains(&work.file_type)
        {
            return Err(work.at_source().target("it is not of the type that the diff says"));
        }
        self.journal.make_way(&work.target, TEMPORARY, work.at_target())?;
        if matches!(split_last(&work.target).1, b"" | b".") {
            return Err(work.at_target().target("it is a folder"));
        }
        self.touched.push(work.target.clone());
        let mut input = None;
        if let Some(word) = &work.diff.required {
            let read = self.read(&work)?;
            if !holds_word(read.bytes(), word) {
                return Err(work.at_source().target("it lacks the word that the patch requires"));
            }
            input = Some(read);
        }
        let written = self.hunks(&work, input)?;
        self.place(&work, written)
    }

    /// Patches that Git wrote may be put one behind the other. A file that already waits to be written starts a
    /// new run.
    fn separate_runs(&mut self, work: &mut Work) -> Result<(), PatchError> {
        let target = if work.source.name == work.target {
            work.source.stat
        } else {
            self.journal.stat(&work.target, work.at_target())?
        };
        let Some(mut stat) = target else { return Ok(()) };
        if self.files.is_queued(stat.inode) {
            self.files.flush(self.journal)?;
            work.source.stat = self.journal.stat(&work.source.name, work.at_source())?;
            match self.journal.stat(&work.target, work.at_target())? {
                Some(again) => stat = again,
                None => return Ok(()),
            }
        }
        self.files.mark_queued(stat.inode);
        Ok(())
    }

    fn read(&mut self, work: &Work) -> Result<Input, PatchError> {
        let bytes = match work.source.stat.map(|stat| stat.kind) {
            Some(Kind::File { content, .. } | Kind::Link(content)) => {
                self.journal.read(content, self.max_file, work.at_source())?
            }
            _ => Vec::new(),
        };
        self.count(bytes.len(), work)?;
        Ok(Input::new(bytes))
    }

    fn count(&mut self, bytes: usize, work: &Work) -> Result<(), PatchError> {
        let left = self.work_left.checked_sub(bytes as u64);
        self.work_left = left.ok_or_else(|| work.at_target().too_much(self.max_work))?;
        Ok(())
    }

    fn hunks(&mut self, work: &Work, mut input: Option<Input>) -> Result<Written, PatchError> {
        let mut output = Output::new(self.max_file);
        let mut shift = 0;
        while let Some(hunk) = next_hunk(&mut self.reader, work.diff.dress)? {
            let at = Context { line: hunk.line, path: &work.target };
            let input = match &mut input {
                Some(input) => input,
                None => input.insert(self.read(work)?),
            };
            let place = locate(input, &hunk, shift, output.frozen, at)?;
            if !hunk.old.lines.is_empty() {
                shift = place - hunk.first;
            }
            if place == 1
                && work.diff.absent[OLD] == Absent::Certain
                && work.source.stat.is_some_and(|stat| stat.size > 0)
            {
                return Err(at.hunk("the file exists already"));
            }
            output.hunk(input, &hunk, place, at)?;
        }
        let Some(input) = input else { return Ok(Written::Same) };
        output.finish(&input, work.at_target())?;
        self.count(output.bytes.len(), work)?;
        Ok(Written::New(output))
    }

    /// Decides what becomes of the file.
    fn place(&mut self, work: &Work, written: Written) -> Result<(), PatchError> {
        let (empty, changed) = match &written {
            Written::Same => (work.source.stat.is_none_or(|stat| stat.size == 0), false),
            Written::New(output) => (output.untouched, true),
        };
        let gone = work.diff.absent[NEW] == Absent::Certain;
        if empty && (self.remove_empty || gone || work.file_type == LINK) {
            return self.remove(work);
        }
        if gone {
            return Err(work.at_target().target("it is to be removed, but is not empty then"));
        }
        let (old, new) = (work.diff.modes[OLD], work.diff.modes[NEW]);
        let set_mode = new != 0 && old != new;
        let old_bits = match work.source.stat.map(|stat| stat.kind) {
            Some(Kind::File { executable: true, .. }) => 0o755,
            Some(Kind::Link(_)) => 0o777,
            _ => 0o644,
        };
        let executable = (if set_mode { new & PERMISSIONS } else { old_bits }) & 0o111 != 0;
        if !changed && !set_mode && !work.diff.renames() && !work.diff.copies() {
            let was = old_bits & 0o111 != 0;
            return self.files.back_up_copy(self.journal, was, work.later(), work.at_target());
        }
        let content = match (written, work.source.stat.map(|stat| stat.kind)) {
            (Written::New(output), _) => self.link_or_file(work, output.bytes)?,
            (Written::Same, Some(Kind::File { content, .. } | Kind::Link(content))) => content,
            (Written::Same, _) => self.journal.store.put_bytes(b"")?,
        };
        let link = work.file_type == LINK;
        let ready = Ready { content, inode: self.journal.new_inode(), executable, link };
        self.files.write(self.journal, ready, work.later(), work.at_target())?;
        if work.diff.renames() {
            let inode = self.inode(work.source.stat);
            self.files.delete(&work.source.name, inode, work.line);
        }
        Ok(())
    }

    /// Keeps the new content. The target of a link is a C string, and a file system takes only so much.
    fn link_or_file(
        &mut self,
        work: &Work,
        mut bytes: Vec<u8>,
    ) -> Result<crate::store::ContentId, PatchError> {
        if work.file_type == LINK {
            bytes.truncate(super::names::until_nul(&bytes).0.len());
            if bytes.is_empty() || bytes.len() > 4095 {
                return Err(work.at_target().target("no symbolic link can have that target"));
            }
        }
        let store = &mut *self.journal.store;
        Ok(match work.source.stat.map(|stat| stat.kind) {
            Some(Kind::File { content, .. }) => store.put_changed(&bytes, content)?,
            _ => store.put_bytes(&bytes)?,
        })
    }

    fn remove(&mut self, work: &Work) -> Result<(), PatchError> {
        let stat = if work.moves {
            let stat = self.journal.stat(&work.target, work.at_target())?;
            Some(stat.ok_or_else(|| work.at_target().target("it is empty and does not exist"))?)
        } else {
            work.source.stat
        };
        let inode = self.inode(stat);
        self.files.delete(&work.target, inode, work.line);
        Ok(())
    }

    /// The number of a file; of one that does not exist, a number that no other has.
    fn inode(&mut self, stat: Option<Stat>) -> u64 {
        stat.map_or_else(|| self.journal.new_inode(), |stat| stat.inode)
    }
}

fn prepare(diff: Diff, source: Source) -> Result<Work, PatchError> {
    let line = diff.start.lines + 1;
    let Some(file_type) = diff.file_type() else {
        return Err(Context { line, path: &source.name }.target("the diff changes its type"));
    };
    let moves = diff.renames() || diff.copies();
    let target = match &diff.names[NEW] {
        Some(name) if moves => name.clone(),
        _ => source.name.clone(),
    };
    Ok(Work { diff, line, file_type, source, target, moves })
}

fn locate(
    input: &mut Input,
    hunk: &Hunk<'_>,
    shift: i64,
    frozen: i64,
    at: Context<'_>,
) -> Result<i64, PatchError> {
    match input.locate(hunk, shift, frozen) {
        Ok(0) | Err(Missed::Nowhere) => Err(at.hunk("its lines are not in the file")),
        Err(Missed::Budget) => Err(at.hunk("the search for its lines takes too long")),
        Ok(place) => Ok(place),
    }
}

/// True when a word of the file is the given one. Like patch, it overlooks a word at the very end.
fn holds_word(bytes: &[u8], word: &[u8]) -> bool {
    let Some(last) = bytes.len().checked_sub(word.len()) else { return false };
    memchr::memmem::find_iter(bytes, word).take_while(|&at| at < last).any(|at| {
        (at == 0 || is_space(bytes[at - 1])) && (at + 1 == last || is_space(bytes[at + word.len()]))
    })
}
