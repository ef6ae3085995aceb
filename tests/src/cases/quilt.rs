//! The main orig tarball of 3.0 (quilt): its top, its `.pc`, its packaging folder.

use super::{Case, differs, refused, same};
use crate::build::package::{LINES, debian, plain_debian, upstream};
use crate::build::{Entry, Tar};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = tops();
    cases.extend(records());
    cases.extend(packaging());
    cases
}

fn tops() -> Vec<Case> {
    vec![
        same("top-single-folder", "a single top folder is stripped, whatever its name", |b| {
            b.orig(Tar::top("any name at all").file("any name at all/f", "x\n"));
        }),
        same("top-without-folder-entry", "the top folder has no entry of its own", |b| {
            b.orig(Tar::new().file("top/a.txt", LINES).file("top/sub/f", "x\n"));
        }),
        same("top-several", "two folders at the top: nothing is stripped", |b| {
            b.orig(Tar::new().file("one/f", "x\n").file("two/f", "y\n"));
        }),
        same("top-folder-and-file", "a folder and a file at the top", |b| {
            b.orig(Tar::new().file("one/f", "x\n").file("README", "y\n"));
        }),
        same("top-only-file", "a single file at the top is not stripped", |b| {
            b.orig(Tar::new().file("README", "x\n"));
        }),
        same("top-only-link", "a single link at the top is not stripped", |b| {
            b.orig(Tar::new().link("top", "debian"));
        }),
        same("top-link-and-folder", "a folder and a link to it", |b| {
            b.orig(Tar::new().file("case-1.0/f", "x\n").link("current", "case-1.0"));
        }),
        same("top-dot-slash", "every name begins with `./`, and `./` has an entry", |b| {
            b.orig(Tar::new().dir("./").dir("./case-1.0/").file("./case-1.0/a.txt", LINES));
        }),
        same("top-dot-slash-several", "`./` with several things below it", |b| {
            b.orig(Tar::new().dir("./").file("./a", "x\n").file("./b/c", "y\n"));
        }),
        same("top-nested-single", "only the outermost folder is stripped", |b| {
            b.orig(Tar::new().file("one/two/three/f", "x\n"));
        }),
        same("top-empty-tarball", "an orig tarball with nothing in it", |b| {
            b.orig(Tar::new());
        }),
        same("top-only-empty-folder", "an orig tarball with an empty top folder", |b| {
            b.orig(Tar::top("case-1.0"));
        }),
        same("top-hidden-folder", "the single top folder begins with a dot", |b| {
            b.orig(Tar::new().file(".hidden/f", "x\n"));
        }),
        same("top-folder-replaced-by-file", "the top is a folder first and a file in the end", |b| {
            b.orig(Tar::top("case-1.0").file("case-1.0", "x\n"));
        }),
        same("top-global-header-beside", "a global pax header is nothing at the top", |b| {
            let global = Tar::new().pax_of(b'g', &[("comment", b"c0ffee")]);
            b.orig(global.raw(&upstream().finish()));
        }),
    ]
}

fn records() -> Vec<Case> {
    vec![
        same("pc-below-top", "`.pc` below the top folder is dropped with all in it", |b| {
            b.orig(
                upstream()
                    .dir("case-1.0/.pc/")
                    .file("case-1.0/.pc/.version", "2\n")
                    .file("case-1.0/.pcx", "x\n"),
            );
        }),
        same("pc-at-top", "`.pc` beside the top folder does not count as a second thing at the top", |b| {
            b.orig(upstream().dir(".pc/").file(".pc/.version", "2\n"));
        }),
        same("pc-at-top-is-file", "`.pc` is a file or a link", |b| {
            b.orig(upstream().file("case-1.0/.pc", "x\n").link(".pc", "elsewhere"));
        }),
        same("pc-deeper", "`.pc` two folders below the top stays", |b| {
            b.orig(upstream().file("case-1.0/sub/.pc/f", "x\n").file("case-1.0/sub/deep/.pc/f", "x\n"));
        }),
        same("pc-below-second-folder", "`.pc` in one of several top folders", |b| {
            b.orig(Tar::new().file("one/.pc/f", "x\n").file("one/g", "x\n").file("two/f", "y\n"));
        }),
        same("pc-with-dot-slash", "names begin with `./`", |b| {
            b.orig(
                Tar::new().file("./.pc/f", "x\n").file("./case-1.0/.pc/f", "y\n").file("./case-1.0/g", "z\n"),
            );
        }),
        same("pc-only", "nothing but `.pc`", |b| {
            b.orig(Tar::new().file("case-1.0/.pc/f", "x\n"));
        }),
        refused("pc-hard-linked", "a hard link to a file that was dropped", |b| {
            b.orig(upstream().file("case-1.0/.pc/f", "x\n").hard("case-1.0/h", "case-1.0/.pc/f"));
        }),
        same("pc-in-component", "a component keeps its `.pc`", |b| {
            b.component("comp", Tar::top("x").file("x/.pc/f", "x\n").file("x/g", "y\n"));
        }),
        same("pc-in-debian-tarball", "the packaging tarball keeps its `.pc`", |b| {
            b.also(Tar::new().file("debian/.pc/f", "x\n"));
        }),
        same("pc-name-is-prefix", "names that only begin or end like it", |b| {
            b.orig(
                upstream().file("case-1.0/x.pc", "x\n").file("case-1.0/.pc.in", "y\n").file(".pcs/f", "z\n"),
            );
        }),
    ]
}

