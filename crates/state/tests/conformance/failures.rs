//! Failures: when they are tried again, when a package is failing, what ends it; breakers and holds.

use state::breaker::{self, Rule};
use state::hold;
use state::words::{Class, FailureState, Lane, Outcome};
use state::{queue, settings};

use crate::common::{DAY, HOUR, MINUTE, World, failure, finished, worlds};

fn fail(world: &World, run: i64, class: Class, message: &str) -> state::finish::Settled {
    let claim = world.claim(run).expect("a job to claim");
    world.finish(&claim, Outcome::Failed, failure(class, message)).unwrap()
}

fn wake(world: &World) -> usize {
    world.store.write(|tx| queue::wake(tx, 100)).unwrap()
}

#[test]
fn a_transient_failure_is_retried_and_ends_with_a_success() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        let settled = fail(&world, run, Class::Transient, "refused");
        assert_eq!(settled.failure, Some(FailureState::Retrying));
        assert_eq!(world.counter("failing"), 1);
        assert_eq!(wake(&world), 0);
        world.advance(7 * MINUTE);
        assert_eq!(wake(&world), 1);
        assert_eq!(world.counter("failing"), 1, "a failure does not vanish while it is retried");
        let claim = world.claim(run).unwrap();
        assert_eq!(claim.lane, Lane::Retry);
        world.finish(&claim, Outcome::Imported, None).unwrap();
        assert_eq!(world.counter("failing"), 0);
        assert_eq!(world.count("SELECT failing FROM signature"), 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM failure"), 0);
    }
}

#[test]
fn the_same_five_times_makes_it_failing_and_then_it_waits_a_week() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        for round in 1..=5 {
            let settled = fail(&world, run, Class::Transient, &format!("refused after {round} s"));
            let wanted = if round < 5 { FailureState::Retrying } else { FailureState::Failing };
            assert_eq!(settled.failure, Some(wanted), "round {round}");
            if round < 5 {
                world.advance(8 * HOUR);
                assert_eq!(wake(&world), 1);
            }
        }
        world.advance(5 * DAY);
        assert_eq!(wake(&world), 0);
        world.advance(4 * DAY);
        assert_eq!(wake(&world), 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM signature"), 1, "numbers make no new signature");
        assert_eq!(world.count("SELECT in_row FROM failure"), 5);
    }
}

#[test]
fn the_machines_failures_never_count() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        for _ in 0..30 {
            let settled = fail(&world, run, Class::Infrastructure, "no space left");
            assert_eq!(settled.failure, Some(FailureState::Retrying));
            world.advance(8 * HOUR);
            assert_eq!(wake(&world), 1);
        }
    }
}

#[test]
fn a_new_upload_is_tried_at_once() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        assert_eq!(fail(&world, run, Class::Permanent, "bad").failure, Some(FailureState::Failing));
        assert!(world.claim(run).is_none());
        world.enqueue("hello", Lane::Upload);
        let claim = world.claim(run).unwrap();
        assert_eq!(claim.lane, Lane::Upload);
        world.finish(&claim, Outcome::Imported, None).unwrap();
        assert_eq!(world.counter("failing"), 0);
    }
}

#[test]
fn each_hour_knows_its_first_tries() {
    for world in worlds() {
        let run = world.run();
        for package in ["a", "b", "c"] {
            world.enqueue(package, Lane::Upload);
        }
        fail(&world, run, Class::Transient, "refused");
        world.finish(&world.claim(run).unwrap(), Outcome::Imported, None).unwrap();
        world.advance(HOUR);
        world.finish(&world.claim(run).unwrap(), Outcome::Imported, None).unwrap();
        let sum = |figure: &str| {
            world.number("SELECT CAST(SUM(value) AS BIGINT) FROM sample WHERE figure = ?1", figure)
        };
        assert_eq!((sum("attempted"), sum("failed"), sum("new_failures")), (3, 1, 1));
        assert_eq!(world.count("SELECT COUNT(DISTINCT hour) FROM sample WHERE figure = 'attempted'"), 2);
    }
}

#[test]
fn a_held_package_is_not_claimed_and_does_not_count() {
    for world in worlds() {
        let run = world.run();
        let id = world.enqueue("hello", Lane::Upload);
        fail(&world, run, Class::Transient, "refused");
        world.advance(7 * MINUTE);
        wake(&world);
        assert!(
            world
                .store
                .write(|tx| hold::hold(tx, id, "me", "why not", Some(world_time(&world) + DAY)))
                .unwrap()
        );
        assert_eq!(
            (world.counter("failing"), world.counter("failing_held"), world.counter("held")),
            (0, 1, 1)
        );
        assert_eq!((world.counter("queue_retry"), world.counter("queue_held")), (0, 1));
        assert!(world.claim(run).is_none());
        world.enqueue("hello", Lane::Operator);
        assert!(world.claim(run).is_none(), "held is held, whoever asks");
        world.advance(DAY);
        assert_eq!(world.store.write(|tx| hold::expire(tx, 100)).unwrap(), ["hello"]);
        assert_eq!(
            (world.counter("failing"), world.counter("failing_held"), world.counter("held")),
            (1, 0, 0)
        );
        assert_eq!(world.claim(run).unwrap().package, "hello");
    }
}

