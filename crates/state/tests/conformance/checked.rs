//! Records of the importer for the checks: followed suites, integrity of the database.

use state::driver::Kind;
use state::{integrity, suites};

use crate::common::{DAY, HOUR, MINUTE, World, worlds};

fn followed(world: &World) -> Vec<(String, i64)> {
    let sql = "SELECT suite, interval_ms FROM check_v1_suites ORDER BY suite";
    let rows = world.store.read(|tx| tx.query(sql, &[])).unwrap();
    rows.iter().map(|row| (row.text(0), row.int(1))).collect()
}

#[test]
fn the_checks_see_what_is_followed_now() {
    for world in worlds() {
        let suites =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), MINUTE)).collect::<Vec<_>>();
        suites::follow(&world.store, "debian", &suites(&["sid", "trixie"])).unwrap();
        suites::follow(&world.store, "private", &suites(&["main"])).unwrap();
        let waits = world.store.waits().len();
        suites::follow(&world.store, "debian", &suites(&["sid", "trixie"])).unwrap();
        suites::follow_only(&world.store, &["debian".into(), "private".into()]).unwrap();
        assert_eq!(world.store.waits().len(), waits, "nothing is written where nothing has changed");
        suites::follow(&world.store, "debian", &[("trixie".into(), HOUR)]).unwrap();
        assert_eq!(followed(&world), [("main".into(), MINUTE), ("trixie".into(), HOUR)]);
        suites::follow_only(&world.store, &["debian".into()]).unwrap();
        assert_eq!(followed(&world), [("trixie".into(), HOUR)]);
        assert!(!suites::are_followed(&world.store, "private").unwrap());
        // Its earlier records are still there when it comes back.
        suites::follow(&world.store, "private", &suites(&["main"])).unwrap();
        assert_eq!(followed(&world).len(), 2);
    }
}

#[test]
fn a_database_is_examined_once_a_day() {
    for world in worlds() {
        let expected = if world.store.kind() == Kind::Sqlite { "ok" } else { integrity::SERVER };
        let examine = || integrity::examine_if_due(&world.store).unwrap();
        assert_eq!(examine().as_deref(), Some(expected));
        assert_eq!(examine(), None);
        world.advance(DAY);
        assert_eq!(examine().as_deref(), Some(expected));
        assert_eq!(world.text("SELECT value FROM check_v1_state WHERE name = 'integrity'"), expected);
    }
}
