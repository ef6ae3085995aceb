//! Names: those that are no text, that are long, and that Git does not take.

use super::{Case, refused, same};
use crate::build::package::{debian_below, upstream};
use crate::build::{Builder, Tar};

/// Upstream with a file of each name.
fn files(b: &mut Builder, names: &[&[u8]]) {
    let mut tar = upstream();
    for name in names {
        tar = tar.file([b"case-1.0/", *name].concat(), "x\n");
    }
    b.orig(tar);
}

/// The same, for names that are stored escaped.
fn escaped(b: &mut Builder, names: &[&[u8]]) {
    files(b, names);
    b.escaped();
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = bytes();
    cases.extend(lengths());
    cases.extend(git());
    cases.extend(git_files());
    cases
}

fn bytes() -> Vec<Case> {
    vec![
        same("name-latin-1", "names that are not UTF-8", |b| {
            files(b, &[b"caf\xe9", b"\xff\xfe", b"d\xe9/f", b"\x80"])
        }),
        same("name-utf-8", "composed and decomposed are two names", |b| {
            files(b, &["\u{e9}".as_bytes(), "e\u{301}".as_bytes(), "\u{65e5}\u{672c}".as_bytes()]);
        }),
        same("name-newline", "newlines, tabs, returns and control characters", |b| {
            files(b, &[b"a\nb", b"\n", b"a\tb", b"a\rb", b"\x01\x1b[31m", b"\x7f"]);
        }),
        same("name-signs", "quotes, globs, spaces, colons, a lone dash", |b| {
            files(
                b,
                &[
                    b"a\"b", b"a'b", b"*", b"[x]", b" ", b" a ", b"c:d", b"-", b"--help", b"~", b"$HOME",
                    b"#x", b"!",
                ],
            );
        }),
        same("name-only-case-differs", "names that differ in case alone", |b| {
            files(b, &[b"x", b"X", b"Sub/f", b"SUB/f"])
        }),
        same("name-sorting", "Git sorts folders as if a slash followed", |b| {
            files(b, &[b"d/f", b"d.f", b"d-f", b"d0", b"da/f"]);
        }),
        same("name-dots", "names of dots, and what looks like a lock or a ref", |b| {
            files(b, &[b"...", b"..a", b"a..", b".a", b"a.lock", b"a@{b", b"HEAD", b"refs/heads/x"]);
        }),
        same("name-windows", "names that Windows does not take", |b| {
            files(b, &[b"con", b"aux.c", b"nul", b"a.", b"a?b", b"com1"]);
        }),
    ]
}

fn lengths() -> Vec<Case> {
    vec![
        same("name-255", "the longest name that the system takes", |b| {
            files(b, &[&[b'n'; 255], [[b'd'; 255].as_slice(), b"/f"].concat().as_slice()]);
        }),
        refused("name-256", "a name that is one byte too long", |b| files(b, &[&[b'n'; 256]])),
        same("name-100-deep", "a hundred folders", |b| {
            files(b, &[format!("{}f", "d/".repeat(100)).as_bytes()])
        }),
        same("name-path-of-2000", "a path of 2,000 bytes", |b| {
            let folder = format!("{}/", "d".repeat(99));
            files(b, &[format!("{}f", folder.repeat(20)).as_bytes()]);
        }),
        refused("name-path-of-5000", "a path that is longer than the system takes", |b| {
            let folder = format!("{}/", "d".repeat(199));
            files(b, &[format!("{}f", folder.repeat(25)).as_bytes()]);
        }),
    ]
}

