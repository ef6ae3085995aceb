//! Compressed streams: every format, several members, trailing bytes, damage, wrong names.

use super::{Case, laxer, refused, same, stricter};
use crate::build::package::{LINES, debian, debian_below, upstream};
use crate::build::{Builder, Compression};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = good();
    cases.extend(trailing());
    cases.extend(broken());
    cases.extend(misnamed());
    cases
}

fn good() -> Vec<Case> {
    vec![
        same("compression-xz", "orig in xz", |b| {
            b.tarball("orig", upstream(), Compression::Xz);
        }),
        same("compression-lzma", "orig in the old lzma format", |b| {
            b.tarball("orig", upstream(), Compression::Lzma);
        }),
        same("compression-debian-in-each", "the packaging in gz, a component in bz2", |b| {
            b.tarball("debian", debian(), Compression::Gz);
            b.tarball("orig-sub", crate::build::Tar::new().file("sub/c", "c\n"), Compression::Bz2);
        }),
        same("compression-gz-members", "several gzip members", |b| {
            b.file("case_1.0.orig.tar.gz", Compression::Gz.pack_in_pieces(&upstream().finish(), 3));
        }),
        same("compression-bz2-members", "several bzip2 streams, as pbzip2 writes", |b| {
            b.file("case_1.0.orig.tar.bz2", Compression::Bz2.pack_in_pieces(&upstream().finish(), 3));
        }),
        same("compression-xz-members", "several xz streams, as pixz writes", |b| {
            b.file("case_1.0.orig.tar.xz", Compression::Xz.pack_in_pieces(&upstream().finish(), 3));
        }),
        same("compression-xz-padding", "xz streams with zero padding between and after them", |b| {
            let mut bytes = Compression::Xz.pack(&upstream().without_end().finish());
            bytes.extend([0; 8]);
            bytes.extend(Compression::Xz.pack(&[0; 1024]));
            bytes.extend([0; 4]);
            b.file("case_1.0.orig.tar.xz", bytes);
        }),
        same("compression-gz-empty-member", "an empty gzip member in the middle", |b| {
            let tar = upstream().finish();
            let (start, end) = tar.split_at(1000);
            let bytes = [start, b"", end].map(|part| Compression::Gz.pack(part)).concat();
            b.file("case_1.0.orig.tar.gz", bytes);
        }),
        same(
            "compression-gz-header-fields",
            "a gzip header with a name, a comment and an extra field",
            |b| {
                b.file("case_1.0.orig.tar.gz", gz_with_header_fields(&upstream().finish()));
            },
        ),
    ]
}

