//! Diffs as Git writes them: modes, renames, copies, links, binary files.

use super::{CHANGE, Case, applied, edit, refused};
use crate::patch_differential::world::file;

fn git(old: &str, new: &str, rest: &str) -> String {
    format!("diff --git a/{old} b/{new}\n{rest}")
}

pub fn cases() -> Vec<Case> {
    let mut cases = modes();
    cases.extend(moves());
    cases.extend(links());
    cases
}

fn modes() -> Vec<Case> {
    let change = edit("f", CHANGE);
    let new = "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n";
    vec![
        applied("git with an index line", git("f", "f", &format!("index 123abc..456def 100644\n{change}"))),
        applied("a mode alone", git("f", "f", "old mode 100644\nnew mode 100755\n")),
        applied(
            "a mode alone, of an executable",
            git("run.sh", "run.sh", "old mode 100755\nnew mode 100644\n"),
        ),
        applied(
            "a mode with a change",
            git("f", "f", &format!("old mode 100644\nnew mode 100755\n{change}")),
        ),
        applied("a mode that is set already", git("f", "f", "old mode 100755\nnew mode 100644\n")),
        applied("the same mode twice", git("f", "f", "old mode 100755\nnew mode 100755\n")),
        applied(
            "a new executable",
            git("new", "new", &format!("new file mode 100755\nindex 0000000..123abc\n{new}")),
        ),
        applied(
            "a new file",
            git("new", "new", &format!("new file mode 100644\nindex 0000000..123abc\n{new}")),
        ),
        applied("a new file of an odd mode", git("new", "new", &format!("new file mode 100711\n{new}"))),
        applied("a mode of five digits", git("new", "new", &format!("new file mode 10755\n{new}"))),
        applied("a new empty file", git("new", "new", "new file mode 100644\nindex 0000000..e69de29\n")),
        applied(
            "a new empty file in a new folder",
            git("p/new", "p/new", "new file mode 100644\nindex 0000000..e69de29\n"),
        ),
        refused(
            "a new empty file that exists",
            git("f", "f", "new file mode 100644\nindex 0000000..e69de29\n"),
        ),
        refused(
            "a new file that exists",
            git("f", "f", "new file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n"),
        ),
        applied(
            "a removal",
            git(
                "only/one",
                "only/one",
                "deleted file mode 100644\nindex 123abc..0000000\n--- a/only/one\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n",
            ),
        ),
        applied(
            "the removal of an empty file",
            git("empty", "empty", "deleted file mode 100644\nindex e69de29..0000000\n"),
        ),
        refused(
            "the removal of a file without its lines",
            git("f", "f", "deleted file mode 100644\nindex 123abc..0000000\n"),
        ),
        applied("an index line alone", git("f", "f", "index 123abc..456def 100644\n")),
        refused("an index line alone, of a missing file", git("nil", "nil", "index 123abc..456def 100644\n")),
        refused("a file becomes a link", git("f", "f", "old mode 100644\nnew mode 120000\n")),
        refused("a submodule over a file", git("f", "f", "old mode 160000\nnew mode 160000\n")),
        applied(
            "a new submodule",
            git(
                "sub",
                "sub",
                "new file mode 160000\nindex 0000000..123abc\n--- /dev/null\n+++ b/sub\n@@ -0,0 +1 @@\n+Subproject commit 123abc\n",
            ),
        ),
        refused(
            "a binary patch",
            git("f", "f", "index 123abc..456def 100644\nGIT binary patch\nliteral 0\nHcmV?d00001\n\n"),
        ),
        applied(
            "a note on binary files",
            git("f", "f", "index 123abc..456def 100644\nBinary files a/f and b/f differ\n"),
        ),
        applied(
            "two modes",
            git("f", "f", "old mode 100644\nnew mode 100755\n")
                + &git("run.sh", "run.sh", "old mode 100755\nnew mode 100644\n"),
        ),
        applied(
            "one file twice by git",
            git("f", "f", &change) + &git("f", "f", &edit("f", "@@ -1 +1 @@\n-one\n+uno\n")),
        ),
        applied(
            "one new file twice by git",
            git("new", "new", &format!("new file mode 100644\n{new}"))
                + &git("new", "new", &edit("new", "@@ -1 +1 @@\n-x\n+y\n")),
        ),
        applied("git, then none", git("f", "f", &change) + &edit("f", "@@ -1 +1 @@\n-one\n+uno\n")),
        applied("none, then git", change.clone() + &git("f", "f", &edit("f", "@@ -1 +1 @@\n-one\n+uno\n"))),
        applied("a git line without a name", format!("diff --git f\n{change}")),
        applied("a git line with other names", git("x", "y", &change)),
        applied("git headers end at the end", git("f", "f", "old mode 100644\nnew mode 100755")),
        applied(
            "a mail around it",
            format!(
                "From 123 Mon Sep 17\nSubject: x\n---\n f | 2 +-\n\n{}-- \n2.30.0\n\n",
                git("f", "f", &format!("index 123..456 100644\n{change}"))
            ),
        ),
    ]
}

