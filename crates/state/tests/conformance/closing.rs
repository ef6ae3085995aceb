//! The log of an SQLite state after a program ends.

use std::fs;
use std::path::Path;

use state::open::Location;
use state::{Store, meta};

fn open(folder: &Path) -> Store {
    Location::Sqlite(folder.join("state.db")).open_or_make().unwrap()
}

fn log(folder: &Path) -> u64 {
    fs::metadata(folder.join("state.db-wal")).unwrap().len()
}

fn set(store: &Store, value: &str) {
    store.write(|tx| meta::set(tx, "test", value)).unwrap();
}

fn get(store: &Store) -> Option<String> {
    store.read(|tx| meta::get(tx, "test")).unwrap()
}

#[test]
fn a_short_log_stays_and_a_long_one_is_emptied() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    assert_eq!(log(folder.path()), 0, "the tables that were made");
    let store = open(folder.path());
    set(&store, "short");
    assert!(store.may_be_left());
    drop(store);
    assert!(log(folder.path()) > 0);
    let store = open(folder.path());
    assert_eq!(get(&store).as_deref(), Some("short"));
    (0..100).for_each(|number| set(&store, &number.to_string()));
    assert!(!store.may_be_left());
    drop(store);
    assert_eq!(log(folder.path()), 0);
    assert_eq!(get(&open(folder.path())).as_deref(), Some("99"));
}

#[test]
fn what_is_written_is_there_although_nobody_closes() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..200 {
        let store = open(folder.path());
        assert_eq!(get(&store), (number > 0).then(|| (number - 1).to_string()));
        set(&store, &number.to_string());
        if store.may_be_left() {
            std::mem::forget(store);
        }
    }
    assert!(log(folder.path()) < 1 << 20);
}
