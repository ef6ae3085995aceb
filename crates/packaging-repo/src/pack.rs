//! Writes one pack and its index (`gitformat-pack(5)`), with compression on other threads.
//!
//! Objects are gathered in batches, so that a file of a few kilobytes costs neither a message to another thread
//! nor a system call. Objects are whole, but for files that a patch has changed; a repack finds all other deltas later.

mod batches;
mod complete;
mod read_back;
mod unfinished;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use gix_object::Kind;

use crate::deflate::{Batch, Deflaters};
use crate::delta;
use crate::durable::room;
use crate::slot::Slot;
use crate::space::Space;
use crate::stream::{self, Streamed};
use crate::{Error, ObjectId};

pub(crate) use unfinished::remove_unfinished;

/// An object up to this size is compressed in memory; a larger one passes through in a stream.
const LARGEST_IN_MEMORY: u64 = 2 << 20;
/// A smaller file is compressed as a whole.
const SMALLEST_DELTA: usize = 512;
/// Largest number of deltas that a reader has to apply one after the other.
const DEEPEST_DELTA: u8 = 40;
/// Number of bytes of written batches that are kept in memory.
const RECENT: usize = 4 << 20;
/// Temporary files start with this, which `git gc` knows, too.
const TEMPORARY: &str = "tmp_pack_import_";

/// A pack that is being written.
pub struct PackWriter {
    folder: PathBuf,
    temporary: PathBuf,
    file: Option<File>,
    offset: u64,
    /// Error that made the file or the tables incomplete. A pack with one is not used any more.
    broken: Option<io::ErrorKind>,
    /// Bytes that were added, as they are before they are compressed.
    added: u64,
    /// Total of `added` that may not be passed; next, the limit as the caller has set it, for the message.
    most_added: u64,
    limit: u64,
    slots: HashMap<ObjectId, Slot>,
    /// Objects that other threads are compressing.
    flying: HashMap<ObjectId, (Kind, u64)>,
    batch: Batch,
    deflaters: Deflaters,
    /// Free space that is kept on the disk.
    space: Space,
    /// Number of deltas that an object depends on, and the whole object below them.
    depths: HashMap<ObjectId, (u8, ObjectId)>,
    /// The large file that was changed last: a series of patches changes the same one again and again.
    changed: Option<(ObjectId, Vec<u8>)>,
    /// Content written last, uncompressed: patches change files that were just unpacked.
    recent: VecDeque<Batch>,
    recent_bytes: usize,
    /// Number of batches that are kept.
    keeps: usize,
}

impl PackWriter {
    /// A new pack for `objects/pack`. No file is made before the first object.
    pub fn new(folder: &Path, threads: usize) -> PackWriter {
        let name = format!("{TEMPORARY}{}", std::process::id());
        PackWriter {
            folder: folder.to_owned(),
            temporary: folder.join(name),
            file: None,
            offset: 12,
            broken: None,
            added: 0,
            most_added: u64::MAX,
            limit: u64::MAX,
            slots: HashMap::new(),
            flying: HashMap::new(),
            batch: Batch::default(),
            deflaters: Deflaters::new(threads),
            space: Space::default(),
            depths: HashMap::new(),
            changed: None,
            recent: VecDeque::new(),
            recent_bytes: 0,
            keeps: RECENT,
        }
    }

    /// Tells whether content written last is likely to be changed. If not, its memory is used again at once.
    pub(crate) fn expect_changes(&mut self, expected: bool) {
        self.keeps = if expected { RECENT } else { 0 };
    }

    /// Keeps a number of bytes of the disk free: it counts as full before.
    pub(crate) fn keep_free(&mut self, bytes: u64) {
        self.space = Space::keeping(bytes);
    }

    /// Allows a number of further bytes.
    pub(crate) fn allow(&mut self, bytes: u64) {
        self.most_added = self.added.saturating_add(bytes);
        self.limit = bytes;
    }

    /// Bytes that were added so far, as they are before they are compressed.
    pub(crate) fn added(&self) -> u64 {
        self.added
    }

    /// Called before anything is added: checks that the pack can still be used, and that the bytes fit the limit.
    fn take(&mut self, bytes: u64) -> Result<(), Error> {
        self.check()?;
        let added = self.added.saturating_add(bytes);
        if added > self.most_added {
            return Err(Error::WritesTooMuch(self.limit));
        }
        self.added = added;
        Ok(())
    }

    /// After its first error a pack is never used again: objects that it lists may be lost.
    fn check(&self) -> Result<(), Error> {
        match self.broken {
            Some(kind) => Err(Error::write_pack(kind.into())),
            None => Ok(()),
        }
    }

