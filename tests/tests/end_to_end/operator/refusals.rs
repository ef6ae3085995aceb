//! Refused commands, and the advice in their messages.

use package_import_tests::queue::Queue;

use crate::operator::incident::{self, signature};
use crate::operator::terminal::refused;

#[test]
fn packages_and_signatures_that_are_not_known() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(refused(&queue, &["show", "bsh"], 1), @"Error: package bsh is not known; did you mean bash?");
    insta::assert_snapshot!(refused(&queue, &["history", "opensh"], 1), @"Error: package opensh is not known; did you mean openssh?");
    insta::assert_snapshot!(refused(&queue, &["log", "quilt"], 1), @"Error: package quilt is not known; `package-import enqueue` or `import` makes one known");
    insta::assert_snapshot!(refused(&queue, &["log", "4711"], 1), @"Error: attempt 4711 is not known; old ones are pruned");
    insta::assert_snapshot!(refused(&queue, &["hold", "hello", "helo", "--reason", "x"], 1), @"Error: package helo is not known; did you mean hello?");
    assert_eq!(queue.number("SELECT held FROM package WHERE name = 'hello'"), 0, "all or none");
    insta::assert_snapshot!(refused(&queue, &["retry", "--signature", "abcdefg"], 1), @"Error: there is no signature abcdefg; `package-import failures` lists them");
    insta::assert_snapshot!(refused(&queue, &["failures", "--signature", "abcdefg"], 1), @"Error: there is no signature abcdefg; `package-import signature list` lists them");
    insta::assert_snapshot!(refused(&queue, &["signature", "show", "abcdefg"], 1), @"Error: there is no signature abcdefg; `package-import signature list` lists them");
    insta::assert_snapshot!(refused(&queue, &["retry", "--report", "9"], 1), @"Error: there is no batch 9; `package-import audit` tells which there are");
    insta::assert_snapshot!(refused(&queue, &["quiesce", "host2", "--reason", "x"], 1), @"Error: no host host2 is known; `package-import workers` lists those that are");
    insta::assert_snapshot!(refused(&queue, &["enqueue", "nosuch"], 1), @r"
    0 queued in lane upload
    package nosuch is not known; `package-import enqueue` or `import` makes one known
    ");
}

#[test]
fn what_needs_a_reason_or_an_end() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    insta::assert_snapshot!(refused(&queue, &["hold", "hello"], 2), @r"
    error: the following required arguments were not provided:
      --reason <WHY>

    Usage: package-import hold --reason <WHY> <PACKAGES>...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&queue, &["suppress", &id, "--reason", "x"], 2), @r"
    error: the following required arguments were not provided:
      --until <TIME>

    Usage: package-import suppress --until <TIME> --reason <WHY> <SUBJECT>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&queue, &["quiesce"], 2), @r"
    error: the following required arguments were not provided:
      --reason <WHY>

    Usage: package-import quiesce --reason <WHY> [HOST]

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&queue, &["signature", "set", &id, "--policy", "fail"], 2), @"Error: a policy needs its reason: --note");
}

