//! Numbers in tar headers and the grammar of pax records: what GNU tar takes, and at what it gives up.

use super::{Case, refused, same};
use crate::build::package::upstream;
use crate::build::{Builder, Entry, Magic};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = fields();
    cases.extend(owners());
    cases.extend(records());
    cases.extend(values());
    cases
}

/// Upstream with a file of three bytes, one of whose fields is written over.
fn field(b: &mut Builder, offset: usize, bytes: &[u8]) {
    b.orig(upstream().entry(Entry::file("case-1.0/f", "abc").at(offset, bytes)).file("case-1.0/z", "z\n"));
}

fn fields() -> Vec<Case> {
    vec![
        refused("tar-blank-size", "blanks where the size should be", |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/f", "").at(124, [b' '; 12])));
        }),
        refused("tar-blank-mode", "blanks where the mode should be", |b| field(b, 100, &[b' '; 8])),
        refused("tar-blank-mtime", "blanks where the time should be", |b| field(b, 136, &[b' '; 12])),
        same("tar-empty-mode", "NULs where the mode should be", |b| field(b, 100, &[0; 8])),
        same("tar-base-64-size", "base 64, as some versions of 1999 wrote it", |b| {
            field(b, 124, b"+AAAAAAAAAAD");
        }),
        same("tar-base-64-mtime", "a negative time in base 64", |b| field(b, 136, b"-AAAAAAAAAAD")),
        refused("tar-base-64-garbage", "something else behind base 64", |b| field(b, 124, b"+AAAAAAAAAD!")),
        same("tar-base-256-after-nul", "base 256 behind an overwritten first byte", |b| {
            field(b, 124, b"\0\x80\0\0\0\0\0\0\0\0\0\x03");
        }),
        same("tar-vertical-tabs", "vertical tabs are spaces, too", |b| {
            field(b, 124, b"\x0b\x0b3\x0b       ")
        }),
        same("tar-old-sparse-type-in-posix", "the type of sparse files in a header of another kind", |b| {
            let file = Entry::file("case-1.0/f", "abc").kind(b'S').magic(Magic::Ustar);
            b.orig(upstream().entry(file).file("case-1.0/z", "z\n"));
        }),
    ]
}

fn owners() -> Vec<Case> {
    vec![
        refused("tar-bad-owner", "an owner that is no number", |b| field(b, 108, b"nobody\0\0")),
        refused("tar-bad-group", "a group that is no number", |b| field(b, 116, b"nobody\0\0")),
        refused("tar-blank-owner", "blanks where the owner should be", |b| field(b, 108, &[b' '; 8])),
        refused("tar-negative-owner", "an owner below nothing", |b| field(b, 108, &[0xff; 8])),
        refused("tar-owner-of-33-bits", "an owner that no system has", |b| {
            field(b, 108, b"\x80\0\0\x01\0\0\0\0");
        }),
        same("tar-owner-of-32-bits", "the highest number of an owner", |b| {
            field(b, 108, b"\x80\0\0\0\xff\xff\xff\xff");
        }),
        same("tar-bad-owner-of-root", "the number is not looked at where the name is known", |b| {
            let file = Entry::file("case-1.0/f", "abc").at(108, "nobody\0\0").at(265, "root\0");
            b.orig(upstream().entry(file));
        }),
        refused("tar-bad-owner-of-root-in-v7", "old headers have no names", |b| {
            let file = Entry::file("case-1.0/f", "abc").at(108, "nobody\0\0").at(265, "root\0");
            b.orig(upstream().entry(file.at(257, [0; 8])));
        }),
    ]
}

/// Upstream with a file behind an extended header of these bytes.
fn extended(b: &mut Builder, bytes: &[u8]) {
    let header = Entry::file("PaxHeaders/x", bytes).kind(b'x').magic(Magic::Ustar);
    b.orig(upstream().entry(header).file("case-1.0/g", "x\n"));
}

fn records() -> Vec<Case> {
    vec![
        same("pax-record-with-blanks", "blanks before and behind the length", |b| {
            extended(b, b" \t24 \t path=case-1.0/zz\n");
        }),
        same("pax-records-end-at-nul", "what stands behind a NUL is not read", |b| {
            extended(b, b"20 path=case-1.0/zz\n\0garbage");
        }),
        refused("pax-record-then-garbage", "garbage without a NUL", |b| {
            extended(b, b"20 path=case-1.0/zz\ngarbage");
        }),
        same("pax-path-with-nul", "a NUL cuts a name off", |b| extended(b, b"22 path=case-1.0/zz\0y\n")),
        refused("pax-keyword-with-nul", "a NUL in a keyword", |b| extended(b, b"21 pa\0th=case-1.0/zz\n")),
        same("pax-two-headers", "only the last of two extended headers counts", |b| {
            let tar = upstream().pax(&[("path", b"case-1.0/zz")]).pax(&[("comment", b"none")]);
            b.orig(tar.file("case-1.0/g", "x\n"));
        }),
        same("pax-sparse-keys-without-map", "a sparse file's name and size without its map", |b| {
            let tar = upstream().pax(&[("GNU.sparse.name", b"case-1.0/zz"), ("GNU.sparse.size", b"2")]);
            b.orig(
                tar.entry(Entry::file("case-1.0/g", "xyz\n").magic(Magic::Ustar)).file("case-1.0/h", "h\n"),
            );
        }),
        refused("pax-sparse-map-without-count", "a map, and no word of how long it is", |b| {
            let tar = upstream().pax(&[("GNU.sparse.size", b"4"), ("GNU.sparse.map", b"0,4")]);
            b.orig(tar.entry(Entry::file("case-1.0/g", "xyz\n").magic(Magic::Ustar)));
        }),
        same("pax-sparse-without-size", "a map, and no word of the file's size", |b| {
            let tar = upstream().pax(&[("GNU.sparse.numblocks", b"1"), ("GNU.sparse.map", b"0,4")]);
            b.orig(tar.entry(Entry::file("case-1.0/g", "xyz\n").magic(Magic::Ustar)));
        }),
    ]
}

/// Upstream with a file behind an extended header of one record.
fn record(b: &mut Builder, key: &str, value: &str) {
    b.orig(upstream().pax(&[(key, value.as_bytes())]).file("case-1.0/g", "x\n"));
}

fn values() -> Vec<Case> {
    vec![
        same("pax-mtime-then-letters", "letters behind a time", |b| record(b, "mtime", "12abc")),
        refused("pax-mtime-without-digits", "a time that begins with a point", |b| record(b, "mtime", ".5")),
        same("pax-lowest-mtime", "the first second of 64 bits", |b| {
            record(b, "mtime", "-9223372036854775808");
        }),
        refused("pax-mtime-of-65-bits", "a time that no system knows", |b| {
            record(b, "mtime", "9223372036854775808");
        }),
        refused("pax-bad-atime", "a time that nobody needs", |b| record(b, "atime", "yesterday")),
        refused("pax-bad-uid", "an owner that is no number", |b| record(b, "uid", "nobody")),
        refused("pax-uid-of-33-bits", "an owner that no system has", |b| record(b, "uid", "4294967296")),
        same("pax-highest-gid", "the highest number of a group", |b| record(b, "gid", "4294967295")),
    ]
}
