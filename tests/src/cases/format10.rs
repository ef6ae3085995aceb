//! Format 1.0: one tarball, and a diff over it.

use super::{Case, GZ, refused, same};
use crate::build::package::{LINES, debian_below, plain_debian_below, upstream};
use crate::build::{Builder, Compression, Entry, Tar};

/// A diff that creates the packaging, as every one does.
const PACKAGING: &str = "--- case-1.0.orig/debian/changelog\n+++ case-1.0/debian/changelog\n@@ -0,0 +1 @@\n\
    +case (1.0-1) unstable; urgency=low\n--- case-1.0.orig/debian/rules\n+++ case-1.0/debian/rules\n\
    @@ -0,0 +1,2 @@\n+#!/usr/bin/make -f\n+x:\n";

/// Upstream, the packaging, and a further diff.
fn with_diff(b: &mut Builder, diff: &str) {
    b.format10(upstream(), &format!("{PACKAGING}{diff}"));
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = diffs();
    cases.extend(odd_diffs());
    cases.extend(shapes());
    cases
}

fn diffs() -> Vec<Case> {
    vec![
        same("v1-diff", "the packaging comes out of the diff, and no format file is made", |b| {
            with_diff(b, "")
        }),
        same("v1-diff-changes-upstream", "a diff may change upstream's files", |b| {
            with_diff(b, "--- case-1.0.orig/a.txt\n+++ case-1.0/a.txt\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n");
        }),
        same("v1-diff-creates-folders", "new folders, deep ones", |b| {
            with_diff(b, "--- case-1.0.orig/x/y/z\n+++ case-1.0/x/y/z\n@@ -0,0 +1 @@\n+z\n");
        }),
        same("v1-diff-empties-file", "a file that becomes empty stays", |b| {
            with_diff(b, "--- case-1.0.orig/sub/b.txt\n+++ case-1.0/sub/b.txt\n@@ -1 +0,0 @@\n-b\n");
        }),
        same("v1-diff-keeps-mode", "a patched executable stays one", |b| {
            with_diff(
                b,
                "--- case-1.0.orig/run.sh\n+++ case-1.0/run.sh\n@@ -1 +1 @@\n-#!/bin/sh\n+#!/bin/bash\n",
            );
        }),
        same("v1-diff-new-script", "a new script is not executable; only rules is", |b| {
            with_diff(
                b,
                "--- case-1.0.orig/debian/preinst\n+++ case-1.0/debian/preinst\n@@ -0,0 +1 @@\n+#!/bin/sh\n",
            );
        }),
        same("v1-diff-offset", "a hunk some lines off", |b| {
            with_diff(b, "--- case-1.0.orig/a.txt\n+++ case-1.0/a.txt\n@@ -2,3 +2,3 @@\n 4\n-5\n+five\n 6\n");
        }),
        same("v1-diff-junk-between", "text between the diffs", |b| {
            with_diff(
                b,
                "only in case-1.0: x\n--- case-1.0.orig/a.txt\n+++ case-1.0/a.txt\n@@ -1 +1 @@\n-1\n+one\nend\n",
            );
        }),
        same("v1-diff-without-newline", "no newline at the end of the new file", |b| {
            with_diff(
                b,
                "--- case-1.0.orig/n\n+++ case-1.0/n\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n",
            );
        }),
        same("v1-diff-in-members", "a diff of several gzip members", |b| {
            b.format("1.0").orig(upstream());
            b.file("case_1.0-1.diff.gz", Compression::Gz.pack_in_pieces(PACKAGING.as_bytes(), 3));
        }),
        same("v1-diff-empty", "a diff of no bytes, with the packaging upstream", |b| {
            b.format10(upstream().raw(&plain_debian_below("case-1.0/").finish()), "");
        }),
    ]
}

