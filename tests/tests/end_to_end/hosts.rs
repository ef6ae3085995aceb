//! Many hosts on one PostgreSQL and one folder of repositories; lanes and fresh uploads; second runs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::installation::binary;
use package_import_tests::queue::{Queue, name, text, wait_until, write_packages};
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};
use rustix::process::{Pid, Signal};

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

#[test]
fn twenty_hosts_share_one_queue() {
    let (hosts, count) = if is_long() { (20, 2000) } else { (20, 160) };
    let queue = Queue::postgres();
    let files = queue.installation.files();
    write_packages(&files.join("first"), count, "1.0-1", &[]);
    queue.enqueue(&files.join("first"));
    fs::create_dir_all(queue.installation.root().join("repos")).unwrap();
    let roots = tempfile::tempdir().unwrap();
    let runs: Vec<_> = (0..hosts)
        .map(|number| {
            let root = roots.path().join(format!("host{number}"));
            fs::create_dir(&root).unwrap();
            symlink(queue.installation.root().join("repos"), root.join("repos")).unwrap();
            Command::new(binary())
                .arg("--root")
                .arg(&root)
                .args(["run", "--jobs", "8"])
                .env("PACKAGE_IMPORT_STATE", queue.postgres.as_ref().unwrap())
                .env("PACKAGE_IMPORT_HOST", format!("host{number}"))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success() && text(&output).is_empty(), "{}", text(&output));
    }
    let count = i64::try_from(count).unwrap();
    assert_eq!(queue.number("SELECT COUNT(*) FROM attempt WHERE outcome = 'imported'"), count);
    assert_eq!(
        queue.number("SELECT COUNT(*) FROM attempt WHERE outcome <> 'maintained'"),
        count,
        "no import was done twice"
    );
    assert_eq!(queue.refs().len(), usize::try_from(count).unwrap());
    assert_eq!(queue.number("SELECT COUNT(*) FROM job"), 0);
    println!("{} hosts had something to do", queue.number("SELECT COUNT(DISTINCT run_id) FROM attempt"));
    (0..usize::try_from(count).unwrap())
        .step_by(40)
        .for_each(|number| queue.installation.assert_clean(&name(number)));
}

/// Two hosts with one queue import packages whose upstream tarballs have one content, from a server that is slow to
/// begin. Returns how often each file was asked for.
fn fetched_by_two_hosts(share_the_cache: bool) -> BTreeMap<String, usize> {
    const COUNT: usize = 12;
    let archive = TestArchive::new();
    for number in 0..COUNT {
        archive.add("main", &name(number), &package(&name(number), "1.0-1"));
    }
    archive.publish(&suite("sid"));
    let server = Server::new(archive.root());
    let queue = Queue::postgres();
    queue.installation.configure(&format!(
        "[[archives]]\nname = \"test\"\ndistro = \"debian\"\nmirrors = [\"{}\"]\nkeyrings = [\"{}\"]\n\
         [[archives.suites]]\nname = \"sid\"\n",
        server.url(),
        archive.signer.keyring.display()
    ));
    queue.well(&["poll"]);
    for path in archive.pool() {
        server.on(&path, Answer::Late(100));
    }
    server.seen();
    let shared = queue.installation.root();
    fs::create_dir_all(shared.join("repos")).unwrap();
    fs::create_dir_all(shared.join("cache")).unwrap();
    let roots = tempfile::tempdir().unwrap();
    let runs: Vec<_> = (0..2)
        .map(|number| {
            let root = roots.path().join(format!("host{number}"));
            fs::create_dir(&root).unwrap();
            symlink(shared.join("repos"), root.join("repos")).unwrap();
            if share_the_cache {
                symlink(shared.join("cache"), root.join("cache")).unwrap();
            }
            Command::new(binary())
                .arg("--root")
                .arg(&root)
                .arg("--config")
                .arg(shared.join("config.toml"))
                .args(["run", "--jobs", "4"])
                .env("PACKAGE_IMPORT_STATE", queue.postgres.as_ref().unwrap())
                .env("PACKAGE_IMPORT_HOST", format!("host{number}"))
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success() && text(&output).is_empty(), "{}", text(&output));
    }
    assert_eq!(queue.number("SELECT COUNT(*) FROM version"), i64::try_from(COUNT).unwrap());
    assert_eq!(
        queue.number("SELECT COUNT(*) FROM attempt WHERE outcome NOT IN ('imported', 'maintained')"),
        0
    );
    assert_eq!(queue.number("SELECT COUNT(DISTINCT run_id) FROM attempt"), 2, "both hosts took part");
    let mut asked = BTreeMap::new();
    for path in server.paths().into_iter().filter(|path| path.starts_with("/pool/")) {
        let content = fs::read(archive.root().join(path.trim_start_matches('/'))).unwrap();
        *asked.entry(source_package::checksum::sha256_hex(&content)).or_default() += 1;
    }
    asked
}

#[test]
fn two_hosts_that_share_a_cache_never_fetch_the_same_file() {
    let asked = fetched_by_two_hosts(true);
    assert!(asked.len() > 12, "a .dsc and a Debian tarball each, and the one upstream tarball: {asked:?}");
    assert!(asked.values().all(|count| *count == 1), "{asked:?}");
}