fn gz_with_header_fields(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let header =
        flate2::GzBuilder::new().filename("x.tar").comment("a comment").extra(b"ab\x02\0xy".to_vec());
    let mut out = header.write(Vec::new(), flate2::Compression::new(9));
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// `upstream` in a compression with bytes after it.
fn with_tail(b: &mut Builder, with: Compression, tail: &[u8]) {
    let mut bytes = with.pack(&upstream().finish());
    bytes.extend_from_slice(tail);
    let name = b.tarball_name("orig", with.extension());
    b.file(&name, bytes);
}

fn trailing() -> Vec<Case> {
    vec![
        same("compression-gz-trailing-zeros", "gzip takes zeros after the last member", |b| {
            with_tail(b, Compression::Gz, &[0; 600]);
        }),
        refused(
            "compression-gz-trailing-garbage",
            "gzip warns of other bytes, and dpkg takes that as an error",
            |b| {
                with_tail(b, Compression::Gz, b"garbage that is no member");
            },
        ),
        stricter("compression-gz-then-compress", "gzip goes on with data of compress", |b| {
            with_tail(b, Compression::Gz, b"\x1f\x9d\0\0\0\0\0");
        }),
        same("compression-bz2-trailing-garbage", "bzip2 only warns", |b| {
            with_tail(b, Compression::Bz2, b"garbage that is no stream");
        }),
        refused("compression-bz2-half-a-magic", "unless the file ends within the head of a stream", |b| {
            with_tail(b, Compression::Bz2, b"BZ");
        }),
        same("compression-bz2-almost-a-magic", "what is no head of a stream after all is garbage", |b| {
            with_tail(b, Compression::Bz2, b"BZh0");
        }),
        refused("compression-xz-trailing-garbage", "xz does not take bytes after the last stream", |b| {
            with_tail(b, Compression::Xz, b"garbage that is no stream");
        }),
        refused("compression-xz-odd-padding", "xz padding comes in fours", |b| {
            with_tail(b, Compression::Xz, &[0; 3]);
        }),
        refused("compression-lzma-trailing-garbage", "nor does lzma", |b| {
            with_tail(b, Compression::Lzma, b"garbage that is no stream");
        }),
    ]
}

/// `upstream` in a compression, damaged.
fn damaged(b: &mut Builder, with: Compression, damage: fn(&mut Vec<u8>)) {
    let noise: Vec<u8> = (0u32..20_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut bytes = with.pack(&upstream().file("case-1.0/noise", noise).finish());
    damage(&mut bytes);
    let name = b.tarball_name("orig", with.extension());
    b.file(&name, bytes);
}

fn broken() -> Vec<Case> {
    vec![
        refused("compression-gz-cut", "half a gzip file", |b| {
            damaged(b, Compression::Gz, |bytes| bytes.truncate(bytes.len() / 2));
        }),
        refused("compression-bz2-cut", "half a bzip2 file", |b| {
            damaged(b, Compression::Bz2, |bytes| bytes.truncate(bytes.len() / 2));
        }),
        refused("compression-xz-cut", "half an xz file", |b| {
            damaged(b, Compression::Xz, |bytes| bytes.truncate(bytes.len() / 2));
        }),
        refused("compression-lzma-cut", "half an lzma file", |b| {
            damaged(b, Compression::Lzma, |bytes| bytes.truncate(bytes.len() / 2));
        }),
        refused("compression-gz-cut-trailer", "gzip's checksum is missing", |b| {
            damaged(b, Compression::Gz, |bytes| bytes.truncate(bytes.len() - 8));
        }),
        refused("compression-xz-cut-footer", "xz's index and footer are missing", |b| {
            damaged(b, Compression::Xz, |bytes| bytes.truncate(bytes.len() - 12));
        }),
        refused("compression-gz-bad-crc", "gzip's checksum is wrong", |b| {
            damaged(b, Compression::Gz, |bytes| {
                let at = bytes.len() - 6;
                bytes[at] ^= 1;
            });
        }),
        refused("compression-bz2-bad-crc", "a bit of a bzip2 file is wrong", |b| {
            damaged(b, Compression::Bz2, |bytes| {
                let at = bytes.len() / 2;
                bytes[at] ^= 1;
            });
        }),
        refused("compression-xz-bad-crc", "a bit of an xz file is wrong", |b| {
            damaged(b, Compression::Xz, |bytes| {
                let at = bytes.len() / 2;
                bytes[at] ^= 1;
            });
        }),
        refused("compression-is-none-of-them", "the file is not compressed at all", |b| {
            b.file("case_1.0.orig.tar.gz", upstream().finish());
        }),
    ]
}

fn misnamed() -> Vec<Case> {
    vec![
        laxer("compression-named-wrongly", "the content says what it is, not the name", |b| {
            b.file("case_1.0.orig.tar.gz", Compression::Xz.pack(&upstream().finish())).twin(|b| {
                b.orig(upstream());
            });
        }),
        laxer("compression-zstd-orig", "some archives have tarballs in zstd", |b| {
            b.tarball("orig", upstream(), Compression::Zst).twin(|b| {
                b.orig(upstream());
            });
        }),
        laxer("compression-zstd-native", "a native package in zstd", |b| {
            let tar = || debian_below("case/", "3.0 (native)\n").file("case/f", LINES);
            b.format("3.0 (native)").version("1.0").tarball("", tar(), Compression::Zst);
            b.twin(|b| {
                b.native(debian_below("case/", "3.0 (native)\n").file("case/f", LINES));
            });
        }),
    ]
}
