//! Sparse files in every format that GNU tar has had.

use super::{Case, refused, same};
use crate::build::package::upstream;
use crate::build::{Entry, Magic, Sparse, Tar};

pub(super) fn cases() -> Vec<Case> {
    vec![
        same("sparse-old-gnu", "the map is in the header", |b| {
            b.orig(sparse(3).old_gnu(upstream(), "case-1.0/s").file("case-1.0/z", "z\n"));
        }),
        same("sparse-old-gnu-extended", "the map goes on in extension blocks", |b| {
            b.orig(sparse(40).old_gnu(upstream(), "case-1.0/s").file("case-1.0/z", "z\n"));
        }),
        same("sparse-pax-0.0", "a pair of records for each piece", |b| {
            b.orig(sparse(3).pax00(upstream(), "case-1.0/s").file("case-1.0/z", "z\n"));
        }),
        same("sparse-pax-0.1", "one record with the map", |b| {
            b.orig(sparse(3).pax01(upstream(), "case-1.0/s").file("case-1.0/z", "z\n"));
        }),
        same("sparse-pax-1.0", "the map stands before the data", |b| {
            b.orig(sparse(3).pax10(upstream(), "case-1.0/s").file("case-1.0/z", "z\n"));
        }),
        same("sparse-pax-1.0-long-map", "the map fills more than a block", |b| {
            b.orig(sparse(200).pax10(upstream(), "case-1.0/s").file("case-1.0/z", "z\n"));
        }),
        same("sparse-only-a-hole", "no data at all", |b| {
            let hole = Sparse::new(100_000, &[(100_000, b"")]);
            let tar = hole.pax10(hole.old_gnu(upstream(), "case-1.0/s"), "case-1.0/t");
            b.orig(tar.file("case-1.0/z", "z\n"));
        }),
        same("sparse-hole-at-the-end", "the file ends with a hole", |b| {
            let file = Sparse::new(9_000, &[(0, b"start"), (9_000, b"")]);
            let tar = file.pax01(file.old_gnu(upstream(), "case-1.0/s"), "case-1.0/t");
            b.orig(tar.file("case-1.0/z", "z\n"));
        }),
        same("sparse-in-native", "a sparse file in a native package", |b| {
            let tar = crate::build::package::debian_below("case/", "3.0 (native)\n");
            b.native(sparse(2).pax10(tar, "case/s"));
        }),
        same("sparse-and-executable-twice", "a sparse file is replaced by another", |b| {
            let tar: Tar = sparse(3).old_gnu(upstream(), "case-1.0/s");
            b.orig(sparse(2).pax10(tar, "case-1.0/s").hard("case-1.0/h", "case-1.0/s"));
        }),
        same("sparse-records-before-gnu-header", "pax maps count only before POSIX headers", |b| {
            let tar = upstream().pax(&[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", b"case-1.0/s"),
                ("GNU.sparse.realsize", b"100"),
            ]);
            b.orig(tar.file("case-1.0/x", "bad\n".repeat(128)));
        }),
        refused("sparse-pax-1.0-bad-map", "the map is no number", |b| {
            let tar = upstream().pax(&[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", b"case-1.0/s"),
                ("GNU.sparse.realsize", b"100"),
            ]);
            b.orig(tar.entry(Entry::file("case-1.0/x", "bad\n".repeat(128)).magic(Magic::Ustar)));
        }),
    ]
}

/// A file with this many pieces, and a hole before each of them.
fn sparse(pieces: u64) -> Sparse {
    let data: Vec<(u64, Vec<u8>)> =
        (0..pieces).map(|n| (n * 2048 + 512, piece(n, n + 1 == pieces))).collect();
    let borrowed: Vec<(u64, &[u8])> = data.iter().map(|(at, bytes)| (*at, bytes.as_slice())).collect();
    Sparse::new((pieces - 1) * 2048 + 912, &borrowed)
}

/// A block, or a part of one if it is the last.
fn piece(number: u64, last: bool) -> Vec<u8> {
    let length = if last { 400 } else { 512 };
    format!("piece {number:03}\n").bytes().cycle().take(length).collect()
}
