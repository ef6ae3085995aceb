//! Changelogs that are odd: they never make a package fail.

use super::{Case, same};
use crate::build::package::{CHANGELOG, RULES};
use crate::build::{Builder, Tar};

const END: &str = " -- A Maintainer <maintainer@example.org>  Sun, 13 Sep 2020 12:26:40 +0000\n";

/// The packaging with this changelog.
fn with(b: &mut Builder, changelog: impl AsRef<[u8]>) {
    let tar = Tar::new().dir("debian/").file("debian/changelog", changelog).exec("debian/rules", RULES);
    b.debian(tar.file("debian/source/format", "3.0 (quilt)\n"));
}

/// A changelog of one entry that ends with this line.
fn ending(b: &mut Builder, end: &str) {
    with(b, format!("case (1.0-1) unstable; urgency=low\n\n  * Everything.\n\n{end}\n"));
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = entries();
    cases.extend(endings());
    cases.extend(files());
    cases
}

fn entries() -> Vec<Case> {
    vec![
        same("changelog-latin-1", "a changelog that is not UTF-8", |b| {
            let end = b" -- J\xf6rg <joerg@example.org>  Sun, 13 Sep 2020 12:26:40 +0000\n".as_slice();
            with(b, [b"case (1.0-1) unstable; urgency=low\n\n  * F\xfcr alle.\n\n".as_slice(), end].concat());
        }),
        same("changelog-top-version-differs", "the newest entry is of another version", |b| {
            with(b, CHANGELOG.replace("1.0-1", "1.0-2"));
        }),
        same("changelog-other-package", "the newest entry is of another package", |b| {
            with(b, CHANGELOG.replace("case (", "renamed ("));
        }),
        same("changelog-loop", "a version stands there twice, its own among them", |b| {
            with(b, [CHANGELOG, &CHANGELOG.replace("1.0-1", "0.9-1"), CHANGELOG].join("\n"));
        }),
        same("changelog-unpublished", "entries of versions that were never published", |b| {
            let old: String =
                (0..50).map(|n| CHANGELOG.replace("1.0-1", &format!("0.{}-1", 99 - n))).collect();
            with(b, format!("{CHANGELOG}\n{old}"));
        }),
        same("changelog-unreleased", "the newest entry says UNRELEASED", |b| {
            with(b, CHANGELOG.replace("unstable", "UNRELEASED"));
        }),
        same("changelog-several-suites", "an entry for two suites, with keywords", |b| {
            with(
                b,
                CHANGELOG.replace(
                    "unstable; urgency=medium",
                    "unstable experimental; urgency=HIGH, binary-only=yes",
                ),
            );
        }),
        same("changelog-version-is-no-version", "an entry whose version is none", |b| {
            with(b, CHANGELOG.replace("1.0-1", "not a version!"));
        }),
        same("changelog-nul", "NULs and control characters", |b| {
            with(b, CHANGELOG.replace("Everything", "Every\0thing\u{1b}[31m \u{7f}"));
        }),
        same("changelog-crlf", "CRLF line ends", |b| with(b, CHANGELOG.replace('\n', "\r\n"))),
        same("changelog-like-trailers", "text that looks like the importer's own trailers", |b| {
            with(
                b,
                CHANGELOG
                    .replace("Everything.", "Yes.\n  Dsc-Sha256: 0000\n\nVersion: 9.9\nImport-Rules: 99"),
            );
        }),
        same("changelog-long-line", "a line of a megabyte", |b| {
            with(b, CHANGELOG.replace("Everything.", &"word ".repeat(200_000)));
        }),
    ]
}

fn endings() -> Vec<Case> {
    vec![
        same("changelog-impossible-date", "the 31st of February", |b| {
            ending(b, " -- A Maintainer <maintainer@example.org>  Wed, 31 Feb 2020 25:61:61 +9900");
        }),
        same("changelog-wrong-weekday", "a weekday that is another one", |b| {
            ending(b, &END.replace("Sun", "Mon"));
        }),
        same("changelog-date-before-1970", "a date before there were any", |b| {
            ending(b, &END.replace("Sun, 13 Sep 2020", "Wed, 31 Dec 1969"));
        }),
        same("changelog-date-far-off", "a date that fills 64 bits", |b| {
            ending(b, &END.replace("2020", "99999999999999"));
        }),
        same("changelog-no-date", "no date at all", |b| {
            ending(b, " -- A Maintainer <maintainer@example.org>")
        }),
        same("changelog-date-of-local-time", "a date without a zone, in words of another language", |b| {
            ending(b, " -- A Maintainer <maintainer@example.org>  So 13. Sep 12:26:40 CEST 2020");
        }),
        same("changelog-no-address", "a name without an address", |b| {
            ending(b, " -- A Maintainer  Sun, 13 Sep 2020 12:26:40 +0000");
        }),
        same("changelog-no-name", "an address without a name", |b| {
            ending(b, " -- <maintainer@example.org>  Sun, 13 Sep 2020 12:26:40 +0000");
        }),
        same("changelog-odd-name", "commas, quotes, angles and newlines in a name", |b| {
            ending(b, " -- \"Maintainer, A. <x>\" (me) <a<b>c@example.org>  Sun, 13 Sep 2020 12:26:40 +0000");
        }),
        same("changelog-dots-name", "a name of signs that Git strips", |b| {
            ending(b, " -- .,:;<>\"' <>  Sun, 13 Sep 2020 12:26:40 +0000");
        }),
        same("changelog-one-space", "one space before the date", |b| {
            ending(b, &END.replace(">  Sun", "> Sun"));
        }),
        same("changelog-no-end", "the newest entry has no end", |b| {
            with(b, format!("case (1.0-1) unstable; urgency=low\n\n  * Cut off\n\n{CHANGELOG}"));
        }),
    ]
}

fn files() -> Vec<Case> {
    vec![
        same("changelog-empty", "a changelog of no bytes", |b| with(b, "")),
        same("changelog-garbage", "a changelog of other text", |b| with(b, "this is no changelog\n\n\n")),
        same("changelog-missing", "no changelog", |b| {
            b.debian(Tar::new().dir("debian/").exec("debian/rules", RULES));
        }),
        same("changelog-is-folder", "the changelog is a folder", |b| {
            b.debian(Tar::new().dir("debian/").dir("debian/changelog/"));
        }),
        same("changelog-is-link", "the changelog is a link to upstream's file", |b| {
            b.debian(Tar::new().dir("debian/").link("debian/changelog", "../a.txt"));
        }),
        same("changelog-is-dangling-link", "the changelog is a link to nothing", |b| {
            b.debian(Tar::new().dir("debian/").link("debian/changelog", "nothing"));
        }),
        same("changelog-patched", "a patch changes the changelog", |b| {
            b.patch("p", "--- a/debian/changelog\n+++ b/debian/changelog\n@@ -1 +1 @@\n-case (1.0-1) unstable; urgency=medium\n+x\n");
        }),
        same("changelog-is-fifo", "the changelog is a named pipe", |b| {
            b.debian(Tar::new().dir("debian/").fifo("debian/changelog"));
        }),
        same("changelog-with-mark", "a byte-order mark before it", |b| {
            with(b, format!("\u{feff}{CHANGELOG}"));
        }),
    ]
}