#[test]
fn values_that_cannot_be() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    insta::assert_snapshot!(refused(&queue, &["set", "jobs=0"], 2), @"Error: jobs has to be a whole number from 1 to 1024: imports at a time on each host; bounded by its processors unless it is set");
    insta::assert_snapshot!(refused(&queue, &["set", "job=4"], 2), @"Error: there is no setting job; there are: jobs, memory, load");
    insta::assert_snapshot!(refused(&queue, &["set", "jobs"], 2), @r#"Error: "jobs" is not NAME=VALUE"#);
    insta::assert_snapshot!(refused(&queue, &["hold", "hello", "--reason", "x", "--until", "soon"], 2), @r#"
    error: invalid value 'soon' for '--until <TIME>': "soon" is neither a span (3d, 12h), nor a day (YYYY-MM-DD), nor a time (YYYY-MM-DDThh:mm:ssZ)

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(refused(&queue, &["hold", "hello", "--reason", "x", "--until", "1999-01-01"], 2), @r"
    error: invalid value '1999-01-01' for '--until <TIME>': 1999-01-01 is over

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&queue, &["signature", "set", &id, "--policy", "never", "--note", "x"], 2), @r#"Error: "never" is none of retry, fail, hold, none"#);
    insta::assert_snapshot!(refused(&queue, &["signature", "set", &id], 2), @"Error: nothing is decided: give --policy, --note or --bug");
    insta::assert_snapshot!(refused(&queue, &["queue", "--lane", "fast"], 2), @r#"
    error: invalid value 'fast' for '--lane <LANE>': "fast" is none of operator, upload, retry, rescan, verify, maintain

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(refused(&queue, &["failures", "--class", "bad"], 2), @r#"
    error: invalid value 'bad' for '--class <CLASS>': "bad" is none of transient, permanent, unknown, infrastructure

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(refused(&queue, &["requeue", "--imported-by", "0.3"], 2), @r#"Error: "0.3" is no comparison with a version, such as <0.3 or =0.1.0"#);
    insta::assert_snapshot!(refused(&queue, &["retry"], 2), @"Error: name packages, or give --signature, --class or --all");
    insta::assert_snapshot!(refused(&queue, &["retry", "hello", "--all"], 2), @r"
    error: the argument '[PACKAGES]...' cannot be used with '--all'

    Usage: package-import retry <PACKAGES>...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&queue, &["requeue"], 2), @"Error: name packages, or give --imported-by or --all");
}

#[test]
fn a_state_that_is_damaged() {
    let queue = incident::sqlite();
    let path = queue.installation.root().join("state.db");
    state::driver::sqlite::Sqlite::open(&path, false).unwrap().copy_to(&path.with_extension("copy")).unwrap();
    let sound = std::fs::read(path.with_extension("copy")).unwrap();
    for ending in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(path.with_extension(ending));
    }
    let mut pages = sound.clone();
    pages[4096..].fill(0x55);
    std::fs::write(&path, pages).unwrap();
    insta::assert_snapshot!(refused(&queue, &["status"], 1), @r"
    Error: the state database /srv/root/state.db is damaged: database disk image is malformed
    Hint: stop what runs, copy the root away, move state.db and what stands beside it out of the root, then `package-import restore --state-only BACKUP` (docs/operations.md)
    ");
    let mut header = sound;
    header[..100].fill(0x55);
    std::fs::write(&path, header).unwrap();
    insta::assert_snapshot!(refused(&queue, &["status"], 1), @r"
    Error: the state database /srv/root/state.db is damaged: file is not a database
    Hint: stop what runs, copy the root away, move state.db and what stands beside it out of the root, then `package-import restore --state-only BACKUP` (docs/operations.md)
    ");
    insta::assert_snapshot!(refused(&queue, &["run"], 1), @r"
    Error: the state database /srv/root/state.db is damaged: file is not a database
    Hint: stop what runs, copy the root away, move state.db and what stands beside it out of the root, then `package-import restore --state-only BACKUP` (docs/operations.md)
    ");
}

#[test]
fn a_root_without_a_state() {
    let queue = Queue::sqlite();
    insta::assert_snapshot!(refused(&queue, &["status"], 1), @"Error: there is no state database at /srv/root/state.db; a first `package-import run` or `import` makes it");
    queue.installation.configure("[state]\nurl = 'postgres://importer:secret@db.example.org/import'\n");
    insta::assert_snapshot!(refused(&queue, &["status"], 2), @"Error: [state] url: a password does not belong in a connection string: put it into a pass file (mode 0600)");
    queue.installation.configure("[checks.quue.upload]\nwarning = '30m'\n");
    insta::assert_snapshot!(refused(&queue, &["status"], 2), @"Error: /srv/root/config.toml: [checks.quue]: there is no such check; did you mean [checks.queue]?");
    queue.installation.configure(
        "[[archives]]\nname = 'local'\ndistro = 'debian'\nmirrors = ['file:///srv/debian']\nkeyrings = ['/k']\n\
         [[archives.suites]]\nname = 'sid'\n",
    );
    insta::assert_snapshot!(refused(&queue, &["status"], 2), @r#"Error: /srv/root/config.toml: no archive can be called "local", which is where packages imported by hand come from; give it another name"#);
    queue.installation.configure("[limits]\nmemori = 1\n");
    insta::assert_snapshot!(refused(&queue, &["status"], 2), @r"
    Error: /srv/root/config.toml: TOML parse error at line 2, column 1
      |
    2 | memori = 1
      | ^^^^^^
    unknown field `memori`, expected one of `unpacked_bytes`, `entries`, `path_length`, `expansion_ratio`, `decoder_memory`, `text_bytes`, `hole_bytes`, `dsc_bytes`, `dsc_fields`, `dsc_files`, `patch_work`, `series_work`, `written_bytes`, `disk_reserve`, `memory`, `time`, `file_size`, `lock_wait`
    ");
}
