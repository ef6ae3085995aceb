//! The cost of a tarball is counted, whatever entries it has.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::limits::Limits;
use crate::memory::MemoryStore;

/// A header of a POSIX archive.
fn header(name: &str, kind: u8, size: u64, link: &str) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    for (at, number) in [(100, 0o644), (108, 0), (116, 0)] {
        block[at..at + 8].copy_from_slice(format!("{number:07o}\0").as_bytes());
    }
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut block);
    block
}

fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, content.len() as u64, "");
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len() + 1;
    while format!("{length}{rest}").len() != length {
        length = format!("{length}{rest}").len();
    }
    format!("{length}{rest}")
}

/// A file of GNU's old format that ends with a hole.
fn sparse(name: &str, size: u64) -> Vec<u8> {
    let mut block = header(name, b'S', 0, "");
    block[257..265].copy_from_slice(b"ustar  \0");
    for (at, number) in [(386, size), (398, 0), (483, size)] {
        block[at] = 0x80;
        block[at + 4..at + 12].copy_from_slice(&number.to_be_bytes());
    }
    seal(&mut block);
    block
}

fn limits() -> Limits {
    Limits { unpacked_bytes: 8 << 20, entries: 1000, hole_bytes: 1 << 20, ..Limits::default() }
}

fn refused(archive: &[u8]) -> String {
    let mut store = MemoryStore::default();
    match unpack(archive, Exclude::Nothing, &mut Budget::new(limits()), &mut store) {
        Err(UnpackError::Limit(limit)) => limit.to_string(),
        other => format!("{other:?}"),
    }
}

fn taken(archive: &[u8]) -> Budget {
    let mut budget = Budget::new(limits());
    unpack(archive, Exclude::Nothing, &mut budget, &mut MemoryStore::default()).unwrap();
    budget
}

#[test]
fn holes_have_a_limit_of_their_own() {
    taken(&sparse("a", 1 << 20));
    assert!(refused(&sparse("a", (1 << 20) + 1)).contains("limits.hole_bytes"));
    let many: Vec<u8> = (0..5).flat_map(|number| sparse(&format!("a{number}"), 300 << 10)).collect();
    assert!(refused(&many).contains("limits.hole_bytes"));
    let gigantic = refused(&sparse("a", 31 << 30));
    assert!(gigantic.contains("limits.unpacked_bytes"), "{gigantic}");
}

/// A map that stands in a global header counts for every file behind it.
#[test]
fn a_map_for_all_files_costs_as_much_as_its_regions_each_time() {
    let map = ["0,0"; 300].join(",");
    let global = entry(
        "g",
        b'g',
        (record("GNU.sparse.numblocks", "300") + &record("GNU.sparse.map", &map)).as_bytes(),
    );
    let files =
        |count: usize| -> Vec<u8> { (0..count).flat_map(|n| entry(&format!("f{n}"), b'0', b"")).collect() };
    taken(&[&global[..], &files(3)].concat());
    assert!(refused(&[&global[..], &files(4)].concat()).contains("limits.entries"));
}

/// Headers are no content of any file, but the limit of unpacked bytes holds for them, too.
#[test]
fn headers_and_what_is_skipped_are_paid_for() {
    let long = "x".repeat(1 << 19);
    for kind in [b'g', b'x'] {
        let one = entry("h", kind, record("comment", &long).as_bytes());
        taken(&[&one.repeat(10)[..], &entry("f", b'0', b"x")].concat());
        assert!(refused(&one.repeat(20)).contains("limits.unpacked_bytes"), "{}", char::from(kind));
    }
    let label = entry("label", b'V', &vec![0; 1 << 20]);
    taken(&label.repeat(7));
    assert!(refused(&label.repeat(9)).contains("limits.unpacked_bytes"));
    let behind = vec![0; 10 << 20];
    assert!(refused(&[&entry("f", b'0', b"x")[..], &behind].concat()).contains("limits.unpacked_bytes"));
}

/// A hard link is a copy: a checkout has its bytes once more.
#[test]
fn hard_links_cost_the_size_of_their_target() {
    let links = |count: usize| -> Vec<u8> {
        let mut bytes = entry("f", b'0', &vec![7; 1 << 20]);
        (0..count).for_each(|number| bytes.extend(header(&format!("l{number}"), b'1', 0, "f")));
        bytes
    };
    taken(&links(6));
    assert!(refused(&links(8)).contains("limits.unpacked_bytes"));
}

/// Global headers say something of every entry: they may be long, and copying them for each would take a product.
#[test]
fn long_global_headers_are_not_copied_for_each_entry() {
    let global = entry("g", b'g', record("linkpath", &"./".repeat(400_000)).as_bytes());
    let files: Vec<u8> = (0..900).flat_map(|number| entry(&format!("f{number}"), b'0', b"")).collect();
    let archive = [&global[..], &files].concat();
    let mut reader = TarReader::new(&archive[..]);
    let mut bytes = 0;
    while let Some(entry) = reader.next_entry().unwrap() {
        bytes += entry.link.capacity() + entry.path.capacity();
    }
    assert!(bytes < 900 * 1024, "{bytes} bytes for 900 entries");
    let refused = unpack(
        &[&global[..], &entry("f", b'0', b"x"), &header("l", b'1', 0, "f")].concat()[..],
        Exclude::Nothing,
        &mut Budget::new(limits()),
        &mut MemoryStore::default(),
    );
    assert!(matches!(refused, Err(UnpackError::Entry { reason: EntryError::LongName, .. })), "{refused:?}");
}
