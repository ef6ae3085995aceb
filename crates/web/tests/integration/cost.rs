//! Cost of pages: bytes, and steps of the database, which do not grow with history.

use operations::Opened;
use state::open::Location;

use crate::pages::PAGES;
use crate::site::Site;
use crate::world;

#[test]
fn no_page_is_larger_than_100_kb() {
    let world = world::large(20);
    let site = Site::with_user(world.root(), "olga");
    for path in PAGES.into_iter().chain([
        "/signatures/s000001",
        "/packages/package-with-a-name-00001",
        "/search?q=package",
    ]) {
        let got = site.get(path);
        assert_eq!(got.status, 200, "{path}");
        assert!(got.text.len() <= 100_000, "{path}: {} bytes", got.text.len());
    }
    let got = site.post("/act", &[("action", "retry-signature"), ("subject", "s000001"), ("canary", "5")]);
    assert!(got.status == 200 && got.text.len() <= 100_000, "{}", got.text.len());
}

/// Five times the history takes as many steps. `steps` counts those of SQLite's virtual machine.
#[test]
fn no_page_costs_more_with_more_history() {
    let cost = |history: i64| {
        let world = world::large(history);
        let store = Location::Sqlite(world.database()).open_to_read().unwrap();
        let at = Opened { root: world.root().to_owned(), config: importer::config::Config::default(), store };
        web::COSTS
            .iter()
            .map(|(name, ask)| {
                let before = at.store.steps();
                ask(&at).unwrap();
                (*name, at.store.steps() - before)
            })
            .collect::<Vec<_>>()
    };
    for ((name, few), (_, many)) in cost(20).into_iter().zip(cost(100)) {
        assert!(
            few > 0 && many <= few + few / 10 + 200,
            "{name}: {few} steps, with five times the history {many}"
        );
    }
}
