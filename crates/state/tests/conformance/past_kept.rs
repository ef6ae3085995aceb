//! Past states of what the model of `past` does not do: publications, verdicts, decisions with odd words.

use baseline::State;
use state::operate::{self, By};
use state::publications::{self, NewPublication};
use state::read::{failures, freshness, queue, verdicts};
use state::retention::{self, Rule};
use state::words::{Class, Lane, Outcome};
use state::{StateError, breaker, meta, samples, suites};

use crate::common::{DAY, HOUR, MINUTE, START, World, failure, worlds};

fn begin(world: World) -> World {
    world.store.write(|tx| meta::set(tx, meta::PAST_SINCE, &START.to_string())).unwrap();
    world
}

fn now(world: &World) -> i64 {
    world.clock.load(std::sync::atomic::Ordering::SeqCst)
}

fn published(version: &str) -> NewPublication {
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
        published: Some(START),
        lane: Lane::Upload,
    }
}

#[test]
fn what_was_missing_is_told_also_when_it_is_imported_or_withdrawn_by_now() {
    for world in worlds().into_iter().map(begin) {
        let run = world.run();
        let told = |at: Option<i64>| {
            let (count, all) = world.store.read_at(at, |tx| freshness::behind(tx, 10)).unwrap();
            let one = |it: freshness::Behind| (it.package, it.why, it.reason, it.next, it.lacks.len());
            (count, all.into_iter().map(one).collect::<Vec<_>>())
        };
        let mut written = vec![(now(&world), told(None))];
        let mut step = |world: &World, what: &dyn Fn()| {
            world.advance(MINUTE);
            what();
            written.push((now(world), told(None)));
        };
        let new: Vec<_> = ["a", "b", "c"].map(|name| (name.to_owned(), published("1.0-1"))).into();
        step(&world, &|| suites::take_over(&world.store, &new, Lane::Upload, &|_| {}).map(drop).unwrap());
        for name in ["a", "b"] {
            step(&world, &|| {
                let claim = world.claim(run).unwrap();
                assert_eq!(claim.package, name);
                world
                    .store
                    .write(|tx| {
                        let open = publications::open(tx, claim.package_id)?;
                        publications::tried(tx, &open.iter().map(|it| it.id).collect::<Vec<_>>())?;
                        tx.execute(
                            "UPDATE publication SET done = ?2 WHERE package_id = ?1",
                            state::values![claim.package_id, now(&world)],
                        )?;
                        Ok(())
                    })
                    .unwrap();
                world.finish(&claim, Outcome::Imported, None).unwrap();
            });
        }
        step(&world, &|| {
            let gone = "UPDATE publication SET gone = ?1 WHERE done IS NULL";
            world.store.write(|tx| tx.execute(gone, state::values![now(&world)])).map(drop).unwrap();
        });
        let missing: Vec<i64> = written.iter().map(|(_, (count, _))| *count).collect();
        assert_eq!(missing, [0, 3, 2, 1, 0]);
        world.advance(DAY);
        for (at, then) in &written {
            assert_eq!(&told(Some(*at)), then, "{} minutes after the start", (at - START) / MINUTE);
            assert_eq!(&told(Some(*at)), then, "asked for again");
        }
    }
}

