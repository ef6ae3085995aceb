//! A program that works while the state is upgraded to a schema that it must not write to.

use state::fleet::look;
use state::words::Lane;
use state::{StateError, Store, queue, schema};

use crate::common::{World, worlds};

/// Upgrade as of a later release: `by` schemas more, of which the oldest that may write is `min_writer`.
fn upgrade(world: &World, schema: i64, min_writer: i64) {
    for (name, value) in [("schema", schema), ("min_writer", min_writer)] {
        let sql = "UPDATE meta SET value = ?2 WHERE name = ?1";
        world.again().write(|tx| tx.execute(sql, state::values![name, value.to_string()])).unwrap();
    }
}

fn add(store: &Store, name: &str) -> Result<i64, StateError> {
    store.write(|tx| queue::package_id(tx, name))
}

#[test]
fn whoever_must_not_write_to_a_newer_schema_stops() {
    for world in worlds() {
        world.enqueue("p0", Lane::Upload);
        upgrade(&world, schema::CURRENT + 1, schema::CURRENT);
        world.store.look_again();
        add(&world.store, "p1").unwrap();
        world.store.read(|tx| look::look(tx, "a")).unwrap();
        assert_eq!(world.store.outgrown(), None, "one after the other");
        upgrade(&world, schema::CURRENT + 1, schema::CURRENT + 1);
        let said = world.store.read(|tx| look::look(tx, "a")).unwrap_err();
        assert!(matches!(said, StateError::Newer { .. }), "{said}");
        world.store.look_again();
        for name in ["p2", "p3"] {
            let said = add(&world.store, name).unwrap_err().to_string();
            assert!(said.contains("made by a newer package-import") && said.contains("upgrade it"), "{said}");
        }
        assert_eq!(world.store.outgrown(), Some(schema::CURRENT + 1));
        assert_eq!(world.count("SELECT COUNT(*) FROM package"), 2, "nothing was written");
        let said = world.location.open().map(drop).unwrap_err();
        assert!(matches!(said, StateError::Newer { .. }), "{said}");
    }
}

/// A state of 0.1.0 that was brought up is closed to the programs of 0.1.0.
#[test]
fn a_new_state_says_who_may_write() {
    for world in worlds() {
        let min_writer = world.text("SELECT value FROM meta WHERE name = 'min_writer'");
        assert_eq!(min_writer, schema::MIN_WRITER.to_string());
        // 0.1.0 knew two steps.
        const { assert!(schema::MIN_WRITER > 2) };
    }
}
