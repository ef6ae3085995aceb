//! What is kept, moved and forgotten: transfers, homes, retention, reclassification.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use state::identity::{self, Found};
use state::open::Location;
use state::reclassify::{normaliser, upgrade};
use state::retention::{self, Position, Rule};
use state::words::{Class, FailureState, Lane, Outcome, Policy};
use state::{StateError, Store, batch, counters, events, meta, operate, runs, settings, transfer, values};

use crate::common::{DAY, HOUR, LEASE, World, failure, finished, postgres, sqlite, worlds};

/// Something in as many tables as possible.
fn fill(world: &World) {
    let run = world.run();
    for number in 0..230 {
        world.enqueue(&format!("p{number}"), Lane::Upload);
    }
    for number in 0..40 {
        let claim = world.claim(run).unwrap();
        let message =
            format!("cannot reach {}", ["the archive", "a \"friend\"", "the Ünïcode 'sea'"][number % 3]);
        match number % 4 {
            0 => world.finish(&claim, Outcome::Imported, None).unwrap(),
            _ => world.finish(&claim, Outcome::Failed, failure(Class::Transient, &message)).unwrap(),
        };
    }
    world
        .store
        .write(|tx| {
            settings::set(tx, "jobs", Some("4"))?;
            let id = batch::begin(tx, "me", "all", None, 2)?;
            batch::add(tx, id, &[1, 2, 3])?;
            state::breaker::note(
                tx,
                "mirror",
                (1, 2),
                Some("refused"),
                None,
                &state::breaker::Rule::default(),
            )?;
            events::record(tx, "me", "test", "state", None, None, None)?;
            runs::end(tx, run, "empty", None)
        })
        .unwrap();
}

#[test]
fn a_state_is_carried_between_databases_of_both_kinds() {
    type Make = fn() -> World;
    let ways: [(Make, Make); 3] = [(sqlite, postgres), (postgres, sqlite), (sqlite, sqlite)];
    for (source, target) in ways {
        let (source, target) = (source(), target());
        fill(&source);
        transfer::leave(&source.store, "me", "there").unwrap();
        let carried = transfer::carry(&source.store, &target.store, |_, _| ()).unwrap();
        assert_eq!(carried.iter().find(|it| it.table == "package").unwrap().rows, 230);
        transfer::arrive(&target.store, "me", "migrate", "here").unwrap();
        let attempt = "SELECT MAX(id) FROM attempt";
        assert_eq!(source.count(attempt), target.count(attempt));
        assert!(target.store.read(counters::verify).unwrap().is_empty());
        // Work goes on there, with higher tokens.
        let before = target.count(attempt);
        let run = target.run();
        assert!(target.claim(run).unwrap().attempt > before);
        target.enqueue("new", Lane::Upload);
        // And not here.
        let said = source.location.open().err().unwrap().to_string();
        assert!(said.contains("moved to there"), "{said}");
        assert!(target.location.open().is_ok());
        let epoch = |store: &Store| store.read(runs::epoch).unwrap();
        assert!(epoch(&target.store) > epoch(&source.store));
    }
}

#[test]
fn numbers_of_rows_that_are_gone_are_not_given_again() {
    for target in worlds() {
        let source = sqlite();
        fill(&source);
        source.store.write(|tx| tx.execute("DELETE FROM failure", &[])).unwrap();
        source.store.write(|tx| tx.execute("DELETE FROM attempt WHERE id > 30", &[])).unwrap();
        transfer::carry(&source.store, &target.store, |_, _| ()).unwrap();
        let run = target.run();
        assert!(target.claim(run).unwrap().attempt > 40);
    }
}

