//! Every question is answered on both databases, and changes nothing.

use operations::questions::{self, AuditWanted, FailuresWanted, HistoryWanted, LogWanted, PackagesWanted};
use operations::{Class, Installation};
use serde_json::Value;
use state::events::Wanted;
use state::read::list;
use state::read::package::Attempts;
use state::words::{Condition, Outcome};

use crate::world::{GOOD, HOST, World, worlds};

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn of_five() -> HistoryWanted {
    HistoryWanted { limit: 5, ..HistoryWanted::default() }
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
        assert_eq!(
            json(&questions::history(at, GOOD, &of_five()).unwrap())["attempts"][0]["outcome"],
            "imported"
        );
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

/// Packages by condition and by name: compared with their real state.
#[test]
fn packages_are_listed_by_what_is_known_of_them() {
    for world in worlds() {
        let at = &world.at;
        let list = |conditions: &[Condition], patterns: &[&str], limit: u32| {
            let patterns = patterns.iter().map(ToString::to_string).collect();
            let known = list::Wanted { conditions: conditions.to_vec(), patterns, unapplied: false };
            let found = questions::packages(at, &PackagesWanted { known, late: false, limit }).unwrap();
            let names: Vec<String> = found.packages.into_iter().map(|it| it.known.package).collect();
            (found.all, names.join(" "))
        };
        assert_eq!(list(&[], &[], 50), (4, "bash curl dash hello".into()));
        assert_eq!(list(&[], &[], 2), (4, "bash curl".into()));
        assert_eq!(list(&[Condition::Failing], &[], 50), (3, "bash curl dash".into()));
        assert_eq!(list(&[Condition::Failing], &["*sh", "cu?l"], 1), (3, "bash".into()));
        assert_eq!(list(&[Condition::Current], &[], 50), (1, "hello".into()));
        assert_eq!(list(&[Condition::Current, Condition::Failing], &["?a*"], 50), (2, "bash dash".into()));
        assert_eq!(
            list(&[Condition::Wedged, Condition::Held, Condition::Parked], &[], 50),
            (0, String::new())
        );
        assert_eq!(
            list(&[], &["ba_h", "ba%", "!", "b'"], 50),
            (0, String::new()),
            "these are no signs for any text"
        );
        // Each package is in the condition that `show` gives it, and in no other result.
        for name in ["bash", "hello"] {
            let result = at.store.read(|tx| state::read::package::read(tx, name, 0)).unwrap().unwrap().result;
            for condition in Condition::ALL.iter().take(5) {
                let is_in = list(&[*condition], &[name], 50).0 == 1;
                assert_eq!(is_in, condition.as_str() == result, "{name}: {condition}");
            }
        }
    }
}

/// Entries of the audit trail by person, action and time; attempts of a package by time and outcome.
#[test]
fn records_are_filtered() {
    for world in worlds() {
        let at = &world.at;
        at.store
            .write(|tx| {
                state::events::record(tx, "olga@host1", "hold", "bash", Some("bug"), None, None)?;
                state::events::record(tx, "olga2@host1", "hold", "curl", None, None, None)
            })
            .unwrap();
        let now = at.store.read(|tx| tx.now()).unwrap();
        let found = |wanted: &Wanted, limit: u32| {
            let found = questions::audit_of(at, &AuditWanted { entries: wanted.clone(), limit }).unwrap();
            let each: Vec<String> =
                found.events.iter().map(|it| format!("{} {}", it.actor, it.subject)).collect();
            (each.join(", "), found.more)
        };
        let by = |actor: &str| Wanted { actor: Some(actor.into()), ..Wanted::default() };
        assert_eq!(found(&by("olga"), 5), ("olga@host1 bash, olga jobs".into(), false));
        assert_eq!(found(&by("olga"), 1), ("olga@host1 bash".into(), true));
        assert_eq!(found(&by("olga@host1"), 5).0, "olga@host1 bash");
        assert_eq!(found(&by("olg_"), 5).0, "");
        let holds = Wanted { action: Some("hold".into()), ..Wanted::default() };
        assert_eq!(found(&holds, 5).0, "olga2@host1 curl, olga@host1 bash");
        let recent = Wanted { since: Some(now - 86_400_000), ..by("olga") };
        assert_eq!(found(&recent, 5).0, "olga@host1 bash");
        assert_eq!(found(&Wanted { until: Some(now - 86_400_000), ..by("olga") }, 5).0, "olga jobs");

        let attempts = |attempts: Attempts, limit: u32| {
            let found = questions::history(at, "bash", &HistoryWanted { attempts, limit }).unwrap();
            (found.attempts.len(), found.events.len(), found.more)
        };
        assert_eq!(attempts(Attempts::default(), 5), (1, 1, false));
        assert_eq!(attempts(Attempts::default(), 0), (0, 0, true));
        let failed = Attempts { outcome: Some(Outcome::Failed), ..Attempts::default() };
        assert_eq!(attempts(failed, 5), (1, 1, false));
        let imported = Attempts { outcome: Some(Outcome::Imported), ..Attempts::default() };
        assert_eq!(attempts(imported, 5), (0, 1, false));
        let old = Attempts { until: Some(now - 86_400_000), ..Attempts::default() };
        assert_eq!(attempts(old, 5), (0, 0, false));
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
        is_not_found("history", questions::history(at, "nosuch", &of_five()));
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
