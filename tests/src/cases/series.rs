//! Choice and order of the patches that are applied, and their places.

use super::{Case, GZ, differs, same, unapplied_only};
use crate::build::package::{debian, upstream};
use crate::build::{Compression, Tar};

const FIRST: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n";
const SECOND: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-two\n+zwei\n 3\n";
const OTHER: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -8,3 +8,3 @@\n 8\n-9\n+nine\n 10\n";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = lists();
    cases.extend(vendors());
    cases.extend(places());
    cases
}

fn lists() -> Vec<Case> {
    vec![
        same("series-order", "the series says the order, not the names", |b| {
            b.patch("a", SECOND).patch("z", FIRST).series("series", "z\na\n");
        }),
        same("series-comments-and-blanks", "comments, empty lines, spaces around", |b| {
            b.patch("a", FIRST).patch("b", SECOND);
            b.series("series", "# first\n\n  a  # why\n\t\n#b\n\tb\t\n   # end");
        }),
        same("series-hash-within-name", "a `#` without a space before it belongs to the name", |b| {
            b.patch("a#1", FIRST).series("series", "a#1\n");
        }),
        same("series-options", "options after a name count for nothing", |b| {
            b.patch("a", FIRST).patch("b", SECOND).series("series", "a -p1\nb -p0 -R\n");
        }),
        same("series-crlf", "CRLF line ends", |b| {
            b.patch("a", FIRST).patch("b", SECOND).series("series", "a\r\nb\r\n");
        }),
        same("series-unlisted-patch", "a patch that is not listed is not applied", |b| {
            b.patch("a", FIRST).patch("unlisted", "garbage\n").series("series", "a\n");
        }),
        same("series-patch-called-0", "a patch called `0` is passed over", |b| {
            b.patch("0", "garbage\n").patch("a", FIRST);
        }),
        same("series-empty", "an empty series", |b| {
            b.series("series", "");
        }),
        same("series-absent", "patches without a series", |b| {
            b.debian(debian().file("debian/patches/a", "garbage\n"));
        }),
        unapplied_only("series-duplicate", "a patch listed twice", |b| {
            b.patch("a", FIRST).series("series", "a\na\n");
        }),
        same("series-duplicate-of-nothing", "an empty patch listed twice", |b| {
            b.patch("a", "").series("series", "a\na\n");
        }),
        unapplied_only("series-name-with-space", "a name ends at the first space", |b| {
            b.patch("a b", FIRST).series("series", "a b\n");
        }),
        unapplied_only("series-dotdot", "a name that climbs out", |b| {
            b.series("series", "../p\n").also(Tar::new().file("debian/p", FIRST));
        }),
        unapplied_only("series-dotdot-within", "also if it does not leave the folder", |b| {
            b.patch("p", FIRST).series("series", "x/../p\n").also(Tar::new().dir("debian/patches/x/"));
        }),
        unapplied_only("series-third-fails", "two good patches and a bad one", |b| {
            b.patch("a", FIRST).patch("b", OTHER).patch("c", FIRST);
        }),
        same("series-many", "a hundred patches on one file", |b| {
            for number in 0..100 {
                let (old, new) = (number + 1, number + 2);
                let text = format!("--- a/n\n+++ b/n\n@@ -1 +1 @@\n-{old}\n+{new}\n");
                b.patch(&format!("p{number:03}"), text);
            }
            b.orig(upstream().file("case-1.0/n", "1\n"));
        }),
    ]
}

