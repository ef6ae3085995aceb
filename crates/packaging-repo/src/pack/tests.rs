//! Tests of a pack when the disk fails while it is written.
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

/// An import reads objects that it has added. After an error it must not wait for one that will never be written.
#[test]
fn nothing_is_read_from_a_pack_that_could_not_be_written() {
    for threads in [1, 3] {
        let folder = TempDir::new().unwrap();
        let mut pack = PackWriter::new(folder.path(), threads);
        pack.expect_changes(false);
        // Content that other threads compress comes after content that is stored as it is.
        let mut ids = Vec::new();
        for number in 0..24 {
            ids.push(add(&mut pack, &[number; 300 << 10]).unwrap());
        }
        pack.settle().unwrap();
        let healthy = pack.file.replace(File::open(&pack.temporary).unwrap());
        let mut failed = 0;
        for number in 100..140 {
            match add(&mut pack, &[number; 300 << 10]) {
                Ok(id) => ids.push(id),
                Err(_) => failed += 1,
            }
        }
        assert!(failed > 0);
        pack.file = healthy;
        for id in ids {
            assert!(pack.read(&id).is_err());
            assert!(pack.add_changed(id, &[1; 4096], id).is_err());
        }
        assert!(pack.settle().is_err());
        assert!(matches!(pack.finish(), Err(Error::Pack(_))));
        assert_eq!(files(&folder), 0);
    }
}

#[test]
fn what_a_version_adds_has_a_limit() {
    let folder = TempDir::new().unwrap();
    let mut pack = PackWriter::new(folder.path(), 1);
    pack.allow(1000);
    add(&mut pack, &[1; 600]).unwrap();
    assert!(matches!(add(&mut pack, &[2; 600]), Err(Error::WritesTooMuch(1000))));
    let start = pack.tail().len();
    pack.tail().extend_from_slice(&[3; 600]);
    let id = hash::object(Kind::Blob, &[3; 600]).unwrap();
    assert!(pack.commit_tail(start, id, Kind::Blob).is_err());
    assert!(!pack.contains(&id));
    let streamed = vec![4; 3 << 20];
    let refused = pack.stream(streamed.len() as u64, &mut &streamed[..], |_| false);
    assert!(matches!(refused, Err(Error::WritesTooMuch(1000))));
    // The next version begins anew, with the same pack.
    pack.allow(4 << 20);
    pack.stream(streamed.len() as u64, &mut &streamed[..], |_| false).unwrap();
    assert!(pack.finish().unwrap().is_some());
}

/// A series of patches that changes a line of a large file each costs these lines.
#[test]
fn a_large_file_that_is_changed_again_and_again_is_stored_once() {
    let folder = TempDir::new().unwrap();
    let mut pack = PackWriter::new(folder.path(), 1);
    let mut noise = 1u64;
    let mut next = || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise
    };
    let mut content: Vec<u8> = (0..(3 << 20) / 8).flat_map(|_| next().to_le_bytes()).collect();
    let mut at = pack.stream(content.len() as u64, &mut &content[..], |_| false).unwrap();
    let mut made = Vec::new();
    // More than a chain of deltas is long.
    for number in 0..100usize {
        content[number * 1000] ^= 1;
        let id = hash::object(Kind::Blob, &content).unwrap();
        pack.add_changed(id, &content, at).unwrap();
        made.push((id, content.clone()));
        at = id;
    }
    assert!(pack.added() < (3 << 20) + (64 << 10), "{} bytes", pack.added());
    for (id, content) in &made {
        assert_eq!(&pack.read(id).unwrap(), content);
    }
    pack.settle().unwrap();
    for (id, content) in made.iter().rev() {
        assert_eq!(&pack.read(id).unwrap(), content);
    }
}
