//! Alerts of `check_import_failures`, each caused for real, seen through NRPE, and ended as docs/monitoring.md says.

use package_import_tests::daemons::aged::attempted;
use package_import_tests::daemons::scene::Counts;

use super::watched::{CRITICAL, OK, UNKNOWN, WARNING, Watched, learn, learned};

#[test]
fn failures_twice_as_many_as_is_normal() {
    let mut watched = learned(2, 12);
    watched.scene.publish(Counts { good: 0, bad: 14 });
    watched.scene.run();
    watched.says(
        "failures",
        CRITICAL,
        &["26 failing, normally 12 - 14 new since ", "/unsupported-format: source format"],
    );
    watched.upload(14..28, "1.0-2", true);
    watched.age(1);
    watched.scene.run();
    watched.says("failures", OK, &["12 failing, normally 12"]);
    // Nothing runs, and what was said is too old to be believed.
    watched.age(37);
    watched.says("failures", UNKNOWN, &["no sample since "]);
    watched.scene.run();
    watched.says("failures", OK, &["12 failing, normally 12"]);
    // A clock that was wrong.
    watched.age(-72);
    watched.says("failures", WARNING, &["from the future"]);
    watched.well(&["samples", "drop", "--after", "now", "--reason", "a wrong clock"]);
    watched.scene.run();
    let said = watched.nrpe.ask("check_import_failures", 4);
    assert!(!said.text().contains("future"), "{said:?}");
    insta::assert_snapshot!(watched.told(), @"
    IMPORT FAILURES CRITICAL - 26 failing, normally 12 - 14 new since MM-DD hh:mmZ, 100% yyqyvfr fetch/unsupported-format: source format _3.0 (git)_ is not..., package-import failures --signature yyqyvfr
    IMPORT FAILURES OK
    IMPORT FAILURES UNKNOWN - no sample since MM-DD hh:mmZ, see check_import_runs
    IMPORT FAILURES OK
    IMPORT FAILURES WARNING - the newest sample is from the future: MM-DD hh:mmZ, package-import samples drop --after now --reason WHY
    ");
}

#[test]
fn failures_of_one_signature_that_the_total_hides() {
    let mut watched = Watched::new(2, 60, "");
    // Two of them fail for another reason than the others.
    watched.upload(0..2, "1.0-2", false);
    learn(&watched);
    watched.says("failures", OK, &["60 failing, normally 60"]);
    watched.upload(2..42, "1.0-2", false);
    watched.says("failures", WARNING, &["42 (normally 2) ", "unpack/unsafe-path", " since "]);
    // It is known, and will last.
    let said = watched.nrpe.ask("check_import_failures", 4).text();
    let id = said.split(" fail with ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    watched.well(&["suppress", &id, "--until", "3d", "--reason", "known"]);
    watched.scene.run();
    watched.says("failures", OK, &["42 suppressed until "]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT FAILURES WARNING - 42 (normally 2) fail with nv3tagm unpack/unsafe-path: cannot unpack pkgNNNN_1.0.orig.tar.gz: entry up/... since MM-DD hh:mmZ, package-import failures --signature nv3tagm
    IMPORT FAILURES OK
    ");
}

/// As many fail as ever, but not the same ones: what is cured hides that far more than usual begin to fail.
#[test]
fn new_failures_alone() {
    let mut watched = learned(2, 40);
    attempted(&watched.scene.site.root(), 20);
    watched.age(1);
    watched.scene.upload(0..40, "1.0-2", true);
    watched.scene.publish(Counts { good: 0, bad: 40 });
    watched.well(&["poll", "test", "--accept-removals"]);
    watched.scene.run();
    watched.says("failures", WARNING, &["40 failed in 24 h, normally 0", "fetch/unsupported-format"]);
    // What began to fail is cured.
    watched.upload(42..82, "1.0-2", true);
    for _ in 0..2 {
        watched.age(1);
        watched.scene.run();
    }
    watched.says("failures", OK, &["0 failing"]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT FAILURES WARNING - 40 failed in 24 h, normally 0 since MM-DD hh:mmZ, 100% yyqyvfr fetch/unsupported-format: source format _3.0 (git)_ is not..., package-import failures --signature yyqyvfr
    IMPORT FAILURES OK
    ");
}

#[test]
fn failures_by_a_limit_that_was_set() {
    let limits = "[checks.failures.failing]\nwarning = 3\ncritical = 5\n";
    let mut watched = Watched::new(2, 2, limits);
    watched.says("failures", OK, &["2 failing, learning 0/7 days"]);
    watched.scene.publish(Counts { good: 0, bad: 2 });
    watched.scene.run();
    watched.says("failures", WARNING, &["4 failing"]);
    watched.scene.publish(Counts { good: 0, bad: 2 });
    watched.scene.run();
    watched.says("failures", CRITICAL, &["6 failing"]);
    let signature = watched.well(&["signature", "list"]);
    let id = signature.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned();
    watched.well(&["suppress", &id, "--until", "3d", "--reason", "known"]);
    watched.says("failures", OK, &["0 failing", "6 suppressed until "]);
    watched.well(&["unsuppress", &id]);
    watched.upload(4..8, "1.0-2", true);
    watched.says("failures", OK, &["2 failing"]);
    insta::assert_snapshot!(watched.told(), @"
    IMPORT FAILURES WARNING - 4 failing, learning 0/7 days, package-import failures
    IMPORT FAILURES CRITICAL - 6 failing, learning 0/7 days, package-import failures
    IMPORT FAILURES OK
    ");
}
