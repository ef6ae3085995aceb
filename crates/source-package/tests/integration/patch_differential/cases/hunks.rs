//! Hunks: their places and their contents.

use super::{Case, applied, edit, refused};
use crate::patch_differential::world::file;

fn f(name: &'static str, applies: bool, hunks: &str) -> Case {
    if applies { applied(name, edit("f", hunks)) } else { refused(name, edit("f", hunks)) }
}

pub fn cases() -> Vec<Case> {
    let mut cases = places();
    cases.extend(ends());
    cases.extend(counts());
    cases
}

fn places() -> Vec<Case> {
    let middle = "-5\n+five\n 6\n 7\n 8\n";
    vec![
        f("in the middle", true, &format!("@@ -2,7 +2,7 @@\n 2\n 3\n 4\n{middle}")),
        f("too early", true, &format!("@@ -1,7 +1,7 @@\n 2\n 3\n 4\n{middle}")),
        f("too late", true, &format!("@@ -9,7 +9,7 @@\n 2\n 3\n 4\n{middle}")),
        f("far too late", true, &format!("@@ -999,7 +999,7 @@\n 2\n 3\n 4\n{middle}")),
        f("at line 0", true, &format!("@@ -0,7 +0,7 @@\n 2\n 3\n 4\n{middle}")),
        f("a wrong line of context", false, &format!("@@ -2,7 +2,7 @@\n 2\n 9\n 4\n{middle}")),
        f(
            "a second hunk follows the shift of the first",
            true,
            "@@ -4,3 +4,3 @@\n 2\n-3\n+x\n 4\n@@ -11,3 +11,3 @@\n 9\n-10\n+y\n 11\n",
        ),
        f("less context in front, at the start", true, "@@ -1,3 +1,3 @@\n-1\n+x\n 2\n 3\n"),
        f("less context in front, not at the start", false, "@@ -1,3 +1,3 @@\n-2\n+x\n 3\n 4\n"),
        f("less context in front, from line 2", true, "@@ -2,3 +2,3 @@\n-5\n+x\n 6\n 7\n"),
        f("less context behind, at the end", true, "@@ -10,3 +10,3 @@\n 10\n 11\n-12\n+x\n"),
        f("less context behind, at the end by far", true, "@@ -2,3 +2,3 @@\n 10\n 11\n-12\n+x\n"),
        f("less context behind, not at the end", false, "@@ -5,3 +5,3 @@\n 5\n 6\n-7\n+x\n"),
        f("no context", true, "@@ -5 +5 @@\n-5\n+x\n"),
        f("no context, elsewhere", true, "@@ -9 +9 @@\n-5\n+x\n"),
        f("an insertion without context", true, "@@ -5,0 +6 @@\n+x\n"),
        f("an insertion at the start", true, "@@ -0,0 +1 @@\n+x\n"),
        f("an insertion behind the end", true, "@@ -99,0 +100 @@\n+x\n"),
        f("insertions out of order", false, "@@ -5,0 +6 @@\n+x\n@@ -2,0 +3 @@\n+y\n"),
        f("hunks out of order", false, "@@ -9 +9 @@\n-9\n+x\n@@ -2 +2 @@\n-2\n+y\n"),
        f("hunks that touch", true, "@@ -2 +2 @@\n-2\n+x\n@@ -3 +3 @@\n-3\n+y\n"),
        f("hunks that share context", false, "@@ -2,2 +2,2 @@\n-2\n+x\n 3\n@@ -3,2 +3,2 @@\n 3\n-4\n+y\n"),
        f("a hunk twice", false, "@@ -2 +2 @@\n-2\n+x\n@@ -2 +2 @@\n-2\n+x\n"),
        f(
            "context and shift overlap what is done",
            true,
            "@@ -2,3 +2,3 @@\n 2\n-3\n+x\n 4\n@@ -4,3 +4,3 @@\n 4\n-5\n+y\n 6\n",
        ),
        applied("the nearest of several places", edit("rep", "@@ -6 +6 @@\n-a\n+A\n")),
        applied("the later of two equally near", edit("rep", "@@ -7 +7 @@\n-a\n+A\n")),
        applied("the earlier if it is nearer", edit("rep", "@@ -3,2 +3,2 @@\n-a\n+A\n x\n")),
        refused(
            "an earlier place is nearer than one behind the last hunk",
            edit("rep", "@@ -5 +5 @@\n-a\n+A\n@@ -2 +2 @@\n-a\n+B\n"),
        ),
        applied(
            "one file twice in a patch",
            edit("f", "@@ -1 +1 @@\n-1\n+x\n") + &edit("f", "@@ -1 +1 @@\n-x\n+y\n"),
        ),
        refused(
            "one file twice in a patch, both as it was",
            edit("f", "@@ -1 +1 @@\n-1\n+x\n") + &edit("f", "@@ -1 +1 @@\n-1\n+y\n"),
        ),
        refused(
            "the second file fails",
            edit("f", "@@ -1 +1 @@\n-1\n+x\n") + &edit("d/g", "@@ -1 +1 @@\n-z\n+y\n"),
        ),
        refused("applied already", edit("f", "@@ -1,2 +1,2 @@\n-one\n+1\n 2\n")),
        f("removals behind additions", true, "@@ -1,3 +1,3 @@\n+x\n-1\n 2\n 3\n"),
        applied("an executable file stays so", edit("run.sh", "@@ -1,2 +1,2 @@\n #!/bin/sh\n-echo\n+true\n")),
    ]
}

