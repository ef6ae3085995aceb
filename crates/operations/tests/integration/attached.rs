//! What belongs to an incident and what is one by itself: removals by an archive, alerts of the baseline.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use importer::config::Config;
use operations::Opened;
use operations::questions::{self, Incident, IncidentKind};
use operations::rehearsal::{Checks, Scenario, night, play};
use state::open::Location;
use state::{meta, values};

const MINUTE: i64 = 60_000;
/// 2026-01-05 00:00 UTC.
const START: i64 = 1_767_571_200_000;

/// The state after a bad release, which made 40 packages fail from minute 20 to minute 121.
fn after_a_release(folder: &std::path::Path) -> Opened {
    let clock = Arc::new(AtomicI64::new(START));
    let location = Location::Sqlite(folder.join("state.db"));
    let store = location.open_or_make().unwrap().with_clock(Arc::clone(&clock));
    store.write(|tx| meta::set(tx, meta::PAST_SINCE, &START.to_string())).unwrap();
    let at = Opened { root: "/nonexistent".into(), config: Config::default(), store };
    let _ = play(&at, &clock, &night(Scenario::BadRelease), &Checks::none(), &mut |_| ()).unwrap();
    clock.store(START + 2_000 * MINUTE, Ordering::SeqCst);
    at
}

fn was(at: &Opened, kind: &str, name: &str, minute: i64, value: &str) {
    let sql = "INSERT INTO past (kind, name, at, value) VALUES (?1, ?2, ?3, ?4)";
    at.store.write(|tx| tx.execute(sql, values![kind, name, START + minute * MINUTE, value])).unwrap();
}

fn verdict(at: &Opened, figure: &str, minute: i64, state: &str) {
    let value = format!("{{\"state\": \"{state}\", \"text\": \"far above what is normal\"}}");
    was(at, "verdict", figure, minute, &value);
}

fn incidents(at: &Opened) -> Vec<Incident> {
    questions::incidents(at, Some(std::time::Duration::from_secs(10 * 86_400))).unwrap().incidents
}

fn of(found: &[Incident], kind: IncidentKind) -> Vec<&Incident> {
    found.iter().filter(|it| it.kind == kind).collect()
}

#[test]
fn a_removal_by_an_archive_is_an_incident_with_its_extent_and_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = after_a_release(folder.path());
    for (minute, publications) in [(300, "5000"), (310, "6200"), (360, "0")] {
        was(&at, "withheld", "debian/sid", minute, publications);
    }
    was(&at, "withheld", "debian/trixie", 320, "7");
    let found = incidents(&at);
    let removals = of(&found, IncidentKind::Removal);
    assert_eq!(removals.len(), 2, "{found:#?}");
    let sid = removals.iter().find(|it| it.subject == "debian/sid").unwrap();
    assert_eq!((sid.began, sid.ended), (START + 300 * MINUTE, Some(START + 360 * MINUTE)));
    assert_eq!(sid.packages, 6200);
    let text = questions::incident(&at, &sid.id).unwrap().markdown();
    assert!(text.contains("debian/sid listed far less than before"), "{text}");
    assert!(text.contains("5000 publications were listed no more, all at once"), "{text}");
    let other = removals.iter().find(|it| it.subject == "debian/trixie").unwrap();
    assert_eq!(other.ended, None);
    assert_eq!(of(&found, IncidentKind::Surge).len(), 1, "the release is not part of it: {found:#?}");
}

#[test]
fn an_alert_is_attached_to_what_explains_it_and_else_is_an_incident() {
    let folder = tempfile::tempdir().unwrap();
    let at = after_a_release(folder.path());
    let signature = of(&incidents(&at), IncidentKind::Surge)[0].subject.clone();
    for figure in ["failing", &format!("signature:{signature}")] {
        verdict(&at, figure, 40, "WARNING");
        verdict(&at, figure, 60, "CRITICAL");
        verdict(&at, figure, 150, "OK");
    }
    // Long after it was over: by itself.
    verdict(&at, "failed", 1_900, "WARNING");
    let found = incidents(&at);
    let [surge] = of(&found, IncidentKind::Surge)[..] else { panic!("{found:#?}") };
    let attached: Vec<(&str, i64, Option<i64>)> = surge
        .explains
        .iter()
        .filter(|it| it.kind == IncidentKind::Alert)
        .map(|it| {
            (it.subject.as_str(), (it.began - START) / MINUTE, it.ended.map(|at| (at - START) / MINUTE))
        })
        .collect();
    assert_eq!(attached.len(), 2, "{surge:#?}");
    assert!(attached.iter().all(|(_, began, ended)| (*began, *ended) == (40, Some(150))), "{attached:?}");
    let text = questions::incident(&at, &surge.id).unwrap().markdown();
    assert!(text.contains("far above what is normal"), "{text}");
    let [alone] = of(&found, IncidentKind::Alert)[..] else { panic!("{found:#?}") };
    assert_eq!((alone.subject.as_str(), alone.began, alone.ended), ("failed", START + 1_900 * MINUTE, None));
    assert_eq!(alone.title(), "failed was not as it normally is");
}