fn moves() -> Vec<Case> {
    let pure = |kind: &str, old: &str, new: &str| {
        git(old, new, &format!("similarity index 100%\n{kind} from {old}\n{kind} to {new}\n"))
    };
    let hunk = "@@ -1 +1 @@\n-x\n+y\n";
    vec![
        applied("a rename", pure("rename", "only/one", "two")),
        applied("a rename into a new folder", pure("rename", "f", "p/q/f")),
        applied("a rename of an executable", pure("rename", "run.sh", "go.sh")),
        applied(
            "a rename with a change",
            git(
                "only/one",
                "p/two",
                &format!(
                    "similarity index 50%\nrename from only/one\nrename to p/two\nindex 123..456 100644\n--- a/only/one\n+++ b/p/two\n{hunk}"
                ),
            ),
        ),
        applied(
            "a rename with a mode",
            git(
                "f",
                "g",
                "old mode 100644\nnew mode 100755\nsimilarity index 100%\nrename from f\nrename to g\n",
            ),
        ),
        refused("a rename of a missing file", pure("rename", "nil", "two")),
        refused("a rename with half of its headers", git("nil", "g", "rename from f\n")),
        applied("a rename without its second header", git("f", "f", "rename from f\n")),
        refused("a rename of a folder", pure("rename", "d", "p")),
        applied("a rename over a file", pure("rename", "only/one", "f")),
        applied("a rename over a longer name", pure("rename", "f", "only/one")),
        refused("a rename over a folder", pure("rename", "only/one", "d")),
        refused("a rename over a fifo", pure("rename", "only/one", "fifo")),
        applied("a rename onto itself", pure("rename", "f", "f")),
        refused("a rename of an empty file", pure("rename", "empty", "p/empty")),
        applied("a swap", pure("rename", "f", "g") + &pure("rename", "g", "f")).with("g", file("gg\n")),
        applied("a chain", pure("rename", "f", "g") + &pure("rename", "g", "h")).with("g", file("gg\n")),
        refused(
            "renamed by git, then changed without git",
            pure("rename", "only/one", "two") + &edit("two", hunk),
        ),
        applied(
            "renamed, and the old one made again",
            pure("rename", "only/one", "two")
                + "diff --git a/only/one b/only/one\nnew file mode 100644\n--- /dev/null\n+++ b/only/one\n@@ -0,0 +1 @@\n+n\n",
        ),
        applied("a copy", pure("copy", "f", "p/f")),
        applied(
            "a copy with a change",
            git(
                "only/one",
                "two",
                &format!("copy from only/one\ncopy to two\n--- a/only/one\n+++ b/two\n{hunk}"),
            ),
        ),
        applied(
            "a change, then a copy of what was before",
            git("only/one", "only/one", &edit("only/one", hunk)) + &pure("copy", "only/one", "two"),
        ),
        applied("two copies", pure("copy", "f", "g") + &pure("copy", "f", "h")),
        applied("a copy and a rename", pure("copy", "f", "g") + &pure("rename", "f", "h")),
        applied("a copy over a file", pure("copy", "only/one", "d/g")),
        refused("a copy of an empty file", pure("copy", "empty", "p/empty")),
        applied(
            "a rename in quotes",
            "diff --git \"a/sp ace\" \"b/q\\303\\244\"\nrename from x\nrename to y\n",
        ),
        refused(
            "a rename with spaces",
            "diff --git a/sp ace b/sp bce\nrename from sp ace\nrename to sp bce\n",
        ),
        refused("a rename that climbs", pure("rename", "f", "../../x")),
        refused("a rename of what climbs", pure("rename", "../f", "x")),
        refused("a copy that climbs", pure("copy", "f", "../../x")),
        applied(
            "a rename to a climbing name that is not said to be one",
            git("f", "../../x", "rename from f\n"),
        ),
        applied("a rename from nowhere to a climbing name", git("f", "../../x", "rename to x\n")),
        applied(
            "a mode for a file whose new name climbs",
            git("f", "../f", "old mode 100644\nnew mode 100755\n"),
        ),
        applied(
            "a mode for a file whose old name climbs",
            git("../f", "f", "old mode 100644\nnew mode 100755\n"),
        ),
        refused(
            "a mode for a file whose names climb",
            git("../f", "../f", "old mode 100644\nnew mode 100755\n"),
        ),
        applied("a new file with one name that climbs", git("../n", "new", "new file mode 100644\n")),
        applied("a new file whose name climbs", git("new", "../n", "new file mode 100644\n")),
        refused(
            "a removed file with one name that climbs",
            git("../empty", "empty", "deleted file mode 100644\n"),
        ),
        applied("a rename to an absolute name", "diff --git a/f /x/y\nrename from f\nrename to x/y\n"),
    ]
}

