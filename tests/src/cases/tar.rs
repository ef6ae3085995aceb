//! Tar archives as GNU tar reads them.

use super::Expect::*;
use super::{Case, case};
use crate::build::package::upstream;
use crate::build::tar::{Entry, Magic};
use crate::build::{Sparse, Tar};

/// As GNU tar writes them: only the last piece ends inside a block.
fn sparse() -> Sparse {
    Sparse::new(70_000, &[(0, &[b's'; 512]), (4096, &[b'm'; 1024]), (69_632, &[b'e'; 368])])
}

/// More pieces than a header holds, and a hole at the end, behind which an empty piece stands.
fn many() -> Sparse {
    let mut pieces: Vec<(u64, &[u8])> = (0..40).map(|index| (index * 8192, &[b'p'; 512][..])).collect();
    pieces.push((40 * 8192, b""));
    Sparse::new(40 * 8192, &pieces)
}

pub fn cases() -> Vec<Case> {
    vec![
        case("modes", "any execute bit makes it executable", Same, |b| {
            let mut tar = upstream();
            for mode in [0o600, 0o645, 0o444, 0o000, 0o111, 0o4755, 0o2644, 0o010] {
                tar = tar.entry(Entry::file(format!("case-1.0/m{mode:o}"), "x\n").mode(mode));
            }
            b.orig(
                tar.entry(Entry::dir("case-1.0/closed/").mode(0))
                    .entry(Entry::dir("case-1.0/sticky/").mode(0o7777)),
            );
        }),
        case("hard-link", "a copy", Same, |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/run.sh"));
        }),
        case("hard-link-to-link", "a copy of the link", Same, |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt").hard("case-1.0/h", "case-1.0/l"));
        }),
        case("hard-link-then-replaced", "the copy keeps the old content", Same, |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/a.txt").file("case-1.0/a.txt", "new\n"));
        }),
        case("hard-link-missing", "an error of tar", Refused, |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/nothing"));
        }),
        case("hard-link-forward", "the target comes later", Refused, |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/later").file("case-1.0/later", "x\n"));
        }),
        case("hard-link-to-folder", "cannot be", Refused, |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/sub"));
        }),
        case("twice-file", "the last one wins", Same, |b| {
            b.orig(upstream().file("case-1.0/a.txt", "second\n"));
        }),
        case("twice-file-then-folder", "the folder wins", Same, |b| {
            b.orig(upstream().dir("case-1.0/a.txt/").file("case-1.0/a.txt/x", "x\n"));
        }),
        case("twice-empty-folder-then-file", "the file wins", Same, |b| {
            b.orig(upstream().dir("case-1.0/e/").file("case-1.0/e", "x\n"));
        }),
        case("twice-full-folder-then-file", "cannot be", Refused, |b| {
            b.orig(upstream().file("case-1.0/sub", "x\n"));
        }),
        case("twice-link-then-file", "the file wins, nothing is written through", Same, |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt").file("case-1.0/l", "new\n"));
        }),
        case("twice-link-then-folder", "the folder wins", Same, |b| {
            b.orig(upstream().link("case-1.0/l", "sub").dir("case-1.0/l/"));
        }),
        case("twice-file-then-link", "the link wins", Same, |b| {
            b.orig(upstream().link("case-1.0/a.txt", "run.sh"));
        }),
        case("fifo", "only export can show it", Same, |b| {
            b.orig(upstream().fifo("case-1.0/pipe").entry(Entry::new(b'6', "case-1.0/sub/p2").mode(0o755)));
        }),
        case("device", "refused as an unprivileged dpkg-source must", Refused, |b| {
            b.orig(upstream().entry(Entry::new(b'3', "case-1.0/null")));
        }),
        case("sparse-old-gnu", "type S", Same, |b| {
            b.orig(sparse().old_gnu(upstream(), "case-1.0/s"));
        }),
        case("sparse-old-gnu-long-map", "blocks of more regions", Same, |b| {
            b.orig(many().old_gnu(upstream(), "case-1.0/s"));
        }),
        case("sparse-pax00", "pairs of records", Same, |b| {
            b.orig(sparse().pax00(upstream(), "case-1.0/s"));
        }),
        case("sparse-pax01", "a map in one record", Same, |b| {
            b.orig(sparse().pax01(upstream(), "case-1.0/s"));
        }),
        case("sparse-pax10", "a map in front of the data", Same, |b| {
            b.orig(sparse().pax10(upstream(), "case-1.0/s"));
        }),
        case("sparse-pax10-long-map", "a map of several blocks", Same, |b| {
            b.orig(many().pax10(upstream(), "case-1.0/s"));
        }),
        case("pax-path-and-link", "names in an extended header", Same, |b| {
            let long = format!("case-1.0/{}", "n/".repeat(90) + "x");
            let target = "t".repeat(200);
            let tar = upstream().pax(&[("path", long.as_bytes())]).file("case-1.0/short", "x\n");
            b.orig(tar.pax(&[("linkpath", target.as_bytes())]).link("case-1.0/l", "short"));
        }),
        case("pax-global-and-unknown", "records that mean nothing here", Same, |b| {
            b.orig(
                upstream()
                    .pax_of(b'g', &[("comment", b"0123")])
                    .pax(&[("SCHILY.xattr.user.x", b"v"), ("atime", b"1.5")])
                    .file("case-1.0/x", "x\n"),
            );
        }),
        case("pax-size", "the size is in the extended header", Same, |b| {
            b.orig(upstream().pax(&[("size", b"3")]).entry(Entry::file("case-1.0/x", "abc").claims_size(3)));
        }),
        case("pax-broken", "a record without a length", Refused, |b| {
            b.orig(upstream().entry(Entry::new(b'x', "h").content(b"path=x\n")).file("case-1.0/x", "x\n"));
        }),
        case("gnu-long-names", "L and K", Same, |b| {
            let long = format!("case-1.0/{}", "d/".repeat(80) + "x");
            b.orig(
                upstream()
                    .long(b'L', long.as_bytes())
                    .file("case-1.0/short", "x\n")
                    .long(b'K', &[b't'; 300])
                    .link("case-1.0/l", "short"),
            );
        }),
        case("ustar-prefix", "a name in two parts", Same, |b| {
            b.orig(
                upstream()
                    .entry(Entry::file("name", "x\n").magic(Magic::Ustar).prefix("case-1.0/some/where")),
            );
        }),
        case("v7", "no magic at all, folders by a slash", Same, |b| {
            b.orig(
                upstream()
                    .entry(Entry::file("case-1.0/v", "x\n").magic(Magic::V7).kind(0))
                    .entry(Entry::new(0, "case-1.0/vd/").magic(Magic::V7)),
            );
        }),
        case("file-with-slash", "a folder, in old archives", Same, |b| {
            b.orig(upstream().entry(Entry::new(b'0', "case-1.0/d/")));
        }),
        case("base256", "numbers in binary", Same, |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/x", "abc").base256()));
        }),
        case("label", "a volume's label is no file", Same, |b| {
            b.orig(Tar::new().entry(Entry::new(b'V', "LABEL")).raw(&upstream().finish()));
        }),
        case("unknown-type", "taken for a file", Same, |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/odd", "x\n").kind(b'Q')));
        }),
        case("contiguous", "type 7 is a file", Same, |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/c", "x\n").kind(b'7')));
        }),
        case("no-end-blocks", "the end of the file is the end", Same, |b| {
            b.orig(upstream().without_end());
        }),
        case("lone-zero-block", "one is enough", Same, |b| {
            b.orig(upstream().without_end().raw(&[0; 512]).raw(&Tar::new().file("later", "x\n").finish()));
        }),
        case("folder-claims-size", "folders and links have no data", Same, |b| {
            b.orig(
                upstream()
                    .entry(Entry::dir("case-1.0/d/").claims_size(512))
                    .entry(Entry::link("case-1.0/l", "a.txt").claims_size(700))
                    .file("case-1.0/x", "x\n"),
            );
        }),
        case("folder-with-data", "the data are taken for a header", Refused, |b| {
            b.orig(upstream().entry(Entry::dir("case-1.0/d/").content("x".repeat(512))));
        }),
        case("half-a-header-at-the-end", "dropped", Same, |b| {
            b.orig(upstream().without_end().raw(&[b'x'; 100]).without_end());
        }),
        case("empty-archive-file", "no bytes at all are no archive", Refused, |b| {
            b.file("case_1.0.orig.tar.gz", crate::build::Compression::Gz.pack(b""));
        }),
        case("link-to-nothing", "a link needs a target", Refused, |b| {
            b.orig(upstream().link("case-1.0/l", ""));
        }),
        case("hard-link-through-link", "tar follows it", RefusedThoughDpkgTakesIt("unsafe"), |b| {
            b.orig(upstream().link("case-1.0/l", "sub").hard("case-1.0/h", "case-1.0/l/b.txt"));
        }),
        case("hard-link-to-itself", "is itself", Same, |b| {
            b.orig(upstream().hard("case-1.0/a.txt", "case-1.0/a.txt"));
        }),
        case("garbage-after-end", "not looked at", Same, |b| {
            b.orig(Tar::new().raw(&[upstream().finish(), vec![b'x'; 2000]].concat()).without_end());
        }),
        case("truncated", "ends inside an entry", Refused, |b| {
            b.orig(upstream().file("case-1.0/x", vec![b'x'; 5000]).without_end().cut_by(2000));
        }),
        case("bad-checksum", "a damaged header", Refused, |b| {
            b.orig(
                upstream().entry(Entry::file("case-1.0/x", "x\n").bad_checksum()).file("case-1.0/y", "y\n"),
            );
        }),
        case("not-a-tar", "text", Refused, |b| {
            b.orig(Tar::new().without_end().raw(&[b'x'; 10_240]).without_end());
        }),
        case("large-file", "streamed", Same, |b| {
            let content: Vec<u8> = (0..5_000_000u32).map(|n| (n / 7 % 251) as u8).collect();
            b.orig(upstream().file("case-1.0/large", &content).file("case-1.0/same", &content));
        }),
        case("old-dates", "before 1970 and far ahead", Same, |b| {
            b.orig(upstream().entry(Entry::file("case-1.0/x", "x\n").mtime(8_589_934_591)));
        }),
    ]
}
