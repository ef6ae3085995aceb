//! Compresses batches of objects, on other threads where there are any.

use std::collections::HashMap;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};
use gix_object::Kind;
use libdeflater::{CompressionLvl, Compressor, Decompressor};

use crate::slot::Slot;
use crate::{Error, ObjectId};

/// A batch of this size is handed to another thread.
pub(crate) const BATCH: usize = 256 << 10;
/// Number of bytes under way at once; as many again where nothing can be made smaller.
const FLYING: usize = 8 << 20;
/// Number of bytes of each pack that are stored uncompressed. The first repack compresses everything again, so
/// that compression here only saves disk space until then: worth it for a large package, a third of the work for
/// a small one.
const STORED: usize = 4 << 20;
/// A smaller object is stored in any case: to compress it takes as long as a kilobyte.
const SMALLEST: usize = 512;
/// Room for a batch and most files that make it full.
const ROOM: usize = BATCH + (64 << 10);

/// Objects that are compressed together.
#[derive(Default)]
pub(crate) struct Batch {
    content: Vec<u8>,
    objects: Vec<Object>,
    by_id: HashMap<ObjectId, usize>,
}

struct Object {
    id: ObjectId,
    kind: Kind,
    /// The size of the object itself, also where a delta is stored.
    size: u64,
    /// Object that a delta is applied to.
    base: Option<ObjectId>,
    start: usize,
    length: usize,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.content.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Memory in use, in bytes: more than its length where a large file had to fit.
    pub(crate) fn memory(&self) -> usize {
        self.content.capacity()
    }

    pub(crate) fn content(&mut self) -> &mut Vec<u8> {
        if self.content.capacity() == 0 {
            self.content.reserve_exact(ROOM);
        }
        &mut self.content
    }

    pub(crate) fn push(&mut self, id: ObjectId, kind: Kind, content: &[u8]) {
        let start = self.content.len();
        self.content().extend_from_slice(content);
        self.push_tail(start, id, kind);
    }

    pub(crate) fn push_tail(&mut self, start: usize, id: ObjectId, kind: Kind) {
        let length = self.content.len() - start;
        self.by_id.insert(id, self.objects.len());
        self.objects.push(Object { id, kind, size: length as u64, base: None, start, length });
    }

    pub(crate) fn push_delta(&mut self, id: ObjectId, size: u64, base: ObjectId, delta: &[u8]) {
        let start = self.content.len();
        self.content().extend_from_slice(delta);
        self.by_id.insert(id, self.objects.len());
        self.objects.push(Object {
            id,
            kind: Kind::Blob,
            size,
            base: Some(base),
            start,
            length: delta.len(),
        });
    }

    /// Stored bytes of an object, and the base of its delta.
    pub(crate) fn get(&self, id: &ObjectId) -> Option<(&[u8], Option<ObjectId>)> {
        let object = &self.objects[*self.by_id.get(id)?];
        Some((&self.content[object.start..object.start + object.length], object.base))
    }

    pub(crate) fn kind_and_size(&self, id: &ObjectId) -> Option<(Kind, u64)> {
        let object = &self.objects[*self.by_id.get(id)?];
        Some((object.kind, object.size))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = (ObjectId, (Kind, u64))> {
        self.objects.iter().map(|object| (object.id, (object.kind, object.size)))
    }

    /// Takes back the memory of a batch that was written, but for the room of a large file.
    pub(crate) fn recycle(&mut self, old: Batch) {
        if self.content.capacity() == 0 && old.content.capacity() <= 2 * ROOM {
            self.content = old.content;
            self.content.clear();
        }
    }
}

/// A batch as it goes into the pack; offsets are from its beginning.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) slots: Vec<(ObjectId, Slot)>,
    pub(crate) batch: Batch,
}

/// The threads, if a package is large enough to need them.
pub(crate) struct Deflaters {
    threads: usize,
    /// Bytes that were stored.
    stored: usize,
    running: Option<Running>,
    own: Deflater,
}

struct Running {
    work: Sender<Batch>,
    done: Receiver<Packed>,
    /// Number of batches under way; next, the memory that they use.
    flying: usize,
    flying_bytes: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Deflaters {
    pub(crate) fn new(threads: usize) -> Deflaters {
        Deflaters { threads, stored: 0, running: None, own: Deflater::new() }
    }

    /// Takes back the memory of written batches.
    pub(crate) fn recycle(&mut self, bytes: Vec<u8>) {
        self.own.spare = bytes;
    }

    /// Hands a batch over; returns those that came back meanwhile.
    pub(crate) fn submit(&mut self, batch: Batch) -> Result<Vec<Packed>, Error> {
        if self.stored < STORED {
            self.stored += batch.len();
            return Ok(vec![self.own.pack(batch, Effort::Store)]);
        }
        if self.threads < 2 || (self.running.is_none() && batch.len() < BATCH) {
            return Ok(vec![self.own.pack(batch, Effort::Compress)]);
        }
        let threads = self.threads - 1;
        let running = self.running.get_or_insert_with(|| Running::start(threads));
        let mut landed = Vec::new();
        while running.flying > 0 && running.flying_bytes + batch.memory() > FLYING {
            landed.push(running.receive()?);
        }
        running.send(batch)?;
        while let Ok(packed) = running.done.try_recv() {
            running.landed(&packed);
            landed.push(packed);
        }
        Ok(landed)
    }

    /// Waits for one batch; `None` if none is under way.
    pub(crate) fn wait(&mut self) -> Result<Option<Packed>, Error> {
        match &mut self.running {
            Some(running) if running.flying > 0 => running.receive().map(Some),
            _ => Ok(None),
        }
    }
}

impl Running {
    fn start(threads: usize) -> Running {
        let (work, queue) = unbounded::<Batch>();
        let (results, done) = unbounded();
        let threads = (0..threads)
            .map(|_| {
                let (queue, results) = (queue.clone(), results.clone());
                thread::spawn(move || {
                    let mut deflater = Deflater::new();
                    for batch in queue {
                        if results.send(deflater.pack(batch, Effort::Compress)).is_err() {
                            break;
                        }
                    }
                })
            })
            .collect();
        Running { work, done, flying: 0, flying_bytes: 0, threads }
    }

