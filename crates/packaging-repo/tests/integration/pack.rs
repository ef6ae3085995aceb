//! Packs as Git reads them.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::common::{Numbers, Scratch, scratch};
use packaging_repo::ObjectId;
use packaging_repo::object::Kind;
use packaging_repo::store::RepoStore;
use source_package::store::ContentStore;

/// Every blob that was added, by its id.
type Added = BTreeMap<String, Vec<u8>>;

fn put(store: &mut RepoStore, content: &[u8], added: &mut Added) -> ObjectId {
    let id = ObjectId::Sha1(store.put(content.len() as u64, &mut &content[..]).unwrap().0);
    added.insert(id.to_string(), content.to_vec());
    id
}

/// Blobs of many sizes, some twice, some compressible, one of them streamed.
fn fill(store: &mut RepoStore, numbers: &mut Numbers, added: &mut Added) {
    put(store, b"", added);
    for _ in 0..300 {
        let length = 1 << numbers.below(17);
        let random = numbers.bytes(length);
        put(store, &random, added);
        put(store, &vec![random[0]; length * 2], added);
    }
    let large = numbers.bytes(3 << 20);
    let first = put(store, &large, added);
    assert_eq!(put(store, &large, added), first);
    put(store, &vec![7; 5 << 20], added);
    put(store, b"behind the large ones", added);
    put(store, b"", added);
}

fn assert_git_agrees(scratch: &Scratch, added: &Added) {
    let said = scratch.git(&["cat-file", "--batch-all-objects", "--batch-check"]);
    let seen: Vec<&str> = said.lines().collect();
    let expected: Vec<String> =
        added.iter().map(|(id, content)| format!("{id} blob {}", content.len())).collect();
    assert_eq!(seen, expected);
    scratch.assert_clean();
    for pack in scratch.packs().iter().filter(|path| path.extension().is_some_and(|ending| ending == "pack"))
    {
        let strict = scratch.try_git(&["index-pack", "--strict", "--stdin"], &std::fs::read(pack).unwrap());
        assert!(strict.status.success(), "{}", String::from_utf8_lossy(&strict.stderr));
        scratch.git(&["verify-pack", &pack.to_string_lossy()]);
    }
}

#[test]
fn git_reads_what_was_written_with_any_number_of_threads() {
    for threads in [1, 2, 4] {
        let scratch = scratch();
        let mut store = scratch.repository.store(threads).unwrap();
        let mut added = Added::new();
        fill(&mut store, &mut Numbers(42), &mut added);
        store.finish().unwrap();
        assert_git_agrees(&scratch, &added);
    }
}

#[test]
fn what_is_known_is_not_written_again() {
    let scratch = scratch();
    for _ in 0..2 {
        let mut store = scratch.repository.store(2).unwrap();
        fill(&mut store, &mut Numbers(42), &mut Added::new());
        store.finish().unwrap();
        assert_eq!(scratch.packs().len(), 2, "one pack and its index");
    }
}

#[test]
fn objects_are_read_back_while_the_pack_is_written() {
    for threads in [1, 3] {
        let scratch = scratch();
        let mut store = scratch.repository.store(threads).unwrap();
        let mut numbers = Numbers(7);
        let mut added = Added::new();
        for round in 0..400 {
            let length = if round % 100 == 50 { (2 << 20) + 1 } else { numbers.below(20_000) as usize };
            let content = numbers.bytes(length);
            put(&mut store, &content, &mut added);
            let pick = numbers.below(added.len() as u64) as usize;
            let (id, content) = added.iter().nth(pick).unwrap();
            let id = ObjectId::from_hex(id.as_bytes()).unwrap();
            assert_eq!(&store.read(id).unwrap(), content);
            assert_eq!(store.kind(id).unwrap(), Kind::Blob);
        }
        store.finish().unwrap();
        assert_git_agrees(&scratch, &added);
    }
}

/// Ends with an error, like a tarball that is truncated or does not match its checksum.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::Error::other("the tarball is broken"));
        }
        self.0.read(buffer)
    }
}

/// One broken version blocks the others of its plan neither by an error nor by a pack with missing objects.
#[test]
fn content_that_breaks_off_leaves_no_trace_in_the_pack() {
    for threads in [1, 2] {
        let scratch = scratch();
        let mut store = scratch.repository.store(threads).unwrap();
        let mut numbers = Numbers(3);
        let mut added = Added::new();
        for size in [1000, 3 << 20, 100, 4 << 20] {
            let content = numbers.bytes(size);
            assert!(store.put(size as u64, &mut Broken(&content[..size / 2])).is_err());
            assert!(store.put(size as u64, &mut &content[..size - 1]).is_err());
            put(&mut store, &numbers.bytes(300), &mut added);
            put(&mut store, &content, &mut added);
        }
        store.finish().unwrap();
        assert_git_agrees(&scratch, &added);
    }
}

/// Each version of a file is stored as a delta against the one before, in a chain longer than Git would make.
#[test]
fn changed_files_are_read_by_git_however_long_the_chain() {
    let scratch = scratch();
    let mut store = scratch.repository.store(2).unwrap();
    let mut numbers = Numbers(5);
    let mut added = Added::new();
    let mut content = numbers.bytes(70_000);
    let mut id = put(&mut store, &content, &mut added);
    for _ in 0..100 {
        let at = numbers.below(content.len() as u64) as usize;
        let new = numbers.bytes(numbers.0 as usize % 200);
        content.splice(at..(at + 50).min(content.len()), new);
        let before = source_package::store::ContentId(packaging_repo::raw_id(id));
        id = ObjectId::Sha1(store.put_changed(&content, before).unwrap().0);
        added.insert(id.to_string(), content.clone());
        assert_eq!(store.read(id).unwrap(), content);
        put(&mut store, &numbers.bytes(9000), &mut added);
    }
    store.finish().unwrap();
    assert_git_agrees(&scratch, &added);
}

#[test]
fn objects_of_all_kinds_have_the_ids_that_git_gives_them() {
    let scratch = scratch();
    let mut store = scratch.repository.store(1).unwrap();
    let blob = store.add(Kind::Blob, b"x").unwrap();
    let tree = store.add_flat_tree(&[("b".into(), b"x".to_vec()), ("a".into(), b"y".to_vec())]).unwrap();
    let who = "A <a@example.org> 1 +0000";
    let commit = store
        .add(Kind::Commit, format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n").as_bytes())
        .unwrap();
    let tag = store
        .add(Kind::Tag, format!("object {commit}\ntype commit\ntag x\ntagger {who}\n\nx\n").as_bytes())
        .unwrap();
    store.finish().unwrap();
    for (kind, id) in [("blob", blob), ("tree", tree), ("commit", commit), ("tag", tag)] {
        let id = id.to_string();
        assert_eq!(scratch.git(&["cat-file", "-t", &id]).trim(), kind);
        let output = scratch.try_git(&["cat-file", kind, &id], b"");
        assert_eq!(scratch.git_with(&["hash-object", "-t", kind, "--stdin"], &output.stdout).trim(), id);
    }
    assert_eq!(scratch.git(&["ls-tree", "--name-only", &tree.to_string()]), "a\nb\n");
    scratch.assert_clean();
}

#[test]
fn a_store_without_objects_leaves_nothing() {
    let scratch = scratch();
    scratch.repository.store(2).unwrap().finish().unwrap();
    let mut abandoned = scratch.repository.store(2).unwrap();
    put(&mut abandoned, &vec![1; 3 << 20], &mut Added::new());
    drop(abandoned);
    assert!(scratch.packs().is_empty());
}
