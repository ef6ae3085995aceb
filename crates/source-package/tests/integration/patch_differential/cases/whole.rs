//! Files that are made or removed, and the folders around them.

use super::{Case, applied, edit, refused};
use crate::patch_differential::world::{What, executable, file};

const EPOCH: &str = "\t1970-01-01 00:00:00.000000000 +0000";

fn make(path: &str) -> String {
    format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")
}

fn remove(path: &str, hunk: &str) -> String {
    format!("--- a/{path}\n+++ /dev/null\n{hunk}")
}

pub fn cases() -> Vec<Case> {
    let mut cases = made();
    cases.extend(removed());
    cases.extend(both());
    cases
}

fn made() -> Vec<Case> {
    vec![
        applied("a new file", make("new")),
        applied("a new file in new folders", make("p/q/new")),
        applied("a new file without /dev/null", edit("new", "@@ -0,0 +1 @@\n+x\n")),
        applied("a new file with an old time", format!("--- a/new{EPOCH}\n+++ b/new\n@@ -0,0 +1 @@\n+x\n")),
        applied(
            "a new file with the old time of another zone",
            "--- a/new\t1970-01-01 01:00:00 +0100\n+++ b/new\n@@ -0,0 +1 @@\n+x\n",
        ),
        applied("a new file in an empty folder", make("hollow/new")),
        refused("a new file that exists", make("d/g")),
        applied("a new file that exists and is empty", make("empty")),
        applied("lines for a file that exists, without /dev/null", edit("d/g", "@@ -0,0 +1 @@\n+x\n")),
        refused(
            "a new file that exists by its time",
            format!("--- a/d/g{EPOCH}\n+++ b/d/g\n@@ -0,0 +1 @@\n+x\n"),
        ),
        refused("a new file that is not at line 0", "--- /dev/null\n+++ b/new\n@@ -1,0 +1 @@\n+x\n"),
        refused("a new file with old lines", "--- /dev/null\n+++ b/new\n@@ -1 +1 @@\n-a\n+x\n"),
        applied(
            "a new file in two hunks",
            "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n@@ -0,0 +2 @@\n+y\n",
        ),
        refused("a new file twice", make("new") + &make("new")),
        applied("two new files in a new folder", make("p/one") + &make("p/two")),
        refused("a new file below a new file", make("p") + &make("p/two")),
        refused("a new file where a folder is", make("d")),
        applied(
            "a new file without a line end",
            "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n",
        ),
        refused("a new file over a fifo", make("fifo")),
        refused("a new file over a link", make("link")),
        applied(
            "a new file of one name and an old one of another",
            "--- a/gone\n+++ b/new\n@@ -0,0 +1 @@\n+x\n",
        ),
    ]
}

fn removed() -> Vec<Case> {
    vec![
        applied("a removal", remove("d/g", "@@ -1,3 +0,0 @@\n-a\n-b\n-c\n")),
        applied("the folder goes with its last file", remove("only/one", "@@ -1 +0,0 @@\n-x\n")),
        applied("all folders go with their last file", remove("p/q/r/s", "@@ -1 +0,0 @@\n-x\n"))
            .with("p/q/r/s", file("x\n")),
        applied("a folder with a folder in it stays", remove("p/s", "@@ -1 +0,0 @@\n-x\n"))
            .with("p/s", file("x\n"))
            .with("p/q", What::Folder),
        refused("a removal that leaves lines", remove("d/g", "@@ -1,2 +0,0 @@\n-a\n-b\n")),
        refused("a removal of other lines", remove("d/g", "@@ -1,3 +0,0 @@\n-a\n-b\n-x\n")),
        refused("a removal of what is missing", remove("missing", "@@ -1 +0,0 @@\n-x\n")),
        refused("a removal of what is empty", remove("empty", "@@ -1 +0,0 @@\n-x\n")),
        applied("a removal by time", format!("--- a/d/g\n+++ b/d/g{EPOCH}\n@@ -1,3 +0,0 @@\n-a\n-b\n-c\n")),
        refused(
            "a removal by time that leaves lines",
            format!("--- a/d/g\n+++ b/d/g{EPOCH}\n@@ -1,2 +0,0 @@\n-a\n-b\n"),
        ),
        applied("a file that becomes empty", edit("d/g", "@@ -1,3 +0,0 @@\n-a\n-b\n-c\n")),
        applied(
            "a file that becomes empty in the middle of a patch",
            edit("d/g", "@@ -1,3 +0,0 @@\n-a\n-b\n-c\n") + &make("new"),
        ),
        applied("a last file that becomes empty", edit("only/one", "@@ -1 +0,0 @@\n-x\n")),
        applied("some lines are removed", edit("d/g", "@@ -1,2 +0,0 @@\n-a\n-b\n")),
        applied("a removal that is no removal", remove("d/g", "@@ -1 +1 @@\n-a\n+x\n")),
        refused("a removal of a folder", remove("d", "@@ -1 +0,0 @@\n-x\n")),
        refused("a removal of a link", remove("link", "@@ -1 +0,0 @@\n-f\n\\ No newline at end of file\n")),
        refused("a removal without a folder in front", "--- only\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"),
        refused(
            "a removal twice",
            remove("only/one", "@@ -1 +0,0 @@\n-x\n") + &remove("only/one", "@@ -1 +0,0 @@\n-x\n"),
        ),
        applied(
            "both files of a folder",
            remove("p/a", "@@ -1 +0,0 @@\n-x\n") + &remove("p/b", "@@ -1 +0,0 @@\n-x\n"),
        )
        .with("p/a", file("x\n"))
        .with("p/b", file("x\n")),
        applied(
            "a removal without a line end",
            remove("nonl", "@@ -1,2 +0,0 @@\n-a\n-b\n\\ No newline at end of file\n"),
        ),
    ]
}

fn both() -> Vec<Case> {
    let gone = remove("only/one", "@@ -1 +0,0 @@\n-x\n");
    vec![
        applied("removed and made again", gone.clone() + &make("only/one")),
        applied("removed and another made in its folder", gone.clone() + &make("only/two")),
        refused("made and removed", make("new") + &remove("new", "@@ -1 +0,0 @@\n-x\n") + &make("new/x")),
        applied("made, then removed", make("new") + &remove("new", "@@ -1 +0,0 @@\n-x\n")),
        applied("made, then changed", make("new") + &edit("new", "@@ -1 +1 @@\n-x\n+y\n")),
        refused("removed, then a folder in its place", gone + &make("only/one/x")),
        applied(
            "changed, then removed",
            edit("only/one", "@@ -1 +1 @@\n-x\n+y\n") + &remove("only/one", "@@ -1 +0,0 @@\n-y\n"),
        ),
        applied(
            "emptied, then filled",
            edit("only/one", "@@ -1 +0,0 @@\n-x\n") + &edit("only/one", "@@ -0,0 +1 @@\n+y\n"),
        ),
        applied(
            "an executable file removed and made again",
            remove("p/x", "@@ -1 +0,0 @@\n-x\n") + &make("p/x"),
        )
        .with("p/x", executable("x\n")),
        applied("a folder for the old name is made", "--- a/p/q/new\n+++ b/new\n@@ -0,0 +1 @@\n+x\n"),
        applied("a file named like a backup", make("f.dpkg-orig") + &edit("f", super::CHANGE)),
    ]
}
