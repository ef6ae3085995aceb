//! What a run looks after without being asked: packs that have become many, logs that have become old.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use package_import_tests::queue::Queue;
use package_import_tests::synthetic::package;

#[test]
fn a_repository_of_many_packs_is_repacked_when_nothing_else_is_to_be_done() {
    let queue = Queue::sqlite();
    let folder = queue.installation.files().join("many");
    fs::create_dir_all(&folder).unwrap();
    let mut below: Vec<String> = Vec::new();
    for number in 1..=50 {
        let version = format!("1.0-{number}");
        let older: Vec<&str> = below.iter().rev().map(String::as_str).collect();
        let dsc = package("hello", &version).below(&older).write(&folder);
        queue.well(&["import", "--allow-unsigned", dsc.to_str().unwrap()]);
        below.push(version);
    }
    let packs = || {
        let folder = queue.installation.root().join("repos/h/hello.git/objects/pack");
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".pack")).count()
    };
    assert_eq!(packs(), 50);
    assert_eq!(
        queue.number("SELECT COUNT(*) FROM job WHERE lane = 5"),
        1,
        "it waits in the lane of maintenance"
    );
    let refs = queue.refs();
    queue.well(&["run"]);
    assert!(packs() < 10, "{} packs", packs());
    assert_eq!(queue.number("SELECT COUNT(*) FROM job"), 0);
    assert_eq!(queue.refs(), refs);
    queue.well(&["verify", "hello"]);
}

#[test]
fn a_run_forgets_logs_of_long_ago() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    let logs = queue.installation.root().join("logs");
    for day in ["2001-02-03", "notes"] {
        fs::create_dir_all(logs.join(day)).unwrap();
    }
    queue.well(&["run"]);
    assert!(!logs.join("2001-02-03").exists());
    assert!(logs.join("notes").exists(), "what is not ours stays");
}
