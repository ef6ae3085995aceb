//! Maintenance that a run does without being asked: packs of imports, old logs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use package_import_tests::queue::{Queue, signal, wait_until};
use package_import_tests::synthetic::package;
use rustix::process::{Pid, Signal};

/// Number of packs that imports have written, and of those that repacks have made.
fn packs(queue: &Queue) -> (usize, usize) {
    let folder = queue.installation.root().join("repos/h/hello.git/objects/pack");
    let paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let packs = || paths.iter().filter(|path| path.extension().is_some_and(|it| it == "pack"));
    let packed = packs().filter(|path| path.with_extension("rev").exists()).count();
    (packs().count() - packed, packed)
}

/// Version `number` of a package that is large enough for a revision to be little beside it.
fn revision(queue: &Queue, number: usize) -> PathBuf {
    let folder = queue.installation.files().join("hello");
    fs::create_dir_all(&folder).unwrap();
    // No two of its bytes are alike as far as a compressor sees.
    let mut seed = 1_u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    };
    let noise: Vec<u8> = (0..200_000).map(|_| noise()).collect();
    let below: Vec<String> = (1..number).rev().map(|number| format!("1.0-{number}")).collect();
    let below: Vec<&str> = below.iter().map(String::as_str).collect();
    package("hello", &format!("1.0-{number}")).below(&below).upstream("noise", noise).write(&folder)
}

fn import(queue: &Queue, number: usize) {
    queue.well(&["import", "--allow-unsigned", revision(queue, number).to_str().unwrap()]);
}

fn waiting_repacks(queue: &Queue) -> i64 {
    queue.number("SELECT COUNT(*) FROM job WHERE lane = 5")
}

fn outcomes(queue: &Queue) -> Vec<String> {
    queue.texts("SELECT outcome FROM attempt ORDER BY id")
}

#[test]
fn what_imports_wrote_is_packed_anew_when_nothing_else_is_to_be_done() {
    let queue = Queue::sqlite();
    import(&queue, 1);
    assert_eq!((packs(&queue), waiting_repacks(&queue)), ((1, 0), 1));
    let refs = queue.refs();
    queue.well(&["run"]);
    assert_eq!((packs(&queue), waiting_repacks(&queue)), ((0, 1), 0));
    assert_eq!(outcomes(&queue), ["imported", "maintained"]);
    assert_eq!(queue.number("SELECT attempts FROM run ORDER BY id DESC LIMIT 1"), 0, "it is no import");
    assert_eq!(queue.refs(), refs);
    queue.well(&["verify", "hello"]);

    // Small packs of revisions are left alone until there are many.
    for number in 2..=10 {
        import(&queue, number);
    }
    assert_eq!((packs(&queue), waiting_repacks(&queue)), ((9, 1), 0));
    import(&queue, 11);
    assert_eq!(waiting_repacks(&queue), 1);
    queue.well(&["run"]);
    let (rough, packed) = packs(&queue);
    assert!(rough == 0 && packed < 4, "{rough} packs of imports, {packed} of repacks");
    queue.well(&["verify", "hello"]);
}

#[test]
fn an_upload_is_not_kept_back_by_packing() {
    let queue = Queue::sqlite();
    import(&queue, 1);
    queue.enqueue(&revision(&queue, 2));
    queue.well(&["run"]);
    assert_eq!(outcomes(&queue), ["imported", "imported", "maintained"]);
    assert_eq!(packs(&queue), (0, 1));
}

#[test]
fn repositories_are_left_alone_where_that_is_wanted() {
    let queue = Queue::sqlite();
    queue.installation.configure("[import]\nrepack = false\n");
    import(&queue, 1);
    assert_eq!(waiting_repacks(&queue), 0);
}

/// A repack may take an hour: a run that is stopped twice does not wait for it, and it is done later.
#[test]
fn a_second_signal_ends_packing_too() {
    let queue = Queue::sqlite();
    import(&queue, 1);
    let refs = queue.refs();
    // A Git that needs very long for it.
    let (slow, started) =
        (queue.installation.files().join("slow"), queue.installation.files().join("started"));
    fs::create_dir(&slow).unwrap();
    let script = format!("#!/bin/sh\ntouch '{}'\nsleep 600\n", started.display());
    fs::write(slow.join("git"), script).unwrap();
    fs::set_permissions(slow.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", slow.display(), std::env::var("PATH").unwrap());
    let mut run = queue.command(&["run"]).env("PATH", path).spawn().unwrap();
    wait_until("it is packing", || started.exists());
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
    wait_until("both signals have come", || {
        signal(pid, Signal::TERM);
        run.try_wait().unwrap().is_some()
    });
    assert_eq!(outcomes(&queue), ["imported", "cancelled"]);
    queue.well(&["run"]);
    assert_eq!(outcomes(&queue), ["imported", "cancelled", "maintained"]);
    assert_eq!((packs(&queue), queue.refs()), ((0, 1), refs));
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