#[test]
fn every_table_is_carried_and_both_kinds_have_the_same() {
    let tables: Vec<Vec<transfer::Carried>> =
        worlds().iter().map(|world| transfer::checksums(&world.store).unwrap()).collect();
    let names = |carried: &[transfer::Carried]| -> BTreeSet<String> {
        carried.iter().map(|it| it.table.clone()).collect()
    };
    assert_eq!(names(&tables[0]), names(&tables[1]));
    // What the text of the schema makes is what the database says that there is.
    let schema = [
        include_str!("../../src/schema/0001_tables.sql"),
        include_str!("../../src/schema/0002_parked_failing.sql"),
    ]
    .concat();
    let made: BTreeSet<String> = schema
        .lines()
        .filter_map(|line| line.strip_prefix("CREATE TABLE "))
        .map(|rest| rest.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(names(&tables[0]), made);
    // A table that is added later comes along.
    let (source, target) = (sqlite(), postgres());
    for (world, id) in [(&source, "INTEGER PRIMARY KEY AUTOINCREMENT"), (&target, "BIGINT PRIMARY KEY")] {
        let sql = format!("CREATE TABLE later (id {id}, text TEXT)");
        world.store.write(|tx| tx.execute(&sql, &[])).unwrap();
    }
    source.store.write(|tx| tx.execute("INSERT INTO later (text) VALUES ('kept')", &[])).unwrap();
    transfer::carry(&source.store, &target.store, |_, _| ()).unwrap();
    assert_eq!(target.text("SELECT text FROM later"), "kept");
    // One that only one side has is noticed.
    source.store.write(|tx| tx.execute("CREATE TABLE more (id INTEGER PRIMARY KEY)", &[])).unwrap();
    let said = transfer::carry(&source.store, &postgres().store, |_, _| ()).unwrap_err().to_string();
    assert!(said.contains("later") || said.contains("more"), "{said}");
}

#[test]
fn a_transfer_that_was_cut_off_is_begun_anew_and_a_state_is_never_overwritten() {
    for target in worlds() {
        let source = sqlite();
        fill(&source);
        transfer::carry(&source.store, &target.store, |_, _| ()).unwrap();
        // As if the second half had never come.
        target.store.write(|tx| tx.execute("DELETE FROM event", &[])).unwrap();
        target.store.write(|tx| tx.execute("DELETE FROM job WHERE package_id > 100", &[])).unwrap();
        // Not complete: nobody works with it.
        let said = target.location.open().err().unwrap().to_string();
        assert!(said.contains("not complete"), "{said}");
        transfer::carry(&source.store, &target.store, |_, _| ()).unwrap();
        transfer::arrive(&target.store, "me", "migrate", "here").unwrap();
        let said = transfer::carry(&source.store, &target.store, |_, _| ()).unwrap_err().to_string();
        assert!(said.contains("not empty"), "{said}");
    }
}

#[test]
fn a_state_with_an_open_run_is_not_moved() {
    for world in worlds() {
        world.run();
        let said = transfer::leave(&world.store, "me", "there").unwrap_err().to_string();
        assert!(said.contains("run 1") && said.contains("quiesce"), "{said}");
        assert!(world.location.open().is_ok());
    }
}

#[test]
fn a_copy_in_a_file_is_of_one_moment_although_others_write() {
    for world in worlds() {
        fill(&world);
        let world = Arc::new(world);
        let writer = {
            let world = Arc::clone(&world);
            std::thread::spawn(move || {
                let store = world.again();
                for number in 0..300 {
                    store
                        .write(|tx| {
                            let id = state::queue::package_id(tx, &format!("w{number}"))?;
                            state::queue::enqueue(tx, id, Lane::Upload, state::words::Tasks::IMPORT)
                        })
                        .unwrap();
                }
            })
        };
        let folder = tempfile::tempdir().unwrap();
        for number in 0..5 {
            let file = folder.path().join(format!("{number}.db"));
            transfer::copy_to_file(&world.store, &file).unwrap();
            assert_eq!(
                fs::read_dir(folder.path()).unwrap().count(),
                number + 1,
                "one file, nothing beside it"
            );
            let copy = folder.path().join("opened.db");
            fs::copy(&file, &copy).unwrap();
            let store = Location::Sqlite(copy.clone()).open().unwrap();
            assert!(store.read(counters::verify).unwrap().is_empty());
            drop(store);
            for ending in ["", "-wal", "-shm"] {
                fs::remove_file(format!("{}{ending}", copy.display())).unwrap();
            }
        }
        writer.join().unwrap();
    }
}

/// The state of a world as a file elsewhere, as somebody's `cp` would make it.
fn copied(world: &World, folder: &std::path::Path) -> Store {
    let file = folder.join("state.db");
    transfer::copy_to_file(&world.store, &file).unwrap();
    Location::Sqlite(file).open().unwrap()
}

fn check(store: &Store, host: &str, alive: bool) -> Result<Found, StateError> {
    let here = identity::here(store, host)?;
    store.write(|tx| identity::check(tx, here.as_ref(), |_| alive))
}

#[test]
fn a_copy_whose_original_may_run_is_refused_until_it_is_adopted() {
    let world = sqlite();
    let check = |store: &Store, alive: bool| check(store, "a", alive);
    assert_eq!(check(&world.store, true).unwrap(), Found::AtHome);
    assert_eq!(check(&world.store, true).unwrap(), Found::AtHome);
    let run = world.run();
    world.enqueue("hello", Lane::Upload);
    let claim = world.claim(run).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = copied(&world, folder.path());
    let refused = check(&copy, true).unwrap_err();
    assert!(matches!(refused, StateError::Foreign(_)));
    assert!(refused.to_string().contains("package-import adopt"), "{refused}");
    let (epoch, taken) = identity::take_over(&copy, "a", 0, ("me", "adopt", None), "0.1").unwrap();
    assert_eq!((epoch, taken), (2, 1));
    assert_eq!(check(&copy, true).unwrap(), Found::AtHome);
    let lost = copy.read(|tx| tx.first("SELECT outcome FROM attempt", &[])).unwrap().unwrap();
    assert_eq!(lost.text(0), "lost");
    assert!(copy.read(counters::verify).unwrap().is_empty());
    // The original does not know of that.
    world.finish(&claim, Outcome::Imported, None).unwrap();
    assert_eq!(check(&world.store, true).unwrap(), Found::AtHome);
}

#[test]
fn a_copy_just_works_if_nothing_ran_or_what_ran_is_dead() {
    let world = sqlite();
    check(&world.store, "a", true).unwrap();
    let run = world.run();
    let folder = tempfile::tempdir().unwrap();
    let of_dead = copied(&world, folder.path());
    assert!(matches!(check(&of_dead, "a", false).unwrap(), Found::Moved(_)));
    world.store.write(|tx| runs::end(tx, run, "empty", None)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let of_stopped = copied(&world, folder.path());
    assert!(matches!(check(&of_stopped, "b", true).unwrap(), Found::Moved(_)));
    let moved = of_stopped.read(|tx| events::list(tx, Some("state"), 1)).unwrap();
    assert_eq!(moved[0].action, "moved");
}

#[test]
fn another_machine_cannot_tell_who_is_dead() {
    let world = sqlite();
    check(&world.store, "a", true).unwrap();
    world.run();
    let folder = tempfile::tempdir().unwrap();
    let copy = copied(&world, folder.path());
    let home = copy.read(|tx| meta::get(tx, meta::HOME)).unwrap().unwrap();
    let mut home: identity::Home = serde_json::from_str(&home).unwrap();
    home.machine = "another".into();
    copy.write(|tx| meta::set(tx, meta::HOME, &serde_json::to_string(&home).unwrap())).unwrap();
    assert!(check(&copy, "a", false).is_err());
}

#[test]
fn a_folder_that_was_renamed_is_at_home() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    let store = Location::Sqlite(old.join("state.db")).open_or_make().unwrap();
    check(&store, "a", true).unwrap();
    drop(store);
    fs::rename(&old, &new).unwrap();
    let store = Location::Sqlite(new.join("state.db")).open().unwrap();
    assert_eq!(check(&store, "a", true).unwrap(), Found::AtHome);
}

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
            // Half of the figures are of the same hours: those are there already.
            if chunk % 10 == 0 {
                world.store.write(add).unwrap();
            }
        }
        world.advance(3000 * DAY);
        let rule = Rule::default();
        let mut steps = 1;
        while world.store.write(|tx| retention::step(tx, &rule)).unwrap() {
            steps += 1;
            // Another process goes on where this one stopped.
            let store = world.again();
            if store.write(|tx| retention::next(tx, &rule)).unwrap().is_none() {
                break;
            }
            steps += 1;
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM event"), 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM sample"), 0);
        assert!((5..12).contains(&steps), "{steps} steps");
    }
}

