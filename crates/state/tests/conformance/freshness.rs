//! Latency from publication to branch: the versions that are taken over, those that wait, and the time that it took.

use state::finish::{self, Done};
use state::policy::Retries;
use state::publications::{self, NewPublication};
use state::read::freshness;
use state::waits::{self, Wait};
use state::words::{Class, JobState, Lane, Outcome, WaitKind};
use state::{breaker, counters, samples, suites};

use crate::common::{DAY, HOUR, MINUTE, START, World, failure, finished, sqlite, worlds};

fn publication(version: &str, published: i64, lane: Lane) -> NewPublication {
    NewPublication {
        archive: "main".into(),
        distro: "debian".into(),
        suite: "sid".into(),
        component: "main".into(),
        version: version.into(),
        dsc: format!("pool/{version}.dsc"),
        dsc_sha256: format!("hash of {version}"),
        trust: "\"unsigned\"".into(),
        files: String::new(),
        published: Some(published),
        lane,
    }
}

fn take_over(world: &World, packages: &[String], published: i64, lane: Lane) {
    let new: Vec<(String, NewPublication)> =
        packages.iter().map(|name| (name.clone(), publication("1.0-1", published, lane))).collect();
    suites::take_over(&world.store, &new, lane, &|_| {}).unwrap();
}

fn names(start: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{start}{number:05}")).collect()
}

/// Imports whatever is next.
fn import(world: &World, run: i64) {
    let claim = world.claim(run).unwrap();
    world
        .store
        .write(|tx| {
            let open = publications::open(tx, claim.package_id)?;
            let ids: Vec<i64> = open.iter().map(|it| it.id).collect();
            publications::tried(tx, &ids)?;
            let end = finished(&claim, Outcome::Imported, None);
            let done: Vec<Done> = open
                .iter()
                .map(|it| Done {
                    publication: it.id,
                    distro: it.what.distro.clone(),
                    version: it.what.version.clone(),
                    commit: format!("c{}", it.id),
                    tree: "t".into(),
                    applied: None,
                    tag: "x".into(),
                })
                .collect();
            finish::record_versions(tx, &end, &done, 1)?;
            finish::finish(tx, &end, &Retries::default())
        })
        .unwrap();
}

#[test]
fn what_is_new_is_taken_over_in_chunks_and_once() {
    for world in worlds() {
        let run = world.run();
        let all = names("p", 250);
        take_over(&world, &all, START, Lane::Rescan);
        assert_eq!(world.counter("queue_rescan"), 250);
        take_over(&world, &all, START, Lane::Upload);
        assert_eq!(world.count("SELECT COUNT(*) FROM publication"), 250);
        assert_eq!(
            (world.counter("queue_rescan"), world.counter("queue_upload")),
            (0, 250),
            "a lane only rises"
        );
        assert!(world.store.largest_transaction() <= state::tx::LARGEST);
        // One that runs meanwhile is done again afterwards, and two of one package are one job.
        let claim = world.claim(run).unwrap();
        let two = ["2.0-1", "2.0-2"]
            .map(|version| (claim.package.clone(), publication(version, START, Lane::Upload)));
        suites::take_over(&world.store, &two, Lane::Upload, &|_| {}).unwrap();
        assert!(world.finish(&claim, Outcome::Imported, None).unwrap().again);
        assert_eq!(world.count("SELECT COUNT(*) FROM job"), 250);
        assert!(world.store.read(counters::verify).unwrap().is_empty());
    }
}

fn wait(kind: WaitKind, until: i64, again: i64) -> Option<Wait> {
    Some(Wait { kind, reason: "debian 1.1-1".into(), until, again })
}

