//! Ten bad nights, each played by its script; the draft of its post-mortem has to name cause, times, extent and what people did,
//! as the script has them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use importer::config::Config;
use operations::Opened;
use operations::questions::{self, IncidentKind, IncidentShown};
use operations::rehearsal::{Beat, Checks, Night, Rehearsed, Scenario, Voice, night, play, rehearse};
use state::meta;
use state::open::Location;

use crate::world;

const MINUTE: i64 = 60_000;
/// 2026-01-05 00:00 UTC.
const START: i64 = 1_767_571_200_000;

/// The expected incident of a night.
struct Script {
    kind: IncidentKind,
    cause: &'static str,
    /// Minutes in which it begins and ends; none if it lasts.
    began: i64,
    ended: Option<i64>,
    /// Packages that it hits, at least and at most.
    packages: (i64, i64),
    /// The operators' actions.
    done: &'static [&'static str],
}

fn installation(location: &Location, clock: &Arc<AtomicI64>) -> Opened {
    let store = location.open_or_make().unwrap().with_clock(Arc::clone(clock));
    store.write(|tx| meta::set(tx, meta::PAST_SINCE, &START.to_string())).unwrap();
    Opened { root: "/nonexistent".into(), config: Config::default(), store }
}

fn played(location: &Location, night: &Night) -> (Opened, Rehearsed) {
    let clock = Arc::new(AtomicI64::new(START));
    let at = installation(location, &clock);
    let rehearsed = play(&at, &clock, night, &Checks::none(), &mut |_| ()).unwrap();
    assert!(clock.load(Ordering::SeqCst) >= START + night.minutes * MINUTE);
    (at, rehearsed)
}

/// The incident of a script among those of its night, compared with it.
fn compared<'a>(rehearsed: &'a Rehearsed, script: &Script) -> &'a IncidentShown {
    let found: Vec<&IncidentShown> =
        rehearsed.incidents.iter().filter(|it| it.incident.kind == script.kind).collect();
    let [shown] = found[..] else { panic!("one {:?}: {:#?}", script.kind, rehearsed.incidents) };
    let it = &shown.incident;
    // Some steps take time: a breaker weighs several uses, a probe starts every ten minutes, failures are tried again.
    let minute = |at: i64| (at - START) / MINUTE;
    assert!(
        (script.began..=script.began + 5).contains(&minute(it.began)),
        "began {}: {it:#?}",
        minute(it.began)
    );
    match (script.ended, it.ended) {
        (None, None) => {}
        (Some(wanted), Some(ended)) => {
            assert!((wanted..=wanted + 15).contains(&minute(ended)), "ended {}: {it:#?}", minute(ended));
        }
        other => panic!("{other:?}: {it:#?}"),
    }
    assert!((script.packages.0..=script.packages.1).contains(&it.packages), "{it:#?}");
    let text = shown.markdown();
    assert!(text.contains(script.cause), "{}: {text}", script.cause);
    let began = baseline_time(it.began);
    assert!(text.contains(&format!("| began | {began} |")), "{text}");
    for done in script.done {
        assert!(text.lines().any(|line| line.starts_with("- ") && line.contains(done)), "{done}: {text}");
    }
    assert_eq!(script.done.is_empty(), text.contains("Nothing: it ended by itself, or lasts."), "{text}");
    shown
}

fn baseline_time(at: i64) -> String {
    operations::moment::Millis(at).to_string()
}

fn nights() -> Vec<(Night, Vec<Script>)> {
    let outage = |began, ended, packages, done| Script {
        kind: IncidentKind::Outage,
        cause: "connection refused",
        began,
        ended,
        packages,
        done,
    };
    let disk = |began, ended, packages| Script {
        kind: IncidentKind::Outage,
        cause: "0 MiB free",
        began,
        ended,
        packages,
        done: &[],
    };
    let surge = |began, ended, packages, done| Script {
        kind: IncidentKind::Surge,
        cause: "unpack/bad-tar",
        began,
        ended,
        packages,
        done,
    };
    let wave = |began, ended, packages, done| Script {
        kind: IncidentKind::Collisions,
        cause: "somebody else made or moved",
        began,
        ended,
        packages,
        done,
    };
    let why = || "the team says so".to_owned();
    let play = |minutes, beats| Night { minutes, beats };
    vec![
        (night(Scenario::Outage), vec![outage(15, Some(105), (50, 60), &["hold", "release"][..])]),
        (night(Scenario::FullDisk), vec![disk(15, Some(75), (50, 60))]),
        (
            night(Scenario::BadRelease),
            vec![surge(20, Some(121), (40, 40), &["suppress", "retry", "the fault is found"])],
        ),
        (
            night(Scenario::CollisionWave),
            vec![wave(20, Some(90), (12, 12), &["resolve", "rejected by the team"])],
        ),
        (play(60, vec![(10, Beat::MirrorGoes)]), vec![outage(10, None, (30, 60), &[])]),
        (
            play(90, vec![(10, Beat::MirrorGoes), (14, Beat::MirrorComes)]),
            vec![outage(10, Some(14), (1, 20), &[])],
        ),
        // An outage and, while it lasts, a disk.
        (
            play(
                200,
                vec![
                    (10, Beat::MirrorGoes),
                    (60, Beat::MirrorComes),
                    (120, Beat::DiskFills),
                    (150, Beat::DiskHasRoom),
                ],
            ),
            vec![],
        ),
        // Failures explained by the outage are no surge; other failures beside it are.
        (
            play(
                240,
                vec![
                    (10, Beat::MirrorGoes),
                    (40, Beat::MirrorComes),
                    (60, Beat::ReleaseBreaks(25)),
                    (100, Beat::ReleaseIsMended),
                    (101, Beat::Retry(why())),
                ],
            ),
            vec![outage(10, Some(40), (20, 60), &["retry"]), surge(60, Some(101), (25, 25), &["retry"])],
        ),
        (play(60, vec![(15, Beat::Collide(30))]), vec![wave(15, None, (30, 30), &[])]),
        (play(60, vec![(15, Beat::ReleaseBreaks(12))]), vec![surge(15, None, (12, 12), &[])]),
    ]
}

