//! Records of the importer for the checks: verdicts by the rule of baselines.

use baseline::{Figure, State, Verdict};
use state::operate::{self, By};
use state::verdicts::{self, Decision};
use state::words::{Class, Lane, Outcome};
use state::{Store, hold, meta, samples};

use crate::common::{DAY, HOUR, World, failure, sqlite, worlds};

const BY: By<'_> = By { actor: "me", reason: Some("a test") };

/// The verdict that a check would read.
fn verdict(store: &Store) -> Verdict {
    let sql = "SELECT detail FROM check_v1_verdicts WHERE figure = 'failing'";
    let row = store.read(|tx| tx.first(sql, &[])).unwrap().expect("a verdict");
    serde_json::from_str(&row.text(0)).unwrap()
}

/// Makes packages fail with a message.
fn fail(world: &World, run: i64, names: std::ops::Range<usize>, message: &str) {
    for number in names {
        world.enqueue(&format!("p{number}"), Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Failed, failure(Class::Permanent, message)).unwrap();
    }
}

/// Some packages that fail, and the first queue drained.
fn begin(world: &World, failing: usize) -> i64 {
    let run = world.run();
    fail(world, run, 0..failing, "it is broken");
    samples::take(&world.store).unwrap();
    world.advance(HOUR);
    let filled = |tx: &mut state::tx::Tx<'_>| {
        let now = tx.now()?;
        meta::set(tx, meta::FILLED, &now.to_string())
    };
    world.store.write(filled).unwrap();
    run
}

/// Days with a sample every few hours.
fn days(world: &World, days: i64, hours: i64) {
    for _ in 0..days * 24 / hours {
        samples::take(&world.store).unwrap();
        world.advance(hours * HOUR);
    }
}

#[test]
fn a_verdict_is_stored_with_each_sample_and_names_what_is_new() {
    for world in worlds() {
        let run = begin(&world, 20);
        assert_eq!(verdict(&world.store).text, "20 failing, learning 0/7 days");
        days(&world, 9, 6);
        samples::take(&world.store).unwrap();
        assert_eq!(verdict(&world.store).text, "20 failing, normally 20");
        world.advance(HOUR);
        fail(&world, run, 100..130, "the mirror has gone away");
        samples::take(&world.store).unwrap();
        let found = verdict(&world.store);
        assert_eq!(found.state, State::Critical);
        assert!(
            found.text.starts_with("50 failing, normally 20 - 30 new since 01-14 02:00Z, 100% ")
                && found.text.ends_with(" fetch/connect: the mirror has gone away"),
            "{}",
            found.text
        );
        assert_eq!(world.text("SELECT state FROM verdict WHERE figure = 'failing'"), "CRITICAL");
        let named = "SELECT COUNT(*) FROM verdict WHERE figure LIKE 'signature:%' AND state = 'WARNING'";
        assert_eq!(world.count(named), 1, "the signature that is new");
        // Rows that a cured signature leaves.
        for number in 100..130 {
            world.enqueue(&format!("p{number}"), Lane::Upload);
            let claim = world.claim(run).unwrap();
            world.finish(&claim, Outcome::Imported, None).unwrap();
        }
        for _ in 0..2 {
            samples::take(&world.store).unwrap();
            world.advance(HOUR);
        }
        assert_eq!(verdict(&world.store).state, State::Ok, "cleared by the second sample");
        let left = "SELECT COUNT(*) FROM verdict WHERE figure LIKE 'signature:%'";
        assert_eq!(world.count(left), 1, "a row for each signature that something fails with");
        let zero = "SELECT COUNT(*) FROM sample WHERE figure LIKE 'signature:%' AND value = 0";
        assert_eq!(world.count(zero), 1, "its end is on record");
    }
}

#[test]
fn suppressed_and_held_ones_do_not_count_and_come_back() {
    for world in worlds() {
        let run = begin(&world, 20);
        days(&world, 9, 6);
        fail(&world, run, 100..130, "the mirror has gone away");
        samples::take(&world.store).unwrap();
        assert_eq!(verdict(&world.store).state, State::Critical);
        let short = world.text("SELECT short FROM signature ORDER BY id DESC LIMIT 1");
        let until = world.store.read(|tx| tx.now()).unwrap() + 2 * DAY;
        let suppress = |subject: &str, until: i64| {
            world.store.write(|tx| operate::suppress(tx, subject, until, BY)).unwrap();
        };
        suppress(&short, until);
        // Counted once, although its signature is suppressed as well.
        suppress("p100", until);
        suppress("p0", until);
        let id = world.count("SELECT id FROM package WHERE name = 'p1'");
        world.store.write(|tx| hold::hold(tx, id, "me", "why not", None)).unwrap();
        for _ in 0..2 {
            samples::take(&world.store).unwrap();
            world.advance(HOUR);
        }
        let found = verdict(&world.store);
        assert_eq!((found.state, found.text.as_str()), (State::Ok, "18 failing, normally 20"));
        assert_eq!(world.count("SELECT CAST(SUM(failing) AS BIGINT) FROM check_v1_suppressions"), 31);
        assert_eq!(world.count("SELECT failing FROM check_v1_live"), 49);
        // Nothing is done, and it counts again.
        world.advance(2 * DAY);
        samples::take(&world.store).unwrap();
        let found = verdict(&world.store);
        assert_eq!(found.state, State::Critical, "{}", found.text);
        assert!(found.text.starts_with("49 failing, normally 20"), "{}", found.text);
        assert_eq!(world.count("SELECT COUNT(*) FROM check_v1_suppressions"), 0);
        let told = "SELECT COUNT(*) FROM event WHERE action = 'unsuppress' AND actor = 'package-import'";
        assert_eq!(world.count(told), 3);
    }
}

