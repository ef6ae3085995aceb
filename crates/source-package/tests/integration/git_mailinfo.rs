//! Headers of patches compared with what `git am` makes of them, and dates with those of GNU date. Those of real
//! packages are compared in `tests/`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use source_package::date::Date;
use source_package::patch_header::PatchHeader;

fn run(command: &mut Command, input: &[u8]) -> String {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // The program may stop reading early.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Author, address and subject, as `git mailinfo` reports them.
fn git_am(patch: &[u8], scratch: &Path) -> [String; 3] {
    let (message, diff) = (scratch.join("message"), scratch.join("diff"));
    let info =
        run(Command::new("git").arg("mailinfo").arg("-u").arg(message).arg(diff).current_dir(scratch), patch);
    ["Author: ", "Email: ", "Subject: "]
        .map(|name| info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned())
}

fn ours(patch: &[u8]) -> [String; 3] {
    let header = PatchHeader::parse(patch);
    let (name, email) =
        header.author.map(|a| (a.name().to_owned(), a.email().to_owned())).unwrap_or_default();
    [name, email, header.subject.unwrap_or_default()]
}

const DIFF: &str = "---\n x | 2 +-\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

#[test]
fn reads_mails_as_git_am_does() {
    let scratch = tempfile::tempdir().unwrap();
    let froms = [
        "A B <a@example.org>",
        "=?UTF-8?q?J=C3=B6rg=20M=C3=BCller?= <j@example.org>",
        "=?iso-8859-1?Q?J=F6rg?= M <j@example.org>",
        "=?UTF-8?B?SsO2cmc=?= =?UTF-8?B?IE0=?= <j@example.org>",
        "\"Doe, John\" <j@example.org>",
    ];
    let subjects = [
        "[PATCH] Plain",
        "[PATCH 1/3] Numbered: with a colon",
        "Re: [PATCH v2 01/10] [area] two",
        "[PATCH] a long line that\n was folded",
        "[PATCH] =?UTF-8?q?caf=C3=A9=20au=20lait?=",
        "[PATCH] =?UTF-8?q?split=20=C3?=\n =?UTF-8?q?=A9=20word?=",
        "No prefix [at the end]",
    ];
    for from in froms {
        for subject in subjects {
            let mail = format!(
                "From 7ad1a2b2cc57b5f4bcb59186a9a8abcbed9f4f76 Mon Sep 17 00:00:00 2001\nFrom: {from}\n\
                 Date: Fri, 11 Nov 2022 18:22:00 +0100\nSubject: {subject}\n\nBody.\n{DIFF}"
            );
            assert_eq!(ours(mail.as_bytes()), git_am(mail.as_bytes(), scratch.path()), "{mail}");
        }
    }
}

#[test]
fn reads_dates_as_gnu_date_does() {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut texts = Vec::new();
    for year in (1970..2400).step_by(7) {
        for month in 0..12 {
            let (day, hour) = (1 + (year + month * 5) % 28, (year + month) % 24);
            let (east, minutes) = (["+", "-"][month % 2], [0, 30, 45][year % 3]);
            texts.push(format!(
                "{day:2} {} {year} {hour:02}:59:07 {east}{:02}{minutes:02}",
                MONTHS[month],
                year % 13
            ));
            texts.push(format!(
                "{year:04}-{:02}-{day:02} {hour:02}:59:07 {east}{:02}{minutes:02}",
                month + 1,
                year % 13
            ));
        }
    }
    let mut input = String::new();
    texts.iter().for_each(|text| writeln!(input, "{text}").unwrap());
    let answers = run(Command::new("date").args(["-f", "-", "+%s"]).env("LC_ALL", "C"), input.as_bytes());
    let answers: Vec<i64> = answers.lines().map(|seconds| seconds.parse().unwrap()).collect();
    assert_eq!(answers.len(), texts.len());
    for (text, seconds) in texts.iter().zip(answers) {
        assert_eq!(Date::parse(text).map(|date| date.seconds), Some(seconds.max(0)), "{text}");
    }
}