#[test]
fn two_hosts_without_a_shared_cache_fetch_for_themselves() {
    let asked = fetched_by_two_hosts(false);
    assert!(asked.values().all(|count| *count <= 2), "once a host at most: {asked:?}");
    assert!(asked.values().any(|count| *count == 2), "the upstream tarball, by both: {asked:?}");
}

#[test]
fn an_upload_waits_for_no_more_than_what_runs_and_one() {
    let count = if is_long() { 600 } else { 80 };
    for queue in [Queue::sqlite(), Queue::postgres()] {
        let files = queue.installation.files();
        write_packages(&files.join("series"), count, "1.0-1", &[]);
        queue.well(&[
            "enqueue",
            "--allow-unsigned",
            "--lane",
            "rescan",
            files.join("series").to_str().unwrap(),
        ]);
        let mut run = queue.start(&["--jobs", "2"]);
        wait_until("the re-scan goes on", || queue.number("SELECT COUNT(*) FROM attempt") > 10);
        let mut entered = Vec::new();
        for number in 0..5 {
            let upload = package_import_tests::synthetic::package(&format!("upload{number}"), "2.0-1");
            let folder = files.join(format!("upload{number}"));
            fs::create_dir(&folder).unwrap();
            upload.write(&folder);
            queue.enqueue(&folder);
            // The entry is committed now, whenever its transaction began.
            entered.push(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis());
        }
        assert!(run.wait().unwrap().success());
        // Between an upload's entry and its claim, others of lower lanes were claimed: those that ran cannot have been.
        for (number, at) in entered.iter().enumerate() {
            let slipped = format!(
                "SELECT COUNT(*) FROM attempt mine JOIN package p ON p.id = mine.package_id AND p.name = 'upload{number}'
                 JOIN attempt other ON other.lane > mine.lane AND other.started > {at} AND other.id < mine.id"
            );
            let slipped = queue.number(&slipped);
            assert!(slipped <= 2, "{slipped} imports of the re-scan began while upload{number} waited");
        }
        let count = i64::try_from(count).unwrap();
        assert_eq!(queue.number("SELECT COUNT(*) FROM version"), count + 5, "the re-scan goes on");
    }
}

#[test]
fn a_second_run_on_one_host_gives_way() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    let mut service = queue.start(&["--service"]);
    wait_until("the service works", || queue.number("SELECT COUNT(*) FROM version") == 1);
    let second = queue.command(&["run"]).output().unwrap();
    assert_eq!(second.status.code(), Some(75));
    assert!(text(&second).contains(&format!("process {}", service.id())), "{}", text(&second));
    let idle = queue.command(&["run", "--if-idle"]).output().unwrap();
    assert!(idle.status.success() && text(&idle).is_empty());
    let mut waiting = queue.start(&["--wait"]);
    let service_pid = Pid::from_raw(i32::try_from(service.id()).unwrap()).unwrap();
    package_import_tests::queue::signal(service_pid, Signal::TERM);
    assert!(service.wait().unwrap().success());
    assert!(waiting.wait().unwrap().success());
    assert_eq!(
        queue.texts("SELECT outcome FROM run WHERE mode <> 'import' ORDER BY id"),
        ["stopped", "empty"]
    );
}

#[test]
fn a_second_signal_ends_the_children_and_their_jobs_come_back() {
    let queue = Queue::sqlite();
    queue.enqueue_one();
    let mut run = queue.command(&["run"]);
    let mut run = run.env("PACKAGE_IMPORT_STOP_AT", "repo::pack-sealed:1").spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(run.id()).unwrap()).unwrap();
    wait_until("the child is frozen", || {
        package_import_tests::queue::children(run.id())
            .into_iter()
            .any(package_import_tests::queue::is_stopped)
    });
    package_import_tests::queue::signal(pid, Signal::TERM);
    package_import_tests::queue::signal(pid, Signal::TERM);
    wait_until("both signals have come", || {
        package_import_tests::queue::signal(pid, Signal::TERM);
        run.try_wait().unwrap().is_some()
    });
    assert_eq!(queue.texts("SELECT outcome FROM attempt ORDER BY id"), ["cancelled"]);
    assert_eq!(queue.number("SELECT COUNT(*) FROM failure"), 0);
    queue.well(&["run"]);
    let outcomes = queue.texts("SELECT outcome FROM attempt ORDER BY id");
    assert_eq!(outcomes, ["cancelled", "imported", "maintained"]);
}

#[test]
fn concurrency_changes_while_it_runs() {
    let queue = Queue::sqlite();
    let files = queue.installation.files();
    write_packages(&files.join("first"), 30, "1.0-1", &[]);
    queue.store_or_make().write(|tx| state::settings::set(tx, "jobs", Some("1")).map(drop)).unwrap();
    queue.enqueue(&files.join("first"));
    queue.well(&["run", "--jobs", "8"]);
    // Never two at a time: each began when the one before had ended.
    let overlaps = "SELECT COUNT(*) FROM attempt a JOIN attempt b ON b.id > a.id AND b.started < a.ended";
    assert!(queue.number(overlaps) <= 2, "a setting goes before the command line");
}
