//! Effects of patches on files: places, creation, removal, line ends, Git's headers, and files that are no patch.

use super::{Case, refused, same, unapplied_only};
use crate::build::package::upstream;
use crate::build::{Builder, Tar};

pub(super) const TWO: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n";

/// One patch over an upstream with these files added.
pub(super) fn over(b: &mut Builder, files: &[(&str, &str)], patch: &str) {
    let mut tar = upstream();
    for (name, content) in files {
        tar = tar.file(format!("case-1.0/{name}"), content);
    }
    b.orig(tar).patch("p", patch);
}

/// One patch over the standard upstream.
pub(super) fn patch(b: &mut Builder, text: &str) {
    b.patch("p", text);
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = places();
    cases.extend(files());
    cases.extend(text());
    cases.extend(no_patches());
    cases
}

fn places() -> Vec<Case> {
    vec![
        same("patch-plain", "a hunk where it says", |b| patch(b, TWO)),
        same("patch-offset", "a hunk some lines off", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -1,7 +1,7 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n");
        }),
        same("patch-offset-nearest", "the same lines stand in two places: the nearer one", |b| {
            let lines = "x\n-\ny\n1\n2\n3\n4\n5\n6\nx\n-\ny\n";
            over(b, &[("t", lines)], "--- a/t\n+++ b/t\n@@ -9,3 +9,3 @@\n x\n--\n+changed\n y\n");
        }),
        same("patch-offset-between", "as far before as after", |b| {
            let lines = "x\n-\ny\n0\n0\nx\n-\ny\n";
            over(b, &[("t", lines)], "--- a/t\n+++ b/t\n@@ -4,1 +4,1 @@\n--\n+changed\n");
        }),
        unapplied_only("patch-fuzz", "a line of context is wrong", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -1,7 +1,7 @@\n one\n 2\n 3\n-4\n+four\n 5\n 6\n 7\n");
        }),
        unapplied_only("patch-does-not-apply", "the removed line is not there", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-x\n+y\n 3\n");
        }),
        unapplied_only("patch-already-applied", "the change is there already", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-zwei\n+2\n 3\n");
        }),
        unapplied_only("patch-must-match-at-end", "less context after than before: only at the end", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -3,4 +3,4 @@\n 3\n 4\n 5\n-6\n+six\n");
        }),
        same("patch-matches-at-end", "less context after than before, and it is the end", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -3,4 +3,4 @@\n 9\n 10\n 11\n-12\n+twelve\n");
        }),
        unapplied_only(
            "patch-must-match-at-start",
            "less context before than after: only at the start",
            |b| {
                patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -1,4 +1,4 @@\n-6\n+six\n 7\n 8\n 9\n");
            },
        ),
        same("patch-short-context-inside", "less context before than after, but not at line 1", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -5,4 +5,4 @@\n-6\n+six\n 7\n 8\n 9\n");
        }),
        same("patch-without-context", "no context at all", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -6 +6,2 @@\n-6\n+six\n+more\n@@ -9,0 +11 @@\n+inserted\n");
        }),
        same("patch-hunks-offset-carries", "the offset of a hunk counts for the next", |b| {
            let lines = "0\n0\n0\n0\na\nx\nc\nb\nx\nc\n0\nb\nx\nc\n0\n";
            let second = "@@ -8,3 +8,3 @@\n b\n-x\n+z\n c\n";
            over(b, &[("t", lines)], &format!("--- a/t\n+++ b/t\n@@ -1,3 +1,3 @@\n a\n-x\n+y\n c\n{second}"));
        }),
        unapplied_only("patch-hunks-out-of-order", "the second hunk stands before the first", |b| {
            patch(
                b,
                "--- a/a.txt\n+++ b/a.txt\n@@ -8,3 +8,3 @@\n 8\n-9\n+nine\n 10\n@@ -2,3 +2,3 @@\n 2\n-3\n+three\n 4\n",
            );
        }),
        unapplied_only("patch-second-hunk-fails", "one good hunk and one bad", |b| {
            patch(
                b,
                "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n@@ -8,3 +8,3 @@\n 8\n-x\n+y\n 10\n",
            );
        }),
        same("patch-twice-on-a-file", "one patch touches a file twice", |b| {
            patch(b, &format!("{TWO}--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n 1\n-two\n+zwei\n 3\n"));
        }),
    ]
}

