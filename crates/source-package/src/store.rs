//! Store of the content of a tree's files while a package is read.
//!
//! A tree holds ids, not content: a package of any size passes through in a stream, and a file is read back only if
//! a patch touches it. The store (in practice a Git object database) decides about the form of the ids.

use std::io::{self, Read};

use crate::path::Name;
use crate::tree::Node;

/// Names the content of a file or of a link, as its store gave it out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ContentId(pub [u8; 20]);

/// Names a whole stored folder, which is listed only when somebody looks inside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FolderId(pub [u8; 20]);

/// Keeps the content of files and the folders of earlier versions.
pub trait ContentStore {
    /// Keeps `size` bytes from `content`. Fewer bytes are an `UnexpectedEof` error.
    fn put(&mut self, size: u64, content: &mut dyn Read) -> io::Result<ContentId>;

    /// Keeps content that is in memory already.
    fn put_bytes(&mut self, content: &[u8]) -> io::Result<ContentId> {
        self.put(content.len() as u64, &mut &content[..])
    }

    /// Keeps content that is a changed form of the content `before`, which may save space.
    fn put_changed(&mut self, content: &[u8], before: ContentId) -> io::Result<ContentId> {
        let _ = before;
        self.put_bytes(content)
    }

    /// Size of kept content, without reading it if the store can.
    fn size(&mut self, id: ContentId) -> io::Result<u64>;

    /// Reads kept content back.
    fn get(&mut self, id: ContentId) -> io::Result<Vec<u8>>;

    /// Lists a stored folder.
    fn folder(&mut self, id: FolderId) -> io::Result<Vec<(Name, Node)>>;
}
