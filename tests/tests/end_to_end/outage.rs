//! Outages: the source of files is cut off, or fails half of the requests; no operator is needed.

use std::fs;

use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::queue::{Queue, name, signal, wait_until};
use package_import_tests::synthetic::package;
use package_import_tests::web::{Answer, Server};
use rustix::process::{Pid, Signal};

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

fn count() -> usize {
    if is_long() { 1000 } else { 120 }
}

/// An archive with small packages, served, polled and queued.
fn queued(count: usize) -> (TestArchive, Server, Queue) {
    let archive = TestArchive::new();
    for number in 0..count {
        archive.add("main", &name(number), &package(&name(number), "1.0-1"));
    }
    archive.publish(&suite("sid"));
    let server = Server::new(archive.root());
    let queue = Queue::sqlite();
    follow(&queue, &archive, &server);
    let said = queue.well(&["poll"]);
    assert!(said.contains(&format!("{count} new")), "{said}");
    (archive, server, queue)
}

/// Writes into the configuration that an archive is followed at a server.
fn follow(queue: &Queue, archive: &TestArchive, server: &Server) {
    let keyring = archive.signer.keyring.display().to_string();
    queue.installation.configure(&format!(
        "[[archives]]\nname = \"test\"\ndistro = \"debian\"\nmirrors = [\"{}\"]\nkeyrings = [\"{keyring}\"]\n\
         [[archives.suites]]\nname = \"sid\"\n",
        server.url()
    ));
}

/// Everything is imported, and nothing was held against any package.
fn assert_all_imported(queue: &Queue, count: usize) {
    let wanted = i64::try_from(count).unwrap();
    for _ in 0..30 {
        queue.let_pass(7 * 3_600_000);
        queue.well(&["run", "--jobs", "8"]);
        let failing = "SELECT code || ': ' || message FROM failure WHERE state = 'failing'";
        assert_eq!(queue.texts(failing), [""; 0]);
        if queue.number("SELECT COUNT(*) FROM version") == wanted {
            break;
        }
    }
    assert_eq!(queue.number("SELECT COUNT(*) FROM version"), wanted);
    assert_eq!(queue.refs().len(), count);
    assert_eq!(queue.number("SELECT COUNT(*) FROM failure"), 0);
    assert_eq!(queue.number("SELECT COUNT(*) FROM job"), 0);
    let jobs = queue.installation.root().join("cache/jobs");
    assert!(fs::read_dir(jobs).unwrap().next().is_none(), "nothing is left laid out");
}

#[test]
fn a_cut_connection_parks_everything_and_all_comes_back_by_itself() {
    let (_archive, server, queue) = queued(count());
    let mut run = queue.start(&["--jobs", "8"]);
    let done = || queue.number("SELECT COUNT(*) FROM version");
    wait_until("some are imported", || done() > i64::try_from(count() / 10).unwrap());
    server.refuse(true);
    wait_until("the breaker opens", || {
        queue.number("SELECT COUNT(*) FROM dependency WHERE state = 'open'") == 1
    });
    let failed = || queue.number("SELECT COUNT(*) FROM attempt WHERE outcome = 'failed'");
    assert!(failed() <= 10, "{} jobs failed before it opened", failed());
    // Everything that is not done is parked, but for those few, which have their own time.
    let left = || queue.number("SELECT COUNT(*) FROM job");
    let parked = || queue.number("SELECT COUNT(*) FROM job WHERE state = 'parked'");
    wait_until("everything is parked", || left() - parked() <= failed());
    assert!(parked() > i64::try_from(count() / 2).unwrap(), "{} parked", parked());
    assert_eq!(queue.number("SELECT parked FROM dependency"), parked());
    // The outage goes on: one probe goes out at a time, every few seconds.
    let probes = || queue.number("SELECT probes FROM dependency");
    let wanted = if is_long() { 20 } else { 1 };
    wait_until("it is probed", || probes() >= wanted);
    assert!(probes() <= 30, "{} probes", probes());
    let since = queue.texts("SELECT CAST(since AS TEXT) FROM dependency WHERE state = 'open'");
    let status = queue.well(&["status"]);
    assert_eq!(status.matches("OUTAGE:").count(), 1, "{status}");
    assert!(status.contains(&format!("OUTAGE: {} out of reach since", server.host())), "{status}");
    let failed = failed();
    assert!(failed <= 10, "{failed} jobs failed, the others were parked");
    let still = queue.texts("SELECT CAST(since AS TEXT) FROM dependency WHERE state = 'open'");
    assert_eq!(since, still, "it is one outage");
    server.refuse(false);
    assert!(run.wait().unwrap().success());
    let opened = queue.number("SELECT COUNT(*) FROM event WHERE action = 'breaker-open'");
    assert_eq!(opened, 1, "one incident");
    let left = queue.number("SELECT COUNT(*) FROM job");
    assert!(left <= failed, "the run itself goes on after the outage: {left} left");
    assert_all_imported(&queue, count());
}