fn ends() -> Vec<Case> {
    let note = "\\ No newline at end of file\n";
    let nonl = |name, applies, hunks: String| {
        if applies { applied(name, edit("nonl", &hunks)) } else { refused(name, edit("nonl", &hunks)) }
    };
    vec![
        nonl("no line end on both sides", true, format!("@@ -1,2 +1,2 @@\n a\n-b\n{note}+c\n{note}")),
        nonl("a line end is added", true, format!("@@ -1,2 +1,2 @@\n a\n-b\n{note}+b\n")),
        nonl("a missing note", false, "@@ -1,2 +1,2 @@\n a\n-b\n+c\n".to_owned()),
        nonl("an unchanged last line without an end", true, format!("@@ -1,2 +1,2 @@\n-a\n+A\n b\n{note}")),
        nonl(
            "a line behind one without an end",
            true,
            format!("@@ -1,2 +1,3 @@\n a\n-b\n{note}+b\n+c\n{note}"),
        ),
        nonl("an insertion behind a line without an end", true, "@@ -2,0 +3 @@\n+c\n".to_owned()),
        nonl("two notes", true, format!("@@ -1,2 +1,2 @@\n-a\n+A\n b\n{note}{note}")),
        f("the line end is removed", true, &format!("@@ -10,3 +10,3 @@\n 10\n 11\n-12\n+12\n{note}")),
        f("a note in the middle", false, &format!("@@ -1,3 +1,3 @@\n 1\n{note}-2\n+x\n 3\n")),
        f(
            "a note behind the old lines in the middle of a file",
            false,
            &format!("@@ -1 +1 @@\n-1\n{note}+x\n"),
        ),
        f(
            "a note behind the new lines in the middle of a file",
            true,
            &format!("@@ -1 +1 @@\n-1\n+x\n{note}"),
        ),
        f(
            "a change behind a line that lost its end",
            false,
            &format!("@@ -1 +1 @@\n-1\n+x\n{note}@@ -4 +4 @@\n-4\n+y\n"),
        ),
        f(
            "an insertion behind a line that lost its end",
            true,
            &format!("@@ -1 +1 @@\n-1\n+x\n{note}@@ -1,0 +2 @@\n+y\n"),
        ),
        f(
            "a removal right behind a line that lost its end",
            false,
            &format!("@@ -1 +1 @@\n-1\n+x\n{note}@@ -2 +1,0 @@\n-2\n"),
        ),
        f("an empty line without an end", false, &format!("@@ -12 +12,2 @@\n 12\n+\n{note}")),
        f("a note between new and old lines", true, &format!("@@ -1,2 +1 @@\n-1\n+x\n{note}-2\n")),
        f("a note in another language", true, "@@ -1 +1 @@\n-1\n+x\n\\ Kein Zeilenumbruch am Dateiende.\n"),
        f("a note without a space", false, "@@ -1 +1 @@\n-1\n+x\n\\nonsense\n@@ -3 +3 @@\n-3\n+y\n"),
        f(
            "a hunk behind two notes is text",
            true,
            &format!("@@ -1 +1 @@\n-1\n+x\n{note}{note}@@ -4 +4 @@\n-4\n+y\n"),
        ),
        f("the patch ends without a line end", false, "@@ -1,3 +1,3 @@\n-1\n+x\n 2\n 3"),
        f("the last new line has no line end", false, "@@ -1 +1 @@\n-1\n+x"),
        f("a note without a line end", true, "@@ -1 +1 @@\n-1\n+x\n\\ No newline"),
        f("the last blank line got lost", true, "@@ -12,1 +12,2 @@\n+x\n 12\n"),
        applied("a lost blank line at the end", edit("blank", "@@ -1,2 +1,2 @@\n-a\n+A\n"))
            .with("blank", file("a\n\n")),
        applied("two lost blank lines at the end", edit("blank", "@@ -1,3 +1,3 @@\n-a\n+A\n"))
            .with("blank", file("a\n\n\n")),
        refused("three lost blank lines at the end", edit("blank", "@@ -1,4 +1,4 @@\n-a\n+A\n"))
            .with("blank", file("a\n\n\n\n")),
    ]
}

