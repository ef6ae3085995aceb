//! Names that are hard for file systems, for Git, or for both.

use super::Expect::*;
use super::{Case, case};
use crate::build::package::upstream;
use crate::build::tar::Entry;

pub fn cases() -> Vec<Case> {
    vec![
        case("not-utf8", "bytes are kept", Same, |b| {
            b.orig(upstream().file(b"case-1.0/caf\xe9", "x\n").file(b"case-1.0/\xff\xfe/y", "y\n"));
        }),
        case("newline-and-quotes", "every byte but / and NUL", Same, |b| {
            b.orig(
                upstream()
                    .file("case-1.0/a\nb", "x\n")
                    .file("case-1.0/\"q\" 'r'\t\\", "y\n")
                    .file("case-1.0/\u{1}", "z\n"),
            );
        }),
        case("sorted-oddly", "Git sorts folders as if a slash followed", Same, |b| {
            b.orig(
                upstream()
                    .file("case-1.0/x.c", "1\n")
                    .file("case-1.0/x/y", "2\n")
                    .file("case-1.0/x0", "3\n")
                    .file("case-1.0/x-", "4\n"),
            );
        }),
        case("name-255", "as long as a name can be", Same, |b| {
            b.orig(upstream().file(format!("case-1.0/{}", "n".repeat(255)), "x\n"));
        }),
        case("name-256", "longer than a name can be", Refused, |b| {
            b.orig(upstream().file(format!("case-1.0/{}", "n".repeat(256)), "x\n"));
        }),
        case("deep", "a hundred folders", Same, |b| {
            b.orig(upstream().file(format!("case-1.0/{}x", "d/".repeat(100)), "x\n"));
        }),
        case("absolute", "tar would cut the slash off", RefusedThoughDpkgTakesIt("unsafe"), |b| {
            b.orig(upstream().file("/case-1.0/x", "x\n"));
        }),
        case("dot-dot", "tar refuses it, too", Refused, |b| {
            b.orig(upstream().file("case-1.0/../x", "x\n"));
        }),
        case("git-folder", "stored escaped", Same, |b| {
            b.escaped().orig(
                upstream()
                    .file("case-1.0/.git/config", "[core]\n")
                    .file("case-1.0/.GIT/x", "x\n")
                    .file("case-1.0/sub/.git", "gitdir: x\n"),
            );
        }),
        case("git-short-name", "stored escaped", Same, |b| {
            b.escaped().orig(
                upstream()
                    .file("case-1.0/git~1", "x\n")
                    .file("case-1.0/GIT~1/y", "y\n")
                    .file("case-1.0/.git . .", "z\n"),
            );
        }),
        case("git-unicode", "stored escaped", Same, |b| {
            b.escaped().orig(upstream().file("case-1.0/.g\u{200c}it/x", "x\n"));
        }),
        case("git-backslash", "stored escaped", Same, |b| {
            b.escaped().orig(
                upstream()
                    .file("case-1.0/a\\.git", "x\n")
                    .file("case-1.0/b\\.gitmodules", "y\n")
                    .file("case-1.0/c\\d", "z\n"),
            );
        }),
        case("looks-escaped", "what looks escaped is escaped again", Same, |b| {
            b.escaped().orig(
                upstream()
                    .file("case-1.0/..git", "1\n")
                    .file("case-1.0/...git", "2\n")
                    .file("case-1.0/.git", "3\n")
                    .file("case-1.0/..gitmodules", "4\n")
                    .file("case-1.0/.%a%5C.git", "5\n"),
            );
        }),
        case("gitmodules-plain", "an ordinary one stays", Same, |b| {
            b.orig(upstream().file(
                "case-1.0/.gitmodules",
                "[submodule \"x\"]\n\tpath = x\n\turl = https://example.org/x\n",
            ));
        }),
        case("gitmodules-hostile", "stored escaped", Same, |b| {
            b.escaped()
                .orig(upstream().file("case-1.0/.gitmodules", "[submodule \"x\"]\n\tpath = x\n\turl = -x\n"));
        }),
        case("gitmodules-link", "stored escaped", Same, |b| {
            b.escaped().orig(
                upstream().link("case-1.0/.gitmodules", "a.txt").link("case-1.0/sub/.gitattributes", "b.txt"),
            );
        }),
        case("gitmodules-folder", "stored escaped", Same, |b| {
            b.escaped().orig(upstream().file("case-1.0/.gitmodules/x", "x\n"));
        }),
        case("gitattributes", "no effect on what is stored", Same, |b| {
            b.orig(
                upstream()
                    .file("case-1.0/.gitattributes", "* text=auto eol=crlf\n*.txt export-ignore ident\n")
                    .file("case-1.0/crlf.txt", "a\r\nb\r\n$Id$\n")
                    .file("case-1.0/.gitignore", "*\n"),
            );
        }),
        case("gitattributes-long-line", "stored escaped", Same, |b| {
            b.escaped().orig(upstream().file("case-1.0/.gitattributes", "x".repeat(3000)));
        }),
        case("case-folding", "names that differ in case", Same, |b| {
            b.orig(upstream().file("case-1.0/A.TXT", "x\n").file("case-1.0/a.Txt", "y\n"));
        }),
        case("dash-names", "names that look like options", Same, |b| {
            b.orig(upstream().file("case-1.0/-rf", "x\n").entry(Entry::dir("case-1.0/--help/")));
        }),
    ]
}
