//! A store in memory, for tests, fuzzing and small packages.

use std::collections::HashMap;
use std::io::{self, Read};

use sha1::{Digest, Sha1};

use crate::path::Name;
use crate::store::{ContentId, ContentStore, FolderId};
use crate::tree::Node;

/// Keeps everything in memory, under the SHA-1 of the content.
#[derive(Default, Debug)]
pub struct MemoryStore {
    contents: HashMap<ContentId, Vec<u8>>,
}

impl ContentStore for MemoryStore {
    fn put(&mut self, size: u64, content: &mut dyn Read) -> io::Result<ContentId> {
        let mut bytes = Vec::new();
        content.take(size).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let id = ContentId(Sha1::digest(&bytes).into());
        self.contents.insert(id, bytes);
        Ok(id)
    }

    fn size(&mut self, id: ContentId) -> io::Result<u64> {
        Ok(self.get(id)?.len() as u64)
    }

    fn get(&mut self, id: ContentId) -> io::Result<Vec<u8>> {
        self.contents.get(&id).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn folder(&mut self, _id: FolderId) -> io::Result<Vec<(Name, Node)>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
