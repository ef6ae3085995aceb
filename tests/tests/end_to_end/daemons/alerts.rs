//! Every alert that docs/monitoring.md names is caused, seen through NRPE, and ended by what the document says ends it.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use package_import_tests::daemons::scene::{Counts, Scene};
use package_import_tests::daemons::users::User;
use package_import_tests::queue::{children, is_stopped, signal};
use rustix::process::{Pid, Signal};

use super::watched::{CRITICAL, OK, UNKNOWN, WARNING, Watched};

#[test]
fn an_archive_that_is_out_of_reach() {
    let mut watched = Watched::new(2, 0, "");
    watched.scene.publish(Counts { good: 24, bad: 0 });
    watched.well(&["poll"]);
    watched.scene.server.refuse(true);
    watched.well(&["run"]);
    let host = watched.scene.server.host();
    watched.says("failures", CRITICAL, &[" parked since ", &format!("{host} is out of reach: ")]);
    watched.says("archive", WARNING, &[&format!("expected: outage of {host} since ")]);
    watched.age(25);
    watched.says(
        "archive",
        CRITICAL,
        &["debian/sid not polled since "].map(|it| it.trim_start_matches("debian/")),
    );
    watched.scene.server.refuse(false);
    watched.scene.run();
    watched.scene.run();
    watched.says("failures", OK, &["0 failing"]);
    watched.says("archive", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT FAILURES CRITICAL - 20 parked since MM-DD hh:mmZ, 4 more failing: ARCHIVE is out of reach: cannot connect: Connection refused (os error 111), package-import status
    IMPORT ARCHIVE WARNING - expected: outage of ARCHIVE since MM-DD hh:mmZ, package-import archives
    IMPORT ARCHIVE CRITICAL - breaker ARCHIVE open since MM-DD hh:mmZ, test/sid not polled since MM-DD hh:mmZ, package-import archives
    IMPORT FAILURES OK
    IMPORT ARCHIVE OK
    ");
}

#[test]
fn an_archive_that_is_not_polled_or_not_believed() {
    let mut watched = Watched::new(1, 0, "");
    watched.says("archive", OK, &[]);
    watched.age(1);
    watched.says("archive", WARNING, &["not polled since "]);
    watched.age(1);
    watched.says("archive", CRITICAL, &["not polled since "]);
    watched.scene.run();
    watched.says("archive", OK, &[]);
    // Another key than the one that is known.
    let keyring = watched.scene.site.files().join("archive.gpg");
    let good = fs::read(&keyring).unwrap();
    let other = package_import_tests::archive::TestArchive::new();
    fs::copy(&other.signer.keyring, &keyring).unwrap();
    watched.scene.publish(Counts { good: 1, bad: 0 });
    watched.age(2);
    let poll = watched.scene.site.importer(&["poll"]).output().unwrap();
    assert_eq!(poll.status.code(), Some(1));
    let said = watched.nrpe.ask("check_import_archive", 4);
    assert_eq!(said.code, CRITICAL, "{said:?}");
    fs::write(&keyring, good).unwrap();
    watched.scene.run();
    watched.says("archive", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT ARCHIVE WARNING - test/sid not polled since MM-DD hh:mmZ, package-import archives
    IMPORT ARCHIVE CRITICAL - test/sid not polled since MM-DD hh:mmZ, package-import archives
    IMPORT ARCHIVE OK
    ");
}

#[test]
fn an_upload_that_waits_and_is_late() {
    let mut watched = Watched::new(2, 0, "");
    let host = watched.host();
    watched.well(&["quiesce", &host, "--reason", "a test"]);
    watched.scene.publish(Counts { good: 3, bad: 0 });
    watched.scene.run();
    watched.says("queue", OK, &["3 waiting"]);
    watched.age(2);
    watched.says("queue", WARNING, &["3 waiting, oldest upload 2h"]);
    watched.age(3);
    watched.scene.run();
    watched.says("queue", CRITICAL, &["3 waiting, oldest upload 5h"]);
    watched.says("freshness", WARNING, &[]);
    watched.age(20);
    watched.scene.run();
    watched.says("freshness", CRITICAL, &[]);
    watched.well(&["resume", &host]);
    watched.scene.run();
    watched.says("queue", OK, &["0 waiting"]);
    // Late versions of the last seven days count until these are over.
    watched.age(24 * 8);
    watched.scene.run();
    watched.says("freshness", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT QUEUE WARNING - 3 waiting, oldest upload 2h, package-import queue
    IMPORT QUEUE CRITICAL - 3 waiting, oldest upload 5h, package-import queue
    IMPORT FRESHNESS WARNING - 95% of 3 within 5h, half within 5h, worst 5h, 3 behind, package-import freshness
    IMPORT FRESHNESS CRITICAL - 95% of 3 within 1d 1h, half within 1d 1h, worst 1d 1h, 3 behind, package-import freshness
    IMPORT QUEUE OK
    IMPORT FRESHNESS OK
    ");
}

#[test]
fn runs_that_do_not_begin_or_do_not_end() {
    let watched = Watched::new(1, 0, "");
    watched.says("runs", OK, &["last good run ended "]);
    watched.age(3);
    watched.says("runs", WARNING, &["last good run ended 3h"]);
    watched.age(2);
    watched.says("runs", CRITICAL, &["last good run ended 5h"]);
    watched.scene.run();
    watched.says("runs", OK, &[]);
    // Killed, and nobody has found it yet.
    let service = watched.service(None);
    watched.says("runs", OK, &["service open on "]);
    drop(service);
    watched.age(1);
    watched.says("runs", WARNING, &[" silent since "]);
    watched.says("workers", CRITICAL, &[" silent since "]);
    let mut again = watched.service(None);
    watched.says("workers", OK, &["1 of 1 hosts alive"]);
    watched.says("runs", OK, &["service open on "]);
    signal(Pid::from_child(&again.0), Signal::TERM);
    again.0.wait().unwrap();
    insta::assert_snapshot!(watched.told(), @"
    IMPORT RUNS WARNING - last good run ended 3h ago on HOST: 1 done, 0 failed, package-import status
    IMPORT RUNS CRITICAL - last good run ended 5h ago on HOST: 1 done, 0 failed, package-import status
    IMPORT RUNS OK
    IMPORT RUNS WARNING - run 3 on HOST silent since MM-DD hh:mmZ, last good run 1h ago, package-import status
    IMPORT WORKERS CRITICAL - HOST silent since MM-DD hh:mmZ, 0 running, package-import workers
    IMPORT WORKERS OK
    IMPORT RUNS OK
    ");
}

#[test]
fn a_job_that_hangs() {
    let mut watched = Watched::new(1, 0, "");
    watched.scene.publish(Counts { good: 3, bad: 0 });
    watched.well(&["poll"]);
    let service = watched.service(Some("repo::init:1"));
    watched.says("workers", OK, &["1 running"]);
    let end = Instant::now() + Duration::from_secs(60);
    while !children(service.0.id()).into_iter().any(is_stopped) {
        assert!(Instant::now() < end, "no import stands still");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Six hours by itself.
    watched.configure("[checks.runs.stalled]\nwarning = \"1s\"\n");
    watched.says("runs", WARNING, &["nothing ended for ", " though jobs wait"]);
    watched.configure("");
    watched.age(13);
    // It lives, and gets nothing done.
    watched.says("workers", WARNING, &["has work and gets nothing done for 13h"]);
    // It does no harm to kill it.
    drop(service);
    let mut again = watched.service(None);
    watched.says("queue", OK, &["0 waiting"]);
    watched.says("workers", OK, &["1 of 1 hosts alive"]);
    watched.says("runs", OK, &[]);
    signal(Pid::from_child(&again.0), Signal::TERM);
    again.0.wait().unwrap();
    insta::assert_snapshot!(watched.told(), @"
    IMPORT RUNS WARNING - nothing ended for Ns though jobs wait, service open on HOST since MM-DD hh:mmZ, last good run Ns ago, package-import status
    IMPORT WORKERS WARNING - HOST has work and gets nothing done for 13h, 0 running, package-import workers
    IMPORT WORKERS OK
    IMPORT RUNS OK
    ");
}

#[test]
fn what_waits_for_a_person() {
    let watched = Watched::new(1, 1, "");
    watched.says("wedged", OK, &[]);
    // Somebody pushes into a repository.
    let repository = watched.scene.site.root().join("repos/p/pkg0001.git");
    let git = |arguments: &[&str]| {
        let mut command = User::importer().command("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@example.org", "--git-dir"]).arg(&repository);
        let output = command.args(arguments).env("HOME", "/nonexistent").output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let forged = git(&["commit-tree", "refs/heads/debian/sid^{tree}", "-m", "forged"]);
    git(&["update-ref", "refs/tags/debian/9.9-1", &forged]);
    let verify = watched.scene.site.importer(&["verify", "pkg0001"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(1));
    watched.says("wedged", WARNING, &["foreign"]);
    git(&["update-ref", "-d", "refs/tags/debian/9.9-1"]);
    watched.well(&["verify", "pkg0001"]);
    watched.says("wedged", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT WEDGED WARNING - 1 foreign refs, the oldest refs/tags/debian/9.9-1 in pkgNNNN for Ns, package-import show pkgNNNN
    IMPORT WEDGED OK
    ");
}

#[test]
fn a_state_without_a_backup_and_a_damaged_one() {
    let watched = Watched::new(3, 0, "");
    let root = watched.scene.site.root();
    watched.age(49);
    watched.says("state", WARNING, &["no backup was ever taken"]);
    watched.backup();
    watched.says("state", OK, &[]);
    watched.age(49);
    watched.scene.run();
    watched.says("state", WARNING, &["backup 2d 1h old"]);
    watched.age(24 * 6);
    watched.scene.run();
    watched.says("state", CRITICAL, &["backup 8d 1h old"]);
    watched.backup();
    watched.says("state", OK, &[]);
    watched.age(-24);
    watched.says("state", CRITICAL, &["backup dated in the future by "]);
    watched.age(24);
    // A disk that is full; what is full here is the limit.
    watched.scene.configure("[checks.database.disk]\nwarning = 0\ncritical = 0\n");
    watched.says("state", CRITICAL, &["disk ", "% full"]);
    watched.configure("");
    watched.says("state", OK, &[]);
    // The state is lost, and there is another one beside the repositories.
    let other = Scene::new(Counts { good: 1, bad: 0 });
    other.run();
    let aside = watched.scene.site.path("aside");
    fs::create_dir(&aside).unwrap();
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        fs::rename(root.join(name), aside.join(name)).unwrap();
        let copied = Command::new("cp").arg("-p").arg(other.site.root().join(name)).arg(&root).status();
        assert!(copied.unwrap().success());
    }
    // The importer's umask keeps its repositories from everybody here; the monitor may see their names.
    let seen = Command::new("chmod").args(["-R", "g+rX"]).arg(root.join("repos")).status();
    assert!(seen.unwrap().success());
    watched.says("state", CRITICAL, &["2 of 3 repositories are unknown to this state"]);
    // As the document says: without it, the newest backup brings the state back.
    let restore = || {
        for name in ["state.db", "state.db-wal", "state.db-shm"] {
            let _ = fs::remove_file(root.join(name));
        }
        let backups = watched.scene.site.path("backups").display().to_string();
        watched.well(&["restore", "--state-only", &backups]);
        watched.scene.run();
        watched.backup();
    };
    restore();
    watched.says("state", OK, &[]);
    // Pages of the file are overwritten, while nothing runs.
    let damage = "for name in -wal -shm; do rm -f state.db$name; done; \
        dd if=/dev/urandom of=state.db bs=4096 seek=1 count=40 conv=notrunc 2>/dev/null";
    assert!(
        User::importer().command("sh").args(["-c", damage]).current_dir(&root).status().unwrap().success()
    );
    watched.says("state", CRITICAL, &["database damaged"]);
    watched.says("failures", UNKNOWN, &["database damaged: see check_import_state"]);
    restore();
    watched.says("state", OK, &[]);
    watched.says("failures", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT STATE WARNING - no backup was ever taken, package-import backup FOLDER
    IMPORT STATE OK
    IMPORT STATE WARNING - backup 2d 1h old, package-import backup FOLDER
    IMPORT STATE CRITICAL - backup 8d 1h old, package-import backup FOLDER
    IMPORT STATE OK
    IMPORT STATE CRITICAL - backup dated in the future by 1d: is the clock right?, database not examined since MM-DD hh:mmZ, package-import backup FOLDER
    IMPORT STATE CRITICAL - disk N% full, backup Ns old, package-import prune
    IMPORT STATE OK
    IMPORT STATE CRITICAL - 2 of 3 repositories are unknown to this state: restore it, or adopt, no backup yet, package-import restore FOLDER
    IMPORT STATE OK
    IMPORT STATE CRITICAL - database damaged: stop the importer, copy its folder away, package-import restore
    IMPORT FAILURES UNKNOWN - database damaged: see check_import_state
    IMPORT STATE OK
    IMPORT FAILURES OK
    ");
}
