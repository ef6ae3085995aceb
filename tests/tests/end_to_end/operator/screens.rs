//! Screens for orientation: explanations, lists, packages that are left out; and differences on a terminal.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use package_import_tests::programs::need;
use package_import_tests::queue::{Queue, text};
use state::values;

use crate::operator::incident::{self, signature};
use crate::operator::terminal::{command, refused, show};

#[test]
fn a_code_and_a_signature_are_explained() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["explain", "verify/unsupported-format"]), @r"
    verify/unsupported-format: permanent
      3.0 (git), 3.0 (bzr), 3.0 (custom)
      by itself: it stays until something is changed: `failing` at once: tried
        once a week, on a new upload, on `retry`, with a newer version of this
        program
      what to do: cannot be imported
      more: docs/failures.md
    ");
    insta::assert_snapshot!(show(&queue, &["explain", "worker/signal-SEGV: the import ended"]), @r"
    worker/signal-SEGV: unknown
      the import's process crashed, by the signal of that name
      by itself: nobody knows yet: retried from 5 minutes up to 6 hours; `failing`
        after 5 of a kind in a row, or 10 of any kind in 48 hours
      what to do: a bug worth a report with the `.dsc`
      more: docs/failures.md
    ");
    let id = signature(&queue, "missing-file");
    show(&queue, &["signature", "set", &id, "--policy", "hold", "--note", "asked upstream"]);
    insta::assert_snapshot!(show(&queue, &["explain", &id]), @r"
    y9s96py: fetch/missing-file
      cannot read FILE: No such file or directory (os error N)
      0 packages; seen from YYYY-MM-DD hh:mmZ to YYYY-MM-DD hh:mmZ
      an operator decided: hold, packages that fail with it are held, until they
        are released
      note: asked upstream
    fetch/missing-file: unknown
      a file that the `.dsc` lists is not beside it
      by itself: nobody knows yet: retried from 5 minutes up to 6 hours; `failing`
        after 5 of a kind in a row, or 10 of any kind in 48 hours
      what to do: fetch it, then `retry`
      more: docs/failures.md
    Next:
      package-import failures --signature y9s96py
    ");
    insta::assert_snapshot!(refused(&queue, &["explain", "verify/checksum-mismatsch"], 1), @r#"Error: "verify/checksum-mismatsch" is neither a stage/code nor the id of a signature; like it: verify/checksum-mismatch, poll/checksum-mismatch, fetch/checksum-mismatch, verify/weak-checksums, poll/weak-checksums, fetch/weak-checksums; `package-import explain` lists all codes"#);
    let all = show(&queue, &["explain"]);
    assert!(all.lines().count() > 100 && all.contains("worker/out-of-memory"), "{all}");
}

/// The same on both databases.
fn listed(queue: &Queue) {
    insta::allow_duplicates! {
        insta::assert_snapshot!(show(queue, &["list", "--limit", "3"]), @r"
        PACKAGE  RESULT   SINCE              WORK      HELD  SIGNATURE
        acl      current  YYYY-MM-DD hh:mmZ  none
        bash     failing  YYYY-MM-DD hh:mmZ  retrying        7fpkgvz
        curl     failing  YYYY-MM-DD hh:mmZ  retrying        7fpkgvz
        7 more packages (--limit 10)
        ");
        insta::assert_snapshot!(show(queue, &["list", "--state", "held,retrying"]), @r"
        PACKAGE  RESULT    SINCE              WORK      HELD  SIGNATURE
        jq       retrying  YYYY-MM-DD hh:mmZ  retrying        y9s96py
        perl     retrying  YYYY-MM-DD hh:mmZ  retrying  held  y9s96py
        ");
        insta::assert_snapshot!(show(queue, &["list", "--unapplied"]), @r"
        PACKAGE  RESULT   SINCE              WORK  HELD  VERSIONS
        openssh  current  YYYY-MM-DD hh:mmZ  none        9.2-1 (not applied)
        ");
        insta::assert_snapshot!(show(queue, &["list", "--late"]), @"no package matches");
        insta::assert_snapshot!(show(queue, &["list", "z*", "??"]), @r"
        PACKAGE  RESULT    SINCE              WORK      HELD  SIGNATURE
        jq       retrying  YYYY-MM-DD hh:mmZ  retrying        y9s96py
        zlib     current   YYYY-MM-DD hh:mmZ  none
        ");
        insta::assert_snapshot!(show(queue, &["audit", "--actor", "olga", "--action", "hold"]), @r"
        YYYY-MM-DD hh:mmZ olga@host1 hold perl: until YYYY-MM-DD hh:mmZ
            upload is broken, bug 123
        ");
        insta::assert_snapshot!(show(queue, &["audit", "--since", "2h"]), @"no entry matches");
        insta::assert_snapshot!(show(queue, &["audit", "--limit", "1"]), @r"
        YYYY-MM-DD hh:mmZ olga@host1 suppress ex4zyw0: until YYYY-MM-DD hh:mmZ
            known
        there are older ones (--limit 10)
        ");
        insta::assert_snapshot!(show(queue, &["history", "perl", "--since", "4h", "--outcome", "imported"]), @r"
        YYYY-MM-DD hh:mmZ olga@host1 hold perl: until YYYY-MM-DD hh:mmZ
            upload is broken, bug 123
        ");
        insta::assert_snapshot!(show(queue, &["history", "perl", "--until", "4h"]), @"nothing matches, or it was pruned");
        insta::assert_snapshot!(show(queue, &["failures", "--state", "failing", "--limit", "3"]), @r"
        PACKAGE  STATE    SINCE              TRIES  NEXT   SIGNATURE
        tzdata   failing  YYYY-MM-DD hh:mmZ  1      in 2h  ex4zyw0
        dash     failing  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
        curl     failing  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
        1 more package (--limit 4)
        Next:
          package-import show tzdata
          package-import log tzdata
        ");
    }
    assert!(show(queue, &["failures", "--limit", "1"]).ends_with("2 more causes (--limit 3)\n"));
    let wrong = refused(queue, &["list", "--state", "broken"], 2);
    assert!(wrong.contains("never, current, retrying, failing, wedged, queued"), "{wrong}");
}

#[test]
fn packages_and_records_are_listed() {
    listed(&incident::sqlite());
}

#[test]
fn packages_and_records_are_listed_on_postgresql() {
    listed(&incident::postgres());
}

#[test]
fn logs_say_what_was_not_imported_and_why() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["log", "hello"]), @r"
        s.mmm repacking: everything into one pack
        s.mmm repacked
    attempt 12 of hello imported nothing: its repository was checked or repacked;
      its last import is attempt 5
    ");
    incident::outage(&queue);
    let park = "UPDATE job SET state = 'parked', dependency_id = (SELECT MIN(id) FROM dependency)
        WHERE package_id = (SELECT id FROM package WHERE name = 'bash')";
    queue.store().write(|tx| tx.execute(park, &[]).map(drop)).unwrap();
    let said = show(&queue, &["log", "bash"]);
    let remark = "bash is parked now: it waits for deb.example.org (fetch/connect:\n  deb.example.org: connection refused), and resumes automatically\n";
    assert!(said.contains("5.2-1 failed") && said.ends_with(remark), "{said}");
    assert_eq!(show(&queue, &["log", "--attempt", "2"]), show(&queue, &["log", "2"]));
    refused(&queue, &["log"], 2);
    refused(&queue, &["log", "--attempt", "2", "bash"], 2);
}

#[test]
fn a_log_is_followed_until_its_attempt_ends() {
    let queue = incident::sqlite();
    let set = |sql: &str| queue.store().write(|tx| tx.execute(sql, values![]).map(drop)).unwrap();
    set("UPDATE attempt SET ended = NULL WHERE id = 2");
    let log = show(&queue, &["log", "2"]);
    let mut child = command(&queue, &["log", "-f", "bash"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in log.lines() {
        lines.next().unwrap().unwrap();
    }
    let logs = queue.installation.root().join("logs");
    let mut days = fs::read_dir(logs).unwrap().map(|day| day.unwrap().path().join("2.log"));
    let path = days.find(|path| path.exists()).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"half a").unwrap();
    file.write_all(b" line\nand the \x1b[31mlast\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "half a line");
    assert_eq!(lines.next().unwrap().unwrap(), "and the [31mlast");
    set("UPDATE attempt SET ended = started + 40 WHERE id = 2");
    assert!(lines.next().is_none());
    assert!(child.wait().unwrap().success());
    assert!(refused(&queue, &["log", "-f", "4711"], 1).contains("attempt 4711 is not known"));
}

/// A command on a terminal of 80 columns.
fn on_a_terminal(queue: &Queue, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    need("script", "bsdutils");
    let inner = command(queue, arguments);
    let words = std::iter::once(inner.get_program()).chain(inner.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut outer = Command::new("script");
    outer.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]).stdin(Stdio::null());
    outer.env_clear();
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.env("TERM", "xterm").env("PAGER", "cat").envs(environment.iter().copied());
    outer
}

fn seen(queue: &Queue, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = on_a_terminal(queue, arguments, environment).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    text(&output)
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let queue = incident::sqlite();
    let has_codes = |environment: &[(&str, &str)]| seen(&queue, &["status"], environment).contains('\u{1b}');
    assert!(has_codes(&[]));
    assert!(has_codes(&[("NO_COLOR", "")]), "only one that is not empty counts");
    assert!(!has_codes(&[("NO_COLOR", "1")]));
    assert!(!has_codes(&[("TERM", "dumb")]));
    assert!(!show(&queue, &["status"]).contains('\u{1b}'));
    assert!(seen(&queue, &["status"], &[]).contains("\u{1b}[1;31m5 of 10 packages fail\u{1b}[0m"));
}

#[test]
fn long_texts_are_read_through_a_pager() {
    let queue = incident::sqlite();
    let folder = queue.installation.files();
    let (pager, read) = (folder.join("pager"), folder.join("read"));
    fs::write(&pager, format!("#!/bin/sh\ncat > {}\n", read.display())).unwrap();
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o755)).unwrap();
    let pager = pager.to_str().unwrap();
    for arguments in
        [&["failures"][..], &["show", "bash"], &["log", "bash"], &["list"], &["audit"], &["history", "bash"]]
    {
        let plain = show(&queue, arguments);
        assert_eq!(seen(&queue, arguments, &[("PAGER", pager)]), "", "{arguments:?}");
        let paged = fs::read_to_string(&read).unwrap();
        assert_eq!(paged.lines().count(), plain.lines().count(), "{arguments:?}");
        fs::remove_file(&read).unwrap();
    }
    // Without a terminal, as JSON, with none, and with one that is not there, it is printed.
    let plain = command(&queue, &["list"]).env("PAGER", pager).output().unwrap();
    assert!(plain.status.success() && !read.exists());
    assert!(seen(&queue, &["list", "--json"], &[("PAGER", pager)]).contains("\"packages\""));
    for none in ["", "cat", "/nonexistent/pager -R"] {
        assert!(seen(&queue, &["list"], &[("PAGER", none)]).contains("openssh"), "{none}");
    }
    // Whoever has read enough leaves it.
    fs::write(folder.join("pager"), "#!/bin/sh\nexit 0\n").unwrap();
    assert_eq!(seen(&queue, &["explain"], &[("PAGER", pager)]), "");
}

#[test]
fn a_screen_is_watched_on_a_terminal() {
    let queue = incident::sqlite();
    for name in ["status", "queue", "workers"] {
        let said = refused(&queue, &[name, "--watch"], 2);
        assert!(said.contains("--watch needs a terminal"), "{said}");
    }
    let mut child =
        on_a_terminal(&queue, &["status", "--watch"], &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let (mut seen, mut part) = (String::new(), [0; 4096]);
    // Changes are on the next frame.
    let mut is_changed = false;
    while seen.matches("until Ctrl-C").count() < 2
        || !seen.contains("1 packages fail") && !seen.contains("none of")
    {
        let length = out.read(&mut part).unwrap();
        assert!(length > 0, "it ended: {seen}");
        seen += &String::from_utf8_lossy(&part[..length]);
        if !is_changed && seen.contains("until Ctrl-C") {
            show(&queue, &["hold", "bash", "curl", "dash", "jq", "tzdata", "--reason", "all of them"]);
            is_changed = true;
        }
    }
    assert!(seen.contains("5 of 10 packages fail"), "{seen}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A run from cron says an error when it begins, not each time.
#[test]
fn cron_is_told_of_an_error_once() {
    let queue = Queue::sqlite();
    drop(queue.store_or_make());
    let run = || {
        let output = command(&queue, &["run", "--if-idle"]).output().unwrap();
        (output.status.code().unwrap(), text(&output))
    };
    assert_eq!(run(), (0, String::new()));
    for wrong in
        ["[state]\nurl = 'postgresql://localhost:1/x'\n", "[state]\nurl = 'postgresql://localhost:1/y'\n"]
    {
        queue.installation.configure(wrong);
        let (code, said) = run();
        assert!(code != 0 && said.starts_with("Error: "), "{said}");
        assert_eq!(run(), (code, String::new()), "it was said: {said}");
        let file = queue.installation.root().join("run-error");
        let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 3600);
        fs::File::options().append(true).open(&file).unwrap().set_modified(yesterday).unwrap();
        assert_eq!(run(), (code, said), "a day later it is said again");
        let without = command(&queue, &["run"]).output().unwrap();
        assert!(text(&without).contains("Error: "), "a person is told each time");
    }
    queue.installation.configure("");
    assert_eq!(run(), (0, String::new()));
    assert!(!queue.installation.root().join("run-error").exists());
}