fn links() -> Vec<Case> {
    let note = "\\ No newline at end of file\n";
    let make = |path: &str, hunk: &str| {
        git(
            path,
            path,
            &format!("new file mode 120000\nindex 0000000..123abc\n--- /dev/null\n+++ b/{path}\n{hunk}"),
        )
    };
    vec![
        applied("a new link", make("new", &format!("@@ -0,0 +1 @@\n+d/g\n{note}"))),
        applied("a new link in a new folder", make("p/q/new", &format!("@@ -0,0 +1 @@\n+../../f\n{note}"))),
        applied("a new link with a line end in it", make("new", "@@ -0,0 +1 @@\n+d/g\n")),
        // Links out of the tree are not tried here: the time of their targets is set, by root even where nobody may do
        // it. tests/src/cases/git_patches.rs has them.
        applied("a new link with a NUL", make("new", &format!("@@ -0,0 +1 @@\n+a\0b\n{note}"))),
        refused("a new link over a file", make("f", &format!("@@ -0,0 +1 @@\n+d/g\n{note}"))),
        refused(
            "a new link twice",
            make("new", &format!("@@ -0,0 +1 @@\n+d/g\n{note}"))
                + &make("new", &format!("@@ -0,0 +1 @@\n+f\n{note}")),
        ),
        refused(
            "a new link, then a file through it",
            make("new", &format!("@@ -0,0 +1 @@\n+d\n{note}"))
                + "--- /dev/null\n+++ b/new/x\n@@ -0,0 +1 @@\n+x\n",
        ),
        refused(
            "the target of a link changes",
            git(
                "link",
                "link",
                &format!("index 123..456 120000\n--- a/link\n+++ b/link\n@@ -1 +1 @@\n-f\n{note}+d\n{note}"),
            ),
        ),
        refused(
            "a link is removed",
            git(
                "link",
                "link",
                &format!("deleted file mode 120000\n--- a/link\n+++ /dev/null\n@@ -1 +0,0 @@\n-f\n{note}"),
            ),
        ),
        refused(
            "a link is renamed",
            git("link", "l2", "similarity index 100%\nrename from link\nrename to l2\n"),
        ),
        applied(
            "a link is renamed, and its mode named",
            git(
                "link",
                "l2",
                "similarity index 100%\nrename from link\nrename to l2\nindex 123..123 120000\n",
            ),
        ),
        refused("a link becomes a file", git("link", "link", "old mode 120000\nnew mode 100644\n")),
        refused("a mode of a link alone", git("link", "link", "index 123..456 120000\n")),
    ]
}
