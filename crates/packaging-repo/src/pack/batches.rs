//! The way of a batch of objects: to the threads that compress, and from them into the file.

use std::fs::File;
use std::io::Write;

use fail::fail_point;

use super::PackWriter;
use crate::Error;
use crate::deflate::{BATCH, Packed};
use crate::durable::room;

impl PackWriter {
    /// Hands the batch over once it is worth a message to another thread.
    pub(super) fn hand_over_full(&mut self) -> Result<(), Error> {
        if self.batch.len() >= BATCH { self.hand_over() } else { Ok(()) }
    }

    /// Hands the batch over, and takes finished ones.
    fn hand_over(&mut self) -> Result<(), Error> {
        self.check()?;
        let batch = std::mem::take(&mut self.batch);
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

    /// Waits for all batches that were handed over.
    pub(super) fn land_all(&mut self) -> Result<(), Error> {
        self.check()?;
        loop {
            let landed = self.deflaters.wait();
            match self.note(landed)? {
                Some(packed) => self.land(packed)?,
                None => return Ok(()),
            }
        }
    }

    /// Everything so far is in the file.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        self.hand_over()?;
        self.land_all()
    }

    /// Writes a batch that was compressed.
    fn land(&mut self, packed: Packed) -> Result<(), Error> {
        let start = self.offset;
        let write =
            |file: &mut File| room().and_then(|()| file.write_all(&packed.bytes)).map_err(Error::write_pack);
        let written = self.open().and_then(write);
        self.note(written)?;
        if let Some(file) = &self.file {
            let left = self.space.wrote(file, packed.bytes.len() as u64).map_err(Error::write_pack);
            self.note(left)?;
        }
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
}
