//! How tarballs lie over each other: top folders, components, debian.tar.

use super::Expect::*;
use super::{Case, case};
use crate::build::Tar;
use crate::build::package::{TOP, debian_below, plain_debian, upstream};

pub fn cases() -> Vec<Case> {
    vec![
        case("top-several", "no single top folder: nothing is stripped", Same, |b| {
            b.orig(Tar::new().dir("a/").file("a/x", "x\n").file("b", "b\n"));
        }),
        case("top-a-file", "a single file at the top is no folder", Same, |b| {
            b.orig(Tar::new().file("only", "x\n"));
        }),
        case("top-a-link", "a link at the top is no folder", Same, |b| {
            b.orig(Tar::new().link("only", "elsewhere"));
        }),
        case("top-implied", "the top folder has no entry of its own", Same, |b| {
            b.orig(Tar::new().file("deep/er/x", "x\n"));
        }),
        case("top-dot-slash", "names begin with ./", Same, |b| {
            b.orig(Tar::new().dir("./").dir("./t/").file("./t/x", "x\n").file("./t//y/./z", "z\n"));
        }),
        case("top-empty-archive", "an upstream of nothing", Same, |b| {
            b.orig(Tar::new());
        }),
        case("top-empty-folder", "an upstream of one empty folder", Same, |b| {
            b.orig(Tar::new().dir("t/"));
        }),
        case("pc-in-orig", "quilt's folder is left out at the top and one below", Same, |b| {
            b.orig(upstream().file("case-1.0/.pc/applied-patches", "x\n").file("case-1.0/sub/.pc/x", "x\n"));
        }),
        case("pc-alone-at-the-top", "left out before the top folder is counted", Same, |b| {
            b.orig(upstream().file(".pc/x", "x\n"));
        }),
        case("pc-in-component", "components keep theirs", Same, |b| {
            b.orig(upstream()).component("docs", Tar::new().file("d/.pc/x", "x\n").file("d/y", "y\n"));
        }),
        case("pc-in-native", "a native package keeps its own", Same, |b| {
            b.native(debian_below("case-1.0/", "3.0 (native)\n").file("case-1.0/.pc/x", "x\n"));
        }),
        case("component-plain", "its own folder", Same, |b| {
            b.orig(upstream()).component("docs", Tar::new().file("docs-1/x", "x\n"));
        }),
        case("component-dashes", "dashes in the name", Same, |b| {
            b.orig(upstream()).component("a-b-3", Tar::new().file("d/x", "x\n"));
        }),
        case("component-several-tops", "nothing is stripped", Same, |b| {
            b.orig(upstream()).component("docs", Tar::new().file("x", "x\n").file("y", "y\n"));
        }),
        case("component-empty", "an empty folder", Same, |b| {
            b.orig(upstream()).component("docs", Tar::new());
        }),
        case("component-over-folder", "replaces the folder whole", Same, |b| {
            b.orig(upstream()).component("sub", Tar::new().file("d/x", "x\n"));
        }),
        case("component-over-file", "replaces a file", Same, |b| {
            b.orig(upstream().file("case-1.0/docs", "a file\n"))
                .component("docs", Tar::new().file("d/x", "x\n"));
        }),
        case("component-over-link", "replaces a link that leads somewhere", Same, |b| {
            b.orig(upstream().link("case-1.0/docs", "sub")).component("docs", Tar::new().file("d/x", "x\n"));
        }),
        case("component-over-dangling-link", "a link that leads nowhere is in the way", Refused, |b| {
            b.orig(upstream().link("case-1.0/docs", "nowhere"))
                .component("docs", Tar::new().file("d/x", "x\n"));
        }),
        case("component-over-link-out", "a link that leads out of the source, and somewhere", Same, |b| {
            b.orig(upstream().link("case-1.0/docs", "/usr")).component("docs", Tar::new().file("d/x", "x\n"));
        }),
        case("debian-tar-file-over-loop", "a link that cannot be resolved is in the way", Refused, |b| {
            b.orig(upstream().link("case-1.0/l", "l")).debian(plain_debian().file("l", "x\n"));
        }),
        case("debian-a-link-to-the-top", "debian/source/format is written at the top", Same, |b| {
            b.native(Tar::top(TOP).link("case-1.0/debian", ".").file("case-1.0/rules", "x\n"));
        }),
        case("component-over-empty-folder", "as a submodule leaves one", Same, |b| {
            b.orig(upstream().dir("case-1.0/docs/")).component("docs", Tar::new().file("d/x", "x\n"));
        }),
        case("debian-in-orig", "replaced whole", Same, |b| {
            b.orig(upstream().dir("case-1.0/debian/").file("case-1.0/debian/old", "old\n"));
        }),
        case("debian-a-link-in-orig", "the link is removed", Same, |b| {
            b.orig(upstream().link("case-1.0/debian", "sub"));
        }),
        case("debian-tar-file-over-file", "lies over the tree", Same, |b| {
            b.debian(plain_debian().file("a.txt", "new\n").exec("sub/b.txt", "new\n"));
        }),
        case("debian-tar-folder-over-file", "replaces it", Same, |b| {
            b.debian(plain_debian().dir("a.txt/").file("a.txt/x", "x\n"));
        }),
        case("debian-tar-file-over-empty-folder", "replaces it", Same, |b| {
            b.orig(upstream().dir("case-1.0/e/")).debian(plain_debian().file("e", "x\n"));
        }),
        case("debian-tar-file-over-full-folder", "cannot", Refused, |b| {
            b.debian(plain_debian().file("sub", "x\n"));
        }),
        case("debian-tar-folder-over-link", "the link is replaced, not followed", Same, |b| {
            b.orig(upstream().link("case-1.0/l", "sub")).debian(plain_debian().dir("l/").file("l/x", "x\n"));
        }),
        case("debian-tar-link-over-file", "replaces it", Same, |b| {
            b.debian(plain_debian().link("a.txt", "sub/b.txt"));
        }),
        case("debian-tar-joins-folder", "folders join", Same, |b| {
            b.debian(plain_debian().dir("sub/").file("sub/c.txt", "c\n"));
        }),
        case("debian-tar-without-debian", "dpkg cannot write debian/source/format", Refused, |b| {
            b.debian(Tar::new().file("x", "x\n"));
        }),
        case("debian-tar-single-folder", "debian.tar is never stripped", Same, |b| {
            b.debian(plain_debian());
        }),
        case("empty-folders", "kept at every depth", Same, |b| {
            b.orig(Tar::top(TOP).dir("case-1.0/e/").dir("case-1.0/f/g/h/"));
        }),
    ]
}
