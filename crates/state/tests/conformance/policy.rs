//! Thirty days in simulated time: where each kind of failure ends, and that infrastructure never counts.

use std::collections::BTreeMap;

use state::words::{Class, Outcome};
use state::{batch, hold, operate, queue, reclassify};

use crate::common::{DAY, HOUR, MINUTE, World, failure, worlds};
use state::policy::Retries;
use state::words::{Lane, Policy};

/// What happens at each try of a package.
type Fate = fn(i64) -> Option<(Class, &'static str)>;

/// Lets thirty days pass; due packages are tried every ten minutes. Returns the tries of each package.
fn thirty_days(world: &World, run: i64, fates: &BTreeMap<&str, Fate>) -> BTreeMap<String, Vec<i64>> {
    let mut tries: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for _ in 0..30 * 24 * 6 {
        world.store.write(|tx| queue::wake(tx, 60)).unwrap();
        while let Some(claim) = world.claim(run) {
            let mine = tries.entry(claim.package.clone()).or_default();
            mine.push(world.clock.load(std::sync::atomic::Ordering::SeqCst));
            let number = i64::try_from(mine.len()).unwrap();
            match fates[claim.package.as_str()](number) {
                None => world.finish(&claim, Outcome::Imported, None).unwrap(),
                Some((class, message)) => {
                    world.finish(&claim, Outcome::Failed, failure(class, message)).unwrap()
                }
            };
        }
        world.advance(10 * MINUTE);
    }
    tries
}

#[test]
fn each_kind_of_failure_ends_where_it_should() {
    let fates: BTreeMap<&str, Fate> = BTreeMap::from([
        ("blip", (|n| (n <= 2).then_some((Class::Transient, "refused"))) as Fate),
        ("away", |_| Some((Class::Transient, "refused"))),
        ("broken", |_| Some((Class::Permanent, "bad tarball"))),
        ("odd", |_| Some((Class::Unknown, "crashed"))),
        ("restless", |n| {
            let letters = ["alpha", "beta", "gamma", "delta"];
            Some((Class::Transient, letters[usize::try_from(n).unwrap() % 4]))
        }),
        ("killed", |n| (n <= 40).then_some((Class::Infrastructure, "killed"))),
    ]);
    for world in worlds() {
        let run = world.run();
        fates.keys().for_each(|package| {
            world.enqueue(package, Lane::Upload);
        });
        let tries = thirty_days(&world, run, &fates);
        let state = |package: &str| {
            let sql = format!(
                "SELECT f.state FROM failure f JOIN package p ON p.id = f.package_id WHERE p.name = '{package}'"
            );
            world.text(&sql)
        };
        assert_eq!((state("blip"), tries["blip"].len()), (String::new(), 3));
        assert_eq!(
            (state("killed"), tries["killed"].len()),
            (String::new(), 41),
            "it never counts against it"
        );
        for package in ["away", "broken", "odd", "restless"] {
            assert_eq!(state(package), "failing", "{package}");
        }
        // Five in a row, then once a week: four weeks and a bit.
        let away: Vec<i64> = tries["away"].windows(2).map(|p| (p[1] - p[0]) / MINUTE).collect();
        assert!((8..=10).contains(&tries["away"].len()), "{away:?}");
        assert!((8..=10).contains(&tries["odd"].len()), "{:?}", tries["odd"].len());
        assert!((4..=6).contains(&tries["broken"].len()), "{:?}", tries["broken"].len());
        assert!((13..=15).contains(&tries["restless"].len()), "{:?}", tries["restless"].len());
        let away = &tries["away"];
        let gaps: Vec<i64> = away.windows(2).map(|pair| (pair[1] - pair[0]) / MINUTE).collect();
        assert!(gaps[0] <= 20 && gaps[3] >= 30 && gaps[3] <= 60, "{gaps:?}");
        assert!(gaps[5..].iter().all(|gap| (5 * 24 * 60..9 * 24 * 60).contains(gap)), "{gaps:?}");
    }
}

#[test]
fn an_outage_of_a_day_makes_nothing_failing() {
    use state::breaker::{self, Rule};
    let rule = Rule::default();
    for world in worlds() {
        let run = world.run();
        for number in 0..300 {
            world.enqueue(&format!("p{number}"), Lane::Upload);
        }
        let (mut probes, mut minute) = (0, 0);
        let mut open = None;
        while world.count("SELECT COUNT(*) FROM job") > 0 && minute < 3 * 24 * 60 {
            let is_away = (10..10 + 24 * 60).contains(&minute);
            if let Some(id) = open
                && world.store.write(|tx| breaker::take_probe(tx, id, run, &rule)).unwrap()
            {
                probes += 1;
                let cause = is_away.then_some("refused");
                world.store.write(|tx| breaker::probed(tx, id, cause, &rule)).unwrap();
            }
            world.store.write(|tx| breaker::unpark(tx, 60)).unwrap();
            world.store.write(|tx| queue::wake(tx, 60)).unwrap();
            // Ten imports a minute.
            for _ in 0..10 {
                let Some(claim) = world.claim(run) else { break };
                if !is_away {
                    world.store.write(|tx| breaker::note(tx, "mirror", (1, 0), None, None, &rule)).unwrap();
                    world.finish(&claim, Outcome::Imported, None).unwrap();
                    continue;
                }
                let note =
                    world.store.write(|tx| breaker::note(tx, "mirror", (0, 1), Some("refused"), None, &rule));
                let (now, _) = note.unwrap();
                open = Some(now.id);
                if now.open {
                    let mut end = crate::common::finished(&claim, Outcome::Parked, None);
                    end.parked_on = Some(now.id);
                    world.store.write(|tx| state::finish::finish(tx, &end, &Retries::default())).unwrap();
                } else {
                    world.finish(&claim, Outcome::Failed, failure(Class::Transient, "refused")).unwrap();
                }
            }
            assert_eq!(world.counter("state_failing"), 0, "minute {minute}");
            world.advance(MINUTE);
            minute += 1;
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM job"), 0, "all is done without a hand");
        assert!(minute > 24 * 60 && minute < 25 * 60 + 30, "done in minute {minute}");
        assert!(probes <= 30 + 24 * 6 + 2, "{probes} probes");
        assert_eq!(
            world.count("SELECT COUNT(*) FROM event WHERE action = 'breaker-open'"),
            1,
            "one incident"
        );
    }
}

#[test]
fn a_policy_is_applied_to_what_fails_already() {
    for world in worlds() {
        let run = world.run();
        for number in 0..50 {
            world.enqueue(&format!("p{number}"), Lane::Upload);
        }
        while let Some(claim) = world.claim(run) {
            world.finish(&claim, Outcome::Failed, failure(Class::Permanent, "bad")).unwrap();
        }
        assert_eq!(world.counter("state_failing"), 50);
        let short = world.text("SELECT short FROM signature");
        let by = operate::By { actor: "me", reason: Some("known") };
        let decide = |policy| {
            let decision = operate::Decision { policy: Some(policy), ..operate::Decision::default() };
            let id = world.store.write(|tx| operate::decide(tx, &short, &decision, by)).unwrap();
            reclassify::signature(&world.store, id, &Retries::default()).unwrap()
        };
        assert_eq!(decide(Some(Policy::Retry)), 50);
        assert_eq!((world.counter("state_failing"), world.counter("state_retrying")), (0, 50));
        world.advance(2 * HOUR);
        assert_eq!(world.store.write(|tx| queue::wake(tx, 60)).unwrap(), 50);
        decide(Some(Policy::Hold));
        assert_eq!((world.counter("failing"), world.counter("held")), (0, 50));
        assert!(world.claim(run).is_none());
    }
}

#[test]
fn a_canary_goes_first_and_the_others_only_if_it_does_better() {
    for world in worlds() {
        let run = world.run();
        let fail_all = |message: &str| {
            while let Some(claim) = world.claim(run) {
                world.finish(&claim, Outcome::Failed, failure(Class::Permanent, message)).unwrap();
            }
        };
        for number in 0..30 {
            world.enqueue(&format!("p{number}"), Lane::Upload);
        }
        fail_all("bad");
        let by = operate::By { actor: "me", reason: None };
        let retry = || {
            let all = operate::select(&world.store, &operate::Selection::Failing).unwrap();
            operate::retry(&world.store, &all, "all", 3, Lane::Retry, by).unwrap()
        };
        let first = retry();
        assert_eq!(world.counter("queue_retry"), 3);
        let is_waiting = || world.store.read(batch::is_waiting).unwrap();
        assert!(!is_waiting(), "the canary has not come back");
        fail_all("worse");
        assert!(is_waiting());
        world.store.write(|tx| batch::advance(tx, 20)).unwrap();
        let report = world.store.read(|tx| batch::get(tx, first)).unwrap();
        assert_eq!((report.state.as_str(), report.broken, report.total), ("stopped", 3, 30));
        assert!(!is_waiting());
        let second = retry();
        while let Some(claim) = world.claim(run) {
            world.finish(&claim, Outcome::Imported, None).unwrap();
        }
        // A run goes on for as long as there is something to claim or to move on.
        let mut steps = 0;
        while world.store.read(queue::is_more).unwrap() {
            steps += 1;
            assert!(steps < 20, "it never ends");
            world.store.write(|tx| batch::advance(tx, 20)).unwrap();
            while let Some(claim) = world.claim(run) {
                world.finish(&claim, Outcome::Imported, None).unwrap();
            }
        }
        let report = world.store.read(|tx| batch::get(tx, second)).unwrap();
        assert_eq!((report.state.as_str(), report.cured), ("done", 30), "{report:?}");
        assert_eq!(world.counter("failing"), 0);
    }
}

#[test]
fn a_batch_does_not_wait_for_what_is_held() {
    for world in worlds() {
        let run = world.run();
        let ids: Vec<i64> = (0..5).map(|number| world.enqueue(&format!("p{number}"), Lane::Upload)).collect();
        while let Some(claim) = world.claim(run) {
            world.finish(&claim, Outcome::Failed, failure(Class::Permanent, "bad")).unwrap();
        }
        let by = operate::By { actor: "me", reason: None };
        let all = operate::select(&world.store, &operate::Selection::Failing).unwrap();
        let id = operate::retry(&world.store, &all, "all", 2, Lane::Retry, by).unwrap();
        // One of the canary, and one that would have come later.
        for package in [ids[0], ids[4]] {
            world.store.write(|tx| hold::hold(tx, package, "me", "why", None)).unwrap();
        }
        while let Some(claim) = world.claim(run) {
            world.finish(&claim, Outcome::Imported, None).unwrap();
        }
        let mut steps = 0;
        while world.store.read(queue::is_more).unwrap() {
            steps += 1;
            assert!(steps < 20, "it never ends");
            world.store.write(|tx| batch::advance(tx, 20)).unwrap();
            while let Some(claim) = world.claim(run) {
                world.finish(&claim, Outcome::Imported, None).unwrap();
            }
        }
        let report = world.store.read(|tx| batch::get(tx, id)).unwrap();
        assert_eq!((report.state.as_str(), report.cured, report.total), ("done", 3, 3), "{report:?}");
    }
}

#[test]
fn patches_that_do_not_apply_have_a_signature_and_are_no_failure() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        let claim = world.claim(run).unwrap();
        let cause = failure(Class::Permanent, "patch one does not apply");
        world.finish(&claim, Outcome::UnappliedOnly, cause).unwrap();
        assert_eq!((world.counter("failing"), world.count("SELECT COUNT(*) FROM failure")), (0, 0));
        let known = "SELECT COUNT(*) FROM attempt a JOIN signature s ON s.id = a.signature_id
            WHERE a.outcome = 'unapplied-only' AND s.failing = 0";
        assert_eq!(world.count(known), 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM job"), 0, "nothing is tried again");
    }
}

#[test]
fn a_suppression_ends_by_itself() {
    for world in worlds() {
        world.enqueue("hello", Lane::Upload);
        let by = operate::By { actor: "me", reason: Some("known") };
        let until = world.clock.load(std::sync::atomic::Ordering::SeqCst) + DAY;
        world.store.write(|tx| operate::suppress(tx, "hello", until, by)).unwrap();
        let now = || world.store.read(state::read::status::suppressed).unwrap().len();
        assert_eq!(now(), 1);
        world.advance(DAY);
        assert_eq!(now(), 0);
        assert!(world.store.write(|tx| operate::suppress(tx, "helo", until, by)).is_err());
        let unknown = world.store.read(|tx| operate::known(tx, "helo")).unwrap_err().to_string();
        assert!(unknown.contains("did you mean hello?"), "{unknown}");
    }
}