#[test]
fn a_bad_night_can_be_read_afterwards() {
    for (number, (night, scripts)) in nights().into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (at, rehearsed) = played(&Location::Sqlite(folder.path().join("state.db")), &night);
        for script in &scripts {
            let shown = compared(&rehearsed, script);
            // The same facts give the same incident, by the same id.
            assert_eq!(&questions::incident(&at, &shown.incident.id).unwrap(), shown, "night {number}");
        }
        let wanted = if scripts.is_empty() { 2 } else { scripts.len() };
        let kinds: Vec<_> = rehearsed.incidents.iter().map(|it| it.incident.title()).collect();
        assert_eq!(
            rehearsed.incidents.len(),
            wanted,
            "night {number}: nothing else was an incident: {kinds:?}"
        );
    }
}

#[test]
fn a_night_on_postgresql_is_the_same() {
    let location = Location::Postgres { url: throwaway_postgres::schema(), passfile: None };
    let night = night(Scenario::Outage);
    let (_, rehearsed) = played(&location, &night);
    let folder = tempfile::tempdir().unwrap();
    let (_, here) = played(&Location::Sqlite(folder.path().join("state.db")), &night);
    assert_eq!(rehearsed.incidents, here.incidents);
    assert_eq!(rehearsed.lines, here.lines);
}

/// What people are told in a night: the minute, and the message as it would be sent.
fn told(scenario: Scenario) -> Vec<(i64, String)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = "[notify]\nname = 'example'\n[[notify.mail]]\nname = 'team'\nfrom = 'a@example.org'\nto = ['b@example.org']\n";
    std::fs::write(&file, text).unwrap();
    let clock = Arc::new(AtomicI64::new(START));
    let mut at = installation(&Location::Sqlite(folder.path().join("state.db")), &clock);
    at.config = Config::load(Some(&file), folder.path()).unwrap();
    let rehearsed = play(&at, &clock, &night(scenario), &Checks::none(), &mut |_| ()).unwrap();
    let messages = rehearsed.lines.into_iter().filter(|line| line.voice == Voice::Message);
    messages.map(|line| ((line.at - START) / MINUTE, line.text)).collect()
}

#[test]
fn a_rehearsal_shows_what_people_would_be_told_as_it_would_be_sent() {
    let outage = told(Scenario::Outage);
    let begun = "\
to team: [example] CRITICAL - mirror.example.org is out of reach: connection refused
CRITICAL - mirror.example.org is out of reach: connection refused

  since 2026-01-05 00:15Z
  What needs it waits, and goes on by itself when it is back.

Next:
  package-import status";
    let ended = "\
to team: [example] OK - mirror.example.org is back: it was out of reach for 91 min since 2026-01-05 00:15Z
OK - mirror.example.org is back: it was out of reach for 91 min since
  2026-01-05 00:15Z

  from 2026-01-05 00:15Z to 2026-01-05 01:47Z

Next:
  package-import status";
    let digest = "\
to team: [example] DIGEST - 1 new signature
DIGEST - 1 new signature

New signatures
  2026-01-05 00:15Z tq49q7k fetch/connect: mirror.example.org:
    connection refused

Next:
  package-import failures --signature tq49q7k";
    let wanted = [(16, begun), (112, ended), (420, digest)].map(|(at, text)| (at, text.to_owned()));
    assert_eq!(outage, wanted);
    // What is not told at once is told by the next digest, after the night.
    let wave = told(Scenario::CollisionWave);
    let [(420, digest)] = &wave[..] else { panic!("{wave:#?}") };
    assert!(digest.starts_with("to team: [example] DIGEST - 12 collisions\n"), "{digest}");
}

#[test]
fn a_quiet_night_has_no_incident() {
    let folder = tempfile::tempdir().unwrap();
    let (at, rehearsed) =
        played(&Location::Sqlite(folder.path().join("state.db")), &Night { beats: Vec::new(), minutes: 60 });
    assert!(rehearsed.incidents.is_empty() && rehearsed.lines.is_empty(), "{rehearsed:#?}");
    let unknown = questions::incident(&at, "nosuch0").unwrap_err().to_string();
    assert!(unknown.contains("incidents --since"), "{unknown}");
}

/// A rehearsal only reads the installation, and says what happens.
#[test]
fn a_rehearsal_changes_nothing() {
    for world in world::worlds() {
        let before = world.dump();
        for scenario in Scenario::ALL {
            let folder = tempfile::tempdir().unwrap();
            let mut told = Vec::new();
            let done = rehearse(&world.at, *scenario, folder.path(), &Checks::none(), &mut |line| {
                told.push(line.clone())
            })
            .unwrap();
            assert_eq!(done.lines, told, "{scenario}");
            assert!(told.iter().any(|line| line.voice == Voice::Script), "{scenario}: {told:#?}");
            assert!(told.iter().any(|line| line.voice == Voice::Status), "{scenario}: {told:#?}");
        }
        assert_eq!(world.dump(), before);
    }
}
