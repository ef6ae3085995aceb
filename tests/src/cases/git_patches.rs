//! Patches in Git's own dialect: modes, renames, copies, links, binaries.

use super::patches::{TWO, over, patch};
use super::{Case, same, unapplied_only};
use crate::build::Builder;
use crate::build::package::upstream;

/// A patch with a new symbolic link.
fn new_link(b: &mut Builder, path: &str, target: &str) {
    let head = format!("diff --git a/{path} b/{path}\nnew file mode 120000\nindex 0000000..1\n");
    let names = format!("--- /dev/null\n+++ b/{path}\n");
    patch(b, &format!("{head}{names}@@ -0,0 +1 @@\n+{target}\n\\ No newline at end of file\n"));
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        same("git-mode-with-hunk", "a file becomes executable", |b| {
            patch(b, &format!("diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 100755\n{TWO}"));
        }),
        same("git-mode-removed", "an executable becomes a plain file", |b| {
            let hunk = "--- a/run.sh\n+++ b/run.sh\n@@ -1 +1 @@\n-#!/bin/sh\n+x\n";
            patch(b, &format!("diff --git a/run.sh b/run.sh\nold mode 100755\nnew mode 100644\n{hunk}"));
        }),
        same("git-mode-alone", "nothing but a mode", |b| {
            patch(b, "diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 100755\n");
        }),
        same("git-mode-alone-beside-diff", "nothing but a mode, and a diff of another file", |b| {
            let mode = "diff --git a/sub/b.txt b/sub/b.txt\nold mode 100644\nnew mode 100755\n";
            patch(b, &format!("{mode}diff --git a/a.txt b/a.txt\nindex 1..2 100644\n{TWO}"));
        }),
        same("git-mode-wrong-old", "the old mode is not the file's", |b| {
            patch(b, &format!("diff --git a/a.txt b/a.txt\nold mode 100755\nnew mode 100644\n{TWO}"));
        }),
        same("git-new-executable", "a new executable", |b| {
            let hunk = "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n";
            patch(b, &format!("diff --git a/new b/new\nnew file mode 100755\nindex 0000000..1\n{hunk}"));
        }),
        same("git-deleted", "a deleted file", |b| {
            let hunk = "--- a/sub/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n";
            patch(
                b,
                &format!("diff --git a/sub/b.txt b/sub/b.txt\ndeleted file mode 100644\nindex 1..0\n{hunk}"),
            );
        }),
        same("git-empty-file-beside-diff", "a new empty file has no hunk", |b| {
            let empty = "diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n";
            patch(b, &format!("{empty}diff --git a/a.txt b/a.txt\nindex 1..2 100644\n{TWO}"));
        }),
        same("git-empty-file-last", "a new empty file at the end of the patch", |b| {
            let empty = "diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n";
            patch(b, &format!("diff --git a/a.txt b/a.txt\nindex 1..2 100644\n{TWO}{empty}"));
        }),
        same("git-deleted-empty-beside-diff", "a deleted empty file has no hunk", |b| {
            let gone = "diff --git a/e b/e\ndeleted file mode 100644\nindex e69de29..0000000\n";
            over(b, &[("e", "")], &format!("{gone}diff --git a/a.txt b/a.txt\nindex 1..2 100644\n{TWO}"));
        }),
        same("git-rename-with-hunk", "a renamed and changed file", |b| {
            let head = "diff --git a/a.txt b/sub/r.txt\nsimilarity index 90%\nrename from a.txt\nrename to sub/r.txt\n";
            patch(b, &format!("{head}{}", TWO.replace("b/a.txt", "b/sub/r.txt")));
        }),
        same("git-rename-alone-beside-diff", "a renamed file without a hunk", |b| {
            let rename = "diff --git a/sub/b.txt b/moved\nsimilarity index 100%\nrename from sub/b.txt\nrename to moved\n";
            patch(b, &format!("{rename}diff --git a/a.txt b/a.txt\nindex 1..2 100644\n{TWO}"));
        }),
        same("git-copy-with-hunk", "a copied and changed file", |b| {
            let head = "diff --git a/a.txt b/copy\nsimilarity index 90%\ncopy from a.txt\ncopy to copy\n";
            patch(b, &format!("{head}{}", TWO.replace("b/a.txt", "b/copy")));
        }),
        same("git-symlink-new", "a new symbolic link", |b| {
            let hunk = "--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+a.txt\n\\ No newline at end of file\n";
            patch(b, &format!("diff --git a/l b/l\nnew file mode 120000\nindex 0000000..1\n{hunk}"));
        }),
        unapplied_only("git-symlink-out-of-tree-in-debian", "a new link in debian leads out", |b| {
            let hunk =
                "--- /dev/null\n+++ b/debian/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n";
            patch(
                b,
                &format!("diff --git a/debian/l b/debian/l\nnew file mode 120000\nindex 0000000..1\n{hunk}"),
            );
        }),
        unapplied_only(
            "git-symlink-to-dev-null",
            "dpkg may not set the time of what the link leads to",
            |b| {
                new_link(b, "l", "/dev/null");
            },
        ),
        unapplied_only("git-symlink-to-dev-null-in-debian", "nor there", |b| {
            new_link(b, "debian/l", "/dev/null");
        }),
        unapplied_only("git-symlink-to-file-of-machine", "nor of a file that every machine has", |b| {
            new_link(b, "l", "/etc/passwd");
        }),
        same("git-symlink-to-nothing-of-machine", "what is not there is fine", |b| {
            new_link(b, "l", "/etc/no-such-file");
            b.orig(upstream().link("case-1.0/m", "/no/such/folder"));
        }),
        unapplied_only("git-symlink-to-itself", "a link in circles", |b| new_link(b, "l", "l")),
        unapplied_only("git-symlink-through-file", "a link to a path below a file", |b| {
            new_link(b, "l", "a.txt/x");
        }),
        unapplied_only("git-symlink-to-long-name", "a link to a name that no system takes", |b| {
            new_link(b, "l", &"n".repeat(256));
        }),
        unapplied_only("git-symlink-deleted", "a removed symbolic link", |b| {
            b.orig(upstream().link("case-1.0/l", "a.txt"));
            let hunk = "--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-a.txt\n\\ No newline at end of file\n";
            patch(b, &format!("diff --git a/l b/l\ndeleted file mode 120000\nindex 1..0\n{hunk}"));
        }),
        unapplied_only("git-binary", "a binary patch", |b| {
            let body =
                "GIT binary patch\nliteral 3\nKcmZ?wbhEHbWMp7u0096}0RR91\n\nliteral 0\nHcmV?d00001\n\n";
            patch(b, &format!("diff --git a/bin b/bin\nnew file mode 100644\nindex 0000000..1\n{body}"));
        }),
        unapplied_only("git-binary-beside-diff", "a binary patch and a diff", |b| {
            let body =
                "GIT binary patch\nliteral 3\nKcmZ?wbhEHbWMp7u0096}0RR91\n\nliteral 0\nHcmV?d00001\n\n";
            let binary = format!("diff --git a/bin b/bin\nnew file mode 100644\nindex 0000000..1\n{body}");
            patch(b, &format!("{binary}diff --git a/a.txt b/a.txt\nindex 1..2 100644\n{TWO}"));
        }),
        unapplied_only("git-binary-files-differ", "Git's remark on a binary that is not there", |b| {
            let text = "diff --git a/bin b/bin\nindex 1..2 100644\nBinary files a/bin and b/bin differ\n";
            patch(b, &format!("{text}diff --git a/a.txt b/a.txt\nindex 1..2 100644\n{TWO}"));
        }),
        same("git-binary-files-differ-there", "Git's remark on a binary that is there", |b| {
            let text = "diff --git a/bin b/bin\nindex 1..2 100644\nBinary files a/bin and b/bin differ\n";
            over(
                b,
                &[("bin", "x\n")],
                &format!("{text}diff --git a/a.txt b/a.txt\nindex 1..2 100644\n{TWO}"),
            );
        }),
    ]
}
