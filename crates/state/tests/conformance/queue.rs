//! The queue: lanes, one live row per package, claims, leases, reclaim.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use state::StateError;
use state::finish;
use state::marks::Marks;
use state::policy::Retries;
use state::queue::{self, Wish};
use state::runs;
use state::words::{Lane, Outcome, Tasks};

use crate::common::{LEASE, MINUTE, START, finished, worlds};

#[test]
fn higher_lanes_go_first_and_older_jobs_within_a_lane() {
    for world in worlds() {
        let run = world.run();
        for (package, lane) in [
            ("r1", Lane::Rescan),
            ("u1", Lane::Upload),
            ("r2", Lane::Rescan),
            ("o", Lane::Operator),
            ("u2", Lane::Upload),
        ] {
            world.enqueue(package, lane);
            world.advance(1000);
        }
        let order: Vec<String> = std::iter::from_fn(|| world.claim(run)).map(|claim| claim.package).collect();
        assert_eq!(order, ["o", "u1", "u2", "r1", "r2"]);
        assert_eq!(world.counter("running"), 5);
        assert_eq!(world.counter("queue_upload"), 0);
    }
}

#[test]
fn every_kth_claim_takes_the_oldest_so_that_nothing_starves() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("old", Lane::Maintain);
        world.advance(1000);
        world.enqueue("fresh", Lane::Upload);
        assert_eq!(world.claim_as(run, true).unwrap().package, "old");
        assert_eq!(world.claim_as(run, false).unwrap().package, "fresh");
    }
}

#[test]
fn asking_twice_makes_one_row_and_raises_the_lane() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Rescan);
        world.enqueue("hello", Lane::Operator);
        world.enqueue("hello", Lane::Rescan);
        assert_eq!((world.counter("queue_rescan"), world.counter("queue_operator")), (0, 1));
        let claim = world.claim(run).unwrap();
        assert_eq!(claim.lane, Lane::Operator);
        assert!(world.claim(run).is_none());
        world.finish(&claim, Outcome::Imported, None).unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM job"), 0);
        assert_eq!(world.counter("running"), 0);
    }
}

#[test]
fn what_is_asked_for_while_it_runs_is_done_afterwards() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.enqueue("hello", Lane::Upload);
        assert!(world.claim(run).is_none(), "it runs already");
        let settled = world.finish(&claim, Outcome::Imported, None).unwrap();
        assert!(settled.again);
        assert_eq!(world.counter("queue_upload"), 1);
        let second = world.claim(run).unwrap();
        assert!(second.attempt > claim.attempt, "a token is never smaller than an earlier one");
        assert!(!world.finish(&second, Outcome::Imported, None).unwrap().again);
    }
}

#[test]
fn a_lost_lease_gives_the_job_to_another_and_voids_the_first() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        let first = world.claim(run).unwrap();
        world.advance(LEASE + 1);
        assert_eq!(world.store.write(|tx| runs::reclaim(tx, &[], 100, "0.1")).unwrap(), 1);
        let second = world.claim(run).unwrap();
        assert!(second.attempt > first.attempt);
        let late = world.finish(&first, Outcome::Imported, None);
        assert!(matches!(late, Err(StateError::LeaseLost(_))), "{late:?}");
        world.finish(&second, Outcome::Imported, None).unwrap();
        assert_eq!(world.text("SELECT outcome FROM attempt ORDER BY id LIMIT 1"), "lost");
        assert_eq!(
            world.count("SELECT COUNT(*) FROM failure"),
            0,
            "a lost worker is no failure of the package"
        );
    }
}

#[test]
fn a_heartbeat_keeps_the_lease() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        let claim = world.claim(run).unwrap();
        for _ in 0..5 {
            world.advance(LEASE - 1000);
            let beat = world.store.write(|tx| runs::beat(tx, run, LEASE)).unwrap();
            assert_eq!(beat.held, [claim.attempt]);
            assert_eq!(world.store.write(|tx| runs::reclaim(tx, &[], 100, "0.1")).unwrap(), 0);
        }
        world.finish(&claim, Outcome::Imported, None).unwrap();
    }
}

#[test]
fn a_run_begins_with_a_heartbeat() {
    for world in worlds() {
        world.run();
        world.advance(LEASE);
        world.run();
        let beat = world.number("SELECT heartbeat FROM host WHERE name = ?1", "a");
        assert_eq!(beat, START + LEASE);
    }
}

#[test]
fn the_jobs_of_a_dead_run_come_back_at_once() {
    for world in worlds() {
        let (dead, alive) = (world.run(), world.run());
        world.enqueue("a", Lane::Upload);
        world.enqueue("b", Lane::Upload);
        world.claim(dead).unwrap();
        let kept = world.claim(alive).unwrap();
        world
            .store
            .write(|tx| {
                runs::reclaim(tx, &[dead], 100, "0.1")?;
                runs::close_dead(tx, &[dead])
            })
            .unwrap();
        assert_eq!(world.claim(alive).unwrap().package, "a");
        world.finish(&kept, Outcome::Imported, None).unwrap();
        assert_eq!(world.text("SELECT outcome FROM run ORDER BY id LIMIT 1"), "killed");
    }
}