fn packaging() -> Vec<Case> {
    vec![
        same("orig-has-debian", "upstream's own debian folder goes as a whole", |b| {
            b.orig(
                upstream().file("case-1.0/debian/upstream-only", "x\n").exec("case-1.0/debian/rules", "y\n"),
            );
        }),
        same("orig-debian-is-link", "upstream's debian is a link to a folder of its own", |b| {
            b.orig(upstream().file("case-1.0/pkg/f", "x\n").link("case-1.0/debian", "pkg"));
        }),
        same("orig-debian-is-file", "upstream's debian is a file", |b| {
            b.orig(upstream().file("case-1.0/debian", "x\n"));
        }),
        same("rules-not-executable", "debian/rules becomes executable", |b| {
            b.debian(debian().file("debian/rules", "#!/bin/sh\n"));
        }),
        same("rules-missing", "no debian/rules at all", |b| {
            b.debian(Tar::new().dir("debian/").file("debian/changelog", "x\n"));
        }),
        same("rules-is-link", "debian/rules is a link: its target stays as it is", |b| {
            b.debian(debian().link("debian/rules", "other").file("debian/other", "x\n"));
        }),
        same("rules-is-folder", "debian/rules is a folder", |b| {
            b.debian(Tar::new().dir("debian/").dir("debian/rules/").file("debian/rules/f", "x\n"));
        }),
        differs("rules-is-hard-link", "a hard link is a copy, whose mode is its own", |b| {
            let tar = Tar::new()
                .dir("debian/")
                .file("debian/real", "#!/bin/sh\n")
                .hard("debian/rules", "debian/real");
            b.debian(tar);
        }),
        same("rules-mode-zero", "debian/rules has no mode bits at all", |b| {
            b.debian(Tar::new().dir("debian/").entry(Entry::file("debian/rules", "x\n").mode(0)));
        }),
        same("format-file-missing", "dpkg-source makes debian/source and its format", |b| {
            b.debian(plain_debian());
        }),
        same("format-file-missing-in-folder", "dpkg-source adds the format to debian/source", |b| {
            b.debian(plain_debian().file("debian/source/options", "compression = gzip\n"));
        }),
        same("format-file-is-empty", "an empty format file stays", |b| {
            b.debian(plain_debian().file("debian/source/format", ""));
        }),
        same("format-file-says-1.0", "another format stays", |b| {
            b.debian(plain_debian().file("debian/source/format", "1.0\n"));
        }),
        same("format-file-is-dangling-link", "the format is written through a dangling link", |b| {
            b.debian(plain_debian().link("debian/source/format", "../format"));
        }),
        refused("format-file-is-dangling-link-to-nowhere", "and the link's folder is missing", |b| {
            b.debian(plain_debian().link("debian/source/format", "missing/format"));
        }),
        same("format-file-is-folder", "debian/source/format is a folder", |b| {
            b.debian(plain_debian().dir("debian/source/format/"));
        }),
        refused("source-is-dangling-link", "debian/source is a link to nothing", |b| {
            b.debian(plain_debian().link("debian/source", "nothing"));
        }),
    ]
}