/// Words of people stand in the statements that ask for a time.
#[test]
fn odd_words_of_many_decisions_are_told_as_they_were_written() {
    let odd = r"was it ?1 or $2? 'quoted' \ \' @LOCK @LOCK_SKIP; DROP TABLE package";
    for world in worlds().into_iter().map(begin) {
        let run = world.run();
        world.enqueue("a", Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Failed, failure(Class::Permanent, "broken")).unwrap();
        let short = world.text("SELECT short FROM signature");
        let decision = operate::Decision { note: Some(odd), ..operate::Decision::default() };
        let by = By { actor: "olga", reason: Some("a test") };
        world.store.write(|tx| operate::decide(tx, &short, &decision, by)).unwrap();
        let rule = breaker::Rule::default();
        world.store.write(|tx| breaker::note(tx, "mirror", (0, 9), Some(odd), Some("x"), &rule)).unwrap();
        // More than a statement of SQLite may put together.
        for part in 0..6 {
            let more = |tx: &mut state::tx::Tx<'_>| {
                for number in part * 100..part * 100 + 100 {
                    let value = format!("[[{},\"fail\",\"note {number}\",null]]", 1000 + number);
                    let sql = "INSERT INTO past (kind, name, at, value) VALUES ('signature', ?1, ?2, ?3)";
                    tx.execute(sql, state::values![format!("x{number}"), START, value])?;
                }
                Ok(())
            };
            world.store.write(more).unwrap();
        }
        let told = |tx: &mut state::tx::Tx<'_>| -> Result<_, StateError> {
            let cause = breaker::list(tx)?.into_iter().next().and_then(|it| it.cause);
            Ok((failures::signature(tx, &short)?.and_then(|it| it.note), cause))
        };
        let at = now(&world);
        let then = world.store.read(told).unwrap();
        assert_eq!(then.0.as_deref(), Some(odd));
        world.advance(HOUR);
        assert_eq!(world.store.read_at(Some(at), told).unwrap(), then);
    }
}

#[test]
fn verdicts_are_told_as_they_were() {
    for world in worlds().into_iter().map(begin) {
        let run = world.run();
        let fail = |names: std::ops::Range<usize>, message: &str| {
            for number in names {
                world.enqueue(&format!("p{number}"), Lane::Upload);
                let claim = world.claim(run).unwrap();
                world.finish(&claim, Outcome::Failed, failure(Class::Permanent, message)).unwrap();
            }
        };
        let told = |at: Option<i64>| -> Vec<(String, String, Option<i64>)> {
            let list = world.store.read_at(at, |tx| verdicts::list(tx, None)).unwrap();
            // Of one that was always at its usual level, nothing is kept.
            let alerts = list.into_iter().filter(|it| it.state != State::Ok.as_str());
            alerts.map(|it| (it.figure, it.state, it.since)).collect()
        };
        fail(0..20, "it is broken");
        samples::take(&world.store).unwrap();
        world.advance(HOUR);
        world
            .store
            .write(|tx| {
                let now = tx.now()?;
                meta::set(tx, meta::FILLED, &now.to_string())
            })
            .unwrap();
        for _ in 0..36 {
            samples::take(&world.store).unwrap();
            world.advance(6 * HOUR);
        }
        let mut written = Vec::new();
        let mut note = || {
            samples::take(&world.store).unwrap();
            written.push((now(&world), told(None)));
            world.advance(HOUR);
        };
        note();
        fail(100..130, "the mirror has gone away");
        note();
        fail(200..204, "another");
        note();
        for number in (100..130).chain(200..204) {
            world.enqueue(&format!("p{number}"), Lane::Upload);
            let claim = world.claim(run).unwrap();
            world.finish(&claim, Outcome::Imported, None).unwrap();
        }
        (0..3).for_each(|_| note());
        let alerts: Vec<usize> = written.iter().map(|(_, all)| all.len()).collect();
        assert!(alerts[0] == 0 && alerts[1] >= 2 && alerts[5] == 0, "{alerts:?}");
        for (at, then) in &written {
            assert_eq!(&told(Some(*at)), then, "{} hours after the start", (at - START) / HOUR);
            assert_eq!(&told(Some(at + MINUTE)), then, "and until the next sample");
            for (figure, state, _) in then {
                let one = world.store.read_at(Some(*at), |tx| verdicts::list(tx, Some(figure))).unwrap();
                let states: Vec<String> = one.into_iter().map(|it| it.state).collect();
                assert_eq!(states.as_slice(), std::slice::from_ref(state));
            }
        }
    }
}

