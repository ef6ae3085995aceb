//! Object ids: SHA-1 with collision detection, because tarballs are untrusted.

use gix_object::Kind;
use sha1dc::Hasher;

use crate::{Error, ObjectId};

/// Starts the hash of an object of a known size.
pub(crate) fn start(kind: Kind, size: u64) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.update(gix_object::encode::loose_header(kind, size).as_slice());
    hasher
}

/// The id.
///
/// # Errors
/// Content that was crafted to collide.
pub(crate) fn finish(hasher: Hasher) -> Result<ObjectId, Error> {
    let digest = hasher.finalize().map_err(|_| Error::Collision)?;
    ObjectId::try_from(digest.as_ref()).map_err(|_| Error::Collision)
}

/// The id of an object in memory.
pub(crate) fn object(kind: Kind, content: &[u8]) -> Result<ObjectId, Error> {
    let mut hasher = start(kind, content.len() as u64);
    hasher.update(content);
    finish(hasher)
}
