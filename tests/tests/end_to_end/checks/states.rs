//! Output of each check in each state.

use state::runs;
use state::words::Lane;

use crate::checks::world::{DAY, HOUR, MINUTE, SECOND, World};

#[test]
fn req2_a_healthy_installation() {
    let world = World::healthy();
    world.advance(4 * MINUTE);
    let mut lines = String::new();
    for check in ["queue", "freshness", "archive", "runs", "workers", "wedged"] {
        lines += &world.says(check, &[]);
    }
    insta::assert_snapshot!(lines, @r"
    IMPORT QUEUE OK - 0 waiting | oldest_upload=0s;3600;14400 oldest_operator=0s oldest_retry=0s oldest_rescan=0s oldest_verify=0s oldest_maintain=0s waiting=0 drain=0s running=0 parked=0 held=0
    IMPORT FRESHNESS OK - 95% of 1 within 11m, half within 11m, worst 11m | p95=660s;14400;86400 p50=660s worst=660s behind=0 failing=0 rescan=0
    IMPORT ARCHIVE OK - 1 suite polled 5m ago | intervals=0.33;2;6 oldest=300s suites=1 failed=0 unreachable=0
    IMPORT RUNS OK - last good run ended 4m ago on a: 1 done, 0 failed | age=240s;7200;14400 stalled=0s;21600;86400 open=0 failed_runs=0 duration=60s
    IMPORT WORKERS OK - no host has to be there now, 0 running | silent=0;0;0 stuck=0;0 longest=0s hosts=0 running=0 hindered=0;0
    IMPORT WEDGED OK - nothing waits for a person | oldest=0s;86400;604800 wedged=0 held=0 suppressed=0 foreign=0;0 collisions=0 damaged=0
    ");
}

#[test]
fn req2_queue() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.enqueue("upload1", Lane::Upload);
    world.enqueue("rescan1", Lane::Rescan);
    world.advance(2 * HOUR);
    world.beat(run);
    insta::assert_snapshot!(world.says("queue", &["-v"]), @r"
    IMPORT QUEUE WARNING - 2 waiting, oldest upload 2h, package-import queue | oldest_upload=7200s;3600;14400 oldest_operator=0s oldest_retry=0s oldest_rescan=7200s oldest_verify=0s oldest_maintain=0s waiting=2 drain=14400s running=0 parked=0 held=0
    lane upload: oldest 2h
    lane rescan: oldest 2h
    ");
    world.advance(3 * HOUR);
    world.enqueue("operator1", Lane::Operator);
    insta::assert_snapshot!(world.says("queue", &[]), @"IMPORT QUEUE CRITICAL - 3 waiting, oldest upload 5h, package-import queue | oldest_upload=18000s;3600;14400 oldest_operator=0s oldest_retry=0s oldest_rescan=18000s oldest_verify=0s oldest_maintain=0s waiting=3 drain=54000s running=0 parked=0 held=0");
    // An attempt in six hours, and then 20.
    for number in 0..20 {
        world.enqueue(&format!("fast{number}"), Lane::Operator);
        let claim = world.claim(run);
        world.succeed(&claim);
    }
    insta::assert_snapshot!(world.says("queue", &["-w", "6h", "-c", "1d"]), @"IMPORT QUEUE OK - 3 waiting, oldest upload 5h | oldest_upload=18000s;21600;86400 oldest_operator=0s oldest_retry=0s oldest_rescan=18000s oldest_verify=0s oldest_maintain=0s waiting=3 drain=2571s running=0 parked=0 held=0");
}

#[test]
fn req14_queue_says_what_is_held() {
    let world = World::healthy();
    world.enqueue("held1", Lane::Upload);
    world
        .store
        .write(|tx| {
            let id = state::queue::package_id(tx, "held1")?;
            state::hold::hold(tx, id, "me", "broken upstream", None)
        })
        .unwrap();
    world.advance(DAY);
    insta::assert_snapshot!(world.says("queue", &[]), @"IMPORT QUEUE OK - 0 waiting, 1 held | oldest_upload=0s;3600;14400 oldest_operator=0s oldest_retry=0s oldest_rescan=0s oldest_verify=0s oldest_maintain=0s waiting=0 drain=0s running=0 parked=0 held=1");
}

#[test]
fn req2_freshness() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.publish("slow", world.now());
    world.advance(5 * HOUR);
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("freshness", &["-v"]), @r"
    IMPORT FRESHNESS WARNING - 95% of 2 within 5h, half within 11m, worst 5h, 1 behind, package-import freshness | p95=18000s;14400;86400 p50=660s worst=18000s behind=1 failing=0 rescan=0
    measured at 11-24 13:01Z: 2 publications of 7 days
    oldest upload in the queue: 5h
    ");
    world.advance(20 * HOUR);
    let run = world.run("a", "until-empty");
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("freshness", &[]), @"IMPORT FRESHNESS CRITICAL - 95% of 2 within 1d 1h, half within 11m, worst 1d 1h, 1 behind, package-import freshness | p95=90000s;14400;86400 p50=660s worst=90000s behind=1 failing=0 rescan=0");
    world.advance(40 * HOUR);
    insta::assert_snapshot!(world.says("freshness", &[]), @"IMPORT FRESHNESS UNKNOWN - nothing measured since 11-25 10:00Z, see check_import_runs, 1 behind | p95=90000s;14400;86400 p50=660s worst=234000s behind=1 failing=0 rescan=0");
}

