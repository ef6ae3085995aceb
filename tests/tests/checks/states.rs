//! What each check prints in each state.

use state::runs;
use state::words::Lane;

use crate::world::{DAY, HOUR, MINUTE, SECOND, World};

#[test]
fn req2_a_healthy_installation() {
    let world = World::healthy();
    world.advance(4 * MINUTE);
    let mut lines = String::new();
    for check in ["queue", "freshness", "archive", "runs", "workers", "wedged"] {
        lines += &world.says(check, &[]);
    }
    insta::assert_snapshot!(lines, @"");
}

#[test]
fn req2_queue() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.enqueue("upload1", Lane::Upload);
    world.enqueue("rescan1", Lane::Rescan);
    world.advance(2 * HOUR);
    world.beat(run);
    insta::assert_snapshot!(world.says("queue", &["-v"]), @"");
    world.advance(3 * HOUR);
    world.enqueue("operator1", Lane::Operator);
    insta::assert_snapshot!(world.says("queue", &[]), @"");
    // An attempt in six hours, and then 20.
    for number in 0..20 {
        world.enqueue(&format!("fast{number}"), Lane::Operator);
        let claim = world.claim(run);
        world.succeed(&claim);
    }
    insta::assert_snapshot!(world.says("queue", &["-w", "6h", "-c", "1d"]), @"");
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
    insta::assert_snapshot!(world.says("queue", &[]), @"");
}

#[test]
fn req2_freshness() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.publish("slow", world.now());
    world.advance(5 * HOUR);
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("freshness", &["-v"]), @"");
    world.advance(20 * HOUR);
    let run = world.run("a", "until-empty");
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("freshness", &[]), @"");
    world.advance(40 * HOUR);
    insta::assert_snapshot!(world.says("freshness", &[]), @"");
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
        "UPDATE publication SET rescan = 1 WHERE package_id = (SELECT id FROM package WHERE name = 'series')",
    );
    world
        .execute("UPDATE job SET lane = 3 WHERE package_id = (SELECT id FROM package WHERE name = 'series')");
    world.store.write(|tx| state::counters::repair(tx, "me")).unwrap();
    world.advance(30 * HOUR);
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("freshness", &[]), @"");
}

#[test]
fn req2_archive() {
    let world = World::healthy();
    world.poll("ubuntu", "noble", None);
    world.advance(31 * MINUTE);
    world.poll("ubuntu", "noble", Some("fetch/connect: connection refused"));
    insta::assert_snapshot!(world.says("archive", &["-v"]), @"");
    world.advance(HOUR);
    insta::assert_snapshot!(world.says("archive", &[]), @"");
    // Who polls from cron every hour polls no oftener.
    world.configure("[checks.runs]\ninterval = '1h'\n");
    insta::assert_snapshot!(world.says("archive", &[]), @"");
    // A suite that nobody follows any more is nobody's concern.
    state::suites::follow_only(&world.store, &["ubuntu".into()]).unwrap();
    world.poll("ubuntu", "noble", None);
    insta::assert_snapshot!(world.says("archive", &[]), @"");
}

#[test]
fn req2_runs() {
    let world = World::healthy();
    world.advance(90 * MINUTE);
    insta::assert_snapshot!(world.says("runs", &[]), @"");
    world.advance(HOUR);
    insta::assert_snapshot!(world.says("runs", &[]), @"");
    world.advance(2 * HOUR);
    insta::assert_snapshot!(world.says("runs", &[]), @"");
    world.configure("[checks.runs]\ninterval = '1d'\n");
    insta::assert_snapshot!(world.says("runs", &[]), @"");
    world.configure("");
    let run = world.run("a", "until-empty");
    insta::assert_snapshot!(world.says("runs", &["-v"]), @"");
    world.advance(5 * MINUTE);
    insta::assert_snapshot!(world.says("runs", &[]), @"");
    world.store.write(|tx| runs::close_dead(tx, &[run])).unwrap();
    insta::assert_snapshot!(world.says("runs", &[]), @"");
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
    insta::assert_snapshot!(world.says("runs", &[]), @"");
}

#[test]
fn req2_workers() {
    let world = World::healthy();
    let (a, b) = (world.run("a", "service"), world.run("b", "service"));
    insta::assert_snapshot!(world.says("workers", &[]), @"");
    world.publish("hello", world.now());
    world.claim(a);
    world.advance(3 * HOUR);
    world.beat(a);
    insta::assert_snapshot!(world.says("workers", &["-vv"]), @"");
    world.advance(3 * MINUTE);
    insta::assert_snapshot!(world.says("workers", &[]), @"");
    world.execute("UPDATE host SET state = 'offline', reason = 'new disk' WHERE name = 'b'");
    world.beat(a);
    insta::assert_snapshot!(world.says("workers", &[]), @"");
    world.beat(b);
    world.configure("[checks.workers]\nhosts = ['a', 'c']\n");
    insta::assert_snapshot!(world.says("workers", &[]), @"");
}

#[test]
fn req2_wedged() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.failures(run, "moved", 3, "ref-moved");
    world.wedge("moved");
    insta::assert_snapshot!(world.says("wedged", &["-v"]), @"");
    world.advance(2 * DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"");
    world.advance(6 * DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"");
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
    insta::assert_snapshot!(world.says("wedged", &[]), @"");
    world
        .store
        .write(|tx| {
            let id = state::queue::package_id(tx, "moved0")?;
            state::hold::hold(tx, id, "me", "waits for upstream", None)
        })
        .unwrap();
    world.suppress("moved2", world.now() + 2 * DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"");
    world.advance(3 * DAY);
    insta::assert_snapshot!(world.says("wedged", &[]), @"");
}

#[test]
fn req2_state() {
    let world = World::healthy();
    // The disk is this machine's.
    let says = |arguments: &[&str]| {
        let said = world.says("state", arguments);
        let text = said.lines().next().unwrap();
        text.split(", disk").next().unwrap().to_owned()
    };
    world.configure("[checks.state.disk]\nwarning = 100\ncritical = 100\n[checks.state.inodes]\nwarning = 100\ncritical = 100\n");
    insta::assert_snapshot!(says(&[]), @"");
    world.advance(3 * DAY);
    insta::assert_snapshot!(says(&[]), @"");
    world.advance(6 * DAY);
    insta::assert_snapshot!(says(&[]), @"");
    world.set("integrity", "row 5 missing from index job_next");
    insta::assert_snapshot!(says(&["-w", "30d", "-c", "60d"]), @"");
}

#[test]
fn req2_failures_while_learning() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.failures(run, "bad", 12, "bad-dsc");
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("failures", &[]), @"");
    insta::assert_snapshot!(world.says("failures", &["-w", "10", "-c", "20"]), @"");
}

#[test]
fn req14_failures_that_do_not_count_are_said() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.failures(run, "bad", 12, "bad-dsc");
    world.failures(run, "gone", 5, "missing-file");
    world.suppress("bad1", world.now() + 3 * DAY);
    world
        .store
        .write(|tx| {
            let id = state::queue::package_id(tx, "gone1")?;
            state::hold::hold(tx, id, "me", "waits for upstream", None)
        })
        .unwrap();
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("failures", &[]), @"");
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
    insta::assert_snapshot!(lines, @"");
    world.advance(20 * HOUR);
    let mut lines = String::new();
    for check in ["queue", "archive"] {
        lines += &world.says(check, &[]);
    }
    insta::assert_snapshot!(lines, @"");
    assert!(world.advance(SECOND) == ());
}
