//! The packaging tarball: it replaces `debian` whole, and whatever else it carries lies over the tree.

use super::{Case, refused, same};
use crate::build::package::{debian, upstream};
use crate::build::{Entry, Tar};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = over_tree();
    cases.extend(shapes());
    cases
}

fn over_tree() -> Vec<Case> {
    vec![
        same("over-file-by-file", "a file over a file, and a new one", |b| {
            b.also(Tar::new().exec("a.txt", "new\n").file("sub/new", "x\n").file("other/new", "y\n"));
        }),
        same("over-empty-folder-by-file", "a file over an empty folder", |b| {
            b.orig(upstream().dir("case-1.0/d/")).also(Tar::new().file("d", "x\n"));
        }),
        refused("over-full-folder-by-file", "a file over a folder with content", |b| {
            b.also(Tar::new().file("sub", "x\n"));
        }),
        same("over-file-by-folder", "a folder over a file", |b| {
            b.also(Tar::new().dir("a.txt/").file("a.txt/below", "x\n"));
        }),
        same("over-folder-by-folder", "two folders become one", |b| {
            b.also(Tar::new().dir("sub/").dir("sub/empty/").file("sub/c.txt", "c\n"));
        }),
        same("over-empty-folder-by-link", "a link over an empty folder", |b| {
            b.orig(upstream().dir("case-1.0/d/")).also(Tar::new().link("d", "sub"));
        }),
        refused("over-full-folder-by-link", "a link over a folder with content", |b| {
            b.also(Tar::new().link("sub", "elsewhere"));
        }),
        same("over-link-by-folder", "a folder over a link to a folder: the link goes", |b| {
            b.orig(upstream().link("case-1.0/l", "sub")).also(Tar::new().file("l/new", "x\n"));
        }),
        same("over-link-by-file", "a file over a link: the link goes", |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt")).also(Tar::new().file("l", "x\n"));
        }),
        same("over-dangling-link-by-file", "a file over a dangling link", |b| {
            b.orig(upstream().link("case-1.0/l", "nowhere/at/all")).also(Tar::new().file("l", "x\n"));
        }),
        same("over-link-out-of-tree-by-file", "a file over a link to a file of the machine", |b| {
            b.orig(upstream().link("case-1.0/l", "/etc/passwd")).also(Tar::new().file("l", "x\n"));
        }),
        refused("over-looping-link-by-file", "a file over a link to itself", |b| {
            b.orig(upstream().link("case-1.0/l", "l")).also(Tar::new().file("l", "x\n"));
        }),
        refused("over-link-through-file-by-file", "a file over a link to a path below a file", |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt/below")).also(Tar::new().file("l", "x\n"));
        }),
        same("over-link-by-link", "a link over a link", |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt")).also(Tar::new().link("l", "sub"));
        }),
        same("over-file-by-fifo", "a named pipe over a file", |b| {
            b.also(Tar::new().fifo("a.txt"));
        }),
        same("over-fifo-by-file", "a file over a named pipe", |b| {
            b.orig(upstream().fifo("case-1.0/p")).also(Tar::new().file("p", "x\n"));
        }),
        same("over-upstream-debian-as-link", "the rest of the tarball when debian was a link", |b| {
            b.orig(upstream().link("case-1.0/debian", "sub")).also(Tar::new().file("x", "x\n"));
        }),
        same("over-hard-linked-file", "one of two names is replaced", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/a.txt")).also(Tar::new().file("h", "x\n"));
        }),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        same("debian-tarball-below-dot-slash", "every name begins with `./`", |b| {
            b.debian(
                Tar::new().dir("./").dir("./debian/").exec("./debian/rules", "x\n").file("./debian/x", "x\n"),
            );
        }),
        same("debian-tarball-without-folder-entry", "debian has no entry of its own", |b| {
            b.debian(Tar::new().exec("debian/rules", "x\n"));
        }),
        refused("debian-tarball-without-debian", "a packaging tarball with other things only", |b| {
            b.debian(Tar::new().file("other/f", "x\n"));
        }),
        refused("debian-tarball-empty", "a packaging tarball with nothing in it", |b| {
            b.debian(Tar::new());
        }),
        refused("debian-tarball-below-a-top", "nothing is stripped here", |b| {
            b.debian(Tar::top("case-1.0").exec("case-1.0/debian/rules", "x\n"));
        }),
        refused("debian-tarball-debian-is-file", "debian is a file", |b| {
            b.debian(Tar::new().file("debian", "x\n"));
        }),
        same("debian-tarball-debian-is-link", "debian is a link to a folder that it brings along", |b| {
            b.debian(Tar::new().link("debian", "pkg").dir("pkg/").exec("pkg/rules", "x\n"));
        }),
        same(
            "debian-tarball-debian-is-link-to-upstream",
            "debian is a link to a folder of upstream's",
            |b| {
                b.debian(Tar::new().link("debian", "sub"));
            },
        ),
        refused("debian-tarball-debian-is-dangling", "debian is a link to nothing", |b| {
            b.debian(Tar::new().link("debian", "nothing"));
        }),
        same("debian-tarball-fifo", "a named pipe in debian", |b| {
            b.also(Tar::new().fifo("debian/pipe"));
        }),
        same("debian-tarball-top-pc-file", "`.pc` at the top of the packaging tarball", |b| {
            b.also(Tar::new().file(".pc/own", "x\n"));
        }),
        same("debian-tarball-modes", "modes are mended here too", |b| {
            let odd = Entry::file("debian/x", "x\n").mode(0o010);
            b.debian(debian().entry(odd).entry(Entry::dir("debian/d/").mode(0)).file("debian/d/f", "x\n"));
        }),
        same("debian-tarball-hard-link-within", "a hard link within the packaging", |b| {
            b.also(Tar::new().hard("debian/h", "debian/control"));
        }),
        refused(
            "debian-tarball-hard-link-to-upstream",
            "tarballs are unpacked apart: there is no such file yet",
            |b| {
                b.also(Tar::new().hard("debian/h", "a.txt"));
            },
        ),
    ]
}