/// Packages that are not at rest are listed now and then: a look back starts from the next list, and tells the same without any.
#[test]
fn a_time_is_told_from_the_next_list_as_from_the_present() {
    let lists = "SELECT COUNT(*) FROM past WHERE kind = 'busy'";
    for world in worlds().into_iter().map(begin) {
        let run = world.run();
        let mut written = Vec::new();
        let told = |at: Option<i64>| {
            let read = |tx: &mut state::tx::Tx<'_>| {
                let failing = failures::packages(tx, &failures::Filter::default(), 100)?;
                Ok((
                    queue::next(tx, None, 100)?,
                    failing,
                    failures::groups(tx, &failures::Filter::default(), 9)?,
                ))
            };
            world.store.read_at(at, read).unwrap()
        };
        for number in 0..60 {
            world.enqueue(&format!("p{number}"), Lane::Upload);
            let claim = world.claim(run).unwrap();
            world.finish(&claim, Outcome::Imported, None).unwrap();
        }
        for number in 0..5 {
            world.enqueue(&format!("p{number}"), Lane::Upload);
        }
        for day in 0..12 {
            for round in 0..2 {
                let claim = world.claim(run).unwrap();
                let cause = (round == 1).then(|| failure(Class::Permanent, &format!("broken {}", day % 4)));
                let outcome = if cause.is_some() { Outcome::Failed } else { Outcome::Imported };
                world.finish(&claim, outcome, cause.flatten()).unwrap();
                world.enqueue(&format!("p{}", (day * 7 + round) % 60), Lane::Upload);
                written.push((now(&world), told(None)));
                world.advance(HOUR);
            }
            samples::take(&world.store).unwrap();
            world.advance(DAY);
        }
        let kept = world.count(lists);
        assert!(kept >= 8, "{kept} lists");
        let all = |what: &str| {
            for (at, then) in &written {
                assert_eq!(&told(Some(*at)), then, "{what}, {} hours after the start", (at - START) / HOUR);
            }
        };
        all("from the next list");
        let gone = |tx: &mut state::tx::Tx<'_>| tx.execute("DELETE FROM past WHERE kind = 'busy'", &[]);
        world.store.write(gone).unwrap();
        world.advance(1);
        assert_eq!(world.count(lists), 0);
        all("from the present");
    }
}

/// What is kept to look back does not grow for ever: a last value that says nothing is forgotten with the others.
#[test]
fn values_that_say_nothing_are_forgotten() {
    for world in worlds().into_iter().map(begin) {
        let run = world.run();
        world.enqueue("a", Lane::Upload);
        let ok = r#"{"state":"OK","since":null,"value":0,"text":"as normal"}"#;
        let warning = ok.replace("OK", "WARNING");
        let rows = [
            ("run", "4711", Some("[[1,2,\"x\"]]")),
            ("run", &run.to_string(), Some("[[1,2,\"x\"]]")),
            ("foreign", "a", None),
            ("foreign", "b", Some("[]")),
            ("verdict", "signature:aaaaaaa", Some(ok)),
            ("verdict", "signature:bbbbbbb", Some(warning.as_str())),
            ("verdict", "failing", Some(ok)),
        ];
        let put = |tx: &mut state::tx::Tx<'_>| {
            tx.execute("DELETE FROM past", &[])?;
            for (kind, name, value) in rows {
                let sql = "INSERT INTO past (kind, name, at, value) VALUES (?1, ?2, ?3, ?4)";
                tx.execute(sql, state::values![kind, name, START, value])?;
            }
            Ok(())
        };
        world.store.write(put).unwrap();
        let forget = || while world.store.write(|tx| retention::step(tx, &Rule::default())).unwrap() {};
        let kept = "SELECT COUNT(*) FROM past";
        world.advance(80 * DAY);
        forget();
        assert_eq!(world.count(kept), 7, "of the last ninety days all is kept");
        world.advance(20 * DAY);
        forget();
        assert_eq!(world.count(kept), 4);
        for gone in ["name = '4711'", "name = 'a'", "name = 'signature:aaaaaaa'"] {
            assert_eq!(world.count(&format!("{kept} WHERE {gone}")), 0, "{gone}");
        }
    }
}