#[test]
fn two_hosts_judge_at_the_same_time_and_there_is_one_verdict() {
    for world in worlds() {
        begin(&world, 20);
        days(&world, 9, 6);
        let other = world.again();
        std::thread::scope(|scope| {
            for store in [&world.store, &other] {
                scope.spawn(move || (0..5).for_each(|_| samples::take(store).unwrap()));
            }
        });
        assert_eq!(verdict(&world.store).text, "20 failing, normally 20");
        assert_eq!(world.count("SELECT COUNT(*) FROM verdict WHERE figure = 'failing'"), 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM verdict"), 3, "failing, failed and one signature");
    }
}

#[test]
fn an_operator_accepts_sets_and_unsets_and_it_is_on_record() {
    for world in worlds() {
        let run = begin(&world, 20);
        days(&world, 9, 6);
        fail(&world, run, 100..130, "the mirror has gone away");
        samples::take(&world.store).unwrap();
        assert_eq!(verdict(&world.store).state, State::Critical);
        let decide = |decision| verdicts::decide(&world.store, Figure::Failing, decision, BY).unwrap();
        let set = decide(Decision::Set(48.0));
        assert_eq!(set, verdict(&world.store), "what was decided is stored at once");
        assert!(set.text.starts_with("50 failing, set to 48"), "{}", set.text);
        assert!(decide(Decision::Unset).text.contains("normally 20"));
        let accepted = decide(Decision::Accept);
        assert_eq!(accepted.stock.unwrap().normal.round() as i64, 50);
        let events = "SELECT COUNT(*) FROM event WHERE subject = 'failing' AND reason = 'a test'";
        assert_eq!(world.count(events), 3);
    }
}

#[test]
fn a_lost_or_foreign_memory_is_made_again_and_keeps_what_was_set() {
    for world in worlds() {
        let run = begin(&world, 20);
        days(&world, 9, 6);
        samples::take(&world.store).unwrap();
        world.store.write(|tx| meta::set(tx, meta::BASELINE, "not ours")).unwrap();
        world.advance(HOUR);
        fail(&world, run, 100..130, "the mirror has gone away");
        samples::take(&world.store).unwrap();
        assert!(verdict(&world.store).text.starts_with("50 failing, normally 20 - 30 new"));
        verdicts::decide(&world.store, Figure::Failing, Decision::Set(45.0), BY).unwrap();
        world.store.write(verdicts::forget).unwrap();
        samples::take(&world.store).unwrap();
        assert!(verdict(&world.store).text.contains("set to 45"), "{}", verdict(&world.store).text);
    }
}

#[test]
fn what_happens_in_an_hour_after_its_sample_is_learned_too() {
    let world = sqlite();
    let run = begin(&world, 1);
    for day in 0..9 {
        for hour in 0..24 {
            samples::take(&world.store).unwrap();
            // Two attempts an hour, always after the sample.
            world.advance(HOUR / 2);
            for package in ["a", "b"] {
                world.enqueue(&format!("{package}{day}-{hour}"), Lane::Upload);
                let claim = world.claim(run).unwrap();
                let failed = failure(Class::Permanent, "it is broken");
                world.finish(&claim, Outcome::Failed, failed).unwrap();
                world.enqueue(&claim.package, Lane::Upload);
                let claim = world.claim(run).unwrap();
                world.finish(&claim, Outcome::Imported, None).unwrap();
            }
            world.advance(HOUR / 2);
        }
    }
    samples::take(&world.store).unwrap();
    let flow = verdict(&world.store).flow.unwrap();
    assert!((40.0..=49.0).contains(&flow.normal), "two of an hour, 48 of a day: {flow:?}");
}

#[test]
fn the_hundredth_judgement_costs_what_the_tenth_did() {
    let world = sqlite();
    begin(&world, 30);
    let cost = |world: &World| {
        let before = world.store.steps();
        samples::take(&world.store).unwrap();
        world.store.steps() - before
    };
    days(&world, 10, 1);
    let early = cost(&world);
    days(&world, 60, 1);
    let late = cost(&world);
    println!("steps of a sample with its verdict: {early} after 10 days, {late} after 70");
    assert!(late * 100 <= early * 105, "{early} steps became {late}");
}
