//! Reads objects back from a pack that is not complete yet: from memory, from the file, or from the compressing
//! threads.

use std::os::unix::fs::FileExt;

use super::PackWriter;
use crate::deflate::inflate;
use crate::delta;
use crate::{Error, ObjectId};

impl PackWriter {
    /// Reads an object of the pack back.
    ///
    /// # Errors
    /// The object is not in the pack, or the pack cannot be read.
    pub fn read(&mut self, id: &ObjectId) -> Result<Vec<u8>, Error> {
        self.check()?;
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

    /// An object that is complete in memory.
    pub(super) fn whole(&self, id: &ObjectId) -> Option<&[u8]> {
        if let Some((changed, content)) = &self.changed
            && changed == id
        {
            return Some(content);
        }
        let (content, base) = self.in_memory(id)?;
        base.is_none().then_some(content)
    }

    /// Stored bytes of an object in memory, and the base of its delta.
    fn in_memory(&self, id: &ObjectId) -> Option<(&[u8], Option<ObjectId>)> {
        std::iter::once(&self.batch).chain(&self.recent).find_map(|batch| batch.get(id))
    }

    /// Stored bytes of an object, and the base of its delta.
    fn read_stored(&mut self, id: &ObjectId) -> Result<(Vec<u8>, Option<ObjectId>), Error> {
        if let Some((content, base)) = self.in_memory(id) {
            return Ok((content.to_vec(), base));
        }
        if self.flying.contains_key(id) {
            self.land_all()?;
            if let Some((content, base)) = self.in_memory(id) {
                return Ok((content.to_vec(), base));
            }
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
}
