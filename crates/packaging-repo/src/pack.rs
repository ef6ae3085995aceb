//! Writes one pack and its index (`gitformat-pack(5)`), with compression on other threads.
//!
//! Objects are gathered in batches, so that a file of a few kilobytes costs neither a message to another thread
//! nor a system call. Objects are whole, but for files that a patch
//! has changed; a repack finds all other deltas later.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use fail::fail_point;
use gix_object::Kind;
use sha1::{Digest, Sha1};

use crate::deflate::{BATCH, Batch, Deflaters, Packed, inflate};
use crate::delta;
use crate::durable::{begin, sync_folder};
use crate::index;
use crate::lock::remove_if_there;
use crate::slot::Slot;
use crate::stream::{self, Streamed};
use crate::{Error, ObjectId};

/// An object up to this size is compressed in memory; a larger one passes through in a stream.
const LARGEST_IN_MEMORY: u64 = 2 << 20;
/// A smaller file is compressed as a whole.
const SMALLEST_DELTA: usize = 512;
/// A reader has to apply so many deltas one after the other at most.
const DEEPEST_DELTA: u8 = 40;
/// So many bytes of written batches are kept in memory.
const RECENT: usize = 4 << 20;
/// Temporary files start with this, which `git gc` knows, too.
pub(crate) const TEMPORARY: &str = "tmp_pack_import_";
/// What such a file is called while it is removed.
const DEAD: &str = "tmp_pack_import_dead-";

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
        if self.batch.len() >= BATCH { self.hand_over() } else { Ok(()) }
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
        if self.batch.len() >= BATCH { self.hand_over() } else { Ok(()) }
    }

    /// An object that is in memory as a whole.
    fn whole(&self, id: &ObjectId) -> Option<&[u8]> {
        let (content, base) = self.in_memory(id)?;
        base.is_none().then_some(content)
    }

    /// The stored bytes of an object that is in memory, and what they are a delta of.
    fn in_memory(&self, id: &ObjectId) -> Option<(&[u8], Option<ObjectId>)> {
        std::iter::once(&self.batch).chain(&self.recent).find_map(|batch| batch.get(id))
    }

    /// Room for an object's content at the end of the batch; see [`PackWriter::commit_tail`].
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        self.batch.content()
    }

    /// Makes what was appended to the batch since `start` an object.
    pub(crate) fn commit_tail(&mut self, start: usize, id: ObjectId, kind: Kind) -> Result<(), Error> {
        self.batch.push_tail(start, id, kind);
        if self.batch.len() >= BATCH { self.hand_over() } else { Ok(()) }
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

    /// Reads an object of the pack back.
    pub fn read(&mut self, id: &ObjectId) -> Result<Vec<u8>, Error> {
        if let Some(content) = self.whole(id) {
            return Ok(content.to_vec());
        }
        let mut deltas = Vec::new();
        let mut at = *id;
        let mut content = loop {
            let (stored, base) = self.read_stored(&at)?;
            match base {
                None => break stored,
                Some(base) => {
                    deltas.push(stored);
                    at = base;
                }
            }
        };
        while let Some(delta) = deltas.pop() {
            content = delta::apply(&content, &delta).ok_or(Error::Malformed { id: *id, what: "delta" })?;
        }
        Ok(content)
    }

    /// The stored bytes of an object, and what they are a delta of.
    fn read_stored(&mut self, id: &ObjectId) -> Result<(Vec<u8>, Option<ObjectId>), Error> {
        if let Some((content, base)) = self.in_memory(id) {
            return Ok((content.to_vec(), base));
        }
        if self.flying.contains_key(id) {
            self.land_all()?;
            return self.read_stored(id);
        }
        let Some(slot) = self.slots.get(id).copied() else { return Err(Error::Missing(*id)) };
        let file = self.open()?;
        let mut packed = vec![0; usize::try_from(slot.length).map_err(|_| Error::Missing(*id))?];
        file.read_exact_at(&mut packed, slot.offset).map_err(Error::write_pack)?;
        let (named, size) = slot.delta.map_or((0, slot.size), |(_, size)| (20, size));
        let content =
            inflate(&packed, named, size).ok_or(Error::Malformed { id: *id, what: "pack entry" })?;
        Ok((content, slot.delta.map(|(base, _)| base)))
    }

    /// Completes the pack and its index and makes them durable. Nothing is left behind if there are no objects.
    pub fn finish(mut self) -> Result<Option<ObjectId>, Error> {
        self.settle()?;
        if self.slots.is_empty() {
            self.discard();
            return Ok(None);
        }
        fail_point!("repo::pack-complete");
        let trailer = self.seal()?;
        let index_path = self.temporary.with_extension("idx");
        let index = index::write(&index_path, &self.slots, &trailer)?;
        // Both begin to be written before either is waited for.
        self.open()?.sync_all().map_err(Error::write_pack)?;
        index.sync_all().map_err(|error| Error::file("write", &index_path, error))?;
        fail_point!("repo::index-written");
        let target = self.folder.join(format!("pack-{trailer}"));
        for (from, ending) in [(&self.temporary, "pack"), (&index_path, "idx")] {
            let mut name = target.clone().into_os_string();
            name.push(format!(".{ending}"));
            fs::rename(from, &name).map_err(|error| Error::file("rename", from, error))?;
            // From here on the next importer tidies up: it tells a pack that has no index yet by the temporary one.
            self.file = None;
            fail_point!("repo::pack-renamed");
        }
        sync_folder(&self.folder)?;
        fail_point!("repo::pack-durable");
        Ok(Some(trailer))
    }

    /// After an error here, objects that were taken for written are lost, and trees may name them already. The caller
    /// goes on with other versions, perhaps when the disk has room again: what is lost stays noted.
    fn note<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.broken = Some(error.disk_error().map_or(io::ErrorKind::Other, io::Error::kind));
        }
        result
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        if let Some(kind) = self.broken {
            return Err(Error::write_pack(kind.into()));
        }
        if batch.is_empty() {
            self.batch = batch;
            return Ok(());
        }
        fail_point!("repo::batch");
        self.flying.extend(batch.ids());
        let landed = self.deflaters.submit(batch);
        for packed in self.note(landed)? {
            self.land(packed)?;
        }
        Ok(())
    }

    fn land_all(&mut self) -> Result<(), Error> {
        loop {
            let landed = self.deflaters.wait();
            match self.note(landed)? {
                Some(packed) => self.land(packed)?,
                None => return Ok(()),
            }
        }
    }

    /// Everything so far is in the file.
    fn settle(&mut self) -> Result<(), Error> {
        self.hand_over()?;
        self.land_all()
    }

    fn land(&mut self, packed: Packed) -> Result<(), Error> {
        let start = self.offset;
        let written = self.open().and_then(|file| file.write_all(&packed.bytes).map_err(Error::write_pack));
        self.note(written)?;
        self.offset += packed.bytes.len() as u64;
        self.deflaters.recycle(packed.bytes);
        for (id, mut slot) in packed.slots {
            slot.offset += start;
            self.flying.remove(&id);
            self.slots.insert(id, slot);
        }
        self.recent_bytes += packed.batch.memory();
        self.recent.push_back(packed.batch);
        while self.recent_bytes > self.keeps
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_bytes -= oldest.memory();
            self.batch.recycle(oldest);
        }
        Ok(())
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

    /// Puts the number of objects into the header, and the hash of everything behind it. Not yet durable.
    fn seal(&mut self) -> Result<ObjectId, Error> {
        let count = u32::try_from(self.slots.len()).map_err(|_| Error::TooManyObjects)?;
        let file = self.open()?;
        file.write_all_at(&pack_header(count), 0).map_err(Error::write_pack)?;
        file.seek(SeekFrom::Start(0)).map_err(Error::write_pack)?;
        let mut hash = Sha1::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer).map_err(Error::write_pack)? {
                0 => break,
                count => hash.update(&buffer[..count]),
            }
        }
        let trailer = ObjectId::Sha1(hash.finalize().into());
        file.write_all(trailer.as_bytes()).map_err(Error::write_pack)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o444);
        file.set_permissions(mode).map_err(Error::write_pack)?;
        fail_point!("repo::pack-sealed");
        begin(file);
        Ok(trailer)
    }

    fn discard(&mut self) {
        if self.file.take().is_some() {
            // What cannot be removed is garbage that the next import or `git gc` removes.
            let _ = fs::remove_file(&self.temporary);
            let _ = fs::remove_file(self.temporary.with_extension("idx"));
        }
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Removes the packs that killed importers did not complete. A pack becomes visible under its final name just before
/// its index does: if the index is still a temporary file, the pack without one is removed with it.
pub(crate) fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::file("read", folder, error))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with(TEMPORARY) {
            continue;
        }
        // Its owner, if it should live, must not find it any more before its pack goes.
        let dead = folder.join(format!("{DEAD}{}", name.trim_start_matches(DEAD)));
        if fs::rename(&path, &dead).is_err() {
            continue;
        }
        if name.ends_with(".idx")
            && let Some(trailer) = index::pack_of(&dead)
        {
            let pack = folder.join(format!("pack-{trailer}"));
            if !pack.with_extension("idx").exists() {
                remove_if_there(&pack.with_extension("pack"))?;
            }
        }
        remove_if_there(&dead)?;
    }
    Ok(())
}

fn pack_header(objects: u32) -> [u8; 12] {
    let mut header = *b"PACK\0\0\0\x02\0\0\0\0";
    header[8..].copy_from_slice(&objects.to_be_bytes());
    header
}

#[cfg(test)]
#[path = "pack_tests.rs"]
mod tests;
