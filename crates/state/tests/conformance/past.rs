//! Past states as read at the time: a recording of each step is compared with what is read afterwards.

use std::sync::atomic::Ordering;

use proptest::prelude::*;
use serde_json::{Value, json};
use state::operate::{self, By};
use state::read::{failures, hosts, package, queue, status};
use state::tx::Tx;
use state::words::{Class, HostState, Lane, Outcome};
use state::{StateError, breaker, meta, samples};

use crate::common::{DAY, HOUR, LEASE, MINUTE, START, World, failure, postgres, sqlite};
use crate::random::{Model, Step, step};

/// Everything that is compared.
fn everything(tx: &mut Tx<'_>) -> Result<Value, StateError> {
    let mut packages = Vec::new();
    for number in 0..5 {
        packages.push(package::read(tx, &format!("p{number}"), 3)?);
    }
    let filter = failures::Filter::default();
    Ok(json!({
        "status": status::read(tx, 5)?,
        "groups": failures::groups(tx, &filter, 50)?,
        "failing": failures::packages(tx, &filter, 50)?,
        "next": queue::next(tx, None, 50)?,
        "later": queue::later(tx)?,
        "pace": queue::pace(tx)?,
        "waits": queue::waits(tx, 50)?,
        "running": hosts::running(tx, 50)?,
        "packages": packages,
    }))
}

/// Not every heartbeat is kept: a host that was heard of within a minute counts as heard of just then.
fn without_beats(mut value: Value) -> Value {
    let now = value["status"]["now"].as_i64().unwrap();
    for host in value["status"]["hosts"].as_array_mut().unwrap() {
        let beat = host["heartbeat"].as_i64().unwrap();
        if now - beat <= hosts::SILENT {
            host["heartbeat"] = json!("now");
        }
    }
    value
}

/// Past states are kept from the start of the simulated clock, not of the machine's.
fn begin(world: World) -> World {
    world.store.write(|tx| meta::set(tx, meta::PAST_SINCE, &START.to_string())).unwrap();
    world
}

fn now(world: &World) -> i64 {
    world.clock.load(Ordering::SeqCst)
}

/// A step that operators take, beside those of the model.
fn operators(world: &World, number: u8) {
    let by = By { actor: "olga", reason: Some("a test") };
    let store = &world.store;
    match number {
        0 => drop(store.write(|tx| hosts::set_state(tx, "a", HostState::Quiescing, "olga", Some("disk")))),
        1 => drop(store.write(|tx| hosts::set_state(tx, "a", HostState::Online, "olga", None))),
        2 | 3 => {
            let short = world.text("SELECT short FROM signature ORDER BY id LIMIT 1");
            let note = format!("note {number}");
            let decision = operate::Decision { note: Some(&note), ..operate::Decision::default() };
            let _ = store.write(|tx| operate::decide(tx, &short, &decision, by));
        }
        4 => state::fleet::trouble::set(store, "a", Some("permission denied")).unwrap(),
        5 => state::fleet::trouble::set(store, "a", None).unwrap(),
        6 => samples::take(store).unwrap(),
        _ => {}
    }
}

fn play(world: World, steps: &[(Step, u8, i64)]) {
    let mut model = Model::new(begin(world));
    let mut recorded = Vec::new();
    for (step, number, pause) in steps {
        // A clock that is set back is not travelled through.
        model.world.advance(*pause);
        // Nor does anybody but an operator write a policy.
        if !matches!(step, Step::Advance(by) if *by < 0) && !matches!(step, Step::Policy(_)) {
            model.take(step);
        }
        operators(&model.world, *number);
        let world = &model.world;
        recorded.push((now(world), without_beats(world.store.read(everything).unwrap())));
    }
    model.world.advance(1000);
    for (at, then) in recorded {
        let told = model.world.store.read_at(Some(at), everything).unwrap();
        let told = without_beats(told);
        for (part, then) in then.as_object().unwrap() {
            assert_eq!(&told[part], then, "{part} at {}", at - START);
        }
        let after = model.world.store.read_at(Some(at + 500), status_of).unwrap();
        assert_eq!(after, then["status"]["failing"], "and until the next step");
    }
}

fn status_of(tx: &mut Tx<'_>) -> Result<Value, StateError> {
    Ok(json!(status::read(tx, 1)?.failing))
}

/// `STORM=long` plays fifty times as many.
fn cases(usual: u32) -> u32 {
    if std::env::var_os("STORM").is_some_and(|value| value == "long") { usual * 50 } else { usual }
}

