//! Screens in the order of reading: first at three o'clock in the morning, then on the day after.

use package_import_tests::queue::Queue;

use crate::operator::incident::{self, signature};
use crate::operator::terminal::show;

/// The screens that are the same on both databases.
fn first_screens(queue: &Queue) {
    insta::allow_duplicates! {
        insta::assert_snapshot!(show(queue, &["status"]), @r"
        5 of 10 packages fail: 1 retrying, 0 wedged, 6 new in 24 h
        SIGNATURE  PACKAGES  SINCE              CAUSE
        7fpkgvz    3         YYYY-MM-DD hh:mmZ  verify/checksum-mismatch: FILE has MD...
        y9s96py    1         YYYY-MM-DD hh:mmZ  fetch/missing-file: cannot read FILE:...
        ex4zyw0    1         YYYY-MM-DD hh:mmZ  verify/unsupported-format: source for...
        1 package held, 1 of them failing
        signature ex4zyw0 suppressed until YYYY-MM-DD hh:mmZ: known
        Queue: 0 waiting, 0 running, 0 parked
        Last run: host1, 3h ago, queue empty: 10 attempts, 4 imported, 6 failed, 0
          parked
        Next:
          package-import failures --signature 7fpkgvz
          package-import retry --signature 7fpkgvz
        ");
        insta::assert_snapshot!(show(queue, &["failures"]), @r#"
        SIGNATURE  PACKAGES  SINCE              CLASS      CAUSE
        7fpkgvz    3         YYYY-MM-DD hh:mmZ  permanent  verify/checksum-mismatch:
                                                           FILE has MDN HASH instead of
                                                           the expected HASH
        y9s96py    1         YYYY-MM-DD hh:mmZ  unknown    fetch/missing-file: cannot
                                                           read FILE: No such file or
                                                           directory (os error N)
        ex4zyw0    1         YYYY-MM-DD hh:mmZ  permanent  verify/unsupported-format:
                                                           source format "VERSION (git)"
                                                           is not supported; VERSION,...
        "#);
        let id = signature(queue, "checksum-mismatch");
        insta::assert_snapshot!(show(queue, &["failures", "--signature", &id]), @r"
        7fpkgvz permanent: verify/checksum-mismatch: FILE has MDN HASH instead of the
          expected HASH
        PACKAGE  STATE    SINCE              TRIES  NEXT   SIGNATURE
        dash     failing  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
        curl     failing  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
        bash     failing  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
        Next:
          package-import show dash
          package-import log dash
        ");
        insta::assert_snapshot!(show(queue, &["show", "bash"]), @r"
        bash: failing, work: retrying
          fails since YYYY-MM-DD hh:mmZ (3h ago), 1 attempt, 5.2-1
          verify/checksum-mismatch: bash_5.2.orig.tar.gz has MD5
            53c20fd5ed496a30a850e0aa0fd1aff2 instead of the expected
            ae35426f9ff2beb0d4273853e3ea29ad
          signature 7fpkgvz
          tried again YYYY-MM-DD hh:mmZ (in 2h)
          not imported: 5.2-1 in debian/sid, seen 3h ago
        ATTEMPT  BEGAN              TOOK   OUTCOME  CAUSE
        2        YYYY-MM-DD hh:mmZ  0.04s  failed   verify/checksum-mismatch:
                                                    bash_5.2.orig.tar.gz has MD5...
        Next:
          package-import log bash
          package-import retry bash
          package-import failures --signature 7fpkgvz
          package-import hold bash --reason WHY --until 3d

        /srv/root/repos/b/bash.git
        no version is imported yet
        ");
        insta::assert_snapshot!(show(queue, &["history", "perl"]), @r"
        ATTEMPT  BEGAN              TOOK   OUTCOME  CAUSE
        8        YYYY-MM-DD hh:mmZ  0.04s  failed   fetch/missing-file: cannot read
                                                    perl_1.7.orig.tar.gz: No such fil...
        YYYY-MM-DD hh:mmZ olga@host1 hold perl: until YYYY-MM-DD hh:mmZ
            upload is broken, bug 123
        ");
        insta::assert_snapshot!(show(queue, &["audit"]), @r"
        YYYY-MM-DD hh:mmZ olga@host1 suppress ex4zyw0: until YYYY-MM-DD hh:mmZ
            known
        YYYY-MM-DD hh:mmZ olga@host1 hold perl: until YYYY-MM-DD hh:mmZ
            upload is broken, bug 123
        ");
    }
}

#[test]
fn an_alert_is_followed_to_its_cause() {
    first_screens(&incident::sqlite());
}

#[test]
fn an_alert_is_followed_to_its_cause_on_postgresql() {
    first_screens(&incident::postgres());
}

#[test]
fn causes_and_packages_are_selected() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["failures", "--class", "unknown"]), @r"
    SIGNATURE  PACKAGES  SINCE              CLASS    CAUSE
    y9s96py    1         YYYY-MM-DD hh:mmZ  unknown  fetch/missing-file: cannot read
                                                     FILE: No such file or directory
                                                     (os error N)
    ");
    insta::assert_snapshot!(show(&queue, &["failures", "--state", "failing", "--limit", "2"]), @r"
    PACKAGE  STATE    SINCE              TRIES  NEXT   SIGNATURE
    tzdata   failing  YYYY-MM-DD hh:mmZ  1      in 2h  ex4zyw0
    dash     failing  YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
    2 more packages (--limit 4)
    Next:
      package-import show tzdata
      package-import log tzdata
    ");
    insta::assert_snapshot!(show(&queue, &["failures", "--since", "2h"]), @"no failure matches");
    insta::assert_snapshot!(show(&queue, &["failures", "--since", "2h", "--packages"]), @"no failure matches");
    insta::assert_snapshot!(show(&queue, &["failures", "--packages"]), @r"
    PACKAGE  STATE     SINCE              TRIES  NEXT   SIGNATURE
    tzdata   failing   YYYY-MM-DD hh:mmZ  1      in 2h  ex4zyw0
    perl     retrying  YYYY-MM-DD hh:mmZ  1      held   y9s96py
    jq       retrying  YYYY-MM-DD hh:mmZ  1      in 2h  y9s96py
    dash     failing   YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
    curl     failing   YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
    bash     failing   YYYY-MM-DD hh:mmZ  1      in 2h  7fpkgvz
    Next:
      package-import show tzdata
      package-import log tzdata
    ");
    insta::assert_snapshot!(show(&queue, &["signature", "list"]), @r#"
    SIGNATURE  PACKAGES  CLASS      POLICY  CAUSE
    7fpkgvz    3         permanent          verify/checksum-mismatch: FILE has MDN
                                            HASH instead of the expected HASH
    y9s96py    1         unknown            fetch/missing-file: cannot read FILE: No
                                            such file or directory (os error N)
    ex4zyw0    1         permanent          verify/unsupported-format: source format
                                            "VERSION (git)" is not supported;
                                            VERSION, VERSION, VERSION (native) an...
    "#);
    let id = signature(&queue, "missing-file");
    insta::assert_snapshot!(show(&queue, &["signature", "show", &id]), @r"
    y9s96py: fetch/missing-file, unknown
      cannot read FILE: No such file or directory (os error N)
      1 package; seen from YYYY-MM-DD hh:mmZ to YYYY-MM-DD hh:mmZ
    ");
}

#[test]
fn packages_are_shown_in_every_condition() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["show", "hello"]), @r"
    hello: current, work: none
      last success YYYY-MM-DD hh:mmZ (3h ago)
    ATTEMPT  BEGAN              TOOK   OUTCOME   CAUSE
    12       YYYY-MM-DD hh:mmZ  0.04s  repacked
    5        YYYY-MM-DD hh:mmZ  0.04s  imported

    /srv/root/repos/h/hello.git
    HEAD: refs/heads/debian/sid

    TAG           COMMIT      APPLIED     BRANCHES
    debian/1.0-1  dc02b40ec2  0928521f24  debian/sid
    ");
    insta::assert_snapshot!(show(&queue, &["show", "jq"]), @r"
    jq: retrying, work: retrying
      fails since YYYY-MM-DD hh:mmZ (3h ago), 1 attempt, 1.7-1
      fetch/missing-file: cannot read jq_1.7.orig.tar.gz: No such file or
        directory (os error 2)
      signature y9s96py
      tried again YYYY-MM-DD hh:mmZ (in 2h)
      not imported: 1.7-1 in debian/sid, seen 3h ago
    ATTEMPT  BEGAN              TOOK   OUTCOME  CAUSE
    6        YYYY-MM-DD hh:mmZ  0.04s  failed   fetch/missing-file: cannot read
                                                jq_1.7.orig.tar.gz: No such file...
    Next:
      package-import log jq
      package-import retry jq
      package-import failures --signature y9s96py
      package-import hold jq --reason WHY --until 3d

    /srv/root/repos/j/jq.git
    no version is imported yet
    ");
    insta::assert_snapshot!(show(&queue, &["show", "perl"]), @r"
    perl: retrying, work: retrying, held
      held by olga@host1 until YYYY-MM-DD hh:mmZ: upload is broken, bug 123
      fails since YYYY-MM-DD hh:mmZ (3h ago), 1 attempt, 1.7-1
      fetch/missing-file: cannot read perl_1.7.orig.tar.gz: No such file or
        directory (os error 2)
      signature y9s96py
      not imported: 1.7-1 in debian/sid, seen 3h ago
    ATTEMPT  BEGAN              TOOK   OUTCOME  CAUSE
    8        YYYY-MM-DD hh:mmZ  0.04s  failed   fetch/missing-file: cannot read
                                                perl_1.7.orig.tar.gz: No such fil...
    Next:
      package-import release perl

    /srv/root/repos/p/perl.git
    no version is imported yet
    ");
    insta::assert_snapshot!(show(&queue, &["show", "openssh"]), @r"
    openssh: current, work: none
      last success YYYY-MM-DD hh:mmZ (3h ago)
    ATTEMPT  BEGAN              TOOK   OUTCOME         CAUSE
    13       YYYY-MM-DD hh:mmZ  0.04s  repacked
    7        YYYY-MM-DD hh:mmZ  0.04s  unapplied-only  patch/patch-does-not-apply:
                                                       failed to apply port.diff:...

    /srv/root/repos/o/openssh.git
    HEAD: refs/heads/debian/sid

    TAG           COMMIT      APPLIED      BRANCHES
    debian/9.2-1  58919f97a1  not applied  debian/sid
    ");
    insta::assert_snapshot!(show(&queue, &["show", "tzdata"]), @r#"
    tzdata: failing, work: retrying
      fails since YYYY-MM-DD hh:mmZ (3h ago), 1 attempt, 2024a-1
      verify/unsupported-format: source format "3.0 (git)" is not supported; 1.0,
        2.0, 3.0 (native) and 3.0 (quilt) are
      signature ex4zyw0
      tried again YYYY-MM-DD hh:mmZ (in 2h)
      not imported: 2024a-1 in debian/sid, seen 3h ago
    ATTEMPT  BEGAN              TOOK   OUTCOME  CAUSE
    9        YYYY-MM-DD hh:mmZ  0.04s  failed   verify/unsupported-format: source
                                                format "3.0 (git)" is not support...
    Next:
      package-import log tzdata
      package-import retry tzdata
      package-import failures --signature ex4zyw0
      package-import hold tzdata --reason WHY --until 3d

    /srv/root/repos/t/tzdata.git
    no version is imported yet
    "#);
}

#[test]
fn logs_tell_what_an_import_did() {
    let queue = incident::sqlite();
    insta::assert_snapshot!(show(&queue, &["log", "bash"]), @r"
    s.mmm attempt 2 of bash in lane upload
    s.mmm reading /srv/files/night/bash_5.2-1.dsc
    s.mmm no ref moves
    s.mmm 5.2-1 failed bash_5.2.orig.tar.gz has MD5 53c20fd5ed496a30a850e0aa0fd1aff2 instead of the expected ae35426f9ff2beb0d4273853e3ea29ad
    ");
    insta::assert_snapshot!(show(&queue, &["log", "1"]), @r"
    s.mmm attempt 1 of acl in lane upload
    s.mmm reading /srv/files/night/acl_1.0-1.dsc
    s.mmm moving 6 refs
    s.mmm 1.0-1 imported
    ");
}

/// On another machine the log of a failed attempt is the part that the state keeps.
#[test]
fn the_end_of_a_failed_attempts_log_is_read_from_everywhere() {
    let queue = incident::sqlite();
    let here = show(&queue, &["log", "bash"]);
    std::fs::remove_dir_all(queue.installation.root().join("logs")).unwrap();
    assert_eq!(show(&queue, &["log", "bash"]), here);
}

#[test]
fn the_queue_and_its_hosts() {
    let queue = incident::sqlite();
    incident::uploads(&queue);
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
    Last run: host1, 3h ago, queue empty: 10 attempts, 4 imported, 6 failed, 0
      parked
    Next:
      package-import failures --signature 7fpkgvz
      package-import retry --signature 7fpkgvz
    ");
    insta::assert_snapshot!(show(&queue, &["queue"]), @r"
    2 waiting
    5 failed and tried again later, the next in 2h
    PLACE  PACKAGE  LANE      STATE    SINCE
    1      vim      operator  pending  3h ago
    2      nano     upload    pending  3h ago
    ");
    insta::assert_snapshot!(show(&queue, &["queue", "--lane", "upload"]), @r"
    1 waiting
    PLACE  PACKAGE  LANE    STATE    SINCE
    2      nano     upload  pending  3h ago
    ");
    insta::assert_snapshot!(show(&queue, &["show", "nano"]), @r"
    nano: never, work: queued
      number 2 in the queue, lane upload
      not imported: 7.2-1 in debian/sid, seen 3h ago
    ");
    insta::assert_snapshot!(show(&queue, &["workers"]), @r"
    HOST   STATE   LIFE  LAST SEEN  RUNS  JOBS  REASON
    host1  online  away  3h ago     0     0
    ");
}

#[test]
fn an_outage_is_on_top_of_everything() {
    let queue = incident::sqlite();
    incident::outage(&queue);
    insta::assert_snapshot!(show(&queue, &["status"]), @r"
    OUTAGE: deb.example.org out of reach since YYYY-MM-DD hh:mmZ (3h ago)
      0 jobs parked; 44 probes, the next in 2h
      fetch/connect: deb.example.org: connection refused
    5 of 10 packages fail: 1 retrying, 0 wedged, 6 new in 24 h
    SIGNATURE  PACKAGES  SINCE              CAUSE
    7fpkgvz    3         YYYY-MM-DD hh:mmZ  verify/checksum-mismatch: FILE has MD...
    y9s96py    1         YYYY-MM-DD hh:mmZ  fetch/missing-file: cannot read FILE:...
    ex4zyw0    1         YYYY-MM-DD hh:mmZ  verify/unsupported-format: source for...
    1 package held, 1 of them failing
    signature ex4zyw0 suppressed until YYYY-MM-DD hh:mmZ: known
    Queue: 0 waiting, 0 running, 0 parked
    Last run: host1, 3h ago, queue empty: 10 attempts, 4 imported, 6 failed, 0
      parked
    Next:
      look at deb.example.org itself: jobs resume automatically
      package-import failures --signature 7fpkgvz
      package-import retry --signature 7fpkgvz
    ");
}

#[test]
fn nothing_to_say_is_said() {
    let queue = Queue::sqlite();
    incident::run(&queue);
    incident::age(&queue);
    insta::assert_snapshot!(show(&queue, &["status"]), @r"
    no packages yet
    Queue: 0 waiting, 0 running, 0 parked
    Last run: host1, 3h ago, queue empty: 0 attempts, 0 imported, 0 failed, 0
      parked
    ");
    insta::assert_snapshot!(show(&queue, &["failures"]), @"nothing fails");
    insta::assert_snapshot!(show(&queue, &["queue"]), @"0 waiting");
    insta::assert_snapshot!(show(&queue, &["audit"]), @"nothing is on record");
    insta::assert_snapshot!(show(&queue, &["tune"]), @"nothing was imported yet: there is nothing to go by");
}