fn git() -> Vec<Case> {
    vec![
        same("git-folder", "a `.git` folder at the top and below", |b| {
            escaped(b, &[b".git/HEAD", b".git/config", b"sub/.git/HEAD"]);
        }),
        same("git-file", "a `.git` file, as submodules have", |b| escaped(b, &[b"module/.git", b"module/f"])),
        same("git-link", "a `.git` link", |b| {
            b.escaped().orig(upstream().link("case-1.0/.git", "../elsewhere"));
        }),
        same("git-empty-folder", "an empty `.git` folder", |b| {
            b.escaped().orig(upstream().dir("case-1.0/.git/"));
        }),
        same("git-any-case", "`.git` in capitals", |b| escaped(b, &[b"a/.GIT/f", b"b/.Git", b"c/.giT/f"])),
        same("git-short-names", "what Windows might take for `.git`", |b| {
            escaped(b, &[b"a/git~1", b"b/GIT~1/f", b"c/.git /f", b"d/.git.", b"e/.git::$INDEX_ALLOCATION"]);
        }),
        same("git-near-names", "names that are no `.git`", |b| {
            files(b, &[b".gita", b".gi", b"git", b"git~2", b"a.git", b".git-x/f", b"x.git/f"]);
        }),
        same("git-ignorable-characters", "what HFS+ might take for `.git`", |b| {
            escaped(
                b,
                &["a/.g\u{200c}it/f".as_bytes(), "b/\u{feff}.git".as_bytes(), "c/.git\u{200d}".as_bytes()],
            );
        }),
        same("git-backslashes", "what Windows might take for a folder", |b| {
            escaped(b, &[b"a\\.git", b"a\\b", b"..\\x", b"\\", b"x\\.git\\config"]);
        }),
        same("git-looks-escaped", "names that look like escapes already", |b| {
            escaped(b, &[b"..git/f", b"...git", b".git/f", b"..GIT", b"..git~1", b"a/..git"]);
        }),
        same("git-in-component", "a `.git` in a component", |b| {
            b.escaped().component("comp", Tar::top("x").file("x/.git/HEAD", "x\n").file("x/f", "x\n"));
        }),
        same("git-in-debian", "a `.git` in the packaging", |b| {
            b.escaped().also(Tar::new().file("debian/.git/HEAD", "x\n"));
        }),
        same("git-in-native", "a `.git` at the top of a native package", |b| {
            b.native(debian_below("case/", "3.0 (native)\n").file("case/.git/HEAD", "x\n")).escaped();
        }),
        same("git-patched", "a patch for a file in `.git`", |b| {
            escaped(b, &[b".git/f"]);
            b.patch("p", "--- a/.git/f\n+++ b/.git/f\n@@ -1 +1 @@\n-x\n+y\n");
        }),
    ]
}

fn git_files() -> Vec<Case> {
    vec![
        same("gitignore", "a `.gitignore` that ignores everything", |b| {
            b.orig(upstream().file("case-1.0/.gitignore", "*\n").file("case-1.0/.hidden", "x\n"));
            b.also(Tar::new().file("debian/.gitignore", "*\n!/.gitignore\n"));
        }),
        same("gitattributes-text", "attributes that would change line ends", |b| {
            let tar =
                upstream().file("case-1.0/.gitattributes", "* text eol=crlf working-tree-encoding=UTF-16\n");
            b.orig(tar.file("case-1.0/crlf", "x\r\ny\n").file("case-1.0/ident", "$Id$\n"));
        }),
        same("gitattributes-export", "attributes that would leave files out", |b| {
            let attributes = "* export-ignore export-subst ident -text filter=lfs\n";
            b.orig(
                upstream().file("case-1.0/.gitattributes", attributes).file("case-1.0/v", "$Format:%H$\n"),
            );
        }),
        same("gitattributes-long-line", "a line of more than 2,048 bytes", |b| {
            b.escaped()
                .orig(upstream().file("case-1.0/.gitattributes", format!("{} text\n", "x".repeat(2100))));
        }),
        same("gitattributes-is-link", "`.gitattributes` is a link", |b| {
            b.escaped().orig(upstream().link("case-1.0/.gitattributes", "a.txt"));
        }),
        same("gitattributes-is-folder", "`.gitattributes` is a folder", |b| {
            b.escaped().orig(upstream().file("case-1.0/.gitattributes/f", "x\n"));
        }),
        same("gitmodules-is-link", "`.gitmodules` is a link", |b| {
            b.escaped().orig(upstream().link("case-1.0/.gitmodules", "a.txt"));
        }),
        same("gitmodules-hostile", "an url that is an option, a name that climbs out", |b| {
            let text = "[submodule \"../../x\"]\n\tpath = x\n\turl = -u./payload\n";
            b.escaped().orig(upstream().file("case-1.0/.gitmodules", text));
        }),
        same("gitmodules-harmless", "submodules that are only text here", |b| {
            let text = "[submodule \"x\"]\n\tpath = x\n\turl = https://example.org/x.git\n";
            b.orig(upstream().file("case-1.0/.gitmodules", text).dir("case-1.0/x/"));
        }),
        same("gitmodules-garbage", "a `.gitmodules` that is no configuration", |b| {
            b.escaped().orig(upstream().file("case-1.0/.gitmodules", "[[[ \0\n"));
        }),
        same("gitignore-is-link", "`.gitignore` and `.mailmap` are links", |b| {
            let tar = upstream().link("case-1.0/.gitignore", "a.txt").link("case-1.0/.mailmap", "a.txt");
            b.escaped().orig(tar);
        }),
        same("gitmodules-short-name", "what Windows might take for `.gitmodules`", |b| {
            b.escaped()
                .orig(upstream().link("case-1.0/GITMOD~1", "a.txt").link("case-1.0/.GITMODULES", "a.txt"));
        }),
    ]
}