#[test]
fn a_new_rule_of_signatures_makes_aliases_and_no_surge() {
    for world in worlds() {
        let run = world.run();
        for package in ["a", "b", "c"] {
            world.enqueue(package, Lane::Upload);
            let claim = world.claim(run).unwrap();
            let message = format!("cannot reach server {package}");
            world.finish(&claim, Outcome::Failed, failure(Class::Transient, &message)).unwrap();
        }
        state::samples::take(&world.store).unwrap();
        let old = world.text("SELECT short FROM signature ORDER BY id LIMIT 1");
        let decision = operate::Decision { note: Some("known"), ..operate::Decision::default() };
        let by = operate::By { actor: "me", reason: None };
        world.store.write(|tx| operate::decide(tx, &old, &decision, by)).unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM signature"), 1);
        let rule = |message: &str, package: &str, _: Option<&str>| {
            message.replace("server", "the server").replace(&format!(" {package}"), " PACKAGE")
        };
        assert_eq!(normaliser::all_by(&world.store, 2, &rule).unwrap(), 1);
        assert_eq!(normaliser::all_by(&world.store, 2, &rule).unwrap(), 0, "once is enough");
        let new =
            world.text("SELECT short FROM signature WHERE alias_of IS NULL ORDER BY failing DESC LIMIT 1");
        assert_ne!(old, new);
        assert_eq!(world.text("SELECT note FROM signature WHERE failing = 3"), "known");
        assert_eq!(
            world.number(
                "SELECT CAST(SUM(value) AS BIGINT) FROM sample WHERE figure = ?1",
                &format!("signature:{new}")
            ),
            3
        );
        assert_eq!(
            world.number("SELECT COUNT(*) FROM sample WHERE figure = ?1", &format!("signature:{old}")),
            0
        );
        // The old id goes on to work.
        let policy = operate::Decision { policy: Some(Some(Policy::Fail)), ..operate::Decision::default() };
        let decided = world.store.write(|tx| operate::decide(tx, &old, &policy, by)).unwrap();
        assert_eq!(world.count("SELECT id FROM signature WHERE failing = 3"), decided);
        assert!(world.store.read(counters::verify).unwrap().is_empty());
    }
}

