//! Tests of `check_import_failures`: the importer's verdicts, compared with the present counters.

use state::samples;

use crate::checks::world::{DAY, HOUR, World};

#[test]
fn req2_while_learning() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.failures(run, "bad", 12, "bad-dsc");
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("failures", &[]), @"IMPORT FAILURES OK - 12 failing, learning 0/7 days | failing=12 parked=0 held=0 suppressed=0 normal=0");
    insta::assert_snapshot!(world.says("failures", &["-w", "10", "-c", "20"]), @"IMPORT FAILURES WARNING - 12 failing, learning 0/7 days, package-import failures | failing=12;10;20 parked=0 held=0 suppressed=0 normal=0");
}

#[test]
fn req14_what_does_not_count_is_said() {
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
    insta::assert_snapshot!(world.says("failures", &["-v"]), @r"
    IMPORT FAILURES OK - 15 failing, learning 0/7 days, 1 suppressed until 2026-11-27, 1 held | failing=15 parked=0 held=1 suppressed=1 normal=0
    package bad1 suppressed until 2026-11-27, 1: known
    12 nmqzftm fetch/bad-dsc: archive unreachable
    4 c1pp6cc fetch/missing-file: archive unreachable
    ");
}

/// Three weeks in which as many packages fail.
fn learned(failing: usize) -> (World, i64) {
    let world = World::healthy();
    world.set("filled", &world.now().to_string());
    let run = world.run("a", "service");
    world.failures(run, "old", failing, "bad-dsc");
    for _ in 0..21 * 24 {
        world.advance(HOUR);
        samples::take(&world.store).unwrap();
    }
    world.beat(run);
    (world, run)
}

#[test]
fn req5_a_jump_is_named_before_and_after_it_is_sampled() {
    let (world, run) = learned(100);
    insta::assert_snapshot!(world.says("failures", &[]), @"IMPORT FAILURES OK - 100 failing, normally 100 | failing=100;139;189 parked=0 held=0 suppressed=0 normal=100");
    world.failures(run, "new", 97, "connect");
    world.failures(run, "other", 3, "bad-tar");
    insta::assert_snapshot!(world.says("failures", &[]), @"IMPORT FAILURES CRITICAL - 200 failing, normally 100 - 100 new, 97% rnbyej7 fetch/connect: archive unreachable, package-import failures --signature rnbyej7 | failing=200;139;189 parked=0 held=0 suppressed=0 normal=100");
    world.advance(HOUR);
    samples::take(&world.store).unwrap();
    insta::assert_snapshot!(world.says("failures", &["-v"]), @r"
    IMPORT FAILURES CRITICAL - 200 failing, normally 100 - 100 new since 12-15 09:01Z, 97% rnbyej7 fetch/connect: archive unreachable, package-import failures --signature rnbyej7 | failing=200;139;189 parked=0 held=0 suppressed=0 normal=100
    100 nmqzftm fetch/bad-dsc: archive unreachable
    97 rnbyej7 fetch/connect: archive unreachable
    3 xzbwjrj fetch/bad-tar: archive unreachable
    ");
    insta::assert_snapshot!(world.says("failures", &["--explain"]), @r"
    IMPORT FAILURES CRITICAL - 200 failing, normally 100 - 100 new since 12-15 09:01Z, 97% rnbyej7 fetch/connect: archive unreachable, package-import failures --signature rnbyej7 | failing=200;139;189 parked=0 held=0 suppressed=0 normal=100
    judged CRITICAL at 2026-12-15: 200 failing, normally 100 - 100 new since 12-15 09:01Z, 97% rnbyej7 fetch/connect: archive unreachable
    200 packages fail or are parked now, and 100 are normal (learned from 21 days).
    What tells most is the mean of 1 h, 200, usually between 88 and 114: 10.6 deviations off, where a WARNING needs 2.7.
    Between samples it is WARNING from 140 on, CRITICAL from 190 on, an outage with a breaker open and parked jobs from 20 on.
    So it is CRITICAL since 12-15 09:01Z, and ends with the next sample below 126.
    Of what is new, 97% is rnbyej7 fetch/connect: archive unreachable.
    failing and parked: 200, E=100.0 (learned), s=0.063, z=10.58 (WARNING needs 2.72), CRITICAL
    failing and parked: decided by the last 1 h: 200.0 where 100.0 is normal; samples of 21 days for the level, of 21 for the spread
    failing and parked: WARNING from 140, CRITICAL from 190, over below 126, an outage from 20 parked
    failed in 24 h: 100, E=0.0 (learned), s=0.837, z=86.71 (WARNING needs 3.30), CRITICAL
    failed in 24 h: decided by the last 24 h: 100.0 where 0.0 is normal; samples of 21 days for the level, of 21 for the spread
    failed in 24 h: WARNING from 5, CRITICAL from 10, over below none, an outage from none parked
    signature rnbyej7: 97, normally 0
    ");
    // A limit that was set counts beside what was learned, and what nobody has judged for days is nothing.
    insta::assert_snapshot!(world.says("failures", &["-w", "50", "-c", "1000"]), @"IMPORT FAILURES CRITICAL - 200 failing, normally 100 - 100 new since 12-15 09:01Z, 97% rnbyej7 fetch/connect: archive unreachable, package-import failures --signature rnbyej7 | failing=200;50;189 parked=0 held=0 suppressed=0 normal=100");
    world.advance(2 * DAY);
    insta::assert_snapshot!(world.says("failures", &[]), @"IMPORT FAILURES UNKNOWN - no sample since 12-15 09:01Z, see check_import_runs | failing=200 parked=0 held=0 suppressed=0 normal=100");
}

#[test]
fn req13_an_outage_is_critical_and_names_the_dependency() {
    let (world, run) = learned(100);
    world.outage(run, "deb.debian.org", 30);
    insta::assert_snapshot!(world.says("failures", &[]), @"IMPORT FAILURES CRITICAL - 30 parked since 12-15 08:01Z, 100 more failing, normally 100: deb.debian.org is out of reach: connection refused, package-import status | failing=130;139;189 parked=30 held=0 suppressed=0 normal=100");
    world.advance(HOUR);
    samples::take(&world.store).unwrap();
    insta::assert_snapshot!(world.says("failures", &[]), @"IMPORT FAILURES CRITICAL - 30 parked since 12-15 08:01Z, 100 more failing, normally 100: deb.debian.org is out of reach: connection refused, package-import status | failing=130;139;189 parked=30 held=0 suppressed=0 normal=100");
}

#[test]
fn req13_what_fails_and_is_parked_counts_once() {
    let (world, run) = learned(100);
    world.outage(run, "deb.debian.org", 30);
    world.park_failing(run, "deb.debian.org", 40);
    insta::assert_snapshot!(world.says("failures", &[]), @"IMPORT FAILURES CRITICAL - 70 parked since 12-15 08:01Z, 60 more failing, normally 100: deb.debian.org is out of reach: connection refused, package-import status | failing=130;139;189 parked=70 held=0 suppressed=0 normal=100");
    // Beside an importer of the first schema, whose view cannot tell, they count twice as they did before.
    world.execute("DROP VIEW check_v1_live");
    world.execute("CREATE VIEW check_v1_live AS SELECT 100 AS failing, 70 AS parked");
    let said = world.says("failures", &[]);
    assert!(said.contains("| failing=170;"), "{said}");
}

#[test]
fn req10_a_verdict_of_another_release_is_not_judged() {
    let (world, _) = learned(10);
    world.execute("UPDATE verdict SET detail = '{}'");
    let said = world.ask("failures", &[]);
    assert!(said.code == 3 && said.out.contains("run the importer once"), "{said:?}");
}
