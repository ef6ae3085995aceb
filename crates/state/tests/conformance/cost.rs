//! The cost of a job does not depend on the amount of history.

use crate::common::{HOUR, World, failure, sqlite};
use state::samples;
use state::words::{Class, Lane, Outcome};

/// Adds packages with attempts that are over, some failed, and hours of samples.
fn remember(world: &World, run: i64, from: usize, to: usize) {
    for number in from..to {
        world.enqueue(&format!("old{number}"), Lane::Upload);
        let claim = world.claim(run).unwrap();
        match number % 5 {
            0 => world.finish(&claim, Outcome::Failed, failure(Class::Permanent, "bad")).unwrap(),
            _ => world.finish(&claim, Outcome::Imported, None).unwrap(),
        };
        if number % 20 == 0 {
            world.advance(HOUR);
            samples::take(&world.store).unwrap();
        }
    }
}

/// The steps of one round of each thing that is done for every job, or every second.
fn cost(world: &World, run: i64, name: &str) -> [i64; 4] {
    let steps = |work: &mut dyn FnMut()| {
        let before = world.store.steps();
        work();
        world.store.steps() - before
    };
    let mut claim = None;
    [
        steps(&mut || {
            world.enqueue(name, Lane::Upload);
        }),
        steps(&mut || claim = world.claim(run)),
        steps(&mut || {
            world.finish(claim.as_ref().unwrap(), Outcome::Imported, None).unwrap();
        }),
        steps(&mut || {
            world.store.write(|tx| state::queue::wake(tx, 60)).unwrap();
            world.store.write(|tx| state::runs::reclaim(tx, &[], 20, "0.1")).unwrap();
            world.store.write(|tx| state::breaker::unpark(tx, 60)).unwrap();
            world.store.write(|tx| state::batch::advance(tx, 20)).unwrap();
            world.store.write(|tx| state::hold::expire(tx, 20)).unwrap();
        }),
    ]
}

#[test]
fn a_claim_costs_the_same_with_ten_times_the_history() {
    let world = sqlite();
    let run = world.run();
    remember(&world, run, 0, 200);
    cost(&world, run, "warm");
    let small = cost(&world, run, "probe");
    remember(&world, run, 200, 2000);
    cost(&world, run, "warm");
    let large = cost(&world, run, "probe");
    println!(
        "steps of enqueue, claim, finish and a look around: {small:?}, with ten times the history {large:?}"
    );
    for (small, large) in small.iter().zip(large) {
        assert!(large * 100 <= small * 105, "{small} steps became {large}");
    }
}
