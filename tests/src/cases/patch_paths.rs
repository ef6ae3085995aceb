//! Choice of the file that a patch changes: prefixes, spaces, quotes, links, ways out.

use super::{Case, differs, same, unapplied_only};
use crate::build::package::{LINES, upstream};
use crate::build::{Builder, Tar};

const HUNK: &str = "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n";

/// A patch with these two names and one hunk.
fn named(b: &mut Builder, old: &str, new: &str) {
    b.patch("p", format!("--- {old}\n+++ {new}\n{HUNK}"));
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = names();
    cases.extend(spaces());
    cases.extend(links());
    cases
}

fn names() -> Vec<Case> {
    vec![
        unapplied_only("path-p0", "a patch without a first folder to strip", |b| named(b, "a.txt", "a.txt")),
        unapplied_only("path-p0-in-folder", "`-p0` in the series does not help", |b| {
            b.orig(upstream().file("case-1.0/sub/t", LINES));
            named(b, "sub/t", "sub/t");
            b.series("series", "p -p0\n");
        }),
        same("path-prefixes-differ", "any first folder is stripped", |b| {
            named(b, "some-old-version/a.txt", "x/a.txt");
        }),
        same("path-double-slashes", "`a//x` counts as one step", |b| named(b, "a//a.txt", "b///a.txt")),
        same("path-with-dot", "`./` within the path", |b| named(b, "a/./a.txt", "b/./a.txt")),
        same("path-old-name-exists", "the names differ: the one that exists", |b| {
            named(b, "a/a.txt", "b/a.txt.new");
        }),
        same("path-new-name-exists", "the names differ: the one that exists", |b| {
            named(b, "a/a.txt.orig", "b/a.txt");
        }),
        same("path-both-exist", "both exist: the shorter one", |b| {
            b.orig(upstream().file("case-1.0/a.txt.orig", LINES));
            named(b, "a/a.txt.orig", "b/a.txt");
        }),
        same("path-both-exist-other-depth", "both exist: the one with fewer folders", |b| {
            b.orig(upstream().file("case-1.0/sub/t", LINES));
            named(b, "a/sub/t", "b/a.txt");
        }),
        same("path-index-line-differs", "an Index line counts for nothing", |b| {
            b.patch("p", format!("Index: case-1.0/run.sh\n====\n--- a/a.txt\n+++ b/a.txt\n{HUNK}"));
        }),
        unapplied_only("path-dotdot", "a way out", |b| named(b, "a/../../x", "b/../../x")),
        unapplied_only("path-dotdot-within", "`..` that stays within the tree", |b| {
            named(b, "a/sub/../a.txt", "b/sub/../a.txt");
        }),
        unapplied_only("path-absolute", "an absolute name: nothing is left to strip", |b| {
            named(b, "/etc/no-such-file", "/etc/no-such-file");
        }),
        unapplied_only("path-both-dev-null", "from nothing to nothing", |b| {
            named(b, "/dev/null", "/dev/null")
        }),
        unapplied_only("path-missing", "a file that is not there", |b| named(b, "a/missing", "b/missing")),
        unapplied_only("path-is-folder", "a folder is no file to patch", |b| named(b, "a/sub", "b/sub")),
        unapplied_only("path-dpkg-orig", "a name that dpkg-source needs itself", |b| {
            b.orig(upstream().file("case-1.0/x.dpkg-orig", LINES));
            named(b, "a/x.dpkg-orig", "b/x.dpkg-orig");
        }),
        unapplied_only("path-below-file", "a folder of the path is a file", |b| {
            b.patch("p", "--- /dev/null\n+++ b/a.txt/below\n@@ -0,0 +1 @@\n+x\n");
        }),
        same("path-bytes", "a name that is no text", |b| {
            b.orig(upstream().file(b"case-1.0/\xff\xfe", LINES));
            b.patch("p", [b"--- a/\xff\xfe\n+++ b/\xff\xfe\n".as_slice(), HUNK.as_bytes()].concat());
        }),
        differs("path-into-pc", "what a patch does in .pc is no source", |b| {
            b.also(Tar::new().file(".pc/own/t", LINES));
            named(b, "a/.pc/own/t", "b/.pc/own/t");
        }),
    ]
}

