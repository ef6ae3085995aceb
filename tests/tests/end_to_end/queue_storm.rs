//! Runs are killed, cut off from their database and frozen; nothing is lost and nothing is done twice.
//!
//! `STORM=long` is the long version. The repositories are compared with those of an undisturbed run.

use std::collections::BTreeMap;
use std::process::Child;
use std::sync::OnceLock;
use std::time::Duration;

use package_import_tests::queue::{
    Queue, children, is_stopped, name, runs_for, signal, text, wait_until, write_packages,
};
use packaging_repo::failpoints::FAILPOINTS;
use rustix::process::{Pid, Signal};
use throwaway_postgres::Cluster;

/// Points at which a run itself can be killed.
const RUN_FAILPOINTS: [&str; 4] =
    ["run::claimed", "run::child-ended", "run::versions-recorded", "run::finished"];

fn is_long() -> bool {
    std::env::var_os("STORM").is_some_and(|value| value == "long")
}

fn count() -> usize {
    if is_long() { 2000 } else { 60 }
}

/// Results of undisturbed runs with the first versions, and then with the second ones.
struct Calm {
    queue: Queue,
    end: BTreeMap<String, String>,
    duration: Duration,
}

fn calm() -> &'static Calm {
    static CALM: OnceLock<Calm> = OnceLock::new();
    CALM.get_or_init(|| {
        let queue = Queue::sqlite();
        let files = queue.installation.files();
        write_packages(&files.join("first"), count(), "1.0-1", &[]);
        write_packages(&files.join("second"), count(), "1.0-2", &["1.0-1"]);
        queue.enqueue(&files.join("first"));
        let began = std::time::Instant::now();
        queue.well(&["run", "--jobs", "8"]);
        let duration = began.elapsed();
        queue.enqueue(&files.join("second"));
        queue.well(&["run", "--jobs", "8"]);
        let end = queue.refs();
        assert_eq!(end.len(), count());
        Calm { queue, end, duration }
    })
}

/// The seed of a number that looks random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

/// Everything is there exactly once, and nothing is left behind.
fn assert_all_there(queue: &Queue, what: &str) {
    // Those whose children were killed wait for their next try.
    for _ in 0..20 {
        queue.let_pass(7 * 3_600_000);
        queue.well(&["run", "--jobs", "8"]);
        if queue.number("SELECT COUNT(*) FROM job") == 0 {
            break;
        }
    }
    let expected = &calm().end;
    let found = queue.refs();
    for (package, refs) in expected {
        assert_eq!(found.get(package), Some(refs), "{what}: {package}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM job"), 0, "{what}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM attempt WHERE outcome IS NULL"), 0, "{what}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM run WHERE ended IS NULL"), 0, "{what}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM failure"), 0, "{what}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM publication WHERE done IS NULL"), 0, "{what}");
    let versions = i64::try_from(2 * count()).unwrap();
    assert_eq!(queue.number("SELECT COUNT(*) FROM version"), versions, "{what}");
    let off = "SELECT COUNT(*) FROM (SELECT name FROM counter WHERE name IN ('running', 'parked', 'failing',
        'queue_upload', 'queue_retry') GROUP BY name HAVING SUM(value) <> 0) AS off";
    assert_eq!(queue.number(off), 0, "{what}: a counter is off");
    let step = (count() / 20).max(1);
    (0..count()).step_by(step).for_each(|number| queue.installation.assert_clean(&name(number)));
}

/// Kills a run, its children, or both.
fn kill(run: &mut Child, dice: &mut Dice) {
    let below = children(run.id());
    let who = dice.below(3);
    if who != 1 {
        let _ = run.kill();
    }
    if who != 0 {
        below.iter().for_each(|child| signal(*child, Signal::KILL));
    }
}

/// A storm over one database. `disturb` is called before each kill.
fn storm(queue: &Queue, kills: usize, mut disturb: impl FnMut(u64)) {
    let calm = calm();
    let files = calm.queue.installation.files();
    let mut dice = Dice(0x5eed_1234 + kills as u64);
    queue.enqueue(&files.join("first"));
    let span = u64::try_from(calm.duration.as_millis()).unwrap() / 3 + 20;
    let (mut killed, mut is_second) = (0, false);
    while killed < kills {
        if killed >= kills / 3 && !is_second {
            queue.enqueue(&files.join("second"));
            is_second = true;
        }
        let mut run = queue.start(&["--jobs", "8"]);
        if runs_for(&mut run, Duration::from_millis(dice.below(span))) {
            disturb(dice.below(6));
            kill(&mut run, &mut dice);
            killed += 1;
        } else {
            // All was done: more to do, so that the next kill hits something.
            queue.enqueue(&files.join("first"));
        }
        let _ = run.kill();
        run.wait().unwrap();
        queue.let_pass(7 * 3_600_000);
    }
    println!("{killed} runs killed at random");
    assert_all_there(queue, "after the storm");
}

fn kills() -> usize {
    if is_long() { 100 } else { 8 }
}