fn steps() -> impl Strategy<Value = Vec<(Step, u8, i64)>> {
    let pause = prop_oneof![3 => Just(1000_i64), 1 => Just(MINUTE), 1 => Just(HOUR), 1 => Just(DAY)];
    prop::collection::vec((step(), 0..12_u8, pause), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(8), max_shrink_iters: 40, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn a_time_is_told_as_it_was_read_on_sqlite(steps in steps()) {
        play(sqlite(), &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2), max_shrink_iters: 10, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn a_time_is_told_as_it_was_read_on_postgres(steps in steps()) {
        play(postgres(), &steps);
    }
}

#[test]
fn what_is_not_known_is_said() {
    for world in [begin(sqlite()), begin(postgres())] {
        let told = |at: i64| world.store.read_at(Some(at), status_of).unwrap_err().to_string();
        assert!(told(START - 1).contains("kept since 2026-01-05 00:00Z"), "{}", told(START - 1));
        assert!(told(now(&world) + 1).contains("still to come"), "{}", told(now(&world) + 1));
    }
}

/// Packages that fail and mend again and again, and an outage.
fn remember(world: &World, run: i64, rounds: usize) {
    for round in 0..rounds {
        for package in 0..6 {
            world.enqueue(&format!("p{package}"), Lane::Upload);
            let claim = world.claim(run).unwrap();
            let (outcome, cause) = match (round + package) % 3 {
                0 => (Outcome::Failed, failure(Class::Transient, "refused")),
                _ => (Outcome::Imported, None),
            };
            world.finish(&claim, outcome, cause).unwrap();
            world.store.write(|tx| state::runs::beat(tx, run, LEASE)).unwrap();
        }
        world.advance(MINUTE);
        world.store.write(|tx| state::queue::wake(tx, 60)).unwrap();
        if round % 10 == 0 {
            let rule = breaker::Rule::default();
            let id = world
                .store
                .write(|tx| breaker::note(tx, "mirror", (0, 9), Some("refused"), Some("x"), &rule))
                .unwrap()
                .0
                .id;
            world.advance(MINUTE);
            world.store.write(|tx| breaker::probed(tx, id, None, &rule)).unwrap();
            samples::take(&world.store).unwrap();
        }
    }
}

#[test]
fn a_look_back_costs_the_same_with_ten_times_the_history() {
    let world = begin(sqlite());
    let run = world.run();
    let cost = |at: i64| {
        let before = world.store.steps();
        world.store.read_at(Some(at), everything).unwrap();
        world.store.steps() - before
    };
    remember(&world, run, 65);
    let early = now(&world);
    let small = cost(early);
    remember(&world, run, 585);
    let (large, back) = (cost(now(&world)), cost(early));
    println!("steps: {small}, with ten times the history {large}, of a time before it {back}");
    assert!(large * 100 <= small * 110, "{small} steps became {large}");
    assert!(back * 100 <= small * 110, "{small} steps became {back}");
}

/// A storm of jobs, with an outage now and then; what `status` tells is written down every minute, by somebody who only looks.
/// Afterwards it is asked for at random times. `STORM=long`: 10,000 jobs, 500 times.
#[test]
fn a_storm_of_jobs_is_told_as_it_was_written_down_every_minute() {
    let is_long = std::env::var_os("STORM").is_some_and(|value| value == "long");
    let (jobs, asked) = if is_long { (10_000, 500) } else { (150, 25) };
    let world = begin(sqlite());
    let run = world.run();
    let mut dice: u64 = 5;
    let mut below = |most: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % most
    };
    let told = |tx: &mut Tx<'_>| Ok(json!({"status": status::read(tx, 5)?}));
    let mut written: Vec<(i64, Value)> = Vec::new();
    let (mut done, mut open, mut minute) = (0, Vec::new(), now(&world) / MINUTE);
    while done < jobs {
        world.advance(1 + i64::try_from(below(9_000)).unwrap());
        match below(20) {
            0..8 => drop(world.enqueue(&format!("p{}", below(300)), Lane::Upload)),
            8..13 => open.extend(world.claim(run)),
            13..18 if !open.is_empty() => {
                let claim = open.swap_remove(usize::try_from(below(open.len() as u64)).unwrap());
                let (outcome, cause) = match below(6) {
                    0 => (Outcome::Failed, failure(Class::Transient, &format!("refused {}", below(4)))),
                    1 => (Outcome::Failed, failure(Class::Permanent, "bad")),
                    _ => (Outcome::Imported, None),
                };
                // A lease may be lost by now.
                done += usize::from(world.finish(&claim, outcome, cause).is_ok());
            }
            18 => drop(world.store.write(|tx| state::queue::wake(tx, 60)).unwrap()),
            19 if below(40) == 0 => {
                let rule = breaker::Rule::default();
                let store = &world.store;
                let noted =
                    |tx: &mut Tx<'_>| breaker::note(tx, "mirror", (0, 9), Some("refused"), Some("x"), &rule);
                let id = store.write(noted).unwrap().0.id;
                world.advance(MINUTE);
                store.write(|tx| breaker::probed(tx, id, None, &rule)).unwrap();
            }
            _ => drop(world.store.write(|tx| state::runs::beat(tx, run, LEASE)).unwrap()),
        }
        if now(&world) / MINUTE > minute {
            minute = now(&world) / MINUTE;
            written.push((now(&world), without_beats(world.store.read(told).unwrap())));
            // Nothing else happens in this millisecond.
            world.advance(1);
        }
    }
    for _ in 0..asked {
        let (at, then) = &written[usize::try_from(below(written.len() as u64)).unwrap()];
        let now_told = without_beats(world.store.read_at(Some(*at), told).unwrap());
        assert_eq!(&now_told, then, "{} minutes after the start", (at - START) / MINUTE);
    }
    println!("{done} jobs, {} minutes written down, {asked} asked for", written.len());
}