fn files() -> Vec<Case> {
    vec![
        same("patch-creates", "new files in old and new folders", |b| {
            let one = "--- /dev/null\n+++ b/sub/new\n@@ -0,0 +1 @@\n+x\n";
            patch(b, &format!("{one}--- /dev/null\n+++ b/x/y/z/new\n@@ -0,0 +1,2 @@\n+x\n+y\n"));
        }),
        same("patch-creates-without-dev-null", "`-0,0` alone creates", |b| {
            patch(b, "--- a/new\n+++ b/new\n@@ -0,0 +1 @@\n+x\n");
        }),
        unapplied_only("patch-creates-existing", "the new file is there already", |b| {
            patch(b, "--- /dev/null\n+++ b/a.txt\n@@ -0,0 +1 @@\n+x\n");
        }),
        same("patch-creates-over-empty-file", "an empty file is there already", |b| {
            over(b, &[("e", "")], "--- /dev/null\n+++ b/e\n@@ -0,0 +1 @@\n+x\n");
        }),
        same("patch-removes", "a file goes", |b| {
            over(b, &[("sub/c", "x\n")], "--- a/sub/c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
        }),
        same(
            "patch-removes-last-of-folder",
            "a folder goes with its last file, and so does the one above",
            |b| {
                over(b, &[("x/y/c", "x\n")], "--- a/x/y/c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
            },
        ),
        same("patch-removes-beside-empty-folder", "an empty folder beside it keeps the folder", |b| {
            b.orig(upstream().file("case-1.0/x/c", "x\n").dir("case-1.0/x/empty/"));
            patch(b, "--- a/x/c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
        }),
        same("patch-empties", "a file that becomes empty goes too", |b| {
            over(b, &[("c", "x\n")], "--- a/c\n+++ b/c\n@@ -1 +0,0 @@\n-x\n");
        }),
        unapplied_only("patch-removes-part", "a removal that leaves a rest", |b| {
            over(b, &[("c", "x\ny\n")], "--- a/c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
        }),
        unapplied_only("patch-removes-missing", "what is to go is not there", |b| {
            patch(b, "--- a/missing\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
        }),
        same("patch-removes-and-creates", "one patch removes a file, the next makes it again", |b| {
            over(b, &[("c", "x\n")], "--- a/c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n");
            b.patch("q", "--- /dev/null\n+++ b/c\n@@ -0,0 +1 @@\n+y\n");
        }),
        same("patch-keeps-executable", "an executable stays one", |b| {
            patch(b, "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-#!/bin/sh\n+#!/bin/bash\n");
        }),
        same("patch-new-executable-is-not", "a new script is not executable without Git's header", |b| {
            patch(b, "--- /dev/null\n+++ b/new.sh\n@@ -0,0 +1 @@\n+#!/bin/sh\n");
        }),
        same("patch-debian", "a patch may change the packaging itself", |b| {
            patch(
                b,
                "--- a/debian/control\n+++ b/debian/control\n@@ -1,2 +1,3 @@\n Source: case\n+X: y\n \n",
            );
        }),
        same("patch-series-while-applying", "a patch adds to the series: nobody reads it again", |b| {
            patch(
                b,
                "--- a/debian/patches/series\n+++ b/debian/patches/series\n@@ -1 +1,2 @@\n p\n+missing\n",
            );
        }),
        same("patch-changes-next-patch", "a patch changes the one after it", |b| {
            patch(
                b,
                "--- a/debian/patches/q\n+++ b/debian/patches/q\n@@ -4,4 +4,4 @@\n  1\n -2\n-+two\n++zwei\n  3\n",
            );
            b.patch("q", TWO);
        }),
        same("patch-removes-rules", "a patch removes debian/rules", |b| {
            patch(
                b,
                "--- a/debian/rules\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-#!/usr/bin/make -f\n-%:\n-\tdh $@\n",
            );
        }),
        same("patch-creates-rules", "a patch makes debian/rules, which becomes executable", |b| {
            b.debian(
                Tar::new()
                    .file("debian/changelog", "x\n")
                    .file("debian/patches/series", "p\n")
                    .file("debian/patches/p", "--- /dev/null\n+++ b/debian/rules\n@@ -0,0 +1 @@\n+x\n"),
            );
        }),
    ]
}

fn text() -> Vec<Case> {
    vec![
        same("patch-adds-last-newline", "the old file has no newline at the end", |b| {
            over(b, &[("n", "x")], "--- a/n\n+++ b/n\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n");
        }),
        same("patch-drops-last-newline", "the new file has no newline at the end", |b| {
            over(b, &[("n", "x\n")], "--- a/n\n+++ b/n\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n");
        }),
        same("patch-no-newline-in-context", "neither has one", |b| {
            over(
                b,
                &[("n", "x\ny")],
                "--- a/n\n+++ b/n\n@@ -1,2 +1,2 @@\n-x\n+z\n y\n\\ No newline at end of file\n",
            );
        }),
        unapplied_only(
            "patch-newline-mismatch",
            "the file ends without a newline, the patch does not say so",
            |b| {
                over(b, &[("n", "x\ny")], "--- a/n\n+++ b/n\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n");
            },
        ),
        unapplied_only("patch-itself-without-newline", "patch drops a last line without a newline", |b| {
            over(b, &[("n", "x\ny\n")], "--- a/n\n+++ b/n\n@@ -1,2 +1,2 @@\n x\n-y\n+z");
        }),
        unapplied_only("patch-itself-without-newline-in-context", "the dropped line was context", |b| {
            over(b, &[("n", "x\ny\nw\n")], "--- a/n\n+++ b/n\n@@ -1,3 +1,3 @@\n x\n-y\n+z\n w");
        }),
        same("patch-itself-without-newline-in-blank-context", "the dropped line was empty context", |b| {
            over(b, &[("n", "x\ny\n\n")], "--- a/n\n+++ b/n\n@@ -1,3 +1,3 @@\n x\n-y\n+z\n ");
        }),
        same(
            "patch-blank-context-chopped",
            "up to two blank lines of context at the end may be missing",
            |b| {
                over(b, &[("n", "x\ny\n\n\n")], "--- a/n\n+++ b/n\n@@ -1,4 +1,4 @@\n x\n-y\n+z\n");
            },
        ),
        same("patch-crlf-file", "a file with CRLF and a patch that has them in its lines", |b| {
            over(b, &[("n", "x\r\ny\r\n")], "--- a/n\n+++ b/n\n@@ -1,2 +1,2 @@\n x\r\n-y\r\n+z\r\n");
        }),
        same("patch-crlf-patch", "a patch with CRLF everywhere, for a file without", |b| {
            over(b, &[("n", "x\ny\n")], "--- a/n\r\n+++ b/n\r\n@@ -1,2 +1,2 @@\r\n x\r\n-y\r\n+z\r\n");
        }),
        unapplied_only("patch-crlf-mismatch", "the file has CRLF, the patch has none", |b| {
            over(b, &[("n", "x\r\ny\r\n")], "--- a/n\n+++ b/n\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n");
        }),
        same("patch-empty-context-line", "an empty line stands for empty context", |b| {
            over(b, &[("n", "x\n\ny\n")], "--- a/n\n+++ b/n\n@@ -1,3 +1,3 @@\n x\n\n-y\n+z\n");
        }),
        same("patch-lines-like-headers", "changed lines that look like headers", |b| {
            over(
                b,
                &[("n", "-- a\n++ b\n")],
                "--- a/n\n+++ b/n\n@@ -1,2 +1,2 @@\n--- a\n-++ b\n+++ c\n+-- d\n",
            );
        }),
        same("patch-bytes", "lines that are no text, and NULs", |b| {
            over(
                b,
                &[("n", "\u{0}\u{1}\n\n")],
                "--- a/n\n+++ b/n\n@@ -1 +1 @@\n-\u{0}\u{1}\n+\u{0}\u{2}\u{0}\n",
            );
        }),
        same("patch-function-after-hunk-header", "the name of a function after `@@`", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@ int main()\n 1\n-2\n+two\n 3\n");
        }),
        same("patch-text-around", "a mail's header, a signature, an Index line", |b| {
            patch(
                b,
                &format!(
                    "From: x\nSubject: y\n\n---\n a.txt | 2\n\nIndex: a/a.txt\n=====\n{TWO}-- \n2.39.2\n\n"
                ),
            );
        }),
        same("patch-timestamps", "times after the names", |b| {
            patch(
                b,
                "--- a/a.txt\t2020-09-13 12:26:40.000000000 +0000\n+++ b/a.txt\t1970-01-01 00:00:00 +0000\n\
                 @@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n",
            );
        }),
        same("patch-epoch-time-removes", "the time 0 of an emptied file", |b| {
            over(
                b,
                &[("c", "x\n")],
                "--- a/c\t2020-09-13\n+++ b/c\t1970-01-01 00:00:00 +0000\n@@ -1 +0,0 @@\n-x\n",
            );
        }),
        unapplied_only("patch-long-hunk-cut", "the patch ends within a hunk", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -1,9 +1,8 @@\n 1\n-2\n 3\n");
        }),
        unapplied_only("patch-wrong-counts", "a hunk has more lines than it says", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n 1\n-2\n+two\n 3\n 4\n+x\n");
        }),
    ]
}

fn no_patches() -> Vec<Case> {
    vec![
        same("patch-of-no-bytes", "an empty patch", |b| patch(b, "")),
        unapplied_only("patch-garbage", "a patch without any diff", |b| patch(b, "only words\n")),
        unapplied_only("patch-one-newline", "a patch of one empty line", |b| patch(b, "\n")),
        unapplied_only("patch-missing", "the series names a file that is not there", |b| {
            b.series("series", "missing\n");
        }),
        unapplied_only("patch-is-folder", "the series names a folder", |b| {
            b.series("series", "p\n").also(Tar::new().dir("debian/patches/p/"));
        }),
        unapplied_only("patch-context-diff", "a context diff", |b| {
            patch(
                b,
                "*** a/a.txt\n--- b/a.txt\n***************\n*** 1,3 ****\n  1\n! 2\n  3\n--- 1,3 ----\n  1\n! two\n  3\n",
            );
        }),
        unapplied_only("patch-ed-script", "a script for ed", |b| patch(b, "2c\ntwo\n.\n")),
        unapplied_only("patch-reversed", "a patch that would apply backwards", |b| {
            patch(b, "--- b/a.txt\n+++ a/a.txt\n@@ -1,3 +1,3 @@\n 1\n-two\n+2\n 3\n");
        }),
        unapplied_only("patch-only-headers", "names without a hunk", |b| {
            patch(b, "--- a/a.txt\n+++ b/a.txt\n")
        }),
        unapplied_only("patch-hunk-without-headers", "a hunk without names", |b| {
            patch(b, "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n");
        }),
        refused("patch-refused-with-its-package", "a bad patch in a package that is bad itself", |b| {
            b.orig(upstream().hard("case-1.0/h", "case-1.0/missing"));
            patch(b, "garbage\n");
        }),
    ]
}
