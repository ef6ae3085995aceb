//! Native packages of format 3.0.

use super::{Case, refused, same};
use crate::build::package::{debian_below, plain_debian_below};
use crate::build::{Builder, Compression, Entry, Tar};

const FORMAT: &str = "3.0 (native)\n";

fn native(b: &mut Builder, tar: Tar) {
    b.native(tar);
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        same("native-plain", "one top folder, a packaging folder, files", |b| {
            native(b, debian_below("case/", FORMAT).file("case/f", "x\n").exec("case/run", "x\n"));
        }),
        same("native-with-revision", "a native package may have a `-` in its version", |b| {
            b.format("3.0 (native)").version("1.0-1");
            b.tarball("", debian_below("case/", FORMAT), Compression::Gz);
        }),
        same("native-without-top", "several things at the top: nothing is stripped", |b| {
            native(b, debian_below("", FORMAT).file("f", "x\n"));
        }),
        refused(
            "native-top-is-debian",
            "only debian at the top: it is stripped, and then there is no debian",
            |b| {
                native(b, plain_debian_below(""));
            },
        ),
        same("native-keeps-pc", "`.pc` is dropped in quilt packages only", |b| {
            native(
                b,
                debian_below("case/", FORMAT)
                    .dir("case/.pc/")
                    .file("case/.pc/f", "x\n")
                    .file("case/sub/.pc", "y\n"),
            );
        }),
        same("native-with-patches", "nobody applies the patches of a native package", |b| {
            let tar = debian_below("case/", FORMAT).file("case/debian/patches/series", "p\n");
            native(b, tar.file("case/debian/patches/p", "garbage\n"));
        }),
        same("native-rules-not-executable", "rules becomes executable", |b| {
            native(b, debian_below("case/", FORMAT).file("case/debian/rules", "#!/bin/sh\n"));
        }),
        same("native-without-format-file", "dpkg-source writes debian/source/format", |b| {
            native(b, plain_debian_below("case/"));
        }),
        same("native-other-format-file", "the format file says another format: it stays", |b| {
            native(b, debian_below("case/", "3.0 (quilt)\n"));
        }),
        same("native-format-file-is-dangling-link", "dpkg-source writes the format through the link", |b| {
            native(b, plain_debian_below("case/").link("case/debian/source/format", "../elsewhere"));
        }),
        refused("native-without-debian", "without a packaging folder its format cannot be written", |b| {
            native(b, Tar::top("case").file("case/f", "x\n"));
        }),
        refused("native-source-is-file", "debian/source is a file", |b| {
            native(b, plain_debian_below("case/").file("case/debian/source", "x\n"));
        }),
        same("native-debian-is-link", "debian is a link to a folder of the tree", |b| {
            let tar = Tar::top("case").link("case/debian", "packaging").dir("case/packaging/");
            native(b, tar.file("case/packaging/rules", "x\n").file("case/packaging/changelog", "x\n"));
        }),
        same("native-debian-is-link-to-top", "debian is a link to the top", |b| {
            native(b, Tar::top("case").link("case/debian", ".").file("case/rules", "x\n"));
        }),
        refused("native-debian-is-file", "debian is a file", |b| {
            native(b, Tar::top("case").file("case/debian", "x\n"));
        }),
        refused("native-empty-tarball", "a tarball with nothing in it", |b| {
            native(b, Tar::new());
        }),
        refused("native-two-tarballs", "two tarballs in a native package", |b| {
            native(b, debian_below("case/", FORMAT));
            b.tarball("", debian_below("case/", FORMAT), Compression::Gz);
        }),
        refused("native-with-orig-name", "an orig tarball in a native package", |b| {
            b.format("3.0 (native)").orig(debian_below("case/", FORMAT));
        }),
        same("native-debian-twice", "debian comes twice, the second time with other modes", |b| {
            let tar = debian_below("case/", FORMAT).entry(Entry::dir("case/debian/").mode(0o700));
            native(b, tar.raw(&plain_debian_below("case/").finish()));
        }),
    ]
}
