//! Format 2.0: patches by run-parts' names, a record of those that were applied.

use super::{Case, refused, same, unapplied_only};
use crate::build::package::upstream;
use crate::build::{Builder, Tar};

const PATCH: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n";
const SECOND: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-two\n+zwei\n 3\n";
const FUZZY: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-2\n+two\n 3\n";

fn v2(b: &mut Builder) -> &mut Builder {
    b.format("2.0")
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        same("v2-plain", "no patches at all: no record of applied ones", |b| {
            v2(b);
        }),
        same("v2-patches-by-name", "patches in the order of their names, with a record", |b| {
            v2(b).patch("20_second", SECOND).patch("10_first", PATCH);
        }),
        same("v2-other-names-ignored", "only names as run-parts takes them are patches", |b| {
            v2(b).patch("10_first", PATCH).patch("broken.diff", "garbage\n").patch("series", "");
        }),
        unapplied_only("v2-series-is-a-patch", "a file called series is a patch like any other", |b| {
            v2(b).patch("series", "10_first\n").patch("10_first", PATCH);
        }),
        unapplied_only("v2-fuzz", "no fuzz here either", |b| {
            v2(b).patch("10_first", FUZZY);
        }),
        unapplied_only("v2-patch-fails", "a patch that does not apply", |b| {
            v2(b).patch("20_second", SECOND);
        }),
        same("v2-creates-and-removes", "new files, removed files, emptied files", |b| {
            v2(b).patch("10", "--- /dev/null\n+++ b/new/f\n@@ -0,0 +1 @@\n+x\n--- a/sub/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n");
        }),
        same("v2-removes-itself", "only links to patches and folders: no patch", |b| {
            v2(b).also(Tar::new().dir("debian/patches/").dir("debian/patches/folder/"));
        }),
        same("v2-patch-is-link", "a link to a patch is a patch", |b| {
            let tar = Tar::new().dir("debian/patches/").file("debian/patches/real.diff", PATCH);
            v2(b).also(tar.link("debian/patches/10_link", "real.diff"));
        }),
        same("v2-drops-pc", "`.pc` is dropped here too", |b| {
            v2(b).orig(upstream().file("case-1.0/.pc/f", "x\n"));
        }),
        same("v2-component", "components are allowed", |b| {
            v2(b).component("comp", Tar::top("x").file("x/f", "x\n"));
        }),
        same("v2-record-is-overwritten", "a record of another build is overwritten", |b| {
            v2(b).patch("10", PATCH).also(Tar::new().file("debian/patches/.dpkg-source-applied", "old\n"));
        }),
        refused("v2-without-debian-tarball", "only an orig tarball", |b| {
            v2(b).dsc(|dsc| {
                for field in ["Files", "Checksums-Sha1", "Checksums-Sha256"] {
                    dsc.unlist(field, "case_1.0-1.debian.tar.xz");
                }
            });
        }),
    ]
}
