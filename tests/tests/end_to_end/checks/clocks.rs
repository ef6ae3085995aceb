//! Times in the future, which a wrong clock has left, are reported, and no check trusts them.

use state::operate::By;
use state::{runs, samples};

use crate::checks::world::{CHECKS, DAY, HOUR, MINUTE, World};

const YEAR: i64 = 399 * DAY;

/// An installation whose clock was right, then a year ahead for an hour, and is right again: a service beats, a poll is
/// done, samples are taken.
fn set_forward_and_back() -> (World, i64) {
    let world = World::healthy();
    world.set("filled", &world.now().to_string());
    let run = world.run("a", "service");
    for _ in 0..10 * 4 {
        world.advance(6 * HOUR);
        samples::take(&world.store).unwrap();
    }
    world.advance(YEAR);
    world.beat(run);
    world.poll("debian", "sid", None);
    samples::take(&world.store).unwrap();
    world.set("last_backup", &world.now().to_string());
    world.advance(-YEAR);
    (world, run)
}

#[test]
fn times_of_the_future_are_said_and_no_check_is_green_by_them() {
    let (world, run) = set_forward_and_back();
    for check in ["runs", "workers", "archive", "state", "failures", "freshness"] {
        let said = world.ask(check, &[]);
        assert!(said.code != 0 && said.out.contains("the future"), "{check}: {said:?}");
        let by = said.out.contains("by 399d")
            || said.out.contains("by 398d 23h")
            || said.out.contains("2028-01-07");
        assert!(by && !said.out.contains(" 0s ago"), "{check}: {said:?}");
    }
    // Times of a right clock count at once.
    world.beat(run);
    world.poll("debian", "sid", None);
    world.set("last_backup", &world.now().to_string());
    world.set("integrity_at", &world.now().to_string());
    samples::take(&world.store).unwrap();
    for check in ["runs", "workers", "archive", "state"] {
        assert_eq!(world.ask(check, &[]).code, 0, "{:?}", world.ask(check, &[]));
    }
    // The samples are still there, and the verdict is of now.
    for check in ["failures", "freshness"] {
        let said = world.ask(check, &[]);
        assert!(said.code == 1 && said.out.contains("samples dated 2028-01-"), "{check}: {said:?}");
    }
    let by = By { actor: "me", reason: Some("the clock was wrong") };
    let tried = samples::dropped_after(&world.store, world.now()).unwrap();
    let dropped = samples::drop_after(&world.store, world.now(), by).unwrap();
    assert!(dropped.samples > 0 && tried == dropped, "{dropped:?}");
    samples::take(&world.store).unwrap();
    for check in CHECKS {
        assert_eq!(world.ask(check, &[]).code, 0, "{:?}", world.ask(check, &[]));
    }
    let text = world.says("failures", &[]);
    assert!(!text.contains("learning"), "what was learned before the clock was wrong is known: {text}");
    let events = world.store.read(|tx| state::events::list(tx, None, 5)).unwrap();
    assert!(events.iter().any(|it| it.action == "samples-drop" && it.actor == "me"), "{events:?}");
}

#[test]
fn a_clock_that_is_set_back_ends_no_judgement() {
    for back in [2 * MINUTE, 20 * MINUTE, 3 * HOUR, 40 * DAY] {
        let world = World::healthy();
        world.set("filled", &world.now().to_string());
        let run = world.run("a", "service");
        for _ in 0..55 * 4 {
            world.advance(6 * HOUR);
            samples::take(&world.store).unwrap();
        }
        world.advance(-back);
        world.beat(run);
        samples::take(&world.store).unwrap();
        let said = world.says("failures", &["-v"]);
        assert!(said.contains(" - 0 failing, normally 0"), "{back}: {said}");
        world.failures(run, "bad", 40, "connect");
        world.advance(HOUR);
        samples::take(&world.store).unwrap();
        assert_eq!(world.ask("failures", &[]).code, 2, "{back}");
    }
}

#[test]
fn a_run_of_the_future_is_closed_like_one_that_is_silent() {
    let (world, _) = set_forward_and_back();
    assert_eq!(world.store.read(|tx| runs::silent(tx, 10 * MINUTE)).unwrap().len(), 1);
}
