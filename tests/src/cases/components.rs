//! Component tarballs: each becomes a folder of its name.

use super::{Case, refused, same};
use crate::build::package::upstream;
use crate::build::{Builder, Compression, Tar};

/// Upstream with something at `comp`, and a component of that name.
fn over(b: &mut Builder, orig: Tar) {
    b.orig(orig).component("comp", component());
}

fn component() -> Tar {
    Tar::top("comp-2").file("comp-2/c", "c\n").exec("comp-2/bin/run", "x\n")
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = replaced();
    cases.extend(shapes());
    cases
}

fn replaced() -> Vec<Case> {
    vec![
        same("component-new", "nothing stood there", |b| over(b, upstream())),
        same("component-over-full-folder", "a folder with content goes as a whole", |b| {
            over(b, upstream().file("case-1.0/comp/old", "x\n"));
        }),
        same("component-over-empty-folder", "an empty folder goes", |b| {
            over(b, upstream().dir("case-1.0/comp/"));
        }),
        same("component-over-file", "a file goes", |b| {
            over(b, upstream().file("case-1.0/comp", "x\n"));
        }),
        same("component-over-link-to-folder", "the link goes, what it led to stays", |b| {
            over(b, upstream().link("case-1.0/comp", "sub"));
        }),
        same("component-over-link-to-file", "the link goes, what it led to stays", |b| {
            over(b, upstream().link("case-1.0/comp", "a.txt"));
        }),
        refused("component-over-dangling-link", "a dangling link is not seen, and then in the way", |b| {
            over(b, upstream().link("case-1.0/comp", "nowhere"));
        }),
        same("component-over-link-out-of-tree", "the link leads to a folder of the machine", |b| {
            over(b, upstream().link("case-1.0/comp", "/usr"));
        }),
        same("component-named-debian", "a component is called debian: the packaging replaces it", |b| {
            b.component("debian", component());
        }),
        same("component-packaging-lies-over", "the packaging tarball adds to a component", |b| {
            b.component("comp", component()).also(Tar::new().file("comp/c", "new\n").file("comp/d", "d\n"));
        }),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        same("component-several", "two components, one a prefix of the other", |b| {
            b.component("comp", component()).component("comp-b", component());
        }),
        same("component-odd-names", "dashes, digits and capitals", |b| {
            b.component("A-b-3", component()).component("-", component()).component("7", component());
        }),
        refused("component-name-with-dot", "a component's name has no dots", |b| {
            b.component("a.b", component());
        }),
        refused("component-name-with-underscore", "nor underscores", |b| {
            b.component("a_b", component());
        }),
        refused("component-without-name", "nor is it empty", |b| {
            b.component("", component());
        }),
        same("component-without-top", "several things at the top: nothing is stripped", |b| {
            b.component("comp", Tar::new().file("a", "x\n").file("b/c", "y\n"));
        }),
        same("component-only-file", "a single file at the top", |b| {
            b.component("comp", Tar::new().file("only", "x\n"));
        }),
        same("component-only-link", "a single link at the top", |b| {
            b.component("comp", Tar::new().link("only", "/etc"));
        }),
        same("component-empty", "a component with nothing in it is an empty folder", |b| {
            b.component("comp", Tar::new());
        }),
        same("component-patched", "patches reach into components", |b| {
            b.component("comp", component());
            b.patch("p", "--- a/comp/c\n+++ b/comp/c\n@@ -1 +1 @@\n-c\n+patched\n");
        }),
        same("component-with-signature", "a signature beside it", |b| {
            b.component("comp", component()).file("case_1.0.orig-comp.tar.gz.asc", "signature\n");
        }),
        refused("component-signature-alone", "a signature without its component", |b| {
            b.file("case_1.0.orig-comp.tar.gz.asc", "signature\n");
        }),
        refused(
            "component-signature-of-other-compression",
            "the signature is of a file that is not listed",
            |b| {
                b.component("comp", component()).file("case_1.0.orig-comp.tar.xz.asc", "signature\n");
            },
        ),
        refused("component-twice", "the same component in two compressions", |b| {
            b.component("comp", component()).tarball("orig-comp", component(), Compression::Bz2);
        }),
    ]
}