#[test]
fn a_storm_on_sqlite_loses_nothing() {
    storm(&Queue::sqlite(), kills(), |_| {});
}

#[test]
fn a_storm_on_postgresql_with_cut_connections_and_restarts_loses_nothing() {
    let cluster = Cluster::start("");
    let queue = Queue { postgres: Some(cluster.schema()), ..Queue::sqlite() };
    storm(&queue, kills(), |what| match what {
        0 | 1 => {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
            cluster.client().batch_execute(cut).unwrap();
            std::thread::sleep(Duration::from_millis(30));
        }
        2 => cluster.restart(),
        _ => {}
    });
}

/// Each crash point of a run and of its children, hit while much else goes on.
fn points(queue: &Queue) {
    let files = calm().queue.installation.files();
    let times = if is_long() { 5 } else { 1 };
    queue.enqueue(&files.join("first"));
    queue.enqueue(&files.join("second"));
    for point in RUN_FAILPOINTS.iter().chain(FAILPOINTS) {
        for time in 1..=times {
            // A child dies at its first hit, a run at one of several.
            let number = if point.starts_with("run::") { time } else { 1 };
            let mut command = queue.command(&["run", "--jobs", "8", "--max-duration", "2s"]);
            command.env("PACKAGE_IMPORT_KILL_AT", format!("{point}:{number}"));
            let output = command.output().unwrap();
            if point.starts_with("run::") {
                let died = output.status.code().is_none();
                assert!(
                    died || queue.number("SELECT COUNT(*) FROM job WHERE state = 'pending'") == 0,
                    "{point}"
                );
            }
            queue.let_pass(7 * 3_600_000);
            if queue.number("SELECT COUNT(*) FROM job") == 0 {
                queue.enqueue(&files.join("first"));
            }
        }
    }
    assert_all_there(queue, "after crash points");
}

#[test]
fn crash_points_on_sqlite_lose_nothing() {
    points(&Queue::sqlite());
}

#[test]
fn crash_points_on_postgresql_lose_nothing() {
    points(&Queue::postgres());
}

/// A worker that was frozen after its last look at its lease wakes up when another has finished. Its package is new, or
/// has a repository already.
fn frozen(queue: &Queue, point: &str, is_new: bool) {
    let files = queue.installation.files();
    write_packages(&files.join("one"), 1, "1.0-1", &[]);
    write_packages(&files.join("two"), 1, "1.0-2", &["1.0-1"]);
    if !is_new {
        write_packages(&files.join("before"), 1, "0.9-1", &[]);
        queue.enqueue(&files.join("before"));
        assert!(queue.command(&["run"]).output().unwrap().status.success());
    }
    queue.enqueue(&files.join("one"));
    let mut first = queue
        .command(&["run"])
        .env("PACKAGE_IMPORT_HOST", "a")
        .env("PACKAGE_IMPORT_STOP_AT", format!("{point}:1"))
        .spawn()
        .unwrap();
    let frozen = || children(first.id()).into_iter().find(|child| is_stopped(*child));
    wait_until("the child is frozen", || frozen().is_some());
    let child = frozen().unwrap();
    let parent = Pid::from_raw(i32::try_from(first.id()).unwrap()).unwrap();
    signal(parent, Signal::STOP);
    queue.let_pass(10 * 60_000);
    queue.enqueue(&files.join("two"));
    let mut second = queue.command(&["run"]);
    let output = second.env("PACKAGE_IMPORT_HOST", "b").output().unwrap();
    assert!(output.status.success(), "{point}: {}", text(&output));
    let refs = queue.refs();
    assert!(refs.values().all(|refs| refs.contains("1.0-2")), "{point}: {refs:#?}");
    signal(child, Signal::CONT);
    signal(parent, Signal::CONT);
    assert!(first.wait().unwrap().success());
    assert_eq!(queue.refs(), refs, "{point}: a frozen worker moved a ref");
    queue.installation.assert_clean(&name(0));
    let outcomes = queue.texts("SELECT outcome FROM attempt WHERE outcome <> 'maintained' ORDER BY id");
    assert_eq!(outcomes[usize::from(!is_new)..], ["lost", "imported"], "{point}");
    assert_eq!(queue.number("SELECT COUNT(*) FROM job"), 0);
}

#[test]
fn a_frozen_worker_moves_no_ref() {
    for point in FAILPOINTS.iter().filter(|point| !point.contains("init") && !point.ends_with("folded")) {
        // After these the refs are moved, and what follows is the same for everybody.
        if *point == "repo::birth-durable" {
            break;
        }
        // These come only where there is a repository.
        let is_locked = point.ends_with("locked") || point.ends_with("record-renamed");
        if !is_locked {
            frozen(&Queue::sqlite(), point, true);
        }
        if is_locked || point.starts_with("repo::refs") {
            frozen(&Queue::sqlite(), point, false);
        }
    }
    for is_new in [true, false] {
        frozen(&Queue::postgres(), "repo::refs-checked", is_new);
    }
    frozen(&Queue::postgres(), "repo::refs-locked", false);
}
