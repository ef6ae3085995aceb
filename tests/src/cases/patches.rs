//! Patches of 3.0 (quilt). The patch engine has many more cases of its own; these go through a whole import.

use super::Expect::*;
use super::{Case, case};
use crate::build::Tar;
use crate::build::package::upstream;

const ONE: &str = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n";

pub fn cases() -> Vec<Case> {
    vec![
        case("patch-plain", "one hunk", Same, |b| {
            b.patch("one.patch", ONE);
        }),
        case("patch-offset", "a hunk that moved", Same, |b| {
            b.orig(upstream().file("case-1.0/a.txt", format!("0\n0\n{}", crate::build::package::LINES)))
                .patch("o.patch", "--- a/a.txt\n+++ b/a.txt\n@@ -4,3 +4,3 @@\n 4\n-5\n+five\n 6\n");
        }),
        case("patch-at-the-start", "less leading context: at the start only", UnappliedOnly, |b| {
            b.orig(upstream().file("case-1.0/a.txt", format!("0\n{}", crate::build::package::LINES)))
                .patch("one.patch", ONE);
        }),
        case("patch-fuzz", "context that does not match", UnappliedOnly, |b| {
            b.patch("one.patch", "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n-1\n+one\n 2\n x\n");
        }),
        case("patch-creates", "a new file in a new folder", Same, |b| {
            b.patch("new.patch", "--- /dev/null\n+++ b/new/dir/file\n@@ -0,0 +1,2 @@\n+x\n+y\n");
        }),
        case("patch-deletes", "the folder goes with its last file", Same, |b| {
            b.patch("del.patch", "--- a/sub/b.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n");
        }),
        case("patch-empties", "-E removes what is empty", Same, |b| {
            b.patch("del.patch", "--- a/sub/b.txt\n+++ b/sub/b.txt\n@@ -1 +0,0 @@\n-b\n");
        }),
        case("patch-no-newline", "no newline at the end, before and after", Same, |b| {
            b.orig(upstream().file("case-1.0/n", "a")).patch("n.patch", "--- a/n\n+++ b/n\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n");
        }),
        case("patch-crlf-file", "a file with CRLF", Same, |b| {
            b.orig(upstream().file("case-1.0/c", "a\r\nb\r\n"))
                .patch("c.patch", "--- a/c\n+++ b/c\n@@ -1,2 +1,2 @@\n-a\r\n+A\r\n b\r\n");
        }),
        case("patch-twice", "one patch touches a file twice", Same, |b| {
            b.patch(
                "two.patch",
                format!("{ONE}--- a/a.txt\n+++ b/a.txt\n@@ -11,2 +11,2 @@\n 11\n-12\n+twelve\n"),
            );
        }),
        case("patch-path-with-space", "ends at the space", Same, |b| {
            b.patch("s.patch", "--- /dev/null\n+++ b/News/next/Core and Builtins/x.rst\n@@ -0,0 +1 @@\n+x\n");
        }),
        case("patch-end-of-file", "less trailing context: at the end only", Same, |b| {
            b.patch("e.patch", "--- a/a.txt\n+++ b/a.txt\n@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n");
        }),
        case("patch-git-mode", "Git's mode header", Same, |b| {
            b.patch("m.patch", "diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 100755\n--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n");
        }),
        case("patch-git-rename", "Git's rename header", Same, |b| {
            b.patch("r.patch", "diff --git a/a.txt b/moved.txt\nsimilarity index 90%\nrename from a.txt\nrename to moved.txt\n--- a/a.txt\n+++ b/moved.txt\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n");
        }),
        case("patch-git-symlink", "a link made by a patch", Same, |b| {
            b.patch("l.patch", "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+a.txt\n\\ No newline at end of file\n");
        }),
        case("patch-git-binary", "cannot be applied", UnappliedOnly, |b| {
            b.patch("b.patch", "diff --git a/x.bin b/x.bin\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 2\nJcmZQz00IC2\n\nliteral 0\nHcmV?d00001\n\n");
        }),
        case("patch-p0", "one folder too few", UnappliedOnly, |b| {
            b.patch("p.patch", "--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n");
        }),
        case("patch-option-reverse", "options in the series have no effect", UnappliedOnly, |b| {
            b.patch("r.patch", "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-one\n+1\n 2\n")
                .series("series", "r.patch -R\n");
        }),
        case("patch-missing", "in the series and not there", UnappliedOnly, |b| {
            b.series("series", "nothing.patch\n");
        }),
        case("patch-empty", "0 bytes are fine", Same, |b| {
            b.patch("e.patch", "").patch("one.patch", ONE);
        }),
        case("patch-garbage", "text without a diff", UnappliedOnly, |b| {
            b.patch("g.patch", "Just words.\n");
        }),
        case("patch-through-link", "refused", UnappliedOnly, |b| {
            b.orig(upstream().link("case-1.0/l", "sub"))
                .patch("t.patch", "--- a/l/b.txt\n+++ b/l/b.txt\n@@ -1 +1 @@\n-b\n+B\n");
        }),
        case("patch-dot-dot", "refused", UnappliedOnly, |b| {
            b.patch("d.patch", "--- a/sub/../a.txt\n+++ b/sub/../a.txt\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n");
        }),
        case("series-comments", "comments, options, blank lines", Same, |b| {
            b.patch("one.patch", ONE).series("series", "# first\n\n  one.patch -p1 # why\n#two.patch\n");
        }),
        case("series-of-the-vendor", "debian.series comes first, and a link is made", Same, |b| {
            b.patch("one.patch", ONE).series("debian.series", "one.patch\n");
        }),
        case("series-of-another-vendor", "ubuntu.series is not for Debian", Same, |b| {
            b.patch("one.patch", ONE).series("ubuntu.series", "one.patch\n");
        }),
        case("series-of-ubuntu", "for Ubuntu it is", Same, |b| {
            b.distro("ubuntu").patch("one.patch", ONE).series("ubuntu.series", "one.patch\n");
        }),
        case("patch-in-a-folder", "names with a slash", Same, |b| {
            b.series("series", "deep/one.patch\n")
                .also(Tar::new().dir("debian/patches/deep/").file("debian/patches/deep/one.patch", ONE));
        }),
        case("patch-a-link", "a patch that is a link to another", Same, |b| {
            b.patch("one.patch", ONE)
                .series("series", "l.patch\n")
                .also(Tar::new().link("debian/patches/l.patch", "one.patch"));
        }),
        case("patch-makes-the-format", "debian/source/format by a patch", Same, |b| {
            b.patch("f.patch", "--- a/debian/notes\n+++ b/debian/notes\n@@ -0,0 +1 @@\n+x\n--- a/debian/rules\n+++ b/debian/rules\n@@ -1,3 +1,4 @@\n #!/usr/bin/make -f\n+# patched\n %:\n \tdh $@\n");
        }),
        case("patch-makes-a-link-out-of-debian", "refused after patching", UnappliedOnly, |b| {
            b.patch("l.patch", "diff --git a/debian/l b/debian/l\nnew file mode 120000\n--- /dev/null\n+++ b/debian/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n");
        }),
        case("second-patch-fails", "the first one alone is not enough", UnappliedOnly, |b| {
            b.patch("one.patch", ONE).patch("two.patch", ONE);
        }),
    ]
}
