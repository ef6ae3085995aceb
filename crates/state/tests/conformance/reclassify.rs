//! Treatment of recorded failures of an older program by a newer one.

use state::reclassify::{normaliser, upgrade};
use state::words::{Class, FailureState, Lane, Outcome, Policy};
use state::{batch, counters, operate};

use crate::common::{failure, worlds};

#[test]
fn a_new_rule_of_signatures_makes_aliases_and_no_surge() {
    for world in worlds() {
        let run = world.run();
        for package in ["a", "b", "c"] {
            world.enqueue(package, Lane::Upload);
            let claim = world.claim(run).unwrap();
            let message = format!("cannot reach server {package}");
            world.finish(&claim, Outcome::Failed, failure(Class::Transient, &message)).unwrap();
        }
        state::samples::take(&world.store).unwrap();
        let old = world.text("SELECT short FROM signature ORDER BY id LIMIT 1");
        let decision = operate::Decision { note: Some("known"), ..operate::Decision::default() };
        let by = operate::By { actor: "me", reason: None };
        world.store.write(|tx| operate::decide(tx, &old, &decision, by)).unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM signature"), 1);
        let rule = |message: &str, package: &str, _: Option<&str>| {
            message.replace("server", "the server").replace(&format!(" {package}"), " PACKAGE")
        };
        assert_eq!(normaliser::all_by(&world.store, 2, &rule).unwrap(), 1);
        assert_eq!(normaliser::all_by(&world.store, 2, &rule).unwrap(), 0, "once is enough");
        let new =
            world.text("SELECT short FROM signature WHERE alias_of IS NULL ORDER BY failing DESC LIMIT 1");
        assert_ne!(old, new);
        assert_eq!(world.text("SELECT note FROM signature WHERE failing = 3"), "known");
        assert_eq!(
            world.number(
                "SELECT CAST(SUM(value) AS BIGINT) FROM sample WHERE figure = ?1",
                &format!("signature:{new}")
            ),
            3
        );
        assert_eq!(
            world.number("SELECT COUNT(*) FROM sample WHERE figure = ?1", &format!("signature:{old}")),
            0
        );
        // The old id goes on to work.
        let policy = operate::Decision { policy: Some(Some(Policy::Fail)), ..operate::Decision::default() };
        let decided = world.store.write(|tx| operate::decide(tx, &old, &policy, by)).unwrap();
        assert_eq!(world.count("SELECT id FROM signature WHERE failing = 3"), decided);
        assert!(world.store.read(counters::verify).unwrap().is_empty());
    }
}

#[test]
fn a_newer_program_tries_again_what_keeps_failing_a_few_first() {
    for world in worlds() {
        let run = world.run();
        for number in 0..250 {
            world.enqueue(&format!("p{number:03}"), Lane::Upload);
            let claim = world.claim(run).unwrap();
            let class = if number < 240 { Class::Permanent } else { Class::Transient };
            let settled = world.finish(&claim, Outcome::Failed, failure(class, "bad")).unwrap();
            assert_eq!(settled.failure == Some(FailureState::Failing), number < 240);
        }
        let begin = |version: &str| upgrade::retry_failing(&world.store, version, 5).unwrap();
        assert_eq!(begin("0.9.0"), None, "the first one has nothing to compare with");
        assert_eq!(begin("0.9.0"), None);
        let id = begin("0.10.0").unwrap();
        assert_eq!(begin("0.9.0"), None, "an older host that starts again changes nothing");
        assert_eq!(begin("0.10.0"), None);
        let batch = world.store.read(|tx| batch::get(tx, id)).unwrap();
        assert_eq!((batch.total, batch.canary, batch.state.as_str()), (240, 5, "canary"));
        assert_eq!(world.counter("queue_retry"), 5);
        while let Some(claim) = world.claim(run) {
            world.finish(&claim, Outcome::Imported, None).unwrap();
        }
        world.store.write(|tx| batch::advance(tx, 20)).unwrap();
        world.store.write(|tx| batch::advance(tx, 20)).unwrap();
        assert_eq!(world.counter("queue_retry"), 20);
        assert!(world.store.read(counters::verify).unwrap().is_empty());
        assert!(world.store.largest_transaction() <= state::tx::LARGEST);
    }
}
