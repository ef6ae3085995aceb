//! Positions of objects in a pack.

use gix_object::Kind;

use crate::ObjectId;

/// Position of an object in the pack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) crc32: u32,
    pub(crate) kind: Kind,
    /// The size of the object itself.
    pub(crate) size: u64,
    /// For a delta, its base object and its own size.
    pub(crate) delta: Option<(ObjectId, u64)>,
}
