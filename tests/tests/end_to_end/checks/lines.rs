//! The lines of all alerts, in one file that a person reads in two minutes: does each say what is wrong, since when, why,
//! and what to do?

use std::fmt::Write as _;

use state::samples;
use state::words::Lane;

use crate::checks::world::{DAY, HOUR, World};

/// Ten days on which as many fail, by samples of every six hours.
fn learned(failing: usize) -> (World, i64) {
    let world = World::healthy();
    world.set("filled", &world.now().to_string());
    let run = world.run("import1", "service");
    world.failures(run, "old", failing, "bad-dsc");
    for _ in 0..10 * 4 {
        world.advance(6 * HOUR);
        samples::take(&world.store).unwrap();
    }
    world.beat(run);
    world.poll("debian", "sid", None);
    world.set("last_backup", &world.now().to_string());
    (world, run)
}

/// So many packages that fail, each with its own words.
fn fail(world: &World, run: i64, prefix: &str, count: usize, code: &str, message: &str) {
    for number in 0..count {
        world.enqueue(&format!("{prefix}{number}"), Lane::Operator);
        let claim = world.claim(run);
        world.fail(&claim, code, &message.replace("{}", &format!("{prefix}{number}")));
    }
}

const REFUSED: &str = "http://deb.example.org/debian/pool/main/x/{}/{}_1.dsc: connection refused";

#[test]
fn req2_what_is_said_at_three_in_the_morning() {
    let mut lines = String::new();
    let mut note = |what: &str, said: String| {
        let line = said.lines().next().unwrap().split(" | ").next().unwrap().to_owned();
        // The use of this disk does not matter here.
        let parts =
            line.split(", ").filter(|part| !part.starts_with("disk ") && !part.starts_with("inodes "));
        let line = parts.collect::<Vec<_>>().join(", ");
        // A pager shows 160 characters. Only the next command may come after them, and each line has one.
        let told = line.rsplit_once(", package-import ").map_or(line.as_str(), |(told, _)| told);
        assert!(told.len() <= 160 && line.is_ascii(), "{line}");
        assert!(line.contains("package-import ") || line.contains("see check_import_"), "{line}");
        writeln!(lines, "{what}\n    {line}").unwrap();
    };

    let (world, run) = learned(100);
    fail(&world, run, "new", 97, "connect", REFUSED);
    note("twice as many fail, and no sample has seen it yet", world.says("failures", &[]));
    world.advance(HOUR);
    samples::take(&world.store).unwrap();
    note("the same, an hour later", world.says("failures", &[]));
    world.advance(12 * HOUR);
    samples::take(&world.store).unwrap();
    fail(&world, run, "more", 300, "bad-tar", "{}_1.orig.tar.xz: unexpected end of file");
    world.advance(HOUR);
    samples::take(&world.store).unwrap();
    note("a second incident within it", world.says("failures", &[]));
    world.advance(3 * DAY);
    note("nothing has run for three days", world.says("failures", &[]));
    note("the same, the runs", world.says("runs", &[]));
    note("the same, the workers", world.says("workers", &[]));
    note("the same, the queue", world.says("queue", &[]));
    note("the same, what waits for a person", world.says("wedged", &[]));
    note("the same, how fresh branches are", world.says("freshness", &[]));
    note("the same, the archives", world.says("archive", &[]));

    let (world, run) = learned(100);
    for number in 0..60 {
        // None of them is the cause.
        fail(&world, run, &format!("n{number}x"), 2, &format!("code{number}"), "something else");
    }
    world.advance(HOUR);
    samples::take(&world.store).unwrap();
    note("many causes at once", world.says("failures", &[]));

    let (world, run) = learned(100);
    fail(&world, run, "new", 25, "bad-patch", "debian/patches/fix.patch of {} does not apply");
    world.advance(HOUR);
    samples::take(&world.store).unwrap();
    note("a signature that the total hides", world.says("failures", &[]));

    let (world, run) = learned(5);
    world.outage(run, "deb.example.org:8080", 37);
    note("an archive is out of reach", world.says("failures", &[]));
    note("the same, the archives", world.says("archive", &[]));

    let (world, run) = learned(5);
    world.enqueue("stuck", Lane::Upload);
    world.advance(5 * HOUR);
    world.beat(run);
    note("an upload waits", world.says("queue", &[]));
    world.failures(run, "bad", 2, "moved");
    world.wedge("bad");
    world.advance(8 * DAY);
    world.beat(run);
    note("a package needs a person", world.says("wedged", &[]));
    note("no backup for a week", world.says("state", &[]));
    note("no poll", world.says("archive", &[]));
    world.execute("UPDATE meta SET value = 'row 3 missing from index job_lane' WHERE name = 'integrity'");
    note("a damaged database", world.says("state", &[]));
    std::fs::create_dir_all(world.root().join("repos/h/hallo.git")).unwrap();
    world.execute("UPDATE meta SET value = 'ok' WHERE name = 'integrity'");
    note("a new state beside old repositories", world.says("state", &[]));

    let (world, run) = learned(5);
    world.advance(399 * DAY);
    world.beat(run);
    world.poll("debian", "sid", None);
    samples::take(&world.store).unwrap();
    world.set("last_backup", &world.now().to_string());
    world.advance(-399 * DAY);
    for check in ["failures", "runs", "workers", "archive", "state", "freshness"] {
        note("a clock was a year ahead", world.says(check, &[]));
    }
    insta::assert_snapshot!(lines);
}
