//! Detection of a copied state whose original may still be in use.

use std::fs;

use state::identity::{self, Found};
use state::open::Location;
use state::words::{Lane, Outcome};
use state::{StateError, Store, counters, events, meta, runs, transfer};

use crate::common::{LEASE, World, finished, sqlite, worlds};

/// The state of a world as a file elsewhere, like a copy by `cp`.
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
    // The original does not notice.
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
