//! Compressed files, whole and broken.

use super::Expect::*;
use super::{Case, case};
use crate::build::package::{debian, upstream};
use crate::build::{Builder, Compression};

fn listed(b: &mut Builder, with: Compression, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let bytes = change(with.pack(&upstream().finish()));
    b.file(&format!("case_1.0.orig.tar.{}", with.extension()), bytes);
}

fn and(mut bytes: Vec<u8>, more: &[u8]) -> Vec<u8> {
    bytes.extend_from_slice(more);
    bytes
}

pub fn cases() -> Vec<Case> {
    vec![
        case("bz2", "bzip2", Same, |b| {
            b.tarball("orig", upstream(), Compression::Bz2);
        }),
        case("xz", "xz", Same, |b| {
            b.tarball("orig", upstream(), Compression::Xz);
        }),
        case("lzma", "lzma", Same, |b| {
            b.tarball("orig", upstream(), Compression::Lzma).tarball("debian", debian(), Compression::Gz);
        }),
        case("zstd", "newer than this dpkg", TakenThoughDpkgRefuses("newer formats"), |b| {
            b.twin(|_| {}).tarball("orig", upstream(), Compression::Zst);
        }),
        case("gz-pieces", "several members", Same, |b| {
            let bytes = Compression::Gz.pack_in_pieces(&upstream().finish(), 4);
            b.file("case_1.0.orig.tar.gz", bytes);
        }),
        case("bz2-pieces", "several streams", Same, |b| {
            let bytes = Compression::Bz2.pack_in_pieces(&upstream().finish(), 3);
            b.file("case_1.0.orig.tar.bz2", bytes);
        }),
        case("xz-pieces", "several streams", Same, |b| {
            let bytes = Compression::Xz.pack_in_pieces(&upstream().finish(), 3);
            b.file("case_1.0.orig.tar.xz", bytes);
        }),
        case("gz-zeros-behind", "gzip ignores them", Same, |b| {
            listed(b, Compression::Gz, |bytes| and(bytes, &[0; 700]))
        }),
        case("gz-garbage-behind", "gzip fails", Refused, |b| {
            listed(b, Compression::Gz, |bytes| and(bytes, b"garbage"))
        }),
        case("bz2-garbage-behind", "bzip2 ignores it", Same, |b| {
            listed(b, Compression::Bz2, |bytes| and(bytes, b"garbage"))
        }),
        case("xz-padding-behind", "xz takes four zeros", Same, |b| {
            listed(b, Compression::Xz, |bytes| and(bytes, &[0; 8]))
        }),
        case("xz-garbage-behind", "xz fails", Refused, |b| {
            listed(b, Compression::Xz, |bytes| and(bytes, b"garbage"))
        }),
        case("lzma-garbage-behind", "xz fails", Refused, |b| {
            listed(b, Compression::Lzma, |bytes| and(bytes, b"garbage"))
        }),
        case("gz-truncated", "the end is missing", Refused, |b| {
            listed(b, Compression::Gz, |bytes| bytes[..bytes.len() - 20].to_vec());
        }),
        case("xz-truncated", "the end is missing", Refused, |b| {
            listed(b, Compression::Xz, |bytes| bytes[..bytes.len() - 20].to_vec());
        }),
        case("gz-bad-sum", "the checksum inside is wrong", Refused, |b| {
            listed(b, Compression::Gz, |mut bytes| {
                let at = bytes.len() - 6;
                bytes[at] ^= 1;
                bytes
            });
        }),
        case("not-compressed", "a plain tarball under a compressed name", Refused, |b| {
            b.file("case_1.0.orig.tar.gz", upstream().finish());
        }),
        case("empty-file", "no archive at all", Refused, |b| {
            b.file("case_1.0.orig.tar.gz", "");
        }),
        case("wrong-ending", "the content decides", TakenThoughDpkgRefuses("by content, not by name"), |b| {
            let bytes = Compression::Xz.pack(&upstream().finish());
            b.twin(|_| {}).file("case_1.0.orig.tar.gz", bytes);
        }),
    ]
}
