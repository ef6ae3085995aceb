//! Puts patched files into place, with the backups that dpkg has patch make, and in the order in which patch does it.
//!
//! Backups matter although they are thrown away: they can be in the way of a patch (a folder with the backup of its
//! last file is not empty), and patch leaves those behind that dpkg does not know of.

use std::collections::{HashMap, HashSet};

use super::error::{Context, PatchError};
use super::tree_journal::{Stat, TreeJournal};
use crate::path::split_last;
use crate::store::ContentId;
use crate::tree::{Kind, Node};

/// Place of backup files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backups {
    /// Into a folder of their own, under the same path.
    Folder(&'static [u8]),
    /// Beside the file, with a longer name.
    Suffix(&'static [u8]),
}

impl Backups {
    pub(super) fn of(self, path: &[u8]) -> Vec<u8> {
        match self {
            Backups::Folder(folder) => [folder, b"/", path].concat(),
            Backups::Suffix(suffix) => [path, suffix].concat(),
        }
    }
}

/// Last change that patch made to a file, by inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Created,
    Overwritten,
    Deleted,
}

/// A file that is ready to be put into place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub(super) content: ContentId,
    pub(super) inode: u64,
    pub(super) executable: bool,
    pub(super) link: bool,
}

/// Change of a file that is made at the end of the patch.
#[derive(Debug)]
enum Move {
    /// It gets new content.
    Write { to: Vec<u8>, line: u64, ready: Ready },
    /// It stays, and gets a backup.
    Copy { of: Vec<u8>, line: u64, executable: bool },
}

/// The files that a patch writes.
pub(super) struct Files {
    backups: Backups,
    fates: HashMap<u64, Fate>,
    queue: Vec<Move>,
    queued: HashSet<u64>,
    deletions: Vec<(Vec<u8>, u64, u64)>,
}

impl Files {
    pub(super) fn new(backups: Backups) -> Self {
        Files {
            backups,
            fates: HashMap::new(),
            queue: Vec::new(),
            queued: HashSet::new(),
            deletions: Vec::new(),
        }
    }

    /// True when a file will be removed at the end.
    pub(super) fn is_gone(&self, inode: u64) -> bool {
        self.fates.get(&inode) == Some(&Fate::Deleted)
    }

    /// Notes that a diff of Git works on a file. If an earlier one did, the answer is `true`: what waits must be
    /// written first, because only within one run of Git does every diff speak of the files as they were.
    pub(super) fn is_queued(&self, inode: u64) -> bool {
        self.queued.contains(&inode)
    }

    /// Marks a file as queued; see [`Files::is_queued`].
    pub(super) fn mark_queued(&mut self, inode: u64) {
        self.queued.insert(inode);
    }

    /// Writes a file now or, for a diff of Git that changes what exists, later.
    pub(super) fn write(
        &mut self,
        journal: &mut TreeJournal<'_>,
        ready: Ready,
        later: bool,
        at: Context<'_>,
    ) -> Result<(), PatchError> {
        self.submit(journal, Move::Write { to: at.path.to_vec(), line: at.line, ready }, later)
    }

    /// Makes a backup of a file that a diff names without changing it.
    pub(super) fn back_up_copy(
        &mut self,
        journal: &mut TreeJournal<'_>,
        executable: bool,
        later: bool,
        at: Context<'_>,
    ) -> Result<(), PatchError> {
        self.submit(journal, Move::Copy { of: at.path.to_vec(), line: at.line, executable }, later)
    }

    fn submit(&mut self, journal: &mut TreeJournal<'_>, action: Move, later: bool) -> Result<(), PatchError> {
        if later {
            self.queue.push(action);
            return Ok(());
        }
        self.perform(journal, action)
    }

    /// Notes that a file is to be removed when the patch is through, unless something else takes its place.
    pub(super) fn delete(&mut self, path: &[u8], inode: u64, line: u64) {
        self.fates.insert(inode, Fate::Deleted);
        self.deletions.push((path.to_vec(), inode, line));
    }

