//! What `check_import_failures` makes of the importer's verdicts, beside what is counted now.

use state::samples;

use crate::world::{DAY, HOUR, World};

#[test]
fn req2_while_learning() {
    let world = World::healthy();
    let run = world.run("a", "until-empty");
    world.failures(run, "bad", 12, "bad-dsc");
    world.end(run, "empty");
    insta::assert_snapshot!(world.says("failures", &[]), @"");
    insta::assert_snapshot!(world.says("failures", &["-w", "10", "-c", "20"]), @"");
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
    insta::assert_snapshot!(world.says("failures", &["-v"]), @"");
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
    insta::assert_snapshot!(world.says("failures", &[]), @"");
    world.failures(run, "new", 97, "connect");
    world.failures(run, "other", 3, "bad-tar");
    insta::assert_snapshot!(world.says("failures", &[]), @"");
    world.advance(HOUR);
    samples::take(&world.store).unwrap();
    insta::assert_snapshot!(world.says("failures", &["-v"]), @"");
    insta::assert_snapshot!(world.says("failures", &["--explain"]), @"");
    // A limit that was set counts beside what was learned, and what nobody has judged for days is nothing.
    insta::assert_snapshot!(world.says("failures", &["-w", "50", "-c", "1000"]), @"");
    world.advance(2 * DAY);
    insta::assert_snapshot!(world.says("failures", &[]), @"");
}

#[test]
fn req13_an_outage_is_critical_and_names_the_dependency() {
    let (world, run) = learned(100);
    world.outage(run, "deb.debian.org", 30);
    insta::assert_snapshot!(world.says("failures", &[]), @"");
    world.advance(HOUR);
    samples::take(&world.store).unwrap();
    insta::assert_snapshot!(world.says("failures", &[]), @"");
}

#[test]
fn req10_a_verdict_of_another_release_is_not_judged() {
    let (world, _) = learned(10);
    world.execute("UPDATE verdict SET detail = '{}'");
    let said = world.ask("failures", &[]);
    assert!(said.code == 3 && said.out.contains("run the importer once"), "{said:?}");
}
