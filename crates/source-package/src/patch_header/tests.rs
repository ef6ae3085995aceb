#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\nFrom: Not <me@x>\n";

/// Author, date, subject and body of a header, in one text.
fn shown(header: &[u8]) -> String {
    let header = PatchHeader::parse(&[header, DIFF.as_bytes()].concat());
    let author = header.author.map_or("-".into(), |author| format!("{} <{}>", author.name(), author.email()));
    let date = header.date.map_or("-".into(), |date| date.to_string());
    format!("{author}|{date}|{}|{}", header.subject.as_deref().unwrap_or("-"), header.body)
}

#[track_caller]
fn check(header: &str, expected: &str) {
    assert_eq!(shown(header.as_bytes()), expected, "{header}");
}

#[test]
fn no_header() {
    check("", "-|-|-|");
    check("\n\n", "-|-|-|");
    assert_eq!(PatchHeader::parse(b"diff --git a/x b/x\nFrom: A <a@x>\n"), PatchHeader::default());
    assert_eq!(PatchHeader::parse(b"Index: x\n=====\n--- x\n+++ x\n"), PatchHeader::default());
    assert_eq!(PatchHeader::parse(b"*** a/x\n--- b/x\n"), PatchHeader::default());
    check("Forwarded: no\n", "-|-|-|Forwarded: no");
    check("---\n", "-|-|-|");
    check("---\n x | 2 +-\n 1 file changed, 2 insertions(+)\n\n", "-|-|-|");
    check("---\nDescription: s\nAuthor: A\n---\nAuthor: B\n", "A <>|-|s|");
    check("=====\n* * *\n", "-|-|-|=====\n* * *");
}

#[test]
fn mail_of_git() {
    check(
        "From 7ad1a2b2cc57b5f4bcb59186a9a8abcbed9f4f76 Mon Sep 17 00:00:00 2001\nFrom: =?UTF-8?q?J=C3=B6rg?= <j@x>\n\
         Date: Fri, 11 Nov 2022 18:22:00 +0100\nSubject: [PATCH 2/2] [v3] Fix a very long\n thing: =?utf-8?b?w6Q=?=\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\nText: more.\n\n  List.\n\nBug: http://x\n\
         Signed-off-by: A <a@x>\n---\n x | 2 +-\n 1 file changed\n\n",
        "Jörg <j@x>|1668187320 +0100|Fix a very long thing: ä|\
         Text: more.\n\n  List.\n\nBug: http://x\nSigned-off-by: A <a@x>",
    );
    // The author in the text overrides the sender, but nothing later does.
    check(
        "From: List <l@x>\nSubject: Re: [PATCH] x\n\nFrom: A <a@x>\n\nFrom: B <b@x>\nwrote.\n",
        "A <a@x>|-|x|From: B <b@x>\nwrote.",
    );
}

#[test]
fn dep3() {
    check(
        "Description: Short.\n Long\n  text.\n .\n More.\nAuthor: A B <a@x>, C <c@x>\nForwarded: no\n\
         Bug-Debian: https://bugs.debian.org/1\nLast-Update: 2012-12-14\n\n",
        "A B <a@x>|1355443200 +0000|Short.|Long\n text.\n\nMore.\n\nForwarded: no\nBug-Debian: https://bugs.debian.org/1",
    );
    check("Author: A\nAuthor: B\nSubject: s\n", "A <>|-|s|Author: B");
    check("Author: A, B and C\n", "A <>|-|-|");
    check("From: \"B, A\" <a@x>\n", "B, A <a@x>|-|-|");
    check("author: a@x (A B)\nsubject: s\nDate: never\n", "A B <a@x>|-|s|Date: never");
    check("Description:\n On the next line.\n", "-|-|On the next line.|");
    check("Subject: s\nDescription: d\n e\n", "-|-|s|d\ne");
    check("Subject: s\n long\n .\n text\n", "-|-|s|long\n\ntext");
    check(
        "Free text\nof two lines.\n\nAuthor: A <a@x>\nOrigin: vendor\n",
        "A <a@x>|-|Free text|of two lines.\n\nOrigin: vendor",
    );
    check(
        "From: A <a@x>\nSubject: s\nLast-Update: 2012-12-14\nDate: Fri, 1 Feb 2013 00:00:00 +0000\n",
        "A <a@x>|1359676800 +0000|s|",
    );
    check("https://example.org/: see there\n", "-|-|https://example.org/: see there|");
    check("--- text with dashes\n\nmore\n", "-|-|--- text with dashes|more");
}

