//! Carrying a state from one database to another, of either kind.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use state::open::Location;
use state::words::{Class, Lane, Outcome};
use state::{Store, batch, counters, events, runs, settings, transfer};

use crate::common::{World, failure, postgres, sqlite, worlds};

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
    // The tables of the schema's text are those that the database lists.
    let steps = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema")).unwrap();
    let steps = steps.map(|entry| entry.unwrap().path());
    let schema: String = steps
        .filter(|path| path.extension().is_some_and(|it| it == "sql") && !path.ends_with("views.sql"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
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