#[test]
fn a_newer_program_tries_again_what_keeps_failing_a_few_first() {
    for world in worlds() {
        let run = world.run();
        for number in 0..250 {
            world.enqueue(&format!("p{number:03}"), Lane::Upload);
            let claim = world.claim(run).unwrap();
            let class = if number < 240 { Class::Permanent } else { Class::Transient };
            let settled = world.finish(&claim, Outcome::Failed, failure(class, "bad")).unwrap();
            assert_eq!(settled.failure == Some(FailureState::Failing), number < 240);
        }
        let begin = |version: &str| upgrade::retry_failing(&world.store, version, 5).unwrap();
        assert_eq!(begin("0.9.0"), None, "the first one has nothing to compare with");
        assert_eq!(begin("0.9.0"), None);
        let id = begin("0.10.0").unwrap();
        assert_eq!(begin("0.9.0"), None, "an older host that starts again changes nothing");
        assert_eq!(begin("0.10.0"), None);
        let batch = world.store.read(|tx| batch::get(tx, id)).unwrap();
        assert_eq!((batch.total, batch.canary, batch.state.as_str()), (240, 5, "canary"));
        assert_eq!(world.counter("queue_retry"), 5);
        while let Some(claim) = world.claim(run) {
            world.finish(&claim, Outcome::Imported, None).unwrap();
        }
        world.store.write(|tx| batch::advance(tx, 20)).unwrap();
        world.store.write(|tx| batch::advance(tx, 20)).unwrap();
        assert_eq!(world.counter("queue_retry"), 20);
        assert!(world.store.read(counters::verify).unwrap().is_empty());
        assert!(world.store.largest_transaction() <= state::tx::LARGEST);
    }
}

#[test]
fn a_state_that_was_taken_over_knows_no_token_from_before() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        let claim = world.claim(run).unwrap();
        let (epoch, taken) =
            identity::take_over(&world.store, "a", 41, ("me", "restore", None), "0.1").unwrap();
        assert_eq!((epoch, taken), (42, 1), "above the highest fence that stands");
        let late = world.store.write(|tx| {
            state::finish::finish(
                tx,
                &finished(&claim, Outcome::Imported, None),
                &state::policy::Retries::default(),
            )
        });
        assert!(matches!(late, Err(StateError::LeaseLost(_))));
        assert_eq!(world.count("SELECT COUNT(*) FROM run WHERE ended IS NULL"), 0);
        world.advance(LEASE);
        let next = world.run();
        assert!(world.claim(next).unwrap().attempt > claim.attempt);
    }
}
