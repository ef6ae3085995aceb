//! Packages that come in masses: they have one value of the past together, and are told as if each had its own.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use state::publications::NewPublication;
use state::read::{package, queue, status};
use state::retention::{self, Rule};
use state::tx::Tx;
use state::words::{Class, Lane, Outcome};
use state::{StateError, meta, suites};

use crate::common::{DAY, MINUTE, START, World, failure, worlds};

/// More than one transaction takes over, so that the last of them makes too few packages for a mass.
const PACKAGES: usize = 125;

fn mass() -> Vec<(String, NewPublication)> {
    let publication = |number: usize| NewPublication {
        archive: "main".into(),
        distro: "debian".into(),
        suite: "sid".into(),
        component: "main".into(),
        version: "1.0-1".into(),
        dsc: format!("pool/{number}.dsc"),
        dsc_sha256: format!("hash of {number}"),
        trust: "\"unsigned\"".into(),
        files: String::new(),
        published: Some(START),
        lane: Lane::Rescan,
    };
    (0..PACKAGES).map(|number| (format!("p{number:03}"), publication(number))).collect()
}

fn told(tx: &mut Tx<'_>) -> Result<Value, StateError> {
    let status = json!(status::read(tx, 5)?);
    let packages: Vec<_> =
        ["p000", "p060", "p124"].iter().map(|name| package::read(tx, name, 3)).collect::<Result<_, _>>()?;
    Ok(json!({
        "queue": status["queue"],
        "failing": status["failing"],
        "next": queue::next(tx, None, 200)?,
        "packages": packages,
    }))
}

fn record(world: &World, recorded: &mut Vec<(i64, Value)>) {
    recorded.push((world.clock.load(Ordering::SeqCst), world.store.read(told).unwrap()));
    world.advance(MINUTE);
}

fn agree(world: &World, recorded: &[(i64, Value)]) {
    for (at, then) in recorded {
        let told = world.store.read_at(Some(*at), told).unwrap();
        for (part, then) in then.as_object().unwrap() {
            assert_eq!(&told[part], then, "{part}, {} minutes after the start", (at - START) / MINUTE);
        }
    }
}

#[test]
fn a_mass_is_told_as_if_each_package_had_its_own_past() {
    for world in worlds() {
        world.store.write(|tx| meta::set(tx, meta::PAST_SINCE, &START.to_string())).unwrap();
        let (run, mut recorded) = (world.run(), Vec::new());
        world.enqueue("p060", Lane::Upload);
        world.advance(MINUTE);
        record(&world, &mut recorded);
        suites::take_over(&world.store, &mass(), Lane::Rescan, &|_| {}).unwrap();
        record(&world, &mut recorded);
        let rows = "SELECT COUNT(*) FROM package_past";
        assert_eq!(world.count("SELECT COUNT(*) FROM past WHERE kind = 'born'"), 2, "a value a transaction");
        assert_eq!(
            world.count(rows),
            2 + 5,
            "what was known before, twice, and those of the last transaction"
        );
        for outcome in [Outcome::Imported, Outcome::Failed] {
            let claim = world.claim(run).unwrap();
            record(&world, &mut recorded);
            let cause = (outcome == Outcome::Failed).then(|| failure(Class::Permanent, "bad")).flatten();
            world.finish(&claim, outcome, cause).unwrap();
            record(&world, &mut recorded);
        }
        agree(&world, &recorded);
        assert_eq!(recorded.last().unwrap().1["next"].as_array().map(Vec::len), Some(PACKAGES - 2));
    }
}

#[test]
fn a_mass_is_still_known_when_what_is_old_was_forgotten() {
    for world in worlds() {
        world.store.write(|tx| meta::set(tx, meta::PAST_SINCE, &START.to_string())).unwrap();
        let run = world.run();
        suites::take_over(&world.store, &mass(), Lane::Rescan, &|_| {}).unwrap();
        world.advance(MINUTE);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Imported, None).unwrap();
        world.advance(100 * DAY);
        let mut recorded = Vec::new();
        record(&world, &mut recorded);
        while world.store.write(|tx| retention::step(tx, &Rule::default())).unwrap() {}
        agree(&world, &recorded);
    }
}
