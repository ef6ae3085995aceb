//! File names, and text in front of hunks.

use super::{CHANGE, Case, applied, edit, refused};
use crate::patch_differential::world::file;

fn named(old: &str, new: &str) -> String {
    format!("--- {old}\n+++ {new}\n{CHANGE}")
}

pub fn cases() -> Vec<Case> {
    let c = CHANGE;
    vec![
        applied("plain", edit("f", c)),
        applied("times behind tabs", named("a/f\t2020-01-01 00:00:00 +0000", "b/f\t2020-01-02")),
        applied("times behind spaces", named("a/f 2020-01-01", "b/f 2020-01-02")),
        applied("an .orig folder as old name", named("pkg.orig/f", "pkg/f")),
        applied("an old name with a suffix", named("a/f.orig", "b/f")),
        applied("an old name that exists too", named("a/f", "b/d/g")),
        applied("a new name with fewer folders", named("a/d/f", "b/f")),
        applied("double slashes", named("a//f", "b///f")),
        applied("double slashes inside", edit("d//g", "@@ -1 +1 @@\n-a\n+A\n")),
        applied("a dot folder", edit("./d/./g", "@@ -1 +1 @@\n-a\n+A\n")),
        applied("absolute names", named("/f", "/f")),
        refused("no folder in front", named("f", "f")),
        applied("no folder in front of one", named("f", "b/f")),
        refused("a climbing name", named("a/../f", "b/../f")),
        applied("a name that climbs in its first folder", named("../f", "../f")),
        refused("a name that climbs at its end", named("a/d/..", "b/d/..")),
        refused("a quoted name", "--- \"a/f\"\n+++ \"b/f\"\n@@ -1 +1 @@\n-1\n+one\n"),
        applied("a name with a space and a tab", edit_tab("sp ace", "@@ -1 +1 @@\n-s\n+S\n")),
        applied("a name with a space and no tab", "--- /dev/null\n+++ b/new/d x/y\n@@ -0,0 +1 @@\n+s\n"),
        refused("an existing name with a space and no tab", edit("sp ace", "@@ -1 +1 @@\n-s\n+S\n")),
        applied("a name with a space at its end", "--- a/f \n+++ b/f \n".to_owned() + c),
        applied("white space in front of names", named("  a/f", "\t b/f")),
        applied("a time of the epoch in an edit", named("a/f\t1970-01-01 00:00:00 +0000", "b/f")),
        refused("only +++", format!("+++ b/f\n{c}")),
        refused("only ---", format!("--- a/f\n{c}")),
        refused("only a hunk", c),
        refused("the headers the wrong way round", format!("+++ b/f\n--- a/f\n{c}")),
        refused("text between the headers", format!("--- a/f\ntext\n+++ b/f\n{c}")),
        refused("text between header and hunk", format!("--- a/f\n+++ b/f\ntext\n{c}")),
        refused("headers without a hunk", "--- a/f\n+++ b/f\n"),
        refused("the patch ends behind ---", "--- a/f\n"),
        refused("both are /dev/null", named("/dev/null", "/dev/null")),
        refused("a link as target", edit("link", c)),
        refused("a dangling link as target", edit("dangling", "@@ -0,0 +1 @@\n+x\n")),
        refused("a link on the way", edit("dlink/g", "@@ -1 +1 @@\n-a\n+A\n")),
        refused("a link on the way of a new file", "--- /dev/null\n+++ b/dlink/new\n@@ -0,0 +1 @@\n+x\n"),
        refused("a link as the old name", named("a/link", "b/f")),
        refused("a folder as target", edit("d", c)),
        refused("a fifo as target", edit("fifo", c)),
        refused("a file as a folder", "--- /dev/null\n+++ b/f/x\n@@ -0,0 +1 @@\n+x\n"),
        refused("a folder behind a slash", edit("d/", c)),
        refused("a file behind a slash", edit("f/", c)),
        refused("a missing file", edit("missing", c)),
        refused("a missing file in a missing folder", edit("no/such/file", c)),
        refused("a reserved name", named("a/f.dpkg-orig", "b/f")),
        applied("a reserved new name", named("a/f", "b/f.dpkg-orig")),
        applied("an Index line", format!("Index: pkg/f\n==========\n{}", edit("f", c))),
        applied("an Index line with another name", format!("Index: pkg/d/g\n{}", edit("f", c))),
        applied("svn times", named("a/f\t(revision 1)", "b/f\t(working copy)")),
        refused("a required word that is missing", format!("Prereq: 99\n{}", edit("f", c))),
        applied("a required word that is there", format!("Prereq: 7\n{}", edit("f", c))),
        refused(
            "a required word at the very end",
            format!("Prereq: b\n{}", edit("nonl", "@@ -1 +1 @@\n-a\n+A\n")),
        ),
        applied("carriage returns in the headers", edit("f", c).replace('\n', "\r\n")),
        applied("carriage returns of the patch in front of those of the file", {
            edit("crlf", "@@ -1,3 +1,3 @@\n a\r\n-b\r\n+B\r\n c\r\n").replace('\n', "\r\n")
        }),
        refused("carriage returns in the whole patch of a file with them", {
            edit("crlf", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n").replace('\n', "\r\n")
        }),
        applied("carriage returns in the hunks alone", {
            edit("crlf", "@@ -1,3 +1,3 @@\n a\r\n-b\r\n+B\r\n c\r\n")
        }),
        refused("no carriage returns for a file with them", edit("crlf", "@@ -1,2 +1,2 @@\n a\n-b\n+B\n")),
        applied("a name of bytes", b"--- a/\xff\xfe\n+++ b/\xff\xfe\n@@ -1 +1 @@\n-a\n+A\n")
            .with_bytes(b"\xff\xfe", b"a\n"),
        refused("a name with a NUL", "--- a/n\0o\n+++ b/n\0o\n@@ -1 +1 @@\n-a\n+A\n"),
        applied("a name with a NUL behind a file", format!("--- a/f\0x\n+++ b/f\0x\n{c}")),
        refused("an old name that is a folder", named("a/d", "b/f")).with("other", file("x")),
        refused(
            "a long name",
            edit(&"n".repeat(248), "@@ -0,0 +1 @@\n+x\n").replace("--- a/", "--- /dev/null\t"),
        ),
        applied("a name that is just short enough", {
            format!("--- /dev/null\n+++ b/{}\n@@ -0,0 +1 @@\n+x\n", "n".repeat(245))
        }),
        applied("a backslash in a name", edit("d\\g", "@@ -1 +1 @@\n-a\n+A\n")).with("d\\g", file("a\n")),
        applied("names in different folders, both missing", {
            "--- a/p/q/r.orig\n+++ b/p/q/r\n@@ -0,0 +1 @@\n+x\n"
        }),
        applied("the old name is shorter, both missing", "--- a/p/r\n+++ b/p/q/r\n@@ -0,0 +1 @@\n+x\n"),
        refused(
            "a shorter name in more folders confuses patch",
            "--- a/p/q/r\n+++ b/p/long-name\n@@ -1 +1 @@\n-x\n+X\n",
        )
        .with("p/q/r", file("x\n"))
        .with("p/long-name", file("x\n")),
    ]
}

fn edit_tab(path: &str, hunks: &str) -> String {
    format!("--- a/{path}\t\n+++ b/{path}\t\n{hunks}")
}