#[test]
fn templates() {
    let dpkg = "Description: <short summary of the patch>\n TODO: Put a short summary on the line above and replace this\n \
        it.\n .\n hello (1-1) unstable; urgency=low\n .\n   * Change.\nAuthor: A <a@x>\n\n---\nThe information above\n\n\
        Origin: (upstream|backport)\nAuthor: B <b@x>\nLast-Update: 2012-12-14\n\n";
    check(dpkg, "A <a@x>|1355443200 +0000|-|hello (1-1) unstable; urgency=low\n\n  * Change.");
    let quilt = "Description: <short description, required>\nAuthor: <name and email of author, optional>\n\
        Origin: <upstream|backport|vendor|other>, <URL, required except if Author is present>\n\
        Last-Update: <YYYY-MM-DD, last update of the meta-information, optional>\n---\n\
        This patch header follows DEP-3: http://dep.debian.net/deps/dep3/\n";
    check(quilt, "-|-|-|");
    check("This patch header follows DEP-3\nAuthor: A\n", "A <>|-|-|");
}

#[test]
fn other_tools() {
    check(
        "commit 8fb923ddc38dd5f4bfac4869d70fd80483fdb87a\nAuthor: A <a@x>\nDate:   Fri Dec 2 16:55:58 2022 +0300\n\n    \
         Subject.\n    \n    Text.\n",
        "A <a@x>|1669989358 +0300|Subject.|Text.",
    );
    check(
        "# HG changeset patch\n# User A <a@x>\n# Date 1136239445 25200\n# Node ID 1234\nSubject.\n\nText.\n",
        "A <a@x>|1136239445 -0700|Subject.|Text.",
    );
    check(
        "#! /bin/sh /usr/share/dpatch/dpatch-run\n## 01_x.dpatch by  A <a@x>\n##\n## All lines beginning with `## DP:' are\n\
         ## DP: Subject.\n## DP: Text.\n\n@DPATCH@\n",
        "A <a@x>|-|Subject.|Text.",
    );
    check(
        "# All lines beginning with `# DP:' are a description of the patch.\n# DP: Description: Subject.\n# DP: Author: A <a@x>\n\
         # DP: Upstream status: Pending\n# A comment.\n",
        "A <a@x>|-|Subject.|Upstream status: Pending\n# A comment.",
    );
    check(
        "2010-02-27  A B  <a@x>\n\n\t* elf/rtld.c: Change.\n---\n",
        "A B <a@x>|1267228800 +0000|-|2010-02-27  A B  <a@x>\n\n\t* elf/rtld.c: Change.",
    );
    check("Author: unknown\nSubject: s\n", "-|-|s|");
}

#[test]
fn odd_bytes() {
    assert_eq!(
        shown(b"From: J\xf6rg <j@x>\nSubject: \x93a\x94\0\x1b[1m\r\n\nb\xe4\r\n"),
        "Jörg <j@x>|-|“a”[1m|bä"
    );
    check("Subject: =?utf-8?q?a=00=0Ab?=\nFrom: =?utf-8?q?a=00=0A=3Cb=3E?= <a@x>\n", "a b <a@x>|-|a b|");
    let long = format!("Author: {}\nSubject: {}\n", "<".repeat(1 << 20), "[".repeat(1 << 20));
    let _ = shown(long.as_bytes());
}

proptest! {
    #[test]
    fn never_panics_and_is_always_valid(lines in proptest::collection::vec(
        "(From: |Subject: |Description: |Author: |Date: |Last-Update: |---|# HG changeset patch|# Date |commit 1234567| |\
         <|>|\\[PATCH\\]|2012-12-14|a@x|Re:|=\\?utf-8\\?q\\?=0A|\\?=|## |DP:| by |\\.|é|\\PC|\\x00){0,6}", 0..12)) {
        let header = PatchHeader::parse(lines.join("\n").as_bytes());
        prop_assert!(header.date.is_none_or(|date| date.seconds >= 0));
        let is_bad = |c: char| c.is_control() && c != '\t' && c != '\n';
        prop_assert!(!header.body.contains(is_bad));
        prop_assert!(header.subject.is_none_or(|subject| !subject.is_empty() && !subject.contains(char::is_control)));
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = PatchHeader::parse(&bytes);
    }
}
