//! The index of a pack, version 2 (`gitformat-pack(5)`).

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use sha1::{Digest, Sha1};

use crate::durable::{begin, room};
use crate::slot::Slot;
use crate::{Error, ObjectId};

/// Offsets from here on stand in a table of their own.
const LARGE: u64 = 1 << 31;

/// Writes the index, which is to be synced by the caller.
pub(crate) fn write(path: &Path, slots: &HashMap<ObjectId, Slot>, pack: &ObjectId) -> Result<File, Error> {
    let mut sorted: Vec<(&ObjectId, &Slot)> = slots.iter().collect();
    sorted.sort_unstable_by_key(|(id, _)| **id);
    let mut bytes = encode(&sorted);
    bytes.extend_from_slice(pack.as_bytes());
    let checksum = Sha1::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    let write = || {
        room()?;
        let mut file = bounded::file::create(path)?;
        room()?;
        file.write_all(&bytes)?;
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o444))?;
        begin(&file);
        Ok(file)
    };
    write().map_err(|error| Error::file("write", path, error))
}

/// No index is larger: it would have tens of millions of objects.
const LARGEST: u64 = 1 << 30;

/// The pack that an index is of; `None` if the file was not completed.
pub(crate) fn pack_of(path: &Path) -> Option<ObjectId> {
    let bytes = bounded::file::read(path, LARGEST).ok()?;
    let (content, checksum) = bytes.split_last_chunk::<20>()?;
    let (_, pack) = content.split_last_chunk::<20>()?;
    (Sha1::digest(content)[..] == checksum[..]).then_some(ObjectId::Sha1(*pack))
}

fn encode(sorted: &[(&ObjectId, &Slot)]) -> Vec<u8> {
    let mut bytes = b"\xfftOc\0\0\0\x02".to_vec();
    let mut fan = [0u32; 256];
    for (id, _) in sorted {
        fan[usize::from(id.as_bytes()[0])] += 1;
    }
    let mut total = 0;
    for count in fan {
        total += count;
        bytes.extend_from_slice(&total.to_be_bytes());
    }
    sorted.iter().for_each(|(id, _)| bytes.extend_from_slice(id.as_bytes()));
    sorted.iter().for_each(|(_, slot)| bytes.extend_from_slice(&slot.crc32.to_be_bytes()));
    let mut large = Vec::new();
    for (_, slot) in sorted {
        let offset = if slot.offset < LARGE {
            slot.offset as u32
        } else {
            large.extend_from_slice(&slot.offset.to_be_bytes());
            LARGE as u32 + (large.len() / 8 - 1) as u32
        };
        bytes.extend_from_slice(&offset.to_be_bytes());
    }
    bytes.extend_from_slice(&large);
    bytes
}