/// The server has been away for a day, most of what is queued is parked, and the next probe is far away.
fn cut_off(server: &Server, queue: &Queue) {
    server.refuse(true);
    let mut run = queue.start(&["--jobs", "2"]);
    wait_until("some are parked", || queue.number("SELECT COUNT(*) FROM job WHERE state = 'parked'") > 10);
    let pid = Pid::from_child(&run);
    signal(pid, Signal::TERM);
    run.wait().unwrap();
    let later = "UPDATE dependency SET since = since - 86400000, next_probe = next_probe + 86400000, probe_run = NULL";
    queue.store().write(|tx| tx.execute(later, &[])).unwrap();
}

#[test]
fn a_poll_that_reaches_the_archive_brings_back_what_waits_for_it() {
    let (_archive, server, queue) = queued(20);
    cut_off(&server, &queue);
    let probes = || queue.number("SELECT probes FROM dependency");
    let before = probes();
    let said = queue.well(&["run", "--poll", "--jobs", "2"]);
    assert!(said.contains("test sid"), "{said}");
    assert_eq!(probes(), before, "a poll that fails is no reason to ask again");
    server.refuse(false);
    queue.well(&["run", "--poll", "--jobs", "2"]);
    assert_eq!(queue.number("SELECT COUNT(*) FROM job WHERE state = 'parked'"), 0);
    assert_all_imported(&queue, 20);
}

#[test]
fn a_mirror_that_is_replaced_holds_nothing_up() {
    let (archive, server, queue) = queued(20);
    cut_off(&server, &queue);
    let other = Server::new(archive.root());
    follow(&queue, &archive, &other);
    let said = queue.well(&["run", "--jobs", "2"]);
    assert!(said.contains(&format!("what waited for {} resumes without it", server.host())), "{said}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM job WHERE state = 'parked'"), 0);
    assert_all_imported(&queue, 20);
}

#[test]
fn a_source_that_fails_half_of_the_time_makes_no_package_failing() {
    let (_archive, server, queue) = queued(count() / 5);
    // Every second file is refused at first, and later is not.
    for number in (0..count() / 5).step_by(2) {
        let name = name(number);
        let busy = Answer::Status(503, Vec::new(), b"later".to_vec());
        let path = format!("/pool/main/p/{name}/{name}_1.0-1.dsc");
        server.on_each(&path, &[busy, Answer::File]);
    }
    assert_all_imported(&queue, count() / 5);
}

#[test]
fn only_new_files_cross_the_wire() {
    let (archive, server, queue) = queued(3);
    queue.well(&["run"]);
    server.seen();
    let second = package(&name(0), "1.0-2").below(&["1.0-1"]);
    archive.add("main", &name(0), &second);
    archive.publish(&suite("sid"));
    let said = queue.well(&["run", "--poll"]);
    let paths: Vec<String> = server.paths().into_iter().filter(|path| path.starts_with("/pool")).collect();
    assert_eq!(queue.number("SELECT COUNT(*) FROM version"), 4, "{said}");
    assert_eq!(paths.len(), 2, "the .dsc and the Debian tarball, not the known orig: {paths:?}");
    let unchanged = queue.well(&["poll"]);
    assert!(unchanged.contains("unchanged"), "{unchanged}");
}