#[test]
fn a_policy_that_holds_leaves_an_operators_own_hold_alone() {
    for world in worlds() {
        let run = world.run();
        let id = world.enqueue("hello", Lane::Upload);
        fail(&world, run, Class::Transient, "refused");
        world.store.write(|tx| tx.execute("UPDATE signature SET policy = 'hold'", &[])).unwrap();
        world.enqueue("hello", Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.store.write(|tx| hold::hold(tx, id, "me", "until the new kernel", None)).unwrap();
        world.finish(&claim, Outcome::Failed, failure(Class::Transient, "refused")).unwrap();
        assert_eq!(world.text("SELECT held_reason FROM package"), "until the new kernel");
    }
}

#[test]
fn many_holds_that_end_at_once_are_let_go_in_small_transactions() {
    for world in worlds() {
        for number in 0..90 {
            let id = world.enqueue(&format!("p{number}"), Lane::Upload);
            let until = Some(world_time(&world) + HOUR);
            world.store.write(|tx| hold::hold(tx, id, "me", "why not", until)).unwrap();
        }
        world.advance(DAY);
        let mut ended = 0;
        loop {
            match world.store.write(|tx| hold::expire(tx, 200)).unwrap().len() {
                0 => break,
                some => ended += some,
            }
        }
        assert_eq!((ended, world.counter("held"), world.counter("queue_upload")), (90, 0, 90));
        assert!(world.store.largest_transaction() <= state::tx::LARGEST);
    }
}

#[test]
fn parked_jobs_come_back_although_nobody_uses_what_they_need() {
    for world in worlds() {
        let run = world.run();
        let note = |tx: &mut state::tx::Tx<'_>| {
            breaker::note(tx, "mirror", (1, 0), None, None, &Rule::default()).map(|it| it.0.id)
        };
        let id = world.store.write(note).unwrap();
        world.enqueue("hello", Lane::Upload);
        // The breaker was closed while this import still waited for its answer.
        let mut parked = finished(&world.claim(run).unwrap(), Outcome::Parked, None);
        parked.parked_on = Some(id);
        world
            .store
            .write(|tx| state::finish::finish(tx, &parked, &state::policy::Retries::default()))
            .unwrap();
        world.advance(2 * MINUTE);
        assert_eq!(world.store.write(|tx| breaker::unpark(tx, 100)).unwrap(), 1);
        assert!(world.claim(run).is_some());
    }
}

fn world_time(world: &World) -> i64 {
    world.clock.load(std::sync::atomic::Ordering::SeqCst)
}

#[test]
fn an_outage_parks_jobs_and_lets_them_back_at_a_pace() {
    let rule = Rule::default();
    for world in worlds() {
        let run = world.run();
        for number in 0..60 {
            world.enqueue(&format!("p{number}"), Lane::Upload);
        }
        let note = |good, bad| {
            world
                .store
                .write(|tx| breaker::note(tx, "mirror", (good, bad), Some("refused"), Some("x"), &rule))
                .unwrap()
        };
        note(3, 0);
        for _ in 0..4 {
            assert!(!note(0, 1).1);
        }
        let (open, opened) = note(0, 1);
        assert!(open.open && opened);
        while let Some(claim) = world.claim(run) {
            let mut parked = finished(&claim, Outcome::Parked, None);
            parked.parked_on = Some(open.id);
            world
                .store
                .write(|tx| state::finish::finish(tx, &parked, &state::policy::Retries::default()))
                .unwrap();
        }
        assert_eq!(
            (world.counter("parked"), world.counter("failing"), world.counter("breakers_open")),
            (60, 0, 1)
        );
        let mut probes = 0;
        for _ in 0..100 {
            world.advance(1000);
            if world.store.write(|tx| breaker::take_probe(tx, open.id, run, &rule)).unwrap() {
                let another = world.store.write(|tx| breaker::take_probe(tx, open.id, run, &rule)).unwrap();
                assert!(!another, "one probe at a time");
                world.store.write(|tx| breaker::probed(tx, open.id, Some("refused"), &rule)).unwrap();
                probes += 1;
            }
        }
        assert!((20..=30).contains(&probes), "{probes} probes in 100 s");
        for _ in 0..24 {
            world.advance(HOUR);
            world.store.write(|tx| breaker::take_probe(tx, open.id, run, &rule)).unwrap();
            world.store.write(|tx| breaker::probed(tx, open.id, Some("refused"), &rule)).unwrap();
        }
        assert_eq!(world.store.write(|tx| breaker::unpark(tx, 200)).unwrap(), 0);
        world.store.write(|tx| breaker::probed(tx, open.id, None, &rule)).unwrap();
        assert_eq!(world.store.write(|tx| breaker::unpark(tx, 200)).unwrap(), 20, "paced");
        assert_eq!(world.store.write(|tx| breaker::unpark(tx, 200)).unwrap(), 0);
        note(1, 0);
        note(1, 0);
        assert_eq!(world.store.write(|tx| breaker::unpark(tx, 200)).unwrap(), 40);
        assert_eq!(
            (world.counter("parked"), world.counter("queue_upload"), world.counter("breakers_open")),
            (0, 60, 0)
        );
    }
}

#[test]
fn settings_are_checked_and_those_of_a_host_win() {
    for world in worlds() {
        assert!(settings::check("jobs", Some("0")).is_err());
        assert!(settings::check("jbos", Some("4")).is_err());
        assert!(settings::check("jobs", Some("100000")).is_err() && settings::check("jobs", None).is_ok());
        world
            .store
            .write(|tx| {
                settings::set(tx, "jobs", Some("4"))?;
                settings::set(tx, "jobs@b", Some("8"))
            })
            .unwrap();
        let jobs = |host: &str| world.store.read(|tx| settings::number_for(tx, "jobs", host)).unwrap();
        assert_eq!((jobs("a"), jobs("b")), (Some(4), Some(8)));
    }
}
