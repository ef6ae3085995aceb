//! Every question is answered on both databases, and changes nothing.

use operations::questions::{self, FailuresWanted, LogWanted};
use operations::{Class, Installation};
use serde_json::Value;

use crate::world::{GOOD, HOST, World, worlds};

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn every_question_is_answered_and_changes_nothing() {
    for world in worlds() {
        let before = world.dump();
        let id = world.signature();
        let at = &world.at;
        let wanted = FailuresWanted { signature: Some(id.clone()), limit: 10, ..FailuresWanted::default() };
        let failures = json(&questions::failures(at, &wanted).unwrap());
        assert_eq!(failures["packages"].as_array().unwrap().len(), 3);
        assert_eq!(failures["signatures"][0]["signature"], id.as_str());
        let none = questions::failures(at, &FailuresWanted { limit: 10, ..FailuresWanted::default() });
        assert!(json(&none.unwrap())["packages"].as_array().unwrap().is_empty(), "they were not asked for");
        assert_eq!(json(&questions::signatures(at).unwrap())["signatures"][0]["packages"], 3);
        assert_eq!(json(&questions::signature(at, &id).unwrap())["code"], "checksum-mismatch");
        assert_eq!(json(&questions::status(at).unwrap())["failing"], 3);
        assert_eq!(json(&questions::workers(at).unwrap())["hosts"][0]["host"], HOST);
        assert_eq!(json(&questions::history(at, GOOD, 5).unwrap())["attempts"][0]["outcome"], "imported");
        assert_eq!(json(&questions::audit(at, Some("jobs"), 5).unwrap())["events"][0]["actor"], "olga");
        assert_eq!(json(&questions::freshness_of(at, GOOD).unwrap().1)["state"], "current");
        assert_eq!(
            json(&questions::baselines(at, Some("failing"), true).unwrap())["verdicts"][0]["figure"],
            "failing"
        );
        assert!(json(&questions::queue(at, None, 5).unwrap())["lanes"].is_array());
        assert!(json(&questions::archives(at, &[]).unwrap())["suites"].is_array());
        assert!(json(&questions::freshness(at, 5).unwrap())["packages"].is_array());
        assert_eq!(json(&questions::tune(at).unwrap())["attempts"], 1);
        assert_eq!(questions::metrics(at).unwrap().attempts, 4);
        assert_eq!(questions::settings(at).unwrap(), []);
        assert_eq!(questions::log(at, &LogWanted::Last("bash".into())).unwrap(), "the end of a log\n");
        assert_eq!(world.dump(), before);
    }
}

fn is_not_found<T>(what: &str, answer: Result<T, operations::Error>) {
    let Err(error) = answer else { panic!("{what} is answered") };
    assert_eq!(error.class(), Class::NotFound, "{what}: {error}");
}

#[test]
fn what_does_not_exist_is_not_found() {
    for World { at, .. } in &worlds() {
        let wanted = FailuresWanted { signature: Some("nosuch".into()), ..FailuresWanted::default() };
        is_not_found("failures", questions::failures(at, &wanted));
        is_not_found("signature", questions::signature(at, "nosuch"));
        is_not_found("history", questions::history(at, "nosuch", 5));
        is_not_found("freshness", questions::freshness_of(at, "nosuch"));
        is_not_found("batch", questions::batch(at, 4711));
        is_not_found("log", questions::log(at, &LogWanted::Attempt(4711)));
        is_not_found("log", questions::log(at, &LogWanted::Last("nosuch".into())));
    }
}

/// A folder without anything has no state to be asked.
#[test]
fn without_a_state_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let installation = Installation::new(Some(folder.path().join("root")), None);
    let Err(error) = installation.open() else { panic!("there is none") };
    assert_eq!(error.class(), Class::Unavailable, "{error}");
    assert!(!folder.path().join("root").exists());
}