    /// True when the pack has an object, written to the disk or not.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.kind_and_size(id).is_some()
    }

    /// Kind and size of an object of the pack.
    pub fn kind_and_size(&self, id: &ObjectId) -> Option<(Kind, u64)> {
        let written = self.slots.get(id).map(|slot| (slot.kind, slot.size));
        written.or_else(|| self.flying.get(id).copied()).or_else(|| self.batch.kind_and_size(id))
    }

    /// Adds an object under an id that the caller has computed and that is not in the pack.
    ///
    /// # Errors
    /// [`Error::Pack`] when the disk fails or is full, [`Error::WritesTooMuch`] when the limit is passed.
    pub fn add(&mut self, id: ObjectId, kind: Kind, content: &[u8]) -> Result<(), Error> {
        self.take(content.len() as u64)?;
        self.batch.push(id, kind, content);
        self.hand_over_full()
    }

    /// Adds a blob as a delta of another one, or whole where a delta saves too little.
    pub(crate) fn add_changed(
        &mut self,
        id: ObjectId,
        content: &[u8],
        before: ObjectId,
    ) -> Result<(), Error> {
        let is_large = Self::is_large(content.len() as u64);
        let delta = self.delta(content, before)?;
        match delta {
            Some((delta, base)) => {
                self.take(delta.len() as u64)?;
                let (depth, root) = self.depths.get(&base).copied().unwrap_or((0, base));
                self.depths.insert(id, (depth + 1, root));
                self.batch.push_delta(id, content.len() as u64, base, &delta);
                self.hand_over_full()?;
            }
            None if is_large => drop(self.stream(content.len() as u64, &mut &content[..], |_| false)?),
            None => self.add(id, Kind::Blob, content)?,
        }
        if is_large {
            self.changed = Some((id, content.to_vec()));
        }
        Ok(())
    }

    /// The change that makes a content out of one that the pack has, and which of them that is.
    fn delta(&mut self, content: &[u8], before: ObjectId) -> Result<Option<(Vec<u8>, ObjectId)>, Error> {
        self.check()?;
        if content.len() < SMALLEST_DELTA || !self.contains(&before) {
            return Ok(None);
        }
        // At the end of a chain another one begins at the same whole object.
        let base = match self.depths.get(&before) {
            Some(&(depth, root)) if depth >= DEEPEST_DELTA => root,
            _ => before,
        };
        let delta = match self.whole(&base) {
            Some(base) => delta::encode(base, content),
            None => delta::encode(&self.read(&base)?, content),
        };
        Ok(delta.map(|delta| (delta, base)))
    }

    /// Room for an object's content at the end of the batch; see [`PackWriter::commit_tail`].
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        self.batch.content()
    }

    /// Makes an object of the bytes appended to the batch since `start`.
    pub(crate) fn commit_tail(&mut self, start: usize, id: ObjectId, kind: Kind) -> Result<(), Error> {
        let length = self.batch.len().saturating_sub(start);
        if let Err(error) = self.take(length as u64) {
            self.batch.content().truncate(start);
            return Err(error);
        }
        self.batch.push_tail(start, id, kind);
        self.hand_over_full()
    }

    /// True when content of this size has to be streamed.
    pub(crate) fn is_large(size: u64) -> bool {
        size > LARGEST_IN_MEMORY
    }

    /// Writes a large blob while it is read. `known` tells of an id whether the object is needed at all.
    pub(crate) fn stream(
        &mut self,
        size: u64,
        content: &mut dyn Read,
        known: impl FnOnce(&ObjectId) -> bool,
    ) -> Result<ObjectId, Error> {
        self.take(size)?;
        self.settle()?;
        let start = self.offset;
        self.open()?;
        let Some(file) = &mut self.file else {
            return Err(Error::write_pack(io::ErrorKind::NotFound.into()));
        };
        let Streamed { id, length, crc32 } = match stream::append(file, size, content, &mut self.space) {
            Ok(streamed) => streamed,
            Err(error) => {
                self.cut_back(start)?;
                // The content's own fault leaves a pack as it was before.
                return if matches!(error, Error::Pack(_)) { self.note(Err(error)) } else { Err(error) };
            }
        };
        let slot = Slot { offset: start, length, crc32, kind: Kind::Blob, size, delta: None };
        if self.slots.contains_key(&id) || known(&id) {
            self.cut_back(start)?;
            self.added -= size;
        } else {
            self.offset += slot.length;
            self.slots.insert(id, slot);
        }
        Ok(id)
    }

    /// Removes bytes behind the last object: the import goes on with other versions.
    fn cut_back(&mut self, end: u64) -> Result<(), Error> {
        let file = self.open()?;
        let cut = room().and_then(|()| file.set_len(end)).and_then(|()| file.seek(SeekFrom::Start(end)));
        self.note(cut.map(drop).map_err(Error::write_pack))
    }

    fn open(&mut self) -> Result<&mut File, Error> {
        if self.file.is_none() {
            let mut options = File::options();
            options.read(true).write(true).create(true).truncate(true);
            let mut file = room()
                .and_then(|()| options.open(&self.temporary))
                .map_err(|error| Error::file("create", &self.temporary, error))?;
            room().and_then(|()| file.write_all(&pack_header(0))).map_err(Error::write_pack)?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| Error::write_pack(io::ErrorKind::NotFound.into()))
    }

    /// After an error here, objects that were taken for written are lost, and trees may name them already. The caller
    /// goes on with other versions, perhaps when the disk has room again, so the loss stays noted.
    fn note<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.broken = Some(error.disk_error().map_or(io::ErrorKind::Other, io::Error::kind));
        }
        result
    }
}

fn pack_header(objects: u32) -> [u8; 12] {
    let mut header = *b"PACK\0\0\0\x02\0\0\0\0";
    header[8..].copy_from_slice(&objects.to_be_bytes());
    header
}

#[cfg(test)]
mod tests;