fn vendors() -> Vec<Case> {
    vec![
        same("vendor-debian", "Debian's own series is preferred, and series stays", |b| {
            b.patch("a", FIRST).patch("b", OTHER).series("series", "a\n");
            b.also(Tar::new().file("debian/patches/debian.series", "b\n"));
        }),
        same("vendor-ubuntu-ignored", "Ubuntu's series is not for Debian", |b| {
            b.patch("a", FIRST).patch("b", OTHER).series("series", "a\n");
            b.also(Tar::new().file("debian/patches/ubuntu.series", "b\n"));
        }),
        same("vendor-ubuntu", "Ubuntu's series is for Ubuntu", |b| {
            b.distro("ubuntu").patch("a", FIRST).patch("b", OTHER).series("series", "a\n");
            b.also(Tar::new().file("debian/patches/ubuntu.series", "b\n"));
        }),
        same("vendor-debian-ignored", "Debian's series is not for Ubuntu", |b| {
            b.distro("ubuntu").patch("a", FIRST).patch("b", OTHER).series("series", "a\n");
            b.also(Tar::new().file("debian/patches/debian.series", "b\n"));
        }),
        same("vendor-without-series", "dpkg-source makes a link called series", |b| {
            b.patch("a", FIRST).series("debian.series", "a\n");
        }),
        same("vendor-series-is-link", "an old link called series is replaced", |b| {
            b.patch("a", FIRST).series("debian.series", "a\n");
            b.also(Tar::new().link("debian/patches/series", "elsewhere"));
        }),
        same("vendor-empty", "the preferred series is empty: no patches", |b| {
            b.patch("a", "garbage\n").series("series", "a\n");
            b.also(Tar::new().file("debian/patches/debian.series", ""));
        }),
        same("vendor-is-link", "the preferred series is a link to the other", |b| {
            b.patch("a", FIRST).series("series", "a\n");
            b.also(Tar::new().link("debian/patches/debian.series", "series"));
        }),
        same("vendor-is-dangling-link", "a dangling link is no series", |b| {
            b.patch("a", FIRST).series("series", "a\n");
            b.also(Tar::new().link("debian/patches/debian.series", "nowhere"));
        }),
        same("vendor-is-folder", "the preferred series is a folder", |b| {
            b.patch("a", FIRST).series("series", "a\n");
            b.also(Tar::new().dir("debian/patches/debian.series/"));
        }),
    ]
}

fn places() -> Vec<Case> {
    vec![
        same("patches-in-sub-folder", "a patch in a folder of its own", |b| {
            b.series("series", "sub/p\n").also(Tar::new().file("debian/patches/sub/p", FIRST));
        }),
        same("patches-is-link", "debian/patches is a link to another folder", |b| {
            let tar = debian().link("debian/patches", "other").file("debian/other/series", "p\n");
            b.debian(tar.file("debian/other/p", FIRST));
        }),
        same("patch-file-is-link", "a patch is a link to another", |b| {
            b.series("series", "l\n")
                .also(Tar::new().file("debian/p", FIRST).link("debian/patches/l", "../p"));
        }),
        same("patch-file-is-hard-link", "a patch is a hard link to another", |b| {
            b.series("series", "h\n");
            b.also(Tar::new().file("debian/patches/p", FIRST).hard("debian/patches/h", "debian/patches/p"));
        }),
        same("series-is-link", "the series is a link", |b| {
            b.debian(
                debian()
                    .file("debian/list", "p\n")
                    .link("debian/patches/series", "../list")
                    .file("debian/patches/p", FIRST),
            );
        }),
        same("series-is-folder", "the series is a folder", |b| {
            b.debian(debian().dir("debian/patches/series/"));
        }),
        same("patches-is-file", "debian/patches is a file", |b| {
            b.debian(debian().file("debian/patches", "x\n"));
        }),
        same("patch-compressed-gz", "a patch called .gz is unpacked first", |b| {
            b.patch("p.gz", GZ.pack(FIRST.as_bytes()));
        }),
        same("patch-compressed-others", "so are .bz2, .xz and .lzma", |b| {
            b.patch("p.xz", Compression::Xz.pack(FIRST.as_bytes()));
            b.patch("p.bz2", Compression::Bz2.pack(SECOND.as_bytes()));
            b.patch("p.lzma", Compression::Lzma.pack(OTHER.as_bytes()));
        }),
        unapplied_only("patch-compressed-misnamed", "compressed, but not called so", |b| {
            b.patch("p", GZ.pack(FIRST.as_bytes()));
        }),
        unapplied_only("patch-plain-called-gz", "called .gz, but plain", |b| {
            b.patch("p.gz", FIRST);
        }),
        same("patch-names-odd", "names with dashes, dots and other signs", |b| {
            b.patch("-p", FIRST).patch(".hidden", SECOND).patch("a+b~c,d", OTHER);
        }),
        differs("records-claim-applied", "records of quilt that a package brings are not believed", |b| {
            b.patch("a", FIRST).patch("b", OTHER);
            b.also(Tar::new().file(".pc/applied-patches", "a\n").file(".pc/.version", "2\n"));
        }),
        same("records-of-other-version", "a `.pc` of a version that nobody knows", |b| {
            b.patch("a", FIRST).also(Tar::new().file(".pc/.version", "9\n"));
        }),
        unapplied_only("records-is-file", "`.pc` is a file", |b| {
            b.also(Tar::new().file(".pc", "x\n"));
        }),
    ]
}