#[test]
fn a_package_waits_for_a_time_and_looks_again_when_something_is_published() {
    for world in worlds() {
        let run = world.run();
        let id = world.enqueue("hello", Lane::Upload);
        let waits = |at: i64| {
            let mut end = finished(&world.claim(run).unwrap(), Outcome::Waiting, None);
            end.wait = wait(WaitKind::Base, START + 6 * HOUR, START + 6 * HOUR);
            let settled = world.store.write(|tx| finish::finish(tx, &end, &Retries::default())).unwrap();
            assert_eq!(settled.due, Some(START + 6 * HOUR));
            let known = world.store.read(|tx| waits::get(tx, id)).unwrap().unwrap();
            assert_eq!((known.since, known.until), (at, START + 6 * HOUR));
        };
        waits(START);
        assert_eq!((world.counter("failing"), world.count("SELECT COUNT(*) FROM failure")), (0, 0));
        assert!(world.claim(run).is_none());
        world.advance(HOUR);
        world.enqueue("hello", Lane::Upload);
        waits(START);
        world.advance(6 * HOUR);
        assert_eq!(world.store.write(|tx| state::queue::wake(tx, 10)).unwrap(), 1);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Imported, None).unwrap();
        assert!(world.store.read(|tx| waits::get(tx, id)).unwrap().is_none());
        assert!(world.store.read(counters::verify).unwrap().is_empty());
    }
}

#[test]
fn what_could_be_imported_is_a_success_and_the_rest_comes_back() {
    for world in worlds() {
        let run = world.run();
        world.enqueue("hello", Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Failed, failure(Class::Unknown, "x")).unwrap();
        world.enqueue("hello", Lane::Upload);
        let mut end = finished(&world.claim(run).unwrap(), Outcome::Imported, None);
        end.wait = wait(WaitKind::Base, START + HOUR, START + HOUR);
        world.store.write(|tx| finish::finish(tx, &end, &Retries::default())).unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM failure"), 0);
        assert_eq!(world.text("SELECT state FROM job"), JobState::Retrying.as_str());
        // A failure beside a wait does not keep it back for a week.
        world.enqueue("hello", Lane::Upload);
        let mut end = finished(&world.claim(run).unwrap(), Outcome::Failed, failure(Class::Permanent, "bad"));
        end.wait = wait(WaitKind::Base, START + HOUR, START + HOUR);
        let settled = world.store.write(|tx| finish::finish(tx, &end, &Retries::default())).unwrap();
        assert_eq!(settled.due, Some(START + HOUR));
    }
}

#[test]
fn a_parked_job_that_has_waited_long_enough_comes_back_although_the_outage_goes_on() {
    for world in worlds() {
        let run = world.run();
        let rule = breaker::Rule { least: 1, ..breaker::Rule::default() };
        let (open, _) =
            world.store.write(|tx| breaker::note(tx, "history", (0, 1), Some("x"), None, &rule)).unwrap();
        for (name, has_wait) in [("aa", true), ("bb", false)] {
            world.enqueue(name, Lane::Upload);
            let mut end = finished(&world.claim(run).unwrap(), Outcome::Parked, None);
            end.parked_on = Some(open.id);
            end.wait = wait(WaitKind::History, START + HOUR, START + MINUTE).filter(|_| has_wait);
            world.store.write(|tx| finish::finish(tx, &end, &Retries::default())).unwrap();
        }
        assert_eq!(world.store.write(|tx| waits::expire(tx, 10)).unwrap(), 0);
        world.advance(HOUR);
        assert_eq!(world.store.write(|tx| waits::expire(tx, 10)).unwrap(), 1);
        assert_eq!(world.claim(run).unwrap().package, "aa");
        assert!(world.claim(run).is_none());
        assert!(world.store.read(counters::verify).unwrap().is_empty());
    }
}

