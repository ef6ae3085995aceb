//! What is read, first at three o'clock in the morning, then on the day after.

use package_import_tests::queue::Queue;

use crate::incident::{self, signature};
use crate::terminal::show;

/// The screens that are the same on both databases.
fn first_screens(queue: &Queue) {
    insta::allow_duplicates! {
        insta::assert_snapshot!(show(queue, &["status"]), @"");
        insta::assert_snapshot!(show(queue, &["failures"]), @"");
        let id = signature(queue, "checksum-mismatch");
        insta::assert_snapshot!(show(queue, &["failures", "--signature", &id]), @"");
        insta::assert_snapshot!(show(queue, &["show", "bash"]), @"");
        insta::assert_snapshot!(show(queue, &["history", "perl"]), @"");
        insta::assert_snapshot!(show(queue, &["audit"]), @"");
    }
}

#[test]
fn an_alert_is_followed_to_its_cause() {
    first_screens(&incident::sqlite());
}

#[test]
fn an_alert_is_followed_to_its_cause_on_postgresql() {
    first_screens(&incident::postgres());
}

#[test]
fn causes_and_packages_are_selected() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["failures", "--class", "unknown"]), @"");
    insta::assert_snapshot!(show(&queue, &["failures", "--state", "failing", "--limit", "2"]), @"");
    insta::assert_snapshot!(show(&queue, &["failures", "--since", "2h"]), @"");
    insta::assert_snapshot!(show(&queue, &["failures", "--since", "2h", "--packages"]), @"");
    insta::assert_snapshot!(show(&queue, &["failures", "--packages"]), @"");
    insta::assert_snapshot!(show(&queue, &["signature", "list"]), @"");
    let id = signature(&queue, "missing-file");
    insta::assert_snapshot!(show(&queue, &["signature", "show", &id]), @"");
}

#[test]
fn packages_are_shown_in_every_condition() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["show", "hello"]), @"");
    insta::assert_snapshot!(show(&queue, &["show", "jq"]), @"");
    insta::assert_snapshot!(show(&queue, &["show", "perl"]), @"");
    insta::assert_snapshot!(show(&queue, &["show", "openssh"]), @"");
    insta::assert_snapshot!(show(&queue, &["show", "tzdata"]), @"");
}

#[test]
fn logs_tell_what_an_import_did() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["log", "bash"]), @"");
    insta::assert_snapshot!(show(&queue, &["log", "1"]), @"");
}

/// On another machine the log of a failed attempt is the part that the state keeps.
#[test]
fn the_end_of_a_failed_attempts_log_is_read_from_everywhere() {
    let queue = incident::sqlite();
    let here = show(&queue, &["log", "bash"]);
    std::fs::remove_dir_all(queue.installation.root().join("logs")).unwrap();
    assert_eq!(show(&queue, &["log", "bash"]), here);
}

#[test]
fn the_queue_and_its_hosts() {
    let queue = incident::sqlite();
    incident::uploads(&queue);
    insta::assert_snapshot!(show(&queue, &["status"]), @"");
    insta::assert_snapshot!(show(&queue, &["queue"]), @"");
    insta::assert_snapshot!(show(&queue, &["queue", "--lane", "upload"]), @"");
    insta::assert_snapshot!(show(&queue, &["show", "nano"]), @"");
    insta::assert_snapshot!(show(&queue, &["workers"]), @"");
}

#[test]
fn an_outage_is_on_top_of_everything() {
    let queue = incident::sqlite();
    incident::outage(&queue);
    insta::assert_snapshot!(show(&queue, &["status"]), @"");
}

#[test]
fn nothing_to_say_is_said() {
    let queue = Queue::sqlite();
    incident::run(&queue);
    insta::assert_snapshot!(show(&queue, &["status"]), @"");
    insta::assert_snapshot!(show(&queue, &["failures"]), @"");
    insta::assert_snapshot!(show(&queue, &["queue"]), @"");
    insta::assert_snapshot!(show(&queue, &["audit"]), @"");
    insta::assert_snapshot!(show(&queue, &["tune"]), @"");
}
