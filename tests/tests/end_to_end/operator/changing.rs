//! Changes by operators, and their records.

use package_import_tests::queue::Queue;

use crate::operator::incident::{self, DAMAGED, mend, run, signature};
use crate::operator::terminal::{refused, show};

/// A canary that is cured lets the others follow.
fn retried(queue: &Queue) {
    let id = signature(queue, "checksum-mismatch");
    insta::allow_duplicates! {
        insta::assert_snapshot!(show(queue, &["retry", "--signature", &id, "--dry-run"]), @r"
        bash
        curl
        dash
        3 packages would be tried again
        ");
        assert_eq!(queue.number("SELECT COUNT(*) FROM batch"), 0, "a dry run does nothing");
        mend(queue, &DAMAGED, "5.2-1");
        insta::assert_snapshot!(
            show(queue, &["retry", "--signature", &id, "--canary", "1", "--reason", "mirror mended"]), @r"
        3 packages will be tried again
        `package-import retry --report 1` tells what became of them
        ");
        insta::assert_snapshot!(show(queue, &["retry", "--report", "1"]), @r"
        batch 1: 0 of 3 are back: 0 cured, 0 unchanged, 0 newly broken (waiting for
          the first of them)
        ");
        run(queue);
        insta::assert_snapshot!(show(queue, &["retry", "--report", "1"]), @"batch 1: 3 of 3 are back: 3 cured, 0 unchanged, 0 newly broken (done)");
        insta::assert_snapshot!(show(queue, &["failures"]), @r#"
        SIGNATURE  PACKAGES  SINCE              CLASS      CAUSE
        y9s96py    1         YYYY-MM-DD hh:mmZ  unknown    fetch/missing-file: cannot
                                                           read FILE: No such file or
                                                           directory (os error N)
        ex4zyw0    1         YYYY-MM-DD hh:mmZ  permanent  verify/unsupported-format:
                                                           source format "VERSION (git)"
                                                           is not supported; VERSION,...
        "#);
    }
}

#[test]
fn a_canary_goes_first() {
    retried(&incident::sqlite());
}

#[test]
fn a_canary_goes_first_on_postgresql() {
    retried(&incident::postgres());
}

#[test]
fn a_canary_that_is_not_cured_keeps_the_others_back() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    show(&queue, &["retry", "--signature", &id, "--canary", "1"]);
    run(&queue);
    insta::assert_snapshot!(show(&queue, &["retry", "--report", "1"]), @r"
    batch 1: 1 of 3 are back: 0 cured, 1 unchanged, 0 newly broken (stopped: the
      first of them did no better)
    ");
    assert_eq!(queue.number("SELECT COUNT(*) FROM failure WHERE attempts > 1"), 1, "only one was tried");
}

#[test]
fn packages_are_held_and_released() {
    let queue = incident::sqlite();
    let hold = ["hold", "bash", "curl", "--reason", "bug 124", "--until", "2999-12-31"];
    insta::assert_snapshot!(show(&queue, &hold), @r"
    bash is held until YYYY-MM-DD hh:mmZ
    curl is held until YYYY-MM-DD hh:mmZ
    ");
    insta::assert_snapshot!(show(&queue, &["status"]), @r"
    3 of 10 packages fail: 1 retrying, 0 wedged, 6 new in 24 h
    SIGNATURE  PACKAGES  SINCE              CAUSE
    7fpkgvz    1         YYYY-MM-DD hh:mmZ  verify/checksum-mismatch: FILE has MD...
    y9s96py    1         YYYY-MM-DD hh:mmZ  fetch/missing-file: cannot read FILE:...
    ex4zyw0    1         YYYY-MM-DD hh:mmZ  verify/unsupported-format: source for...
    3 packages held, 3 of them failing
    signature ex4zyw0 suppressed until YYYY-MM-DD hh:mmZ: known
    Queue: 0 waiting, 0 running, 0 parked
    Last run: host1, 3h ago, queue empty: 10 attempts, 4 imported, 6 failed, 0
      parked
    Next:
      package-import failures --signature 7fpkgvz
      package-import retry --signature 7fpkgvz
    ");
    insta::assert_snapshot!(show(&queue, &["retry", "--all", "--dry-run"]), @r"
    dash
    jq
    tzdata
    3 packages would be tried again
    ");
    insta::assert_snapshot!(show(&queue, &["release", "bash", "hello", "--reason", "mended"]), @r"
    bash released
    hello was not held
    ");
    insta::assert_snapshot!(show(&queue, &["history", "bash"]), @r"
    ATTEMPT  BEGAN              TOOK   OUTCOME  CAUSE
    2        YYYY-MM-DD hh:mmZ  0.04s  failed   verify/checksum-mismatch:
                                                bash_5.2.orig.tar.gz has MD5...
    YYYY-MM-DD hh:mmZ olga@host1 release bash
        mended
    YYYY-MM-DD hh:mmZ olga@host1 hold bash: until YYYY-MM-DD hh:mmZ
        bug 124
    ");
}

#[test]
fn a_decision_about_a_signature_judges_its_failures_again() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    let decide = [
        "signature",
        "set",
        &id,
        "--policy",
        "retry",
        "--note",
        "a mirror that lags",
        "--bug",
        "https://bugs.example.org/7",
    ];
    insta::assert_snapshot!(show(&queue, &decide), @"7fpkgvz: noted; 3 failures judged differently now");
    incident::wait(&queue);
    insta::assert_snapshot!(show(&queue, &["failures", "--signature", &id]), @r"
    7fpkgvz permanent: verify/checksum-mismatch: FILE has MDN HASH instead of the
      expected HASH
      policy: retry
      note: a mirror that lags
      bug: https://bugs.example.org/7
    PACKAGE  STATE     SINCE              TRIES  NEXT   SIGNATURE
    dash     retrying  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
    curl     retrying  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
    bash     retrying  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
    Next:
      package-import show dash
      package-import log dash
    ");
    insta::assert_snapshot!(show(&queue, &["signature", "show", &id]), @r"
    7fpkgvz: verify/checksum-mismatch, permanent
      FILE has MDN HASH instead of the expected HASH
      3 packages; seen from YYYY-MM-DD hh:mmZ to YYYY-MM-DD hh:mmZ
      policy: retry
      note: a mirror that lags
      bug: https://bugs.example.org/7
    ");
    insta::assert_snapshot!(show(&queue, &["signature", "set", &id, "--policy", "none", "--note", "over"]), @"7fpkgvz: noted; 3 failures judged differently now");
    insta::assert_snapshot!(show(&queue, &["audit", &id]), @r"
    YYYY-MM-DD hh:mmZ olga@host1 signature 7fpkgvz: policy retry -> policy none
        over
    YYYY-MM-DD hh:mmZ olga@host1 signature 7fpkgvz: policy none -> policy retry
        a mirror that lags
    ");
}

#[test]
fn known_problems_are_suppressed_until_a_day() {
    let queue = incident::sqlite();
    let id = signature(&queue, "checksum-mismatch");
    let suppress = [
        "suppress",
        &id,
        "--until",
        "2999-12-31",
        "--reason",
        "the mirror is rebuilt until the new year, ask Olga",
    ];
    insta::assert_snapshot!(show(&queue, &suppress), @"signature 7fpkgvz does not count until YYYY-MM-DD hh:mmZ");
    insta::assert_snapshot!(show(&queue, &["status"]), @r"
    5 of 10 packages fail: 1 retrying, 0 wedged, 6 new in 24 h
    SIGNATURE  PACKAGES  SINCE              CAUSE
    7fpkgvz    3         YYYY-MM-DD hh:mmZ  verify/checksum-mismatch: FILE has MD...
    y9s96py    1         YYYY-MM-DD hh:mmZ  fetch/missing-file: cannot read FILE:...
    ex4zyw0    1         YYYY-MM-DD hh:mmZ  verify/unsupported-format: source for...
    1 package held, 1 of them failing
    signature ex4zyw0 suppressed until YYYY-MM-DD hh:mmZ: known
    signature 7fpkgvz suppressed until YYYY-MM-DD hh:mmZ: the mirror is rebuilt
      until the new year, ask Olga
    Queue: 0 waiting, 0 running, 0 parked
    Last run: host1, 3h ago, queue empty: 10 attempts, 4 imported, 6 failed, 0
      parked
    Next:
      package-import failures --signature 7fpkgvz
      package-import retry --signature 7fpkgvz
    ");
    insta::assert_snapshot!(show(&queue, &["unsuppress", &id, "--reason", "rebuilt"]), @"7fpkgvz counts again");
    insta::assert_snapshot!(refused(&queue, &["unsuppress", &id], 1), @"Error: 7fpkgvz is not suppressed");
}

#[test]
fn settings_are_changed_while_it_runs() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["set", "jobs=4", "--reason", "a new disk"]), @"jobs: 4 (was not set)");
    insta::assert_snapshot!(show(&queue, &["set", "jobs@big.example.org=16"]), @"jobs@big.example.org: 16 (was not set)");
    insta::assert_snapshot!(show(&queue, &["set"]), @r"
    SETTING               VALUE  WHAT IT DOES
    jobs                  4      imports at a time on each host; bounded by its
                                 processors unless it is set
    jobs@big.example.org  16     for that host
    memory                       bytes of memory that all imports of a host may need
                                 together
    load                         no new import while the load average of a host is
                                 above this
    ");
    insta::assert_snapshot!(show(&queue, &["set", "jobs="]), @"jobs: not set (was 4)");
    insta::assert_snapshot!(show(&queue, &["audit", "jobs"]), @r"
    YYYY-MM-DD hh:mmZ olga@host1 set jobs: was 4
    YYYY-MM-DD hh:mmZ olga@host1 set jobs: 4
        a new disk
    ");
}

#[test]
fn a_host_is_quiesced_and_goes_on() {
    let queue = incident::sqlite();
    incident::uploads(&queue);
    insta::assert_snapshot!(show(&queue, &["quiesce", "--reason", "the disk is replaced"]), @"host1 paused: finishing current jobs; `package-import resume host1` resumes it");
    run(&queue);
    assert_eq!(queue.number("SELECT COUNT(*) FROM job WHERE state = 'pending'"), 2, "nothing was begun");
    incident::age(&queue);
    insta::assert_snapshot!(show(&queue, &["workers"]), @r"
    HOST   STATE      LIFE  LAST SEEN  RUNS  JOBS  REASON
    host1  quiescing  away  3h ago     0     0     the disk is replaced
    ");
    insta::assert_snapshot!(show(&queue, &["status"]), @r"
    5 of 12 packages fail: 1 retrying, 0 wedged, 6 new in 24 h
    SIGNATURE  PACKAGES  SINCE              CAUSE
    7fpkgvz    3         YYYY-MM-DD hh:mmZ  verify/checksum-mismatch: FILE has MD...
    y9s96py    1         YYYY-MM-DD hh:mmZ  fetch/missing-file: cannot read FILE:...
    ex4zyw0    1         YYYY-MM-DD hh:mmZ  verify/unsupported-format: source for...
    1 package held, 1 of them failing
    signature ex4zyw0 suppressed until YYYY-MM-DD hh:mmZ: known
    Queue: 2 waiting, 0 running, 0 parked
      operator: 1, the oldest 3h ago
      upload: 1, the oldest 3h ago
    Host host1 is quiescing: the disk is replaced
    Last run: host1, 3h ago, quiesced: 0 attempts, 0 imported, 0 failed, 0 parked
    Next:
      package-import failures --signature 7fpkgvz
      package-import retry --signature 7fpkgvz
    ");
    insta::assert_snapshot!(show(&queue, &["resume", "host1"]), @"host1 resumed (it was quiescing)");
    run(&queue);
    assert_eq!(queue.number("SELECT COUNT(*) FROM job WHERE state = 'pending'"), 0, "everything was done");
    insta::assert_snapshot!(show(&queue, &["audit", "host1"]), @r"
    YYYY-MM-DD hh:mmZ olga@host1 host host1: quiescing -> online
    YYYY-MM-DD hh:mmZ olga@host1 host host1: online -> quiescing
        the disk is replaced
    ");
}

#[test]
fn packages_are_asked_for() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["retry", "bash", "jq", "--reason", "mended"]), @r"
    2 packages will be tried again
    `package-import retry --report 1` tells what became of them
    ");
    insta::assert_snapshot!(show(&queue, &["prioritize", "hello"]), @"next: 1 package");
    insta::assert_snapshot!(show(&queue, &["requeue", "--imported-by", "<=99", "--dry-run"]), @r"
    acl
    hello
    openssh
    zlib
    4 packages would be looked at again
    ");
    insta::assert_snapshot!(show(&queue, &["requeue", "acl", "--reason", "bug 9"]), @"1 package queued in lane rescan");
    insta::assert_snapshot!(show(&queue, &["enqueue", "--lane", "operator", "zlib"]), @"1 queued in lane operator");
}
