//! Retention: the removed rows, the time, and the steps.

use state::retention::{self, Position, Rule};
use state::words::{Class, Lane, Outcome};
use state::{batch, counters, events, runs, values};

use crate::common::{DAY, HOUR, failure, worlds};

#[test]
fn pruning_keeps_the_newest_four_and_what_explains_the_present() {
    for world in worlds() {
        let run = world.run();
        for round in 0..30 {
            for package in ["good", "bad"] {
                world.enqueue(package, Lane::Upload);
                let claim = world.claim(run).unwrap();
                match (package, round) {
                    ("bad", 0) => {
                        let cause = failure(Class::Permanent, "seen once");
                        drop(world.finish(&claim, Outcome::Failed, cause).unwrap());
                    }
                    ("bad", _) => {
                        let cause = failure(Class::Permanent, "refused");
                        drop(world.finish(&claim, Outcome::Failed, cause).unwrap());
                    }
                    _ => drop(world.finish(&claim, Outcome::Imported, None).unwrap()),
                }
            }
        }
        world.store.write(|tx| events::record(tx, "me", "old", "state", None, None, None)).unwrap();
        world.store.write(|tx| runs::end(tx, run, "empty", None)).unwrap();
        let rule = Rule::default();
        let pass = || while world.store.write(|tx| retention::step(tx, &rule)).unwrap() {};
        pass();
        assert_eq!(world.count("SELECT COUNT(*) FROM attempt"), 60, "they are young");
        world.advance(100 * DAY);
        world.run();
        let (mut position, mut would) = (Position::default(), 0);
        let look =
            |position: &mut Position| world.store.read(|tx| retention::look(tx, &rule, position)).unwrap();
        while let Some(step) = look(&mut position) {
            would += if step.table == "attempt" { step.forgotten } else { 0 };
        }
        assert_eq!((would, world.count("SELECT COUNT(*) FROM attempt")), (51, 60), "it only looked");
        pass();
        assert_eq!(world.count("SELECT COUNT(*) FROM attempt"), 4 + 4 + 1);
        assert_eq!(world.count("SELECT COUNT(DISTINCT signature_id) FROM attempt"), 2);
        assert_eq!(world.count("SELECT COUNT(*) FROM run"), 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM event WHERE action = 'old'"), 1);
        assert!(world.count("SELECT COUNT(*) FROM sample") > 0);
        world.advance(2 * 366 * DAY);
        pass();
        assert_eq!(world.count("SELECT COUNT(*) FROM event WHERE action = 'old'"), 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM sample"), 0);
        assert!(world.store.read(counters::verify).unwrap().is_empty());
        assert!(world.store.largest_transaction() <= state::tx::LARGEST);
    }
}

#[test]
fn batches_that_are_over_are_forgotten_with_their_members() {
    for world in worlds() {
        let ids: Vec<i64> =
            (0..400).map(|number| world.enqueue(&format!("p{number}"), Lane::Upload)).collect();
        let make = || {
            let id = world.store.write(|tx| batch::begin(tx, "me", "all", None, 2)).unwrap();
            for chunk in ids.chunks(100) {
                world.store.write(|tx| batch::add(tx, id, chunk)).unwrap();
            }
            id
        };
        let (over, open) = (make(), make());
        world
            .store
            .write(|tx| tx.execute("UPDATE batch SET state = 'done' WHERE id = ?1", values![over]))
            .unwrap();
        world.advance(100 * DAY);
        let (mut position, mut would, rule) = (Position::default(), 0, Rule::default());
        while let Some(step) = world.store.read(|tx| retention::look(tx, &rule, &mut position)).unwrap() {
            would += if step.table == "batch" { step.forgotten } else { 0 };
        }
        assert_eq!((would, world.count("SELECT COUNT(*) FROM batch")), (401, 2), "it only looked");
        while world.store.write(|tx| retention::step(tx, &rule)).unwrap() {}
        let left = format!("SELECT COUNT(*) FROM batch_member WHERE batch_id = {open}");
        assert_eq!((world.count("SELECT COUNT(*) FROM batch_member"), world.count(&left)), (400, 400));
        assert_eq!(world.count("SELECT COUNT(*) FROM batch"), 1);
        assert!(world.store.largest_transaction() <= state::tx::LARGEST);
    }
}

#[test]
fn a_pass_that_was_cut_off_goes_on_and_its_steps_stay_small() {
    for world in worlds() {
        for chunk in 0..20 {
            let add = |tx: &mut state::tx::Tx<'_>| {
                let now = tx.now()?;
                for number in 0..100 {
                    tx.execute(
                        "INSERT INTO sample (figure, hour, shard, value) VALUES (?1, ?2, 0, 1)",
                        values![format!("f{number}"), now / HOUR + chunk / 10],
                    )?;
                    tx.execute(
                        "INSERT INTO event (at, actor, action, subject) VALUES (?1, 'me', 'x', 'y')",
                        values![now + chunk],
                    )?;
                }
                Ok(())
            };
            // Half of the figures are of the same hours: those exist already.
            if chunk % 10 == 0 {
                world.store.write(add).unwrap();
            }
        }
        world.advance(3000 * DAY);
        let rule = Rule::default();
        let mut steps = 1;
        while world.store.write(|tx| retention::step(tx, &rule)).unwrap() {
            steps += 1;
            // Another process continues where this one stopped.
            let store = world.again();
            if store.write(|tx| retention::next(tx, &rule)).unwrap().is_none() {
                break;
            }
            steps += 1;
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM event"), 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM sample"), 0);
        // Tables with nothing to look at cost no step of their own; 400 rows take a few.
        assert!((4..retention::TABLES.len() + 7).contains(&steps), "{steps} steps");
    }
}