#[test]
fn latency_is_measured_and_what_is_apart_is_apart() {
    for world in worlds() {
        let run = world.run();
        // Twenty uploads, published one after the other, each imported an hour after all are there: 20 h to 1 h.
        for (number, name) in names("p", 20).into_iter().enumerate() {
            world.advance(HOUR);
            take_over(&world, &[name], START + HOUR * i64::try_from(number).unwrap(), Lane::Upload);
        }
        (0..20).for_each(|_| import(&world, run));
        // A series; one that keeps failing; one that waits; and history, which counts nowhere.
        take_over(&world, &names("s", 3), START + 10 * HOUR, Lane::Rescan);
        take_over(&world, &["fails".into()], START + 15 * HOUR, Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Failed, failure(Class::Permanent, "bad")).unwrap();
        take_over(&world, &["waits".into()], START + 18 * HOUR, Lane::Upload);
        let old =
            NewPublication { suite: String::new(), ..publication("0.1-1", START - 999 * DAY, Lane::Rescan) };
        suites::take_over(&world.store, &[("waits".into(), old)], Lane::Rescan, &|_| {}).unwrap();
        assert_eq!(world.store.read(freshness::figures).unwrap(), None);
        samples::take(&world.store).unwrap();
        let figures = world.store.read(freshness::figures).unwrap().unwrap();
        let hours = |seconds: i64| seconds / 3600;
        // 21 are measured: 1 to 20 hours, and 2 of the one that waits.
        assert_eq!(
            (figures.measured, hours(figures.p50), hours(figures.p95), hours(figures.worst)),
            (21, 10, 19, 20)
        );
        assert_eq!((figures.failing, hours(figures.failing_worst)), (1, 5));
        assert_eq!((figures.rescans, hours(figures.rescan_worst)), (3, 10));
        assert_eq!(figures.behind, 5);
        let oldest = "SELECT oldest FROM check_v1_freshness";
        assert_eq!(world.count(oldest), START + 15 * HOUR);
        // A version that was first seen long ago is not measured any more.
        world.advance(8 * DAY);
        samples::take(&world.store).unwrap();
        assert_eq!(world.store.read(freshness::figures).unwrap().unwrap().measured, 0);
    }
}

#[test]
fn each_reason_to_be_behind_has_its_word() {
    for world in worlds() {
        let run = world.run();
        take_over(&world, &names("p", 3), START, Lane::Upload);
        let of = |name: &str| world.store.read(|tx| freshness::of_package(tx, name)).unwrap().unwrap();
        let why = |name: &str| of(name).why.unwrap();
        assert_eq!((why("p00001").as_str(), of("p00001").lacks.len()), ("queued", 1));
        assert!(of("p00001").reason.unwrap().starts_with("number 2 in the queue"));
        let claim = world.claim(run).unwrap();
        assert_eq!(why("p00000"), "running");
        let settled = world.finish(&claim, Outcome::Failed, failure(Class::Permanent, "bad")).unwrap();
        let failing = of("p00000");
        assert_eq!((failing.why.as_deref(), failing.next), (Some("failing"), settled.due));
        assert!(failing.reason.unwrap().contains(&settled.signature.unwrap()));
        let mut end = finished(&world.claim(run).unwrap(), Outcome::Waiting, None);
        end.wait = wait(WaitKind::Base, START + HOUR, START + HOUR);
        world.store.write(|tx| finish::finish(tx, &end, &Retries::default())).unwrap();
        assert_eq!((why("p00001").as_str(), of("p00001").next), ("waiting", Some(START + HOUR)));
        let (count, behind) = world.store.read(|tx| freshness::behind(tx, 2)).unwrap();
        assert_eq!((count, behind.len()), (3, 2));
        import(&world, run);
        let current = of("p00002");
        assert_eq!((current.state.as_str(), current.why), ("current", None));
        assert!(world.store.read(|tx| freshness::of_package(tx, "unknown")).unwrap().is_none());
    }
}

#[test]
fn the_check_reads_the_same_whatever_is_remembered() {
    let world = sqlite();
    let run = world.run();
    let cost = |world: &World| {
        let before = world.store.steps();
        world.store.read(|tx| tx.query("SELECT * FROM check_v1_freshness", &[])).unwrap();
        world
            .store
            .read(|tx| tx.query("SELECT * FROM check_v1_waiting ORDER BY published LIMIT 1", &[]))
            .unwrap();
        world.store.steps() - before
    };
    let fill = |start: &str, count: usize| {
        take_over(&world, &names(start, count), START, Lane::Upload);
        (0..count / 2).for_each(|_| import(&world, run));
        (0..count / 20).for_each(|_| {
            world.advance(HOUR);
            samples::take(&world.store).unwrap();
        });
    };
    fill("a", 100);
    let small = cost(&world);
    fill("b", 1000);
    let large = cost(&world);
    println!("steps of the check: {small}, with ten times the history {large}");
    assert!(large <= small + small / 20, "{small} steps became {large}");
}
