//! Alerts of jobs and runs that do not end as they should, each caused for real, seen through NRPE, and ended as
//! docs/monitoring.md says.

use package_import_tests::daemons::aged::age_running;
use package_import_tests::daemons::scene::Counts;
use package_import_tests::queue::{children, is_stopped, signal, wait_until};
use rustix::process::{Pid, Signal};

use super::watched::{CRITICAL, Ended, OK, WARNING, Watched};

/// One import stands still within a service.
fn standing_still(watched: &Watched) -> (Ended, Pid) {
    let service = watched.service(Some("repo::init:1"));
    let mut stopped = None;
    wait_until("an import stands still", || {
        stopped = children(service.0.id()).into_iter().find(|child| is_stopped(*child));
        stopped.is_some()
    });
    (service, stopped.unwrap())
}

fn ends(mut service: Ended) {
    signal(Pid::from_child(&service.0), Signal::TERM);
    service.0.wait().unwrap();
}

/// One job takes far longer than it should, while its host is alive; then the host dies with it, and nobody takes it back.
#[test]
fn a_job_that_is_stuck_and_one_whose_lease_is_over() {
    let mut watched = Watched::new(1, 0, "");
    watched.scene.publish(Counts { good: 1, bad: 0 });
    watched.well(&["poll"]);
    let (service, import) = standing_still(&watched);
    age_running(&watched.scene.site.root(), 13);
    watched.says("workers", WARNING, &["pkg0001 runs for 13h on "]);
    signal(import, Signal::CONT);
    watched.says("queue", OK, &["0 waiting"]);
    watched.says("workers", OK, &["1 of 1 hosts alive"]);
    ends(service);
    watched.scene.publish(Counts { good: 1, bad: 0 });
    watched.well(&["poll"]);
    let (service, _) = standing_still(&watched);
    drop(service);
    watched.age(1);
    watched.says("workers", CRITICAL, &[" silent since ", "pkg0002 runs for 1h on ", "its lease is over"]);
    let again = watched.service(None);
    watched.says("queue", OK, &["0 waiting"]);
    watched.says("workers", OK, &["1 of 1 hosts alive"]);
    ends(again);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT WORKERS WARNING - pkgNNNN runs for 13h on HOST, 1 running, package-import workers
    IMPORT WORKERS OK
    IMPORT WORKERS CRITICAL - HOST silent since MM-DD hh:mmZ, pkgNNNN runs for 1h on HOST, and its lease is over, 1 running, package-import workers
    IMPORT WORKERS OK
    ");
}

/// A service that is begun again each time it dies: it is always alive, and gets nowhere.
#[test]
fn runs_that_die_one_after_the_other() {
    let watched = Watched::new(1, 0, "");
    for _ in 0..3 {
        let service = watched.service(None);
        watched.says("runs", OK, &["service open on "]);
        drop(service);
    }
    let last = watched.service(None);
    watched.says("runs", WARNING, &["3 runs in a row have died, the last at ", "service open on "]);
    // It lives for an hour.
    watched.age(2);
    watched.says("runs", OK, &["service open on "]);
    ends(last);
    watched.says("runs", OK, &["last good run ended "]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT RUNS WARNING - 3 runs in a row have died, the last at MM-DD hh:mmZ on HOST, service open on HOST since MM-DD hh:mmZ, last good run Ns ago, package-import status
    IMPORT RUNS OK
    ");
}

/// A host that should be there always was never heard of.
#[test]
fn a_host_that_never_came() {
    let watched = Watched::new(1, 0, "");
    let service = watched.service(None);
    watched.says("workers", OK, &["1 of 1 hosts alive"]);
    watched.configure("[checks.workers]\nhosts = [\"import2\"]\n");
    watched.says("workers", WARNING, &["import2 was never seen"]);
    watched.configure("");
    watched.says("workers", OK, &["1 of 1 hosts alive"]);
    ends(service);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT WORKERS WARNING - import2 was never seen, 0 running, package-import workers
    IMPORT WORKERS OK
    ");
}