#[test]
fn req2_freshness_counts_what_fails_and_what_is_a_rescan_apart() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.publish("broken", world.now());
    let claim = world.claim(run);
    world.fail(&claim, "bad-dsc", "it is bad");
    world.publish("series", world.now());
    world.execute(
        "UPDATE publication SET lane = 3 WHERE package_id = (SELECT id FROM package WHERE name = 'series')",
    );
    world
        .execute("UPDATE job SET lane = 3 WHERE package_id = (SELECT id FROM package WHERE name = 'series')");
    world.store.write(|tx| state::counters::repair(tx, "me")).unwrap();
    world.advance(30 * HOUR);
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("freshness", &[]), @"IMPORT FRESHNESS OK - 95% of 1 within 11m, half within 11m, worst 11m, 2 behind | p95=660s;14400;86400 p50=660s worst=660s behind=2 failing=1 rescan=1");
    // As after the first poll of an archive.
    world.execute("UPDATE publication SET lane = 3");
    let run = world.run("a", "until-empty");
    world.advance(HOUR);
    world.end(run, "empty");
    let said = world.says("freshness", &[]);
    assert!(said.contains("OK - nothing was published in 7 days but 3 in bulk, 2 behind"), "{said}");
}

#[test]
fn req2_archive() {
    let world = World::healthy();
    world.poll("ubuntu", "noble", None);
    world.advance(31 * MINUTE);
    world.poll("ubuntu", "noble", Some("fetch/connect: connection refused"));
    insta::assert_snapshot!(world.says("archive", &["-v"]), @r"
    IMPORT ARCHIVE WARNING - debian/sid not polled since 11-24 08:00Z, 1 of 2 polls failed, package-import archives | intervals=2.13;2;6 oldest=1920s suites=2 failed=1 unreachable=0
    debian/sid: polled 32m ago, every 15m
    debian/sid: index of 11-24 08:00Z, 32m old, 0 publications, from a mirror
    ubuntu/noble: polled 31m ago, every 15m, failed at 11-24 08:32Z: fetch/connect: connection refused
    ubuntu/noble: index of 11-24 08:01Z, 31m old, 0 publications, from a mirror
    ");
    world.advance(HOUR);
    insta::assert_snapshot!(world.says("archive", &[]), @"IMPORT ARCHIVE CRITICAL - debian/sid not polled since 11-24 08:00Z, 1 of 2 polls failed, package-import archives | intervals=6.13;2;6 oldest=5520s suites=2 failed=1 unreachable=0");
    // Polls from cron every hour come every hour at most.
    world.configure("[checks.runs]\ninterval = '1h'\n");
    insta::assert_snapshot!(world.says("archive", &[]), @"IMPORT ARCHIVE OK - 2 suites polled, the oldest poll is 1h 32m old, 1 of 2 polls failed | intervals=1.53;2;6 oldest=5520s suites=2 failed=1 unreachable=0");
    // A suite that nobody follows any more is nobody's concern.
    state::suites::follow_only(&world.store, &["ubuntu".into()]).unwrap();
    world.poll("ubuntu", "noble", None);
    insta::assert_snapshot!(world.says("archive", &[]), @"IMPORT ARCHIVE OK - 1 suite polled 0s ago | intervals=0;2;6 oldest=0s suites=1 failed=0 unreachable=0");
}

#[test]
fn req2_runs() {
    let world = World::healthy();
    world.advance(90 * MINUTE);
    insta::assert_snapshot!(world.says("runs", &[]), @"IMPORT RUNS OK - last good run ended 1h 30m ago on a: 1 done, 0 failed | age=5400s;7200;14400 stalled=0s;21600;86400 open=0 failed_runs=0 duration=60s");
    world.advance(HOUR);
    insta::assert_snapshot!(world.says("runs", &[]), @"IMPORT RUNS WARNING - last good run ended 2h 30m ago on a: 1 done, 0 failed, package-import status | age=9000s;7200;14400 stalled=0s;21600;86400 open=0 failed_runs=0 duration=60s");
    world.advance(2 * HOUR);
    insta::assert_snapshot!(world.says("runs", &[]), @"IMPORT RUNS CRITICAL - last good run ended 4h 30m ago on a: 1 done, 0 failed, package-import status | age=16200s;7200;14400 stalled=0s;21600;86400 open=0 failed_runs=0 duration=60s");
    world.configure("[checks.runs]\ninterval = '1d'\n");
    insta::assert_snapshot!(world.says("runs", &[]), @"IMPORT RUNS OK - last good run ended 4h 30m ago on a: 1 done, 0 failed | age=16200s;172800;345600 stalled=0s;21600;86400 open=0 failed_runs=0 duration=60s");
    world.configure("");
    let run = world.run("a", "until-empty");
    insta::assert_snapshot!(world.says("runs", &["-v"]), @r"
    IMPORT RUNS OK - until-empty open on a since 11-24 12:31Z, last good run ended 4h 30m ago on a: 1 done, 0 failed | age=0s;7200;14400 stalled=0s;21600;86400 open=1 failed_runs=0 duration=60s
    run 2 on a (until-empty): started 11-24 12:31Z, open, no outcome yet, 0 attempts, 0 failed, last seen 11-24 12:31Z
    ");
    world.advance(5 * MINUTE);
    insta::assert_snapshot!(world.says("runs", &[]), @"IMPORT RUNS WARNING - run 2 on a silent since 11-24 12:31Z, last good run 4h 35m ago, package-import status | age=300s;7200;14400 stalled=0s;21600;86400 open=1 failed_runs=0 duration=60s");
    world.store.write(|tx| runs::close_dead(tx, &[run])).unwrap();
    insta::assert_snapshot!(world.says("runs", &[]), @"IMPORT RUNS CRITICAL - run 2 on a was killed, last good run 4h 35m ago, package-import status | age=16500s;7200;14400 stalled=0s;21600;86400 open=0 failed_runs=1 duration=60s");
}

#[test]
fn req2_a_run_that_hangs() {
    let world = World::healthy();
    let run = world.run("a", "service");
    world.enqueue("one", Lane::Upload);
    world.enqueue("two", Lane::Upload);
    world.claim(run);
    world.advance(7 * HOUR);
    world.beat(run);
    insta::assert_snapshot!(world.says("runs", &[]), @"IMPORT RUNS WARNING - nothing ended for 7h though jobs wait, service open on a since 11-24 08:01Z, last good run 7h ago, package-import status | age=0s;7200;14400 stalled=25200s;21600;86400 open=1 failed_runs=0 duration=60s");
}

#[test]
fn req2_workers() {
    let world = World::healthy();
    let (a, b) = (world.run("a", "service"), world.run("b", "service"));
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS OK - 2 of 2 hosts alive, 0 running | silent=0;0;1 stuck=0;0 longest=0s hosts=2 running=0 hindered=0;0");
    world.publish("hello", world.now());
    world.claim(a);
    world.advance(3 * HOUR);
    world.beat(a);
    insta::assert_snapshot!(world.says("workers", &["-vv"]), @"
    IMPORT WORKERS CRITICAL - b silent since 11-24 08:01Z, a has work and gets nothing done for 3h, hello runs for 3h on a, usually 30s, 1 running, package-import workers | silent=1;0;1 stuck=1;0 longest=10800s hosts=2 running=1 hindered=1;0
    a: online, 1 open runs, 1 jobs, last seen 0s ago
    b: online, 1 open runs, 0 jobs, last seen 3h ago
    hello on a for 3h, usually 30s
    ");
    world.advance(3 * MINUTE);
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS CRITICAL - a silent since 11-24 11:01Z, b silent since 11-24 08:01Z, hello runs for 3h 3m on a, usually 30s, and its lease is over, 1 running, package-import workers | silent=2;0;1 stuck=1;0 longest=10980s hosts=2 running=1 hindered=0;0");
    world.execute("UPDATE host SET state = 'offline', reason = 'new disk' WHERE name = 'b'");
    world.beat(a);
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS WARNING - a has work and gets nothing done for 3h 3m, hello runs for 3h 3m on a, usually 30s, 1 running, b offline, package-import workers | silent=0;0;0 stuck=1;0 longest=10980s hosts=1 running=1 hindered=1;0");
    world.beat(b);
    world.configure("[checks.workers]\nhosts = ['a', 'c']\n");
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS CRITICAL - c was never seen, a has work and gets nothing done for 3h 3m, hello runs for 3h 3m on a, usually 30s, 1 running, b offline, package-import workers | silent=1;0;1 stuck=1;0 longest=10980s hosts=2 running=1 hindered=1;0");
}

#[test]
fn req2_workers_alive_is_not_progress() {
    let world = World::healthy();
    let [a, b, c] = ["a", "b", "c"].map(|host| world.run(host, "service"));
    let all = || [a, b, c].iter().for_each(|run| world.beat(*run));
    world.advance(MINUTE + 1);
    // Two of three are gone.
    world.beat(a);
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS CRITICAL - b silent since 11-24 08:01Z, c silent since 11-24 08:01Z, 0 running, package-import workers | silent=2;0;1 stuck=0;0 longest=0s hosts=3 running=0 hindered=0;0");
    world.beat(b);
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS WARNING - c silent since 11-24 08:01Z, 0 running, package-import workers | silent=1;0;1 stuck=0;0 longest=0s hosts=3 running=0 hindered=0;0");
    all();
    // One has a job that usually takes ten minutes.
    world.publish("large", world.now());
    world.claim(c);
    world.execute("UPDATE package SET wall_ms = 600000 WHERE name = 'large'");
    world.advance(30 * MINUTE);
    all();
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS OK - 3 of 3 hosts alive, 1 running | silent=0;0;1 stuck=0;0 longest=1800s hosts=3 running=1 hindered=0;0");
    world.advance(SECOND);
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS WARNING - c has work and gets nothing done for 30m, 1 running, package-import workers | silent=0;0;1 stuck=0;0 longest=1801s hosts=3 running=1 hindered=1;0");
    // The others claim nothing although something waits.
    world.enqueue("small", Lane::Upload);
    world.advance(6 * MINUTE);
    all();
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS CRITICAL - a has work and gets nothing done for 6m, b has work and gets nothing done for 6m, c has work and gets nothing done for 36m, 1 running, package-import workers | silent=0;0;1 stuck=0;0 longest=2161s hosts=3 running=1 hindered=3;0");
}

#[test]
fn req2_workers_that_cannot_record() {
    let world = World::healthy();
    let [a, b] = ["a", "b"].map(|host| world.run(host, "service"));
    let trouble =
        |host: &str, text: Option<&str>| state::fleet::trouble::set(&world.store, host, text).unwrap();
    trouble(
        "a",
        Some("cannot record the end of attempt 7 of hello: permission denied for table version (INSERT)"),
    );
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS WARNING - a cannot record the end of attempt 7 of hello: permission denied for table version (INSERT), 0 running, package-import workers | silent=0;0;1 stuck=0;0 longest=0s hosts=2 running=0 hindered=1;0");
    trouble(
        "b",
        Some("cannot record heartbeats: the database cannot be written to: no space left on device"),
    );
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS CRITICAL - a cannot record the end of attempt 7 of hello: permission denied for table version (INSERT), b cannot record heartbeats, 0 running, package-import workers | silent=0;0;1 stuck=0;0 longest=0s hosts=2 running=0 hindered=2;0");
    trouble("a", None);
    trouble("b", None);
    // A job whose host does not renew its lease, and nobody takes it back.
    world.publish("hello", world.now());
    world.claim(a);
    world.advance(2 * MINUTE);
    world.execute("UPDATE host SET heartbeat = heartbeat + 120000");
    world.beat(b);
    insta::assert_snapshot!(world.says("workers", &[]), @"IMPORT WORKERS WARNING - hello runs for 2m on a, usually 30s, and its lease is over, 1 running, package-import workers | silent=0;0;1 stuck=1;0 longest=120s hosts=2 running=1 hindered=0;0");
}

#[test]
fn req2_wedged() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.failures(run, "moved", 3, "ref-moved");
    world.wedge("moved");
    insta::assert_snapshot!(world.says("wedged", &["-v"]), @r"
    IMPORT WEDGED OK - 3 wait for a person, moved0 for 0s: fetch/ref-moved | oldest=0s;86400;604800 wedged=3 held=0 suppressed=0 foreign=0;0 collisions=0 damaged=0
    moved0 for 0s: fetch/ref-moved: archive unreachable
    moved1 for 0s: fetch/ref-moved: archive unreachable
    moved2 for 0s: fetch/ref-moved: archive unreachable
    ");
    world.advance(2 * DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"IMPORT WEDGED WARNING - 3 wait for a person, moved0 for 2d: fetch/ref-moved, nothing heard since 11-24 08:01Z, see check_import_runs | oldest=172800s;86400;604800 wedged=3 held=0 suppressed=0 foreign=0;0 collisions=0 damaged=0");
    world.advance(6 * DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"IMPORT WEDGED CRITICAL - 3 wait for a person, moved0 for 8d: fetch/ref-moved, nothing heard since 11-24 08:01Z, see check_import_runs | oldest=691200s;86400;604800 wedged=3 held=0 suppressed=0 foreign=0;0 collisions=0 damaged=0");
}

#[test]
fn req14_wedged_and_suppressed() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.failures(run, "moved", 3, "ref-moved");
    world.advance(2 * DAY);
    world.failures(run, "other", 1, "bad-ref");
    world.wedge("");
    world.suppress("moved1", world.now() + DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"IMPORT WEDGED WARNING - 3 wait for a person, moved0 for 2d: fetch/ref-moved, 1 suppressed until 2026-11-27, nothing heard since 11-24 08:01Z, package-import show moved0 | oldest=172800s;86400;604800 wedged=3 held=0 suppressed=1 foreign=0;0 collisions=0 damaged=0");
    world
        .store
        .write(|tx| {
            let id = state::queue::package_id(tx, "moved0")?;
            state::hold::hold(tx, id, "me", "waits for upstream", None)
        })
        .unwrap();
    world.suppress("moved2", world.now() + 2 * DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"IMPORT WEDGED UNKNOWN - 1 wait for a person, other0 for 0s: fetch/bad-ref, 2 suppressed until 2026-11-27, 1 held, nothing heard since 11-24 08:01Z | oldest=0s;86400;604800 wedged=1 held=1 suppressed=2 foreign=0;0 collisions=0 damaged=0");
    world.advance(3 * DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"IMPORT WEDGED WARNING - 3 wait for a person, moved1 for 5d: fetch/ref-moved, 1 held, nothing heard since 11-24 08:01Z, see check_import_runs | oldest=432000s;86400;604800 wedged=3 held=1 suppressed=0 foreign=0;0 collisions=0 damaged=0");
}

#[test]
fn req2_state() {
    let world = World::healthy();
    // The disk is this machine's.
    let says = |arguments: &[&str]| {
        let said = world.says("state", arguments);
        let text = said.lines().next().unwrap();
        text.split(", disk").next().unwrap().split(" | ").next().unwrap().to_owned()
    };
    world.configure("[checks.database.disk]\nwarning = 100\ncritical = 100\n[checks.database.inodes]\nwarning = 100\ncritical = 100\n");
    insta::assert_snapshot!(says(&[]), @"IMPORT STATE OK - backup 0s old");
    world.advance(3 * DAY);
    insta::assert_snapshot!(says(&[]), @"IMPORT STATE WARNING - backup 3d old");
    world.advance(6 * DAY);
    insta::assert_snapshot!(says(&[]), @"IMPORT STATE CRITICAL - backup 9d old, database not examined since 11-24 08:01Z");
    world.set("integrity", "row 5 missing from index job_next");
    insta::assert_snapshot!(says(&["-w", "30d", "-c", "60d"]), @"IMPORT STATE CRITICAL - database damaged: stop the importer, copy its folder away, package-import restore, database not examined since 11-24 08:01Z");
    assert!(world.says("state", &["-v"]).contains("\nintegrity: row 5 missing from index job_next\n"));
}

/// Scenario A: one alert, not five.
#[test]
fn req13_an_outage_is_one_alert() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.outage(run, "deb.debian.org", 30);
    world.poll("debian", "sid", Some("fetch/connect: connection refused"));
    world.enqueue("waits", Lane::Upload);
    world.advance(5 * HOUR);
    world.end(run, "empty");
    let mut lines = String::new();
    for check in ["queue", "freshness", "archive"] {
        lines += &world.says(check, &[]);
    }
    insta::assert_snapshot!(lines, @"
    IMPORT QUEUE WARNING - expected: outage of deb.debian.org since 11-24 08:01Z, 1 waiting, oldest upload 5h, 30 parked, package-import queue | oldest_upload=18000s;3600;14400 oldest_operator=0s oldest_retry=0s oldest_rescan=0s oldest_verify=0s oldest_maintain=0s waiting=1 drain=581s running=0 parked=30 held=0
    IMPORT FRESHNESS OK - expected: outage of deb.debian.org since 11-24 08:01Z, 95% of 1 within 11m, half within 11m, worst 5h | p95=660s;14400;86400 p50=660s worst=18000s behind=0 failing=0 rescan=0
    IMPORT ARCHIVE WARNING - expected: outage of deb.debian.org since 11-24 08:01Z, debian/sid not polled since 11-24 08:00Z, 1 of 1 polls failed, package-import archives | intervals=20.06;2;6 oldest=18060s suites=1 failed=1 unreachable=1
    ");
    world.advance(20 * HOUR);
    let mut lines = String::new();
    for check in ["queue", "archive"] {
        lines += &world.says(check, &[]);
    }
    insta::assert_snapshot!(lines, @r"
    IMPORT QUEUE CRITICAL - breaker deb.debian.org open since 11-24 08:01Z, 1 waiting, oldest upload 1d 1h, 30 parked, package-import queue | oldest_upload=90000s;3600;14400 oldest_operator=0s oldest_retry=0s oldest_rescan=0s oldest_verify=0s oldest_maintain=0s waiting=1 drain=21600s running=0 parked=30 held=0
    IMPORT ARCHIVE CRITICAL - breaker deb.debian.org open since 11-24 08:01Z, debian/sid not polled since 11-24 08:00Z, 1 of 1 polls failed, package-import archives | intervals=100.06;2;6 oldest=90060s suites=1 failed=1 unreachable=1
    ");
}