#[test]
fn finishing_again_after_a_broken_connection_changes_nothing() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Imported, None).unwrap();
        world.finish(&claim, Outcome::Imported, None).unwrap();
        assert_eq!(world.count("SELECT attempts FROM run ORDER BY id LIMIT 1"), 1);
        assert_eq!(world.counter("running"), 0);
    }
}

#[test]
fn a_cancelled_job_keeps_its_place() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("first", Lane::Upload);
        world.advance(MINUTE);
        world.enqueue("second", Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Cancelled, None).unwrap();
        assert_eq!(world.claim(run).unwrap().package, "first");
    }
}

#[test]
fn a_job_that_needs_too_much_memory_waits_its_turn() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("big", Lane::Upload);
        let claim = world.claim(run).unwrap();
        let mut done = finished(&claim, Outcome::Imported, None);
        done.usage.peak_rss = 1 << 30;
        world.store.write(|tx| finish::finish(tx, &done, &Retries::default())).unwrap();
        world.enqueue("big", Lane::Upload);
        world.advance(1);
        world.enqueue("small", Lane::Upload);
        let wish = Wish { run, lease: LEASE, importer: "0.1", memory: Some(1 << 29), ..Wish::default() };
        let claim = |_| world.store.write(|tx| queue::claim(tx, &wish)).unwrap().map(|claim| claim.package);
        assert_eq!(claim(()), Some("small".to_owned()));
        assert_eq!(claim(()), None);
    }
}

#[test]
fn no_job_is_claimed_twice_by_many_at_once() {
    for world in worlds() {
        let run = world.run();
        for number in 0..200 {
            world.enqueue(&format!("package{number}"), Lane::Upload);
        }
        let world = Arc::new(world);
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    let store = world.again();
                    let wish = Wish { run, lease: LEASE, importer: "0.1", ..Wish::default() };
                    let mut mine = Vec::new();
                    while let Some(claim) = store.write(|tx| queue::claim(tx, &wish)).unwrap() {
                        let done = finished(&claim, Outcome::Imported, None);
                        store.write(|tx| finish::finish(tx, &done, &Retries::default())).unwrap();
                        mine.push(claim.package);
                    }
                    mine
                })
            })
            .collect();
        let all: Vec<String> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
        assert_eq!(all.len(), 200);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 200);
        assert_eq!(world.counter("running"), 0);
        assert_eq!(world.counter("queue_upload"), 0);
        assert_eq!(world.count("SELECT imported FROM run ORDER BY id LIMIT 1"), 200);
    }
}

#[test]
fn tasks_that_are_asked_for_together_are_done_together() {
    for world in worlds() {
        let run = world.run();
        let id = world.enqueue("hello", Lane::Verify);
        world.store.write(|tx| queue::enqueue(tx, id, Lane::Maintain, Tasks::REPACK)).unwrap();
        let claim = world.claim(run).unwrap();
        assert!(claim.tasks.has(Tasks::IMPORT) && claim.tasks.has(Tasks::REPACK));
        assert_eq!(claim.lane, Lane::Verify);
        world.store.write(|tx| queue::enqueue(tx, id, Lane::Verify, Tasks::VERIFY)).unwrap();
        world.finish(&claim, Outcome::Imported, None).unwrap();
        assert_eq!(world.claim(run).unwrap().tasks, Tasks::VERIFY, "only what was asked for since");
    }
}

#[test]
fn a_mark_changes_no_order_and_hides_nothing() {
    for world in worlds() {
        let run = world.run();
        let marks = Marks::default();
        let claim = || {
            let wish = Wish { run, lease: LEASE, importer: "0.1", marks: Some(&marks), ..Wish::default() };
            world.store.write(|tx| queue::claim(tx, &wish)).unwrap().map(|claim| claim.package)
        };
        for number in 0..4 {
            world.enqueue(&format!("upload{number}"), Lane::Upload);
            world.advance(1000);
        }
        assert_eq!(claim().as_deref(), Some("upload0"));
        world.enqueue("now", Lane::Operator);
        world.enqueue("later", Lane::Rescan);
        assert_eq!(claim().as_deref(), Some("now"), "a higher lane goes first");
        assert_eq!(claim().as_deref(), Some("upload1"));
        assert_eq!(claim().as_deref(), Some("upload2"));
        assert_eq!(claim().as_deref(), Some("upload3"));
        assert_eq!(claim().as_deref(), Some("later"));
        // One that returns to an old place, in front of the mark.
        world.enqueue("old", Lane::Retry);
        let sooner = "UPDATE job SET entered = entered - 1000000 WHERE state = 'pending'";
        world.store.write(|tx| tx.execute(sooner, &[])).unwrap();
        assert_eq!(claim().as_deref(), Some("old"));
        assert_eq!(claim(), None);
    }
}
