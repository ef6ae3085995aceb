//! A tarball that is decompressed on a thread of its own gives the same result as one that is not, whatever is
//! wrong with it.

use std::io::{self, Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use source_package::checksum::{Hasher, ListedFile};
use source_package::dsc::Dsc;
use source_package::layout::Layout;
use source_package::limits::{Budget, Limits};
use source_package::memory::MemoryStore;
use source_package::source::{Reading, SourceFiles};
use source_package::tree::Tree;

/// Bytes that nothing makes smaller.
fn noise(count: usize) -> Vec<u8> {
    let mut number = 7_u64;
    let mut next = || {
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        number as u8
    };
    (0..count).map(|_| next()).collect()
}

/// An entry of a tar archive, as `ustar` has it.
fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn tarball(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    entries.iter().for_each(|(name, content)| gz.write_all(&entry(name, content)).unwrap());
    gz.write_all(&[0; 1024]).unwrap();
    gz.finish().unwrap()
}

struct One(Vec<u8>);

impl SourceFiles for One {
    fn open(&mut self, _: &ListedFile, attempt: usize) -> Option<io::Result<Box<dyn Read + Send>>> {
        (attempt == 0).then(|| Ok(Box::new(Cursor::new(self.0.clone())) as Box<dyn Read + Send>))
    }
}

/// Result of reading a native package with this tarball, as text. `listed` are the bytes that the `.dsc` describes.
fn read(content: &[u8], listed: &[u8], limits: Limits, threads: usize) -> String {
    let mut hasher = Hasher::default();
    hasher.update(listed);
    let (sums, size) = (hasher.finish("a").checksums, listed.len());
    let text = format!(
        "Format: 3.0 (native)\nSource: a0\nVersion: 1\nChecksums-Sha256:\n {} {size} a0_1.tar.gz\nFiles:\n {} {size} a0_1.tar.gz\n",
        sums.sha256.unwrap(),
        sums.md5.unwrap()
    );
    let dsc = Dsc::parse(text.as_bytes()).unwrap();
    let layout = Layout::of(&dsc).unwrap();
    let (mut files, mut budget) = (One(content.to_vec()), Budget::new(limits));
    let mut reading = Reading { dsc: &dsc, layout: &layout, files: &mut files, budget: &mut budget, threads };
    match reading.unapplied(Tree::new(), &mut MemoryStore::default()) {
        Ok(tree) => format!("{tree:?}"),
        Err(error) => error.to_string(),
    }
}

fn assert_same(what: &str, content: &[u8], listed: &[u8], limits: Limits, said: &str) {
    assert!(content.len() > 600 << 10, "{what}: too small for a thread");
    let alone = read(content, listed, limits, 1);
    assert!(alone.contains(said), "{what}: {alone}");
    assert_eq!(read(content, listed, limits, 4), alone, "{what}");
}

#[test]
fn whatever_is_wrong_is_said_by_several_threads_too() {
    let good = tarball(&[("a0-1/noise", noise(1 << 20)), ("a0-1/debian/rules", b"#!/bin/sh\n".to_vec())]);
    let limits = Limits::default();
    assert_same("good", &good, &good, limits, "Tree {");

    let cut = &good[..good.len() - 100_000];
    assert_same("cut", cut, cut, limits, "cannot decompress a0_1.tar.gz");
    assert_same("cut, where the whole was listed", cut, &good, limits, "has size");

    let mut flipped = good.clone();
    flipped[700_000] ^= 1;
    assert_same("damaged", &flipped, &flipped, limits, "cannot ");
    assert_same("damaged, where the whole was listed", &flipped, &good, limits, "has MD5");

    let mut garbage = good.clone();
    garbage.extend_from_slice(b"garbage");
    assert_same("garbage behind it", &garbage, &garbage, limits, "garbage");

    let climbing = tarball(&[("a0-1/a", b"a".to_vec()), ("../b", b"b".to_vec()), ("a0-1/n", noise(1 << 20))]);
    assert_same("an entry is refused early", &climbing, &climbing, limits, "entry ../b");
    assert_same("and the file is another", &climbing, &good, limits, "has size");

    let few = Limits { entries: 1, ..limits };
    assert_same("a limit", &good, &good, few, "entries");
}