fn counts() -> Vec<Case> {
    vec![
        f("too few lines", false, "@@ -1,9 +1,9 @@\n-1\n+x\n 2\n"),
        f("more lines than counted are text", true, "@@ -1,2 +1,2 @@\n-1\n+x\n 2\n 3\n-4\n+y\n"),
        f("too many lines of context", true, "@@ -1,2 +1,2 @@\n-1\n+x\n 2\n 3\n"),
        f("wrong new count", false, "@@ -1,2 +1,3 @@\n-1\n+x\n 2\n"),
        f("wrong old count", false, "@@ -1,3 +1,2 @@\n-1\n+x\n 2\n"),
        f("a count too small for the old lines", false, "@@ -1 +1,2 @@\n-1\n-2\n+x\n+y\n"),
        f("a hunk that changes nothing", false, "@@ -1,2 +1,2 @@\n 1\n 2\n"),
        f("an empty hunk", false, "@@ -1,0 +1,0 @@\n"),
        f("an empty hunk, counted with more zeros", false, "@@ -1,00 +1,00 @@\n"),
        f("a count with a zero in front", true, "@@ -1,02 +01,002 @@\n-1\n+x\n 2\n"),
        f("no old lines, counted with two zeros", true, "@@ -5,00 +6 @@\n+x\n"),
        f("no old lines, counted with two zeros, and text", false, "@@ -5,00 +6 @@\n+x\ntext\n"),
        f("no new lines, counted with two zeros", true, "@@ -5 +4,00 @@\n-5\n"),
        f("an empty hunk behind a good one", false, "@@ -1 +1 @@\n-1\n+x\n@@ -3,0 +3,0 @@\n"),
        f("a heading", true, "@@ -1,2 +1,2 @@ int main()\n-1\n+x\n 2\n"),
        f("a heading without a space", false, "@@ -1,2 +1,2 @@main\n-1\n+x\n 2\n"),
        f("no second @", false, "@@ -1,2 +1,2 @\n-1\n+x\n 2\n"),
        f("two spaces in the header", false, "@@ -1,2  +1,2 @@\n-1\n+x\n 2\n"),
        f("no numbers", false, "@@ -,2 +1,2 @@\n-1\n+x\n 2\n"),
        f("a comment in a hunk", false, "@@ -1,2 +1,2 @@\n-1\n#\n+x\n 2\n"),
        f("a line with an equals sign", false, "@@ -1,2 +1,2 @@\n-1\n+x\n=2\n"),
        f("leading zeros", true, "@@ -01,02 +01,02 @@\n-1\n+x\n 2\n"),
        f("a number that is too large", false, "@@ -99999999999999999999 +1 @@\n-1\n+x\n"),
        applied("an empty line is empty context", edit("gap", "@@ -1,3 +1,3 @@\n-a\n+A\n\n b\n"))
            .with("gap", file("a\n\nb\n")),
        refused("a tab is no context", edit("gap", "@@ -1,3 +1,3 @@\n-a\n+A\n\tx\n b\n"))
            .with("gap", file("a\n\tx\nb\n")),
        f("headers look like removed lines", true, "@@ -1,2 +1,2 @@\n-1\n+-- a/x\n 2\n")
            .with("x", file("y\n")),
        applied(
            "removed lines that look like headers",
            edit("dash", "@@ -1,3 +1 @@\n--- a/x\n-++ b/x\n e\n"),
        )
        .with("dash", file("-- a/x\n++ b/x\ne\n")),
        applied("bytes and NULs", b"--- a/bin\n+++ b/bin\n@@ -1,2 +1,2 @@\n-\0\xff\n+\xfe\0\0\n e\n")
            .with_bytes(b"bin", b"\0\xff\ne\n"),
        applied("a very long line", edit("long", &format!("@@ -1 +1 @@\n-{0}\n+{0}y\n", "x".repeat(70_000))))
            .with("long", file("x".repeat(70_000) + "\n")),
    ]
}
