//! Alerts of a machine, a database or a fleet in trouble, each caused for real, seen through NRPE, and ended as
//! docs/monitoring.md says.

use package_import_tests::daemons::scene::Counts;
use package_import_tests::daemons::users::User;
use package_import_tests::queue::signal;
use rustix::process::{Pid, Signal};
use state::Store;
use state::open::Location;

use super::watched::{CRITICAL, Ended, OK, WARNING, Watched};

fn ends(mut service: Ended) {
    signal(Pid::from_child(&service.0), Signal::TERM);
    service.0.wait().unwrap();
}

fn store(watched: &Watched) -> Store {
    Location::new(&watched.scene.site.root(), None, None).open().unwrap()
}

/// Results cannot be recorded: the database refuses the row of a version.
#[test]
fn work_that_cannot_be_recorded() {
    let mut watched = Watched::new(1, 0, "");
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON version
        BEGIN SELECT RAISE(ABORT, 'permission denied for table version'); END";
    store(&watched).write(|tx| tx.execute(refuse, &[]).map(drop)).unwrap();
    watched.scene.publish(Counts { good: 2, bad: 0 });
    watched.well(&["poll"]);
    let service = watched.service(None);
    watched.says("workers", CRITICAL, &["cannot record ", "permission denied for table version"]);
    store(&watched).write(|tx| tx.execute("DROP TRIGGER refuse", &[]).map(drop)).unwrap();
    watched.says("queue", OK, &["0 waiting"]);
    watched.says("workers", OK, &["1 of 1 hosts alive"]);
    ends(service);
    watched.well(&["verify"]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT WORKERS CRITICAL - HOST cannot record the end of attempt 4 of pkgNNNN: state database: permission denied for table version, 1 running, package-import workers
    IMPORT WORKERS OK
    ");
}

/// One of three hosts is silent, then two.
#[test]
fn a_fleet_of_which_more_than_half_is_gone() {
    let watched = Watched::new(1, 0, "");
    let service = |host: &str| watched.service_with(&[("PACKAGE_IMPORT_HOST", host)]);
    let (first, second, third) = (service("one"), service("two"), service("three"));
    watched.says("workers", OK, &["3 of 3 hosts alive"]);
    // Killed, without an orderly end.
    drop(first);
    watched.age(1);
    watched.says("workers", WARNING, &["one silent since "]);
    drop(second);
    watched.age(1);
    watched.says("workers", CRITICAL, &["two silent since ", "silent=2;"]);
    let again = [service("one"), service("two")];
    watched.says("workers", OK, &["3 of 3 hosts alive"]);
    again.into_iter().for_each(ends);
    ends(third);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT WORKERS WARNING - one silent since MM-DD hh:mmZ, 0 running, package-import workers
    IMPORT WORKERS CRITICAL - one silent since MM-DD hh:mmZ, two silent since MM-DD hh:mmZ, 0 running, package-import workers
    IMPORT WORKERS OK
    ");
}

/// Nothing can be written although the disk has room, as by a quota: the jobs wait, and go on when it can.
#[test]
fn a_disk_that_is_full() {
    let mut watched = Watched::new(1, 0, "");
    watched.scene.publish(Counts { good: 24, bad: 0 });
    watched.well(&["poll"]);
    let service = watched.service_with(&[("PACKAGE_IMPORT_DISK_FULL_AFTER", "0")]);
    watched.says("failures", CRITICAL, &["24 parked since ", ": disk:", " is full: ", "no storage space"]);
    ends(service);
    // There is room again; a probe finds out.
    watched.age(1);
    watched.scene.run();
    watched.scene.run();
    watched.says("failures", OK, &["0 failing"]);
    watched.says("queue", OK, &["0 waiting"]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT FAILURES CRITICAL - 24 parked since MM-DD hh:mmZ, 0 more failing: disk:HOST:SITE/root is full: cannot create pack: no storage space, package-import status
    IMPORT FAILURES OK
    ");
}

/// A foreign ref is in the place of a tag of the next version: an operator has to decide.
#[test]
fn a_package_that_is_wedged() {
    let mut watched = Watched::new(2, 0, "");
    let repository = watched.scene.site.root().join("repos/p/pkg0001.git");
    let git = |arguments: &[&str]| {
        let output =
            User::importer().command("git").arg("--git-dir").arg(&repository).args(arguments).output();
        assert!(output.unwrap().status.success(), "{arguments:?}");
    };
    git(&["update-ref", "refs/tags/debian/1.0-2/in-the-way", "refs/heads/debian/sid"]);
    watched.upload(1..2, "1.0-2", true);
    watched.says("wedged", OK, &["1 wait for a person", "pkg0001 for ", ": publish/blocked"]);
    watched.age(25);
    watched.scene.run();
    watched.says("wedged", WARNING, &["1 wait for a person", "pkg0001 for 1d 1h: publish/blocked"]);
    watched.age(24 * 8);
    watched.scene.run();
    watched.says("wedged", CRITICAL, &["pkg0001 for 9d 1h"]);
    git(&["update-ref", "-d", "refs/tags/debian/1.0-2/in-the-way"]);
    watched.well(&["retry", "pkg0001"]);
    watched.scene.run();
    watched.says("wedged", OK, &["nothing waits for a person"]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT WEDGED WARNING - 1 wait for a person, pkgNNNN for 1d 1h: publish/blocked, 1 collisions wait for a decision, the oldest blocked of pkgNNNN for 1d 1h, package-import show pkgNNNN
    IMPORT WEDGED CRITICAL - 1 wait for a person, pkgNNNN for 9d 1h: publish/blocked, 1 collisions wait for a decision, the oldest blocked of pkgNNNN for 9d 1h, package-import show pkgNNNN
    IMPORT WEDGED OK
    ");
}

/// A monitor that cannot see the repositories reports that they are not compared with the state.
#[test]
fn repositories_that_the_monitor_cannot_see() {
    let watched = Watched::new(2, 0, "");
    let root = watched.scene.site.root();
    watched.backup();
    // The umask of the importer is 077. The names of repositories are for its group all the same, as the state is.
    let said = watched.scene.site.check("state", &["-v"]);
    assert!(!said.text().contains("not compared"), "{said:?}");
    let closed = User::importer().command("chmod").arg("0700").arg(root.join("repos")).status();
    assert!(closed.unwrap().success());
    watched.says("state", OK, &["repositories not compared with the state"]);
    let said = watched.scene.site.check("state", &["-v"]).text();
    assert!(said.contains("/repos: permission denied: chmod g+"), "{said}");
}
