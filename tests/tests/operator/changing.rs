//! What operators change, and what is remembered of it.

use package_import_tests::queue::Queue;

use crate::incident::{self, DAMAGED, mend, run, signature};
use crate::terminal::{refused, show};

/// A canary that is cured lets the others follow.
fn retried(queue: &Queue) {
    let id = signature(queue, "checksum-mismatch");
    insta::allow_duplicates! {
        insta::assert_snapshot!(show(queue, &["retry", "--signature", &id, "--dry-run"]), @"");
        assert_eq!(queue.number("SELECT COUNT(*) FROM batch"), 0, "a dry run does nothing");
        mend(queue, &DAMAGED, "5.2-1");
        insta::assert_snapshot!(
            show(queue, &["retry", "--signature", &id, "--canary", "1", "--reason", "mirror mended"]), @"");
        insta::assert_snapshot!(show(queue, &["retry", "--report", "1"]), @"");
        run(queue);
        insta::assert_snapshot!(show(queue, &["retry", "--report", "1"]), @"");
        insta::assert_snapshot!(show(queue, &["failures"]), @"");
    }
}

#[test]
fn a_canary_goes_first() {
    retried(&incident::sqlite());
}

#[test]
fn a_canary_goes_first_on_postgresql() {
    retried(&incident::postgres());
}

#[test]
fn a_canary_that_is_not_cured_keeps_the_others_back() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    show(&queue, &["retry", "--signature", &id, "--canary", "1"]);
    run(&queue);
    insta::assert_snapshot!(show(&queue, &["retry", "--report", "1"]), @"");
    assert_eq!(queue.number("SELECT COUNT(*) FROM failure WHERE attempts > 1"), 1, "only one was tried");
}

#[test]
fn packages_are_held_and_released() {
    let queue = incident::sqlite();
    let hold = ["hold", "bash", "curl", "--reason", "bug 124", "--until", "2999-12-31"];
    insta::assert_snapshot!(show(&queue, &hold), @"");
    insta::assert_snapshot!(show(&queue, &["status"]), @"");
    insta::assert_snapshot!(show(&queue, &["retry", "--all", "--dry-run"]), @"");
    insta::assert_snapshot!(show(&queue, &["release", "bash", "hello", "--reason", "mended"]), @"");
    insta::assert_snapshot!(show(&queue, &["history", "bash"]), @"");
}

#[test]
fn a_decision_about_a_signature_judges_its_failures_again() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    let decide = [
        "signature",
        "set",
        &id,
        "--policy",
        "retry",
        "--note",
        "a mirror that lags",
        "--bug",
        "https://bugs.example.org/7",
    ];
    insta::assert_snapshot!(show(&queue, &decide), @"");
    insta::assert_snapshot!(show(&queue, &["failures", "--signature", &id]), @"");
    insta::assert_snapshot!(show(&queue, &["signature", "show", &id]), @"");
    insta::assert_snapshot!(show(&queue, &["signature", "set", &id, "--policy", "none", "--note", "over"]), @"");
    insta::assert_snapshot!(show(&queue, &["audit", &id]), @"");
}

#[test]
fn known_problems_are_suppressed_until_a_day() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    let suppress = [
        "suppress",
        &id,
        "--until",
        "2999-12-31",
        "--reason",
        "the mirror is rebuilt until the new year, ask Olga",
    ];
    insta::assert_snapshot!(show(&queue, &suppress), @"");
    insta::assert_snapshot!(show(&queue, &["status"]), @"");
    insta::assert_snapshot!(show(&queue, &["unsuppress", &id, "--reason", "rebuilt"]), @"");
    insta::assert_snapshot!(refused(&queue, &["unsuppress", &id], 1), @"");
}

#[test]
fn settings_are_changed_while_it_runs() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["set", "jobs=4", "--reason", "a new disk"]), @"");
    insta::assert_snapshot!(show(&queue, &["set", "jobs@big.example.org=16"]), @"");
    insta::assert_snapshot!(show(&queue, &["set"]), @"");
    insta::assert_snapshot!(show(&queue, &["set", "jobs="]), @"");
    insta::assert_snapshot!(show(&queue, &["audit", "jobs"]), @"");
}

#[test]
fn a_host_is_quiesced_and_goes_on() {
    let queue = incident::sqlite();
    incident::uploads(&queue);
    insta::assert_snapshot!(show(&queue, &["quiesce", "--reason", "the disk is replaced"]), @"");
    run(&queue);
    assert_eq!(queue.number("SELECT COUNT(*) FROM job WHERE state = 'pending'"), 2, "nothing was begun");
    insta::assert_snapshot!(show(&queue, &["workers"]), @"");
    insta::assert_snapshot!(show(&queue, &["status"]), @"");
    insta::assert_snapshot!(show(&queue, &["resume", "host1"]), @"");
    run(&queue);
    assert_eq!(queue.number("SELECT COUNT(*) FROM job WHERE state = 'pending'"), 0, "everything was done");
    insta::assert_snapshot!(show(&queue, &["audit", "host1"]), @"");
}

#[test]
fn packages_are_asked_for() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["retry", "bash", "jq", "--reason", "mended"]), @"");
    insta::assert_snapshot!(show(&queue, &["prioritize", "hello"]), @"");
    insta::assert_snapshot!(show(&queue, &["requeue", "--imported-by", "<=99", "--dry-run"]), @"");
    insta::assert_snapshot!(show(&queue, &["requeue", "acl", "--reason", "bug 9"]), @"");
    insta::assert_snapshot!(show(&queue, &["enqueue", "--lane", "operator", "zlib"]), @"");
}
