//! What is refused, and what is said to do instead.

use package_import_tests::queue::Queue;

use crate::incident::{self, signature};
use crate::terminal::refused;

#[test]
fn packages_and_signatures_that_are_not_known() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(refused(&queue, &["show", "bsh"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["history", "opensh"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["log", "quilt"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["log", "4711"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["hold", "hello", "helo", "--reason", "x"], 1), @"");
    assert_eq!(queue.number("SELECT held FROM package WHERE name = 'hello'"), 0, "all or none");
    insta::assert_snapshot!(refused(&queue, &["retry", "--signature", "abcdefg"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["failures", "--signature", "abcdefg"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["signature", "show", "abcdefg"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["retry", "--report", "9"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["quiesce", "host2", "--reason", "x"], 1), @"");
    insta::assert_snapshot!(refused(&queue, &["enqueue", "nosuch"], 1), @"");
}

#[test]
fn what_needs_a_reason_or_an_end() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    insta::assert_snapshot!(refused(&queue, &["hold", "hello"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["suppress", &id, "--reason", "x"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["quiesce"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["signature", "set", &id, "--policy", "fail"], 2), @"");
}

#[test]
fn values_that_cannot_be() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    insta::assert_snapshot!(refused(&queue, &["set", "jobs=0"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["set", "job=4"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["set", "jobs"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["hold", "hello", "--reason", "x", "--until", "soon"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["hold", "hello", "--reason", "x", "--until", "1999-01-01"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["signature", "set", &id, "--policy", "never", "--note", "x"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["signature", "set", &id], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["queue", "--lane", "fast"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["failures", "--class", "bad"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["requeue", "--imported-by", "0.3"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["retry"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["retry", "hello", "--all"], 2), @"");
    insta::assert_snapshot!(refused(&queue, &["requeue"], 2), @"");
}

#[test]
fn a_root_without_a_state() {
    let queue = Queue::sqlite();
    insta::assert_snapshot!(refused(&queue, &["status"], 1), @"");
    queue.installation.configure("[state]\nurl = 'postgres://importer:secret@db.example.org/import'\n");
    insta::assert_snapshot!(refused(&queue, &["status"], 1), @"");
    queue.installation.configure("[limits]\nmemori = 1\n");
    insta::assert_snapshot!(refused(&queue, &["status"], 2), @"");
}
