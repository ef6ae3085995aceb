//! Compresses batches of objects, on other threads where there are any.

use std::collections::HashMap;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use gix_object::Kind;
use libdeflater::{CompressionLvl, Compressor, Decompressor};

use crate::pack::Slot;
use crate::{Error, ObjectId};

/// Batches under way at once: with those being filled and written, at most 16 MiB are held.
const FLYING: usize = 16;

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

    pub(crate) fn content(&mut self) -> &mut Vec<u8> {
        &mut self.content
    }

    pub(crate) fn push(&mut self, id: ObjectId, kind: Kind, content: &[u8]) {
        let start = self.content.len();
        self.content.extend_from_slice(content);
        self.push_tail(start, id, kind);
    }

    pub(crate) fn push_tail(&mut self, start: usize, id: ObjectId, kind: Kind) {
        self.by_id.insert(id, self.objects.len());
        self.objects.push(Object { id, kind, start, length: self.content.len() - start });
    }

    pub(crate) fn get(&self, id: &ObjectId) -> Option<&[u8]> {
        let object = &self.objects[*self.by_id.get(id)?];
        Some(&self.content[object.start..object.start + object.length])
    }

    pub(crate) fn kind_and_size(&self, id: &ObjectId) -> Option<(Kind, u64)> {
        let object = &self.objects[*self.by_id.get(id)?];
        Some((object.kind, object.length as u64))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = (ObjectId, (Kind, u64))> {
        self.objects.iter().map(|object| (object.id, (object.kind, object.length as u64)))
    }

    /// Takes back the memory of a batch that was written.
    pub(crate) fn recycle(&mut self, mut content: Vec<u8>) {
        if self.content.capacity() == 0 {
            content.clear();
            self.content = content;
        }
    }
}

/// A batch as it goes into the pack; offsets are from its beginning.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) slots: Vec<(ObjectId, Slot)>,
    pub(crate) recycled: Vec<u8>,
}

/// The threads, started when the first batch is full: a small package needs none.
pub(crate) struct Deflaters {
    threads: usize,
    running: Option<Running>,
    own: Deflater,
}

struct Running {
    work: Sender<Batch>,
    done: Receiver<Packed>,
    flying: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Deflaters {
    pub(crate) fn new(threads: usize) -> Deflaters {
        Deflaters { threads, running: None, own: Deflater::new() }
    }

    /// Hands a batch over; returns those that came back meanwhile.
    pub(crate) fn submit(&mut self, batch: Batch) -> Result<Vec<Packed>, Error> {
        let first_small = self.running.is_none() && batch.len() < crate::pack::BATCH;
        if self.threads < 2 || first_small {
            return Ok(vec![self.own.pack(batch)]);
        }
        let threads = self.threads - 1;
        let running = self.running.get_or_insert_with(|| Running::start(threads));
        let mut landed = Vec::new();
        if running.flying >= FLYING {
            landed.push(running.receive()?);
        }
        running.work.send(batch).map_err(|_| Error::Thread)?;
        running.flying += 1;
        while let Ok(packed) = running.done.try_recv() {
            running.flying -= 1;
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
        let (work, queue) = bounded::<Batch>(FLYING);
        let (results, done) = unbounded();
        let threads = (0..threads)
            .map(|_| {
                let (queue, results) = (queue.clone(), results.clone());
                thread::spawn(move || {
                    let mut deflater = Deflater::new();
                    for batch in queue {
                        if results.send(deflater.pack(batch)).is_err() {
                            break;
                        }
                    }
                })
            })
            .collect();
        Running { work, done, flying: 0, threads }
    }

    fn receive(&mut self) -> Result<Packed, Error> {
        let packed = self.done.recv().map_err(|_| Error::Thread)?;
        self.flying -= 1;
        Ok(packed)
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

struct Deflater(Compressor);

impl Deflater {
    /// Level 1: a repack compresses again, and better than any level could without deltas. (The crate's `fastest` is
    /// level 0, which does not compress at all.)
    fn new() -> Deflater {
        Deflater(Compressor::new(CompressionLvl::new(1).unwrap_or_default()))
    }

    fn pack(&mut self, batch: Batch) -> Packed {
        let bound: usize =
            batch.objects.iter().map(|object| self.0.zlib_compress_bound(object.length) + 16).sum();
        let mut bytes = vec![0; bound];
        let mut end = 0;
        let mut slots = Vec::with_capacity(batch.objects.len());
        for object in &batch.objects {
            let content = &batch.content[object.start..object.start + object.length];
            let start = end;
            end += entry_header(object.kind, object.length as u64, &mut bytes[end..]).len();
            // The room is what libdeflate asks for, so it cannot fail.
            end += self.0.zlib_compress(content, &mut bytes[end..]).unwrap_or_default();
            let slot = Slot {
                offset: start as u64,
                length: (end - start) as u64,
                crc32: libdeflater::crc32(&bytes[start..end]),
                kind: object.kind,
                size: object.length as u64,
            };
            slots.push((object.id, slot));
        }
        bytes.truncate(end);
        Packed { bytes, slots, recycled: batch.content }
    }
}

/// Writes type and size in front of an object; returns what was written.
pub(crate) fn entry_header(kind: Kind, size: u64, out: &mut [u8]) -> &[u8] {
    let code = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
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

/// The content of a pack entry of our own writing.
pub(crate) fn inflate(packed: &[u8], size: u64) -> Option<Vec<u8>> {
    let header = packed.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let mut content = vec![0; usize::try_from(size).ok()?];
    let count = Decompressor::new().zlib_decompress(&packed[header..], &mut content).ok()?;
    (count == content.len()).then_some(content)
}