    fn receive(&mut self) -> Result<Packed, Error> {
        let packed = self.done.recv().map_err(|_| Error::Thread)?;
        self.landed(&packed);
        Ok(packed)
    }

    fn send(&mut self, batch: Batch) -> Result<(), Error> {
        self.flying += 1;
        self.flying_bytes += batch.memory();
        self.work.send(batch).map_err(|_| Error::Thread)
    }

    fn landed(&mut self, packed: &Packed) {
        self.flying -= 1;
        self.flying_bytes -= packed.batch.memory();
    }
}

impl Drop for Deflaters {
    fn drop(&mut self) {
        if let Some(Running { work, done, threads, .. }) = self.running.take() {
            drop((work, done));
            for thread in threads {
                let _ = thread.join();
            }
        }
    }
}

/// Work to be done with a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    Store,
    Compress,
}

struct Deflater {
    /// Level 1: a repack compresses again, and better than any level could without deltas. (The crate's `fastest` is
    /// level 0, which does not compress at all.)
    content: Compressor,
    /// Level 0: trees are hashes for the most part, which nothing makes smaller, and small objects are not worth it.
    stored: Compressor,
    /// Room for one compressed object, kept from one to the next.
    room: Vec<u8>,
    /// Memory of a batch that was written before.
    spare: Vec<u8>,
}

impl Deflater {
    fn new() -> Deflater {
        Deflater {
            content: Compressor::new(CompressionLvl::new(1).unwrap_or_default()),
            stored: Compressor::new(CompressionLvl::fastest()),
            room: Vec::new(),
            spare: Vec::new(),
        }
    }

    fn pack(&mut self, batch: Batch, effort: Effort) -> Packed {
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.clear();
        bytes.reserve(if effort == Effort::Store { ROOM } else { batch.content.len() / 3 });
        let mut slots = Vec::with_capacity(batch.objects.len());
        for object in &batch.objects {
            let start = bytes.len();
            let mut header = [0; 16];
            let code = if object.base.is_some() { REF_DELTA } else { code(object.kind) };
            bytes.extend_from_slice(entry_header(code, object.length as u64, &mut header));
            bytes.extend_from_slice(object.base.as_ref().map_or(&[], |base| base.as_bytes()));
            let content = &batch.content[object.start..object.start + object.length];
            let is_stored = effort == Effort::Store || object.kind == Kind::Tree || content.len() < SMALLEST;
            self.append(content, is_stored, &mut bytes);
            let slot = Slot {
                offset: start as u64,
                length: (bytes.len() - start) as u64,
                crc32: libdeflater::crc32(&bytes[start..]),
                kind: object.kind,
                size: object.size,
                delta: object.base.map(|base| (base, object.length as u64)),
            };
            slots.push((object.id, slot));
        }
        Packed { bytes, slots, batch }
    }

    fn append(&mut self, content: &[u8], is_stored: bool, out: &mut Vec<u8>) {
        let compressor = if is_stored { &mut self.stored } else { &mut self.content };
        let bound = compressor.zlib_compress_bound(content.len());
        if self.room.len() < bound {
            self.room.resize(bound, 0);
        }
        // The room is what libdeflate asks for, so it cannot fail.
        let length = compressor.zlib_compress(content, &mut self.room).unwrap_or_default();
        out.extend_from_slice(&self.room[..length]);
    }
}

/// The type of a delta of an object that is named.
const REF_DELTA: u8 = 7;

/// The type of a whole object.
pub(crate) fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    }
}

/// Writes type and size in front of an object; returns the number of bytes.
pub(crate) fn entry_header(code: u8, size: u64, out: &mut [u8; 16]) -> &[u8] {
    let mut rest = size >> 4;
    let mut byte = (code << 4) | (size & 15) as u8;
    let mut length = 0;
    while rest > 0 {
        out[length] = byte | 0x80;
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
        length += 1;
    }
    out[length] = byte;
    &out[..=length]
}

/// The stored bytes of a pack entry of our own writing; `named` of them name the base of a delta.
pub(crate) fn inflate(packed: &[u8], named: usize, size: u64) -> Option<Vec<u8>> {
    let header = packed.iter().position(|byte| byte & 0x80 == 0)? + 1 + named;
    let mut content = vec![0; usize::try_from(size).ok()?];
    let count = Decompressor::new().zlib_decompress(packed.get(header..)?, &mut content).ok()?;
    (count == content.len()).then_some(content)
}