fn odd_diffs() -> Vec<Case> {
    vec![
        refused("v1-diff-fuzz", "no fuzz here either", |b| {
            with_diff(
                b,
                "--- case-1.0.orig/a.txt\n+++ case-1.0/a.txt\n@@ -1,5 +1,5 @@\n one\n 2\n-3\n+three\n 4\n 5\n",
            );
        }),
        refused("v1-diff-does-not-apply", "a hunk that matches nowhere", |b| {
            with_diff(b, "--- case-1.0.orig/a.txt\n+++ case-1.0/a.txt\n@@ -1 +1 @@\n-x\n+y\n");
        }),
        same("v1-diff-removes-file", "a diff to /dev/null", |b| {
            with_diff(b, "--- case-1.0.orig/sub/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n");
        }),
        refused("v1-diff-is-garbage", "a diff without any diff", |b| {
            b.format10(upstream(), "this is no diff\n");
        }),
        refused("v1-diff-climbs-out", "a path with `..`", |b| {
            with_diff(b, "--- case-1.0.orig/../x\n+++ case-1.0/../x\n@@ -0,0 +1 @@\n+x\n");
        }),
        same("v1-diff-twice-on-a-file", "two diffs for one file", |b| {
            let one = "--- case-1.0.orig/a.txt\n+++ case-1.0/a.txt\n@@ -1 +1 @@\n-1\n+one\n";
            with_diff(
                b,
                &format!("{one}--- case-1.0.orig/a.txt\n+++ case-1.0/a.txt\n@@ -2 +2 @@\n-2\n+two\n"),
            );
        }),
        refused("v1-diff-in-xz", "format 1.0 knows gzip only", |b| {
            b.format("1.0")
                .orig(upstream())
                .file("case_1.0-1.diff.xz", Compression::Xz.pack(PACKAGING.as_bytes()));
        }),
        refused("v1-diff-through-link", "a patched path leads through a link", |b| {
            let tar = upstream().link("case-1.0/l", "sub");
            let diff = "--- case-1.0.orig/l/b.txt\n+++ case-1.0/l/b.txt\n@@ -1 +1 @@\n-b\n+c\n";
            b.format10(tar, &format!("{PACKAGING}{diff}"));
        }),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        same("v1-native", "one tarball", |b| {
            b.format("1.0").version("1.0").tarball("", debian_below("case/", "1.0\n"), GZ);
        }),
        same("v1-native-with-revision", "native, with a `-` in the version", |b| {
            b.format("1.0").tarball("", plain_debian_below("case/"), GZ);
        }),
        same("v1-orig-without-diff", "an orig tarball alone", |b| {
            b.format("1.0").orig(upstream().raw(&plain_debian_below("case-1.0/").finish()));
        }),
        same("v1-without-debian", "nobody asks for a packaging folder here", |b| {
            b.format("1.0").orig(upstream());
        }),
        same("v1-keeps-pc", "`.pc` stays", |b| {
            b.format10(upstream().file("case-1.0/.pc/f", "x\n"), PACKAGING);
        }),
        same("v1-without-top", "several things at the top", |b| {
            b.format10(Tar::new().file("a.txt", LINES).file("b", "x\n"), PACKAGING);
        }),
        same("v1-orig-has-debian", "upstream has a debian folder: the diff works on it", |b| {
            b.format10(
                upstream().file("case-1.0/debian/old", "x\n"),
                &format!(
                    "{PACKAGING}--- case-1.0.orig/debian/old\n+++ case-1.0/debian/old\n@@ -1 +1 @@\n-x\n+y\n"
                ),
            );
        }),
        same("v1-quilt-patches-unapplied", "patches in debian/patches are nobody's business", |b| {
            with_diff(
                b,
                "--- case-1.0.orig/debian/patches/series\n+++ case-1.0/debian/patches/series\n@@ -0,0 +1 @@\n+missing\n",
            );
        }),
        same("v1-rules-upstream", "upstream's own rules becomes executable", |b| {
            b.format("1.0").orig(upstream().entry(Entry::file("case-1.0/debian/rules", "x\n").mode(0o600)));
        }),
        same("v1-with-signature", "a signature beside the orig tarball", |b| {
            with_diff(b, "");
            b.file("case_1.0.orig.tar.gz.asc", "signature\n");
        }),
        refused("v1-orig-in-bz2", "format 1.0 knows gzip only", |b| {
            b.format("1.0").tarball("orig", upstream(), Compression::Bz2);
        }),
        refused("v1-two-tarballs", "an orig and a native tarball", |b| {
            b.format("1.0").orig(upstream()).file("case_1.0-1.tar.gz", GZ.pack(&upstream().finish()));
        }),
        refused("v1-only-diff", "no tarball", |b| {
            b.format("1.0").file("case_1.0-1.diff.gz", GZ.pack(PACKAGING.as_bytes()));
        }),
    ]
}
