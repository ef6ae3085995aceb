//! Makes a pack one that Git reads: the number of objects, its hash, its index, its names. Before that nobody sees it.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use fail::fail_point;
use sha1::{Digest, Sha1};

use super::{PackWriter, pack_header};
use crate::durable::{begin, room, sync_folder};
use crate::index;
use crate::{Error, ObjectId};

impl PackWriter {
    /// Completes the pack and its index and makes them durable. Nothing is left behind if there are no objects.
    ///
    /// # Errors
    /// [`Error::Pack`] when the disk fails or is full.
    pub fn finish(mut self) -> Result<Option<ObjectId>, Error> {
        self.settle()?;
        if self.slots.is_empty() {
            self.discard();
            // A predecessor that was ended just before this may have left what refs will name now: its pack is durable,
            // the name of that perhaps not.
            sync_folder(&self.folder)?;
            return Ok(None);
        }
        fail_point!("repo::pack-complete");
        let trailer = self.seal()?;
        let index_path = self.temporary.with_extension("idx");
        let index = index::write(&index_path, &self.slots, &trailer)?;
        // Both begin to be written before either is waited for.
        let file = self.open()?;
        room().and_then(|()| file.sync_all()).map_err(Error::write_pack)?;
        room().and_then(|()| index.sync_all()).map_err(|error| Error::file("write", &index_path, error))?;
        fail_point!("repo::index-written");
        let target = self.folder.join(format!("pack-{trailer}"));
        for (from, ending) in [(&self.temporary, "pack"), (&index_path, "idx")] {
            let mut name = target.clone().into_os_string();
            name.push(format!(".{ending}"));
            room()
                .and_then(|()| fs::rename(from, &name))
                .map_err(|error| Error::file("rename", from, error))?;
            // From here on the next importer tidies up: it tells a pack that has no index yet by the temporary one.
            self.file = None;
            fail_point!("repo::pack-renamed");
        }
        sync_folder(&self.folder)?;
        fail_point!("repo::pack-durable");
        Ok(Some(trailer))
    }

    /// Puts the number of objects into the header, and the hash of everything behind it. Not yet durable.
    fn seal(&mut self) -> Result<ObjectId, Error> {
        let count = u32::try_from(self.slots.len()).map_err(|_| Error::TooManyObjects)?;
        let file = self.open()?;
        room().and_then(|()| file.write_all_at(&pack_header(count), 0)).map_err(Error::write_pack)?;
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
        room().and_then(|()| file.write_all(trailer.as_bytes())).map_err(Error::write_pack)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o444);
        file.set_permissions(mode).map_err(Error::write_pack)?;
        fail_point!("repo::pack-sealed");
        begin(file);
        Ok(trailer)
    }

    /// Removes the files of the pack.
    pub(super) fn discard(&mut self) {
        if self.file.take().is_some() {
            // A file that cannot be removed is garbage, which the next import or `git gc` removes.
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
