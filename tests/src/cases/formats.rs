//! Formats, and what dpkg-source itself does to a tree.

use super::Expect::*;
use super::{Case, case};
use crate::build::Tar;
use crate::build::package::{TOP, debian_below, plain_debian, plain_debian_below, upstream};
use crate::build::tar::Entry;

const NEW_RULES: &str = "--- case-1.0.orig/debian/rules\n+++ case-1.0/debian/rules\n@@ -0,0 +1,2 @@\n+#!/usr/bin/make -f\n+all:\n--- case-1.0.orig/debian/new/tool\n+++ case-1.0/debian/new/tool\n@@ -0,0 +1 @@\n+#!/bin/sh\n";

pub fn cases() -> Vec<Case> {
    vec![
        case("quilt-plain", "nothing special", Same, |_| {}),
        case("quilt-no-format-file", "dpkg writes debian/source/format", Same, |b| {
            b.debian(plain_debian());
        }),
        case("quilt-source-folder-without-format", "the folder is there, the file is not", Same, |b| {
            b.debian(plain_debian().dir("debian/source/"));
        }),
        case("native-no-format-file", "dpkg writes debian/source/format", Same, |b| {
            b.native(plain_debian_below("case-1.0/"));
        }),
        case("native-without-debian", "debian/source/format cannot be written", Refused, |b| {
            b.native(Tar::top(TOP).file("case-1.0/a", "a\n"));
        }),
        case("native-plain", "one tarball", Same, |b| {
            b.native(debian_below("case-1.0/", "3.0 (native)\n"));
        }),
        case("native-orig-name", "a native package has no orig tarball", Refused, |b| {
            b.format("3.0 (native)").version("1.0").orig(debian_below("case-1.0/", "3.0 (native)\n"));
        }),
        case("rules-not-executable", "debian/rules becomes executable", Same, |b| {
            b.debian(plain_debian().file("debian/rules", "#!/usr/bin/make -f\n"));
        }),
        case("rules-missing", "only a warning", Same, |b| {
            b.debian(Tar::new().dir("debian/").file("debian/control", "Source: case\n"));
        }),
        case("rules-a-link", "a link stays a link", Same, |b| {
            b.debian(plain_debian().file("debian/real", "x\n").link("debian/rules", "real"));
        }),
        case("format10-diff", "a .diff.gz that makes files and folders", Same, |b| {
            b.format10(upstream(), NEW_RULES);
        }),
        case("format10-emptied-file", "without -E an emptied file stays", Same, |b| {
            b.format10(
                upstream(),
                "--- case-1.0.orig/sub/b.txt\n+++ case-1.0/sub/b.txt\n@@ -1 +0,0 @@\n-b\n",
            );
        }),
        case("format10-no-diff", "only an orig tarball", Same, |b| {
            b.format("1.0").orig(debian_below("case-1.0/", "1.0\n"));
        }),
        case("format10-native", "one tarball", Same, |b| {
            b.format("1.0").version("1.0").tarball(
                "",
                plain_debian_below("case-1.0/"),
                crate::build::Compression::Gz,
            );
        }),
        case("format10-native-with-dash", "native though the version has a revision", Same, |b| {
            b.format("1.0").version("1.0-1").tarball(
                "",
                plain_debian_below("case-1.0/"),
                crate::build::Compression::Gz,
            );
        }),
        case("format10-pc-stays", "1.0 leaves quilt's folder alone", Same, |b| {
            b.format10(upstream().dir("case-1.0/.pc/").file("case-1.0/.pc/x", "x\n"), NEW_RULES);
        }),
        case("format10-diff-does-not-apply", "refused altogether", Refused, |b| {
            b.format10(upstream(), "--- case-1.0.orig/a.txt\n+++ case-1.0/a.txt\n@@ -1 +1 @@\n-zzz\n+x\n");
        }),
        case(
            "format20-patches",
            "every file in debian/patches is a patch, and a list is written",
            Same,
            |b| {
                b.format("2.0")
                    .patch("01_one", "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n")
                    .patch("02_two", "--- a/sub/b.txt\n+++ b/sub/b.txt\n@@ -1 +1 @@\n-b\n+B\n")
                    .patch("README.txt", "no patch: its name has a dot\n");
            },
        ),
        case("format20-bad-patch", "only the patches are refused", UnappliedOnly, |b| {
            b.format("2.0").patch("01_one", "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-zzz\n+x\n");
        }),
        case("epoch", "the epoch is in no file name", Same, |b| {
            b.version("3:1.0-1");
        }),
        case("unsupported-git", "3.0 (git)", Refused, |b| {
            b.format("3.0 (git)").file("case_1.0-1.git", "x");
        }),
        case("unsupported-custom", "3.0 (custom)", Refused, |b| {
            b.format("3.0 (custom)").file("case_1.0-1.tar.gz", "x");
        }),
        case("format-without-variant", "3.0 alone is none", Refused, |b| {
            b.format("3.0").orig(upstream());
        }),
        case("changelog-latin1", "bytes are kept", Same, |b| {
            b.debian(plain_debian().entry(Entry::file("debian/changelog", b"case (1.0-1) unstable; urgency=low\n\n  * B\xf6se.\n\n -- J\xfcrgen <j@example.org>  Mon, 31 Feb 2020 25:61:00 +0000\n")));
        }),
        case("changelog-empty", "no author, no date", Same, |b| {
            b.debian(plain_debian().file("debian/changelog", ""));
        }),
        case("changelog-other-version", "the top is not the version", Same, |b| {
            b.debian(
                plain_debian().file(
                    "debian/changelog",
                    "other (9-9) unstable; urgency=low\n\n  * X.\n\n -- \"A, B\" \n",
                ),
            );
        }),
        case("changelog-a-folder", "nothing to read", Same, |b| {
            b.debian(Tar::new().dir("debian/").dir("debian/changelog/").exec("debian/rules", "x\n"));
        }),
    ]
}
