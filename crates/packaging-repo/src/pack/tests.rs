//! What becomes of a pack when the disk fails while it is written.
#![allow(clippy::unwrap_used)]

use std::fs::File;

use gix_object::Kind;
use tempfile::TempDir;

use super::PackWriter;
use crate::hash;
use crate::{Error, ObjectId};

fn add(pack: &mut PackWriter, content: &[u8]) -> Result<ObjectId, Error> {
    let id = hash::object(Kind::Blob, content)?;
    pack.add(id, Kind::Blob, content)?;
    Ok(id)
}

fn files(folder: &TempDir) -> usize {
    std::fs::read_dir(folder.path()).unwrap().count()
}

/// An import goes on with other versions after one that failed. If the disk has room again by then, the objects that
/// did not get into the file must not be taken for written.
#[test]
fn a_pack_that_could_not_be_written_once_is_never_completed() {
    for threads in [1, 3] {
        let folder = TempDir::new().unwrap();
        let mut pack = PackWriter::new(folder.path(), threads);
        add(&mut pack, &[1; 300 << 10]).unwrap();
        pack.settle().unwrap();
        // A file that cannot be written stands for a full disk.
        let healthy = pack.file.replace(File::open(&pack.temporary).unwrap());
        let lost = add(&mut pack, &[2; 400 << 10]).and_then(|_| pack.settle());
        assert!(matches!(lost, Err(Error::Pack(_))), "{lost:?}");
        pack.file = healthy;
        let more = add(&mut pack, b"a version that is small").and_then(|_| pack.settle());
        assert!(more.is_err());
        let streamed = vec![3; 3 << 20];
        assert!(pack.stream(streamed.len() as u64, &mut &streamed[..], |_| false).is_err());
        assert!(matches!(pack.finish(), Err(Error::Pack(_))));
        assert_eq!(files(&folder), 0, "nothing is left, above all no pack");
    }
}

/// The same where the content of a large file cannot be written.
#[test]
fn a_stream_that_could_not_be_written_spoils_the_pack() {
    let folder = TempDir::new().unwrap();
    let mut pack = PackWriter::new(folder.path(), 1);
    add(&mut pack, b"x").unwrap();
    pack.settle().unwrap();
    let healthy = pack.file.replace(File::open(&pack.temporary).unwrap());
    let streamed = vec![3; 3 << 20];
    assert!(pack.stream(streamed.len() as u64, &mut &streamed[..], |_| false).is_err());
    pack.file = healthy;
    assert!(matches!(pack.finish(), Err(Error::Pack(_))));
    assert_eq!(files(&folder), 0);
}