    /// Writes everything that waits.
    pub(super) fn flush(&mut self, journal: &mut TreeJournal<'_>) -> Result<(), PatchError> {
        for action in std::mem::take(&mut self.queue) {
            self.perform(journal, action)?;
        }
        Ok(())
    }

    /// Writes and removes everything that waits.
    pub(super) fn finish(&mut self, journal: &mut TreeJournal<'_>) -> Result<(), PatchError> {
        self.flush(journal)?;
        for (path, inode, line) in std::mem::take(&mut self.deletions) {
            if !self.is_gone(inode) {
                continue;
            }
            let at = Context { line, path: &path };
            let stat = journal.stat(&path, at)?;
            self.back_up(journal, stat, at)?;
            journal.remove_empty_folders(&path)?;
        }
        Ok(())
    }

    fn perform(&mut self, journal: &mut TreeJournal<'_>, action: Move) -> Result<(), PatchError> {
        match action {
            Move::Write { to, line, ready } => self.put(journal, ready, Context { line, path: &to }),
            Move::Copy { of, line, executable } => {
                self.copy(journal, executable, Context { line, path: &of })
            }
        }
    }

    fn put(
        &mut self,
        journal: &mut TreeJournal<'_>,
        ready: Ready,
        at: Context<'_>,
    ) -> Result<(), PatchError> {
        let stat = journal.stat(at.path, at)?;
        self.back_up(journal, stat, at)?;
        if let Some(stat) = stat {
            if ready.link && self.fates.get(&stat.inode) == Some(&Fate::Created) {
                return Err(at.target("the symbolic link is made twice"));
            }
            self.fates.insert(stat.inode, Fate::Overwritten);
        }
        journal.make_way(at.path, 0, at)?;
        let node = if ready.link {
            Node::Link(ready.content)
        } else {
            Node::File { content: ready.content, executable: ready.executable }
        };
        journal.put(at.path, node, ready.inode)?;
        self.fates.insert(ready.inode, Fate::Created);
        Ok(())
    }

    /// Moves the file at a path out of the way, unless patch has put it there itself. In place of a file that
    /// does not exist, an empty backup is made.
    fn back_up(
        &mut self,
        journal: &mut TreeJournal<'_>,
        stat: Option<Stat>,
        at: Context<'_>,
    ) -> Result<(), PatchError> {
        let backup = self.backups.of(at.path);
        match stat {
            None => {
                let content = journal.store.put_bytes(b"")?;
                let inode = journal.new_inode();
                clear(journal, &backup, at)?;
                journal.put(&backup, Node::File { content, executable: false }, inode)
            }
            Some(Stat { kind: Kind::Folder | Kind::Fifo | Kind::Missing, .. }) => {
                Err(at.target("it is neither a file nor a symbolic link"))
            }
            Some(stat) if self.fates.get(&stat.inode) == Some(&Fate::Created) => Ok(()),
            Some(_) => {
                clear(journal, &backup, at)?;
                journal.rename(at.path, &backup)
            }
        }
    }

    fn copy(
        &mut self,
        journal: &mut TreeJournal<'_>,
        executable: bool,
        at: Context<'_>,
    ) -> Result<(), PatchError> {
        let Some(Stat { kind: Kind::File { content, .. }, .. }) = journal.stat(at.path, at)? else {
            return Err(at.target("there is no file to make a backup of"));
        };
        let backup = self.backups.of(at.path);
        let inode = journal.new_inode();
        clear(journal, &backup, at)?;
        journal.put(&backup, Node::File { content, executable }, inode)
    }
}

/// Makes way for a backup.
fn clear(journal: &mut TreeJournal<'_>, backup: &[u8], at: Context<'_>) -> Result<(), PatchError> {
    if split_last(backup).1.is_empty() || journal.is_folder(backup)? {
        return Err(at.target("a folder stands where its backup goes"));
    }
    journal.make_way(backup, 0, at)
}
