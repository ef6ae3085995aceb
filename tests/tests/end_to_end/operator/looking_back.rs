//! Past states, by the built program: a recording is compared with what is shown afterwards.

use std::process::Output;

use package_import_tests::queue::{Queue, name, text, write_packages};
use serde_json::Value;

fn asked(queue: &Queue, arguments: &[&str]) -> Value {
    let output = queue.command(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(queue: &Queue, arguments: &[&str]) -> (Option<i32>, String) {
    let output: Output = queue.command(arguments).output().unwrap();
    (output.status.code(), text(&output))
}

/// The answers of checks in a rehearsal.
fn answers(night: &Value) -> Vec<String> {
    let lines = night["lines"].as_array().unwrap().iter().filter(|line| line["voice"] == "check");
    lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_rehearsal_has_the_installed_checks_answer() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    queue.well(&["run"]);
    let outage = answers(&asked(&queue, &["rehearse", "outage", "--json"]));
    let said = |check: &str| outage.iter().filter(|line| line.starts_with(check)).collect::<Vec<_>>();
    let failures = said("check_import_failures: ");
    let [away, .., back] = failures[..] else { panic!("{outage:#?}") };
    assert!(
        away.contains("IMPORT FAILURES CRITICAL - ") && away.contains("mirror.example.org is out of reach")
    );
    assert!(back.contains("IMPORT FAILURES OK - 0 failing"), "{back}");
    assert!(outage.iter().all(|line| !line.contains('|')), "without figures: {outage:#?}");
    // Of a state that cannot be read one check alerts, and the others name it.
    let damaged = answers(&asked(&queue, &["rehearse", "damaged-database", "--json"]));
    assert_eq!(damaged.len(), 8, "{damaged:#?}");
    for line in &damaged {
        let wanted = match line.starts_with("check_import_state: ") {
            true => "IMPORT STATE CRITICAL - database damaged",
            false => "UNKNOWN - database damaged: see check_import_state",
        };
        assert!(line.contains(wanted), "{line}");
    }
    let none = tempfile::tempdir().unwrap();
    let without = queue.command(&["rehearse", "outage", "--checks"]).arg(none.path()).output().unwrap();
    assert!(text(&without).contains("no check_import_* is installed here"), "{}", text(&without));
}

/// A time as people write it, to the millisecond.
fn time(at: i64) -> String {
    let seconds = std::time::Duration::from_millis(u64::try_from(at).unwrap());
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + seconds).to_string()
}

/// Removes what depends on the machine, and on the age of heartbeats.
fn comparable(mut status: Value) -> Value {
    let status_of = status.as_object_mut().unwrap();
    status_of.remove("place");
    status_of.remove("locks");
    status_of.remove("now");
    for host in status["hosts"].as_array_mut().unwrap() {
        host.as_object_mut().unwrap().remove("heartbeat");
    }
    status
}

/// The state of a package without what is not kept: how often a publication was tried.
fn known_then(shown: &Value) -> Value {
    let mut state = shown["state"].clone();
    for missing in state["missing"].as_array_mut().unwrap() {
        missing.as_object_mut().unwrap().remove("tries");
    }
    state
}

#[test]
fn what_was_so_is_told_afterwards() {
    for queue in [Queue::sqlite(), Queue::postgres()] {
        let files = queue.installation.files();
        let mut recorded = Vec::new();
        let record = |recorded: &mut Vec<(i64, Value, Value)>| {
            let status = asked(&queue, &["status", "--json"]);
            let shown = asked(&queue, &["show", &name(0), "--json"]);
            recorded.push((status["now"].as_i64().unwrap(), comparable(status), known_then(&shown)));
        };
        write_packages(&files.join("first"), 3, "1.0-1", &[]);
        queue.enqueue(&files.join("first"));
        record(&mut recorded);
        queue.well(&["hold", &name(1), "--reason", "not yet"]);
        record(&mut recorded);
        queue.well(&["run"]);
        record(&mut recorded);
        write_packages(&files.join("second"), 2, "1.0-2", &["1.0-1"]);
        queue.enqueue(&files.join("second"));
        std::fs::remove_dir_all(files.join("second")).unwrap();
        queue.well(&["run"]);
        record(&mut recorded);
        queue.well(&["release", &name(1)]);
        record(&mut recorded);
        assert!(recorded.iter().any(|(_, status, _)| status["failing"] != 0), "something fails");
        for (at, status, shown) in &recorded {
            let at = time(*at);
            assert_eq!(&comparable(asked(&queue, &["status", "--json", "--at", &at])), status, "{at}");
            assert_eq!(
                &known_then(&asked(&queue, &["show", &name(0), "--json", "--at", &at])),
                shown,
                "{at}"
            );
        }
        let first = time(recorded[0].0);
        assert_eq!(asked(&queue, &["queue", "--json", "--at", &first])["next"].as_array().unwrap().len(), 3);
        assert_eq!(asked(&queue, &["failures", "--json", "--at", &first])["all"][0], 0);
        assert_eq!(asked(&queue, &["freshness", "--json", "--at", &first])["behind"], 3);
        // Screens, and times that cannot be told.
        assert!(queue.well(&["status", "--at", &first]).contains("3 waiting"));
        for (at, code, why) in [
            ("yesterday 08:32", 1, "nothing is known of"),
            ("2999-12-31", 1, "still to come"),
            ("soon", 2, "is no time that is over"),
        ] {
            let (found, said) = refused(&queue, &["status", "--at", at]);
            assert_eq!(found, Some(code), "{said}");
            assert!(said.contains(why), "{said}");
        }
    }
}

#[test]
fn incidents_and_rehearsals_are_shown() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    queue.well(&["run"]);
    assert!(queue.well(&["incidents"]).contains("no incident since"));
    let (code, said) = refused(&queue, &["incident", "show", "nosuch0"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("there is no incident nosuch0"), "{said}");
    let refs = queue.refs();
    let said = queue.well(&["rehearse", "outage"]);
    for wanted in ["SCRIPT", "OUTAGE: mirror.example.org", "## Timeline", "| cause | connection refused |"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let night = asked(&queue, &["rehearse", "bad-release", "--json"]);
    assert_eq!(night["incidents"][0]["incident"]["kind"], "surge");
    assert!(queue.well(&["rehearse", "damaged-database"]).contains("restore --state-only"));
    assert_eq!(queue.refs(), refs);
    assert!(queue.well(&["incidents"]).contains("no incident since"), "the installation has had none");
}
