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
use crate::slot::Slot;
use crate::stream::{self, Streamed};
use crate::{Error, ObjectId};

pub(crate) use unfinished::remove_unfinished;

/// An object up to this size is compressed in memory; a larger one passes through in a stream.
const LARGEST_IN_MEMORY: u64 = 2 << 20;
/// A smaller file is compressed as a whole.
const SMALLEST_DELTA: usize = 512;
/// A reader has to apply so many deltas one after the other at most.
const DEEPEST_DELTA: u8 = 40;
/// So many bytes of written batches are kept in memory.
const RECENT: usize = 4 << 20;
/// Temporary files start with this, which `git gc` knows, too.
const TEMPORARY: &str = "tmp_pack_import_";

/// A pack that is being written.
pub struct PackWriter {
    folder: PathBuf,
    temporary: PathBuf,
    file: Option<File>,
    offset: u64,
    /// Why the file or the tables are not what they should be. Such a pack is never completed.
    broken: Option<io::ErrorKind>,
    slots: HashMap<ObjectId, Slot>,
    /// Objects that other threads are compressing.
    flying: HashMap<ObjectId, (Kind, u64)>,
    batch: Batch,
    deflaters: Deflaters,
    /// How many deltas an object hangs on.
    depths: HashMap<ObjectId, u8>,
    /// What was written last, as it was before: patches touch what was just unpacked.
    recent: VecDeque<Batch>,
    recent_bytes: usize,
    /// How much of that is kept.
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
            slots: HashMap::new(),
            flying: HashMap::new(),
            batch: Batch::default(),
            deflaters: Deflaters::new(threads),
            depths: HashMap::new(),
            recent: VecDeque::new(),
            recent_bytes: 0,
            keeps: RECENT,
        }
    }

    /// Whether what was written last is likely to be changed. If not, memory is used again at once, not made anew for
    /// each batch.
    pub(crate) fn expect_changes(&mut self, expected: bool) {
        self.keeps = if expected { RECENT } else { 0 };
    }

    /// Whether the pack has an object, written or not.
    pub fn contains(&self, id: &ObjectId) -> bool {
        self.kind_and_size(id).is_some()
    }

    /// Kind and size of an object of the pack.
    pub fn kind_and_size(&self, id: &ObjectId) -> Option<(Kind, u64)> {
        let written = self.slots.get(id).map(|slot| (slot.kind, slot.size));
        written.or_else(|| self.flying.get(id).copied()).or_else(|| self.batch.kind_and_size(id))
    }

    /// Adds an object under an id that the caller has computed and that is not in the pack.
    pub fn add(&mut self, id: ObjectId, kind: Kind, content: &[u8]) -> Result<(), Error> {
        self.batch.push(id, kind, content);
        self.hand_over_full()
    }

    /// Adds a blob as a change of another one. Whether that is worth while is decided here.
    pub(crate) fn add_changed(
        &mut self,
        id: ObjectId,
        content: &[u8],
        before: ObjectId,
    ) -> Result<(), Error> {
        let depth = self.depths.get(&before).copied().unwrap_or(0);
        let small = content.len() < SMALLEST_DELTA || Self::is_large(content.len() as u64);
        if small || depth >= DEEPEST_DELTA || !self.contains(&before) {
            return self.add(id, Kind::Blob, content);
        }
        let delta = match self.whole(&before) {
            Some(base) => delta::encode(base, content),
            None => delta::encode(&self.read(&before)?, content),
        };
        let Some(delta) = delta else { return self.add(id, Kind::Blob, content) };
        self.depths.insert(id, depth + 1);
        self.batch.push_delta(id, content.len() as u64, before, &delta);
        self.hand_over_full()
    }

    /// Room for an object's content at the end of the batch; see [`PackWriter::commit_tail`].
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        self.batch.content()
    }

    /// Makes what was appended to the batch since `start` an object.
    pub(crate) fn commit_tail(&mut self, start: usize, id: ObjectId, kind: Kind) -> Result<(), Error> {
        self.batch.push_tail(start, id, kind);
        self.hand_over_full()
    }

    /// Whether content of this size has to be streamed.
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
        self.settle()?;
        let start = self.offset;
        let Streamed { id, length, crc32 } = match stream::append(self.open()?, size, content) {
            Ok(streamed) => streamed,
            Err(error) => {
                self.cut_back(start)?;
                return Err(error);
            }
        };
        let slot = Slot { offset: start, length, crc32, kind: Kind::Blob, size, delta: None };
        if self.slots.contains_key(&id) || known(&id) {
            self.cut_back(start)?;
        } else {
            self.offset += slot.length;
            self.slots.insert(id, slot);
        }
        Ok(id)
    }

    /// Takes back what was written behind the last object: the import goes on with other versions.
    fn cut_back(&mut self, end: u64) -> Result<(), Error> {
        let file = self.open()?;
        let cut = file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end)));
        self.note(cut.map(drop).map_err(Error::write_pack))
    }

    fn open(&mut self) -> Result<&mut File, Error> {
        if self.file.is_none() {
            let mut file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&self.temporary)
                .map_err(|error| Error::file("create", &self.temporary, error))?;
            file.write_all(&pack_header(0)).map_err(Error::write_pack)?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| Error::write_pack(io::ErrorKind::NotFound.into()))
    }

    /// After an error here, objects that were taken for written are lost, and trees may name them already. The caller
    /// goes on with other versions, perhaps when the disk has room again: what is lost stays noted.
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
