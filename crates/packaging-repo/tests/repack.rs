//! When a repository is packed anew, and when it is not.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Numbers, Scratch, scratch};
use packaging_repo::Error;
use packaging_repo::fence::Fence;
use packaging_repo::object::Kind;
use packaging_repo::repack::{Effort, due, repack};

/// One more pack with content that nothing makes smaller.
fn grow(scratch: &Scratch, numbers: &mut Numbers, bytes: usize) {
    let mut store = scratch.repository.store(1).unwrap();
    store.add(Kind::Blob, &numbers.bytes(bytes)).unwrap();
    store.finish().unwrap();
}

fn repacked(scratch: &Scratch, effort: Effort) {
    let guard = scratch.repository.lock_idle().unwrap();
    repack(&scratch.repository, &guard, effort, None).unwrap();
}

#[test]
fn what_has_come_since_decides() {
    let (scratch, mut numbers) = (scratch(), Numbers(1));
    assert_eq!(due(scratch.path()), None, "there is nothing");
    grow(&scratch, &mut numbers, 100_000);
    assert_eq!(due(scratch.path()), Some(Effort::Full), "the first import");
    repacked(&scratch, Effort::Full);
    assert_eq!(due(scratch.path()), None);
    for _ in 0..9 {
        grow(&scratch, &mut numbers, 1000);
        assert_eq!(due(scratch.path()), None, "little beside what there is");
    }
    grow(&scratch, &mut numbers, 1000);
    assert_eq!(due(scratch.path()), Some(Effort::Geometric), "many");
    repacked(&scratch, Effort::Geometric);
    assert_eq!(due(scratch.path()), None);
    grow(&scratch, &mut numbers, 80_000);
    assert_eq!(due(scratch.path()), Some(Effort::Full), "another upstream");
}

#[test]
fn what_was_only_stored_is_compressed() {
    let scratch = scratch();
    let mut store = scratch.repository.store(1).unwrap();
    store.add(Kind::Blob, &[b'x'; 100_000]).unwrap();
    store.finish().unwrap();
    let size = || {
        let packs =
            scratch.packs().into_iter().filter(|path| path.extension().is_some_and(|it| it == "pack"));
        packs.map(|path| path.metadata().unwrap().len()).sum::<u64>()
    };
    assert!(size() > 100_000, "{}", size());
    repacked(&scratch, Effort::Full);
    assert!(size() < 1000, "{}", size());
    scratch.assert_clean();
}

/// An importer that stands still holds its lock for as long as it does.
#[test]
fn nobody_has_to_wait_for_an_importer() {
    let (scratch, mut numbers) = (scratch(), Numbers(1));
    grow(&scratch, &mut numbers, 1000);
    let guard = scratch.repository.lock_fenced(Fence { epoch: 1, token: 1 }).unwrap();
    assert!(matches!(scratch.repository.lock_idle(), Err(Error::Busy(_))));
    drop(guard);
    repacked(&scratch, Effort::Full);
}
