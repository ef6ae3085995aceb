//! Text around diffs, and diffs of other kinds.

use super::{CHANGE, Case, applied, edit, refused};

pub fn cases() -> Vec<Case> {
    let change = edit("f", CHANGE);
    let other = edit("d/g", "@@ -1 +1 @@\n-a\n+A\n");
    let indent = |text: &str, by: &str| text.lines().map(|line| format!("{by}{line}\n")).collect::<String>();
    vec![
        applied("nothing", ""),
        refused("text alone", "This is no patch.\n"),
        refused("a line end alone", "\n"),
        refused("half a line alone", "x"),
        refused("a comment alone", "# x\n"),
        applied("text in front", format!("Description: x\n y\n.\n\n{change}")),
        applied("text behind", format!("{change}\nthe end\n")),
        applied("text between", format!("{change}only in b: x\n{other}")),
        applied("half a line behind", format!("{change}x")),
        applied("a signature behind", format!("{change}-- \n2.30.0\n")),
        applied("a diff line", format!("diff -Nru a/f b/f\n{change}diff -Nru a/d/g b/d/g\n{other}")),
        applied("comments around", format!("# one\n{change}# two\n{other}")),
        applied("a comment between headers", format!("## f\n{change}")),
        refused("a hunk behind text", format!("{change}text\n@@ -5 +5 @@\n-5\n+x\n")),
        refused("a header behind the end", format!("{change}--- a/d/g\n")),
        refused("a --- in the text in front", format!("--- \n{change}")),
        applied("a line of dashes in the text in front", format!("---\n f | 2 ++\n\n{change}")),
        applied("an indented diff in front", format!("{}{change}", indent(&other, "  "))),
        applied("an indented diff alone", indent(&other, "    ")),
        applied("a diff indented with tabs", indent(&other, "\t")),
        applied("a diff behind Xs", indent(&other, "X")),
        applied("an indented diff behind", format!("{change}{}", indent(&other, " "))),
        refused("an indented diff that does not fit", indent(&edit("d/g", "@@ -1 +1 @@\n-z\n+A\n"), "  ")),
        applied("a diff in a digest", " - --- a/d/g\t2020-01-01\n +++ b/d/g\n @@ -1 +1 @@\n - -a\n +A\n"),
        refused("a diff in a digest without times", " - --- a/d/g\n +++ b/d/g\n @@ -1 +1 @@\n - -a\n +A\n"),
        applied("an Index line alone behind", format!("{change}Index: x/y\n")),
        applied("an indented Index line makes a header", "Index: a/d/g\n @@ -1 +1 @@\n -a\n +A\n"),
        refused(
            "a context diff",
            "*** a/d/g\n--- b/d/g\n***************\n*** 1 ****\n! a\n--- 1 ----\n! A\n",
        ),
        refused("a normal diff", "Index: a/d/g\n1c1\n< a\n---\n> A\n"),
        refused("an ed script", "Index: a/d/g\n1c\nA\n.\n"),
        refused("git headers without names", "diff --git x y\nnew file mode 100644\n"),
        applied(
            "git headers of a missing file in front of a plain diff",
            format!("diff --git a/no b/no\nold mode 100644\nnew mode 100755\n{change}"),
        ),
        applied(
            "git headers in front of a plain diff",
            format!("diff --git a/run.sh b/run.sh\nold mode 100755\nnew mode 100644\n{change}"),
        ),
        applied(
            "a diff without its own headers takes those before",
            format!("+++ x\n{change}").replacen("+++ x\n", "++ x\n", 1),
        ),
        applied("a hunk header in front of everything", format!(" @@ -1 +1 @@\n{change}")),
    ]
}