fn spaces() -> Vec<Case> {
    vec![
        unapplied_only("path-with-space", "a path ends at the first white space", |b| {
            b.orig(upstream().file("case-1.0/with space", LINES));
            named(b, "a/with space", "b/with space");
        }),
        same("path-with-space-and-tab", "unless a tab follows", |b| {
            b.orig(upstream().file("case-1.0/with space", LINES));
            named(b, "a/with space\t", "b/with space\t");
        }),
        same("path-with-space-created", "a new file whose path has a space", |b| {
            b.patch("p", "--- /dev/null\n+++ b/x/new file.txt\n@@ -0,0 +1 @@\n+x\n");
        }),
        same("path-with-space-created-in-git", "the same with Git's header", |b| {
            let head =
                "diff --git a/x/new file.txt b/x/new file.txt\nnew file mode 100644\nindex 0000000..1\n";
            b.patch("p", format!("{head}--- /dev/null\n+++ b/x/new file.txt\n@@ -0,0 +1 @@\n+x\n"));
        }),
        same("path-with-space-in-git", "Git writes a tab after such names", |b| {
            b.orig(upstream().file("case-1.0/with space", LINES));
            let head = "diff --git a/with space b/with space\nindex 1..2 100644\n";
            b.patch("p", format!("{head}--- a/with space\t\n+++ b/with space\t\n{HUNK}"));
        }),
        unapplied_only("path-quoted", "a name in C's quotes", |b| {
            b.orig(upstream().file("case-1.0/q\u{e9}", LINES));
            named(b, "\"a/q\\303\\251\"", "\"b/q\\303\\251\"");
        }),
        same("path-leading-spaces", "spaces before the name", |b| named(b, "   a/a.txt", "   b/a.txt")),
    ]
}

fn links() -> Vec<Case> {
    vec![
        unapplied_only("path-through-link", "a folder of the path is a link", |b| {
            b.orig(upstream().file("case-1.0/sub/t", LINES).link("case-1.0/l", "sub"));
            named(b, "a/l/t", "b/l/t");
        }),
        unapplied_only("path-is-link", "the file itself is a link", |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt"));
            named(b, "a/l", "b/l");
        }),
        unapplied_only("path-is-dangling-link", "a new file where a dangling link is", |b| {
            b.orig(upstream().link("case-1.0/l", "nowhere"));
            b.patch("p", "--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n");
        }),
        unapplied_only("path-through-link-of-earlier-patch", "an earlier patch made the link", |b| {
            let link = "--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+sub\n\\ No newline at end of file\n";
            b.patch("one", format!("diff --git a/l b/l\nnew file mode 120000\nindex 0000000..1\n{link}"));
            b.patch("two", "--- /dev/null\n+++ b/l/new\n@@ -0,0 +1 @@\n+x\n");
        }),
        unapplied_only("path-through-link-of-same-patch", "the same patch made the link", |b| {
            let link = "--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+sub\n\\ No newline at end of file\n";
            let below = "--- /dev/null\n+++ b/l/new\n@@ -0,0 +1 @@\n+x\n";
            b.patch(
                "p",
                format!("diff --git a/l b/l\nnew file mode 120000\nindex 0000000..1\n{link}{below}"),
            );
        }),
        unapplied_only("path-is-fifo", "a named pipe is no file to patch", |b| {
            b.orig(upstream().fifo("case-1.0/pipe"));
            named(b, "a/pipe", "b/pipe");
        }),
        same("path-hard-link-other-name", "the other name of a hard link stays as it was", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/a.txt"));
            named(b, "a/h", "b/h");
        }),
    ]
}
