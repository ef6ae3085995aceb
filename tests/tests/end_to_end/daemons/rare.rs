//! Alerts that are seldom seen, each caused for real, seen through NRPE, and ended as docs/monitoring.md says.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use package_import_tests::daemons::scene::Counts;
use package_import_tests::daemons::users::User;
use rustix::process::Signal;

use super::watched::{CRITICAL, OK, UNKNOWN, WARNING, Watched, learned};

/// Within an alert more begin to fail.
#[test]
fn failures_that_rise_a_second_time() {
    let mut watched = learned(2, 12);
    watched.scene.publish(Counts { good: 0, bad: 14 });
    watched.scene.run();
    watched.says("failures", CRITICAL, &["26 failing, normally 12 - 14 new since "]);
    for _ in 0..3 {
        watched.age(6);
        watched.scene.run();
    }
    watched.scene.publish(Counts { good: 0, bad: 40 });
    watched.age(1);
    watched.scene.run();
    watched.says("failures", CRITICAL, &["66 failing, normally 12 - 54 new since ", ", again 40 since "]);
    watched.upload(14..68, "1.0-2", true);
    watched.age(1);
    watched.scene.run();
    watched.says("failures", OK, &["12 failing, normally 12"]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT FAILURES CRITICAL - 26 failing, normally 12 - 14 new since MM-DD hh:mmZ, 100% yyqyvfr fetch/unsupported-format: source format _3.0 (git)_ is not..., package-import failures --signature yyqyvfr
    IMPORT FAILURES CRITICAL - 66 failing, normally 12 - 54 new since MM-DD hh:mmZ, again 40 since MM-DD hh:mmZ, 100% yyqyvfr fetch/unsupported-format: source..., package-import failures --signature yyqyvfr
    IMPORT FAILURES OK
    ");
}

/// The mirrors answer, and what they have stays as it was.
#[test]
fn an_archive_whose_content_stands_still() {
    let mut watched = Watched::new(2, 0, "");
    watched.scene.stale_after("2d");
    watched.configure("");
    watched.scene.run();
    watched.says("archive", OK, &[]);
    watched.age(73);
    watched.scene.run();
    watched.says("archive", WARNING, &["lists as they were 3d 1h ago (limit 2d)"]);
    watched.scene.publish(Counts { good: 1, bad: 0 });
    watched.scene.run();
    watched.says("archive", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT ARCHIVE WARNING - test/sid: lists as they were 3d 1h ago (limit 2d), package-import archives
    IMPORT ARCHIVE OK
    ");
}

/// Nobody is told anything, because the mail server refuses.
#[test]
fn messages_that_do_not_get_to_people() {
    let watched = Watched::new(1, 0, "");
    let program = watched.scene.site.files().join("sendmail");
    let mails = |script: &str| {
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    };
    mails("#!/bin/sh\ncat >/dev/null\necho 'server is away' >&2\nexit 75\n");
    watched.configure(&format!(
        "[[notify.mail]]\nname = 'team'\nfrom = 'imports@example.org'\nto = ['team@example.org']\nsendmail = '{}'\npace = '0s'\n",
        program.display()
    ));
    watched.backup();
    watched.scene.site.importer(&["notify"]).output().unwrap();
    watched.says("state", OK, &[]);
    // There is something to say: the last backup is old.
    watched.age(49);
    for _ in 0..2 {
        watched.scene.site.importer(&["notify"]).output().unwrap();
        watched.age(2);
    }
    watched.backup();
    watched.says("state", WARNING, &["messages do not get to team since ", "server is away"]);
    watched.age(24);
    watched.scene.site.importer(&["notify"]).output().unwrap();
    watched.backup();
    watched.says("state", CRITICAL, &["messages do not get to team since "]);
    mails("#!/bin/sh\ncat >/dev/null\n");
    watched.age(1);
    watched.well(&["notify", "test", "team"]);
    watched.age(1);
    watched.well(&["notify"]);
    watched.says("state", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT STATE WARNING - messages do not get to team since MM-DD hh:mmZ: SITE/files/sendmail ended with exit status: 75: server is away, backup Ns old, package-import notify test team
    IMPORT STATE CRITICAL - messages do not get to team since MM-DD hh:mmZ: SITE/files/sendmail ended with exit status: 75: server is away, package-import notify test team
    IMPORT STATE OK
    ");
}

/// A run that is killed by a signal says so; the next one ends the alert.
#[test]
fn a_run_that_was_killed() {
    let mut watched = Watched::new(1, 0, "");
    watched.scene.publish(Counts { good: 4, bad: 0 });
    watched.well(&["poll"]);
    let mut service = watched.service(Some("repo::init:1"));
    watched.says("workers", OK, &["1 running"]);
    let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&service.0), Signal::KILL);
    service.0.wait().unwrap();
    drop(service);
    watched.age(1);
    watched.says("runs", WARNING, &[" silent since "]);
    watched.scene.run();
    watched.says("runs", OK, &[]);
    watched.says("queue", OK, &["0 waiting"]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT RUNS WARNING - run 2 on HOST silent since MM-DD hh:mmZ, nothing ended for 1h though jobs wait, last good run 1h ago, package-import status
    IMPORT RUNS OK
    ");
}

/// Somebody has committed to a branch of the importer, and the next upload lacks it.
#[test]
fn a_collision_that_waits_for_a_decision() {
    let mut watched = Watched::new(2, 0, "");
    let repository = watched.scene.site.root().join("repos/p/pkg0001.git");
    let git = |script: &str| {
        let mut command = User::importer().command("sh");
        command.args(["-ec", script]).env("GIT_DIR", &repository).env("HOME", "/nonexistent");
        for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"] {
            command.env(name, "x");
        }
        for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
            command.env(name, "x@example.org");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
    };
    git("blob=$(echo theirs | git hash-object -w --stdin); \
         tree=$( (git ls-tree refs/heads/debian/sid; printf '100644 blob %s\\tTHEIRS\\n' $blob) | git mktree); \
         git update-ref refs/heads/debian/sid $(git commit-tree $tree -p refs/heads/debian/sid -m theirs)");
    watched.upload(1..2, "1.0-2", true);
    watched.age(25);
    watched.scene.run();
    watched.says("wedged", WARNING, &["1 collisions wait for a decision", "pkg0001"]);
    let listed = watched.well(&["collisions"]);
    let id = listed.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    watched.well(&["collision", "resolve", &id, "--drop", "--reason", "not ours"]);
    watched.says("wedged", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT WEDGED WARNING - 1 collisions wait for a decision, the oldest unmerged of pkgNNNN for 1d 1h, package-import collision show 1
    IMPORT WEDGED OK
    ");
}

/// Number of recorded times in the future, by the figures for Prometheus.
fn ahead(watched: &Watched) -> u64 {
    let file = watched.scene.site.root().join("figures.prom");
    watched.well(&["metrics", "--textfile", file.to_str().unwrap()]);
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("package_import_times_ahead ")).unwrap();
    line.parse().unwrap()
}

/// The clock goes back by two hours (samples are of whole hours, and of an hour that begins within five minutes is no sample of
/// the future) or by 400 days after everything was recorded: what is on record is of the future then. No
/// check is green by it, and what is recorded by the new clock counts at once.
#[test]
fn a_clock_that_is_set_back() {
    let mut told = String::new();
    for hours in [2, 400 * 24] {
        let watched = Watched::new(2, 1, "");
        watched.backup();
        assert_eq!(ahead(&watched), 0);
        watched.age(-hours);
        for (check, code) in
            [("runs", CRITICAL), ("workers", UNKNOWN), ("archive", CRITICAL), ("state", CRITICAL)]
        {
            watched.says(check, code, &["in the future by "]);
        }
        watched.says("failures", WARNING, &["from the future", "samples drop --after now"]);
        assert_ne!(watched.nrpe.ask("check_import_freshness", 4).code, OK);
        assert!(ahead(&watched) > 0, "{hours}");
        let status = watched.well(&["status"]);
        assert!(!status.contains(" 0s ago"), "{status}");
        // Runs, heartbeats, polls and a backup of the right clock.
        watched.scene.run();
        watched.backup();
        for check in ["runs", "workers", "archive", "state"] {
            watched.says(check, OK, &[]);
        }
        watched.well(&["samples", "drop", "--after", "now", "--reason", "the clock was ahead"]);
        watched.scene.run();
        for check in ["failures", "freshness", "queue", "wedged"] {
            watched.says(check, OK, &[]);
        }
        told = watched.told();
    }
    let told = told.replace("399d 23h", "400d");
    insta::assert_snapshot!(told, @"
    IMPORT RUNS CRITICAL - run 1 on HOST is dated MM-DD hh:mmZ, in the future by 400d: is its clock right?, no run has ended well, package-import status
    IMPORT WORKERS UNKNOWN - no host has to be there now, 0 running, last heard of a host in the future by 400d: is a clock right?, see check_import_runs
    IMPORT ARCHIVE CRITICAL - poll of test/sid is dated in the future by 400d: is the clock right?, package-import archives
    IMPORT STATE CRITICAL - backup dated in the future by 400d: is the clock right?, database not examined since MM-DD hh:mmZ, package-import backup FOLDER
    IMPORT FAILURES WARNING - the newest sample is from the future: MM-DD hh:mmZ, package-import samples drop --after now --reason WHY
    IMPORT RUNS OK
    IMPORT WORKERS OK
    IMPORT ARCHIVE OK
    IMPORT STATE OK
    IMPORT FAILURES OK
    ");
}

/// Nothing has looked into the database for a week, and its file system has no room for another file; what is full here is
/// the limit.
#[test]
fn a_database_that_nobody_examines_and_a_disk_without_inodes() {
    let watched = Watched::new(1, 0, "");
    watched.age(24 * 9);
    watched.backup();
    watched.says("state", WARNING, &["database not examined since "]);
    watched.scene.run();
    watched.says("state", OK, &[]);
    watched.scene.configure("[checks.database.disk]\nwarning = 100\ncritical = 100\n[checks.database.inodes]\ncritical = \"@0:100\"\n");
    watched.says("state", CRITICAL, &["% of inodes used"]);
    watched.configure("");
    watched.says("state", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT STATE WARNING - database not examined since MM-DD hh:mmZ, backup Ns old, package-import status
    IMPORT STATE OK
    IMPORT STATE CRITICAL - N% of inodes used, backup Ns old, package-import prune
    IMPORT STATE OK
    ");
}

/// An archive was configured whose mirror has never answered.
#[test]
fn an_archive_that_was_never_polled() {
    let watched = Watched::new(1, 0, "");
    let keyring = watched.scene.site.files().join("archive.gpg");
    watched.configure(&format!(
        "[[archives]]\nname = \"other\"\ndistro = \"debian\"\nmirrors = [\"http://127.0.0.1:9/\"]\nkeyrings = [\"{}\"]\n\
         [[archives.suites]]\nname = \"other\"\n",
        keyring.display()
    ));
    watched.scene.site.importer(&["run", "--poll"]).output().unwrap();
    watched.age(2);
    watched.well(&["poll", "test"]);
    watched.says("archive", CRITICAL, &["other/other never polled in 2h"]);
    watched.configure("");
    watched.scene.run();
    watched.says("archive", OK, &[]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT ARCHIVE CRITICAL - other/other never polled in 2h, 1 of 2 polls failed, package-import archives
    IMPORT ARCHIVE OK
    ");
}
