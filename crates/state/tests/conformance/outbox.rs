//! Messages to people: each transition once, nothing lost, nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use state::audit::By;
use state::outbox::messages::{self, Message, Rule};
use state::outbox::notices::{self, LINGERING, New, SETTLING};
use state::outbox::watch::{self, Ages};
use state::outbox::words::{Kind, Level};
use state::outbox::{channels, sequence, texts};
use state::publication::collisions::{self, Found};
use state::repair::plans::{self, PartState, PlanKind};
use state::words::{Class, Lane, Outcome};
use state::{Store, breaker, meta, queue, retention, samples, values};

use crate::common::{DAY, HOUR, MINUTE, World, failure, sqlite, worlds};

fn rule(channel: &str) -> Rule {
    let digest = Kind::ALL.into_iter().filter(|kind| !Kind::URGENT.contains(kind)).collect();
    Rule {
        channel: channel.into(),
        now: Kind::URGENT.to_vec(),
        digest,
        times: vec![420],
        pace: 5 * MINUTE,
        most: 40,
    }
}

fn follow(store: &Store, names: &[&str]) {
    let wanted: Vec<(&str, &str)> = names.iter().map(|name| (*name, "mail")).collect();
    store.write(|tx| channels::follow(tx, &wanted, "host1")).unwrap();
}

/// One round of a host, whose channel takes what it is told or does not.
fn round(store: &Store, rule: &Rule, takes: bool) -> Vec<Message> {
    store.write(|tx| watch::look(tx, &Ages { backup: Some(2 * DAY), remote: Some(4 * HOUR) })).unwrap();
    while store.write(sequence).unwrap() {}
    let mut told = Vec::new();
    while told.len() < 4 {
        store.write(|tx| messages::compose(tx, rule)).unwrap();
        let Some(message) =
            store.write(|tx| messages::claim(tx, &rule.channel, "host1:1", 5 * MINUTE)).unwrap()
        else {
            break;
        };
        if !takes {
            store.write(|tx| messages::failed(tx, &message, "421 go away")).unwrap();
            break;
        }
        store.write(|tx| messages::sent(tx, &message)).unwrap();
        told.push(message);
    }
    told
}

fn new(topic: &str, level: Level) -> New {
    New {
        kind: Kind::Outage,
        topic: topic.into(),
        level,
        subject: "x".into(),
        line: format!("{topic} is out of reach"),
        items: Vec::new(),
        hints: vec!["package-import status".into()],
    }
}

/// Parts of the notices of a topic, as they are and whether they have a place.
fn parts(world: &World, topic: &str) -> Vec<(String, String, bool)> {
    let sql = "SELECT part, level, seq FROM notice WHERE topic = ?1 ORDER BY id";
    let rows = world.store.read(|tx| tx.query(sql, values![topic])).unwrap();
    rows.iter().map(|row| (row.text(0), row.text(1), row.opt_int(2).is_some())).collect()
}

#[test]
fn what_begins_and_ends_is_told_once_each() {
    for world in worlds() {
        let begin = |level| world.store.write(|tx| notices::begin(tx, &new("outage:a", level))).unwrap();
        let end = || world.store.write(|tx| notices::end(tx, "outage:a", &[], |_| "back".into())).unwrap();
        let place = || while world.store.write(sequence).unwrap() {};
        let is = |wanted: &[(&str, &str, bool)]| {
            let found = parts(&world, "outage:a");
            let found: Vec<_> =
                found.iter().map(|(part, level, seq)| (part.as_str(), level.as_str(), *seq)).collect();
            assert_eq!(found, wanted);
        };
        end();
        is(&[]);
        begin(Level::Warning);
        begin(Level::Warning);
        place();
        is(&[("begun", "warning", false)]);
        // Worse before anybody was told is one; ended before is one.
        begin(Level::Critical);
        is(&[("begun", "critical", false)]);
        end();
        end();
        is(&[("passed", "ok", false)]);
        // It begins again before it was told: it goes on.
        begin(Level::Warning);
        is(&[("begun", "warning", false)]);
        world.advance(SETTLING);
        place();
        is(&[("begun", "warning", true)]);
        begin(Level::Critical);
        begin(Level::Warning);
        is(&[("begun", "warning", true), ("begun", "critical", false)]);
        world.advance(SETTLING);
        place();
        end();
        world.advance(LINGERING - 1);
        place();
        // It begins again before the end was told: it had not ended.
        begin(Level::Warning);
        is(&[("begun", "warning", true), ("begun", "critical", true)]);
        end();
        world.advance(LINGERING);
        place();
        is(&[("begun", "warning", true), ("begun", "critical", true), ("ended", "ok", true)]);
        assert_eq!(world.store.read(|tx| notices::since(tx, "outage:a")).unwrap(), None);
        begin(Level::Warning);
        assert_eq!(parts(&world, "outage:a").len(), 4, "another one");
    }
}

/// Rows get their numbers before their transactions end; none is passed by.
#[test]
fn a_transaction_that_ends_late_is_told_all_the_same() {
    for world in worlds() {
        follow(&world.store, &["team"]);
        let rule = Rule { pace: 0, now: Kind::ALL.to_vec(), ..rule("team") };
        let once = |tx: &mut state::tx::Tx<'_>, name: &str| notices::once(tx, &texts::wedged(name, "x"));
        let mut told = BTreeSet::new();
        let mut hear = |found: Vec<Message>| {
            for notice in found.into_iter().flat_map(|message| message.content.notices) {
                assert!(told.insert(notice.subject.clone()), "{notice:?} is told twice");
            }
        };
        let other = world.again();
        if world.store.kind() == state::driver::Kind::Postgres {
            world
                .store
                .write(|tx| {
                    once(tx, "late")?;
                    other.write(|tx| once(tx, "early"))?;
                    hear(round(&other, &rule, true));
                    Ok(())
                })
                .unwrap();
        } else {
            ["early", "late"].iter().for_each(|name| world.store.write(|tx| once(tx, name)).unwrap());
        }
        hear(round(&other, &rule, true));
        assert_eq!(told, BTreeSet::from(["early".to_owned(), "late".to_owned()]));
    }
}

/// A message is sent by one host at a time; one that dies leaves it to the others, with the same name.
#[test]
fn a_message_has_one_sender_and_keeps_its_name() {
    for world in worlds() {
        follow(&world.store, &["team"]);
        let other = world.again();
        world.store.write(|tx| notices::begin(tx, &new("outage:a", Level::Critical))).unwrap();
        world.advance(SETTLING);
        world.store.write(sequence).unwrap();
        let rule = rule("team");
        assert!(world.store.write(|tx| messages::compose(tx, &rule)).unwrap());
        assert!(!other.write(|tx| messages::compose(tx, &rule)).unwrap(), "one is on its way");
        let claim =
            |store: &Store, by: &str| store.write(|tx| messages::claim(tx, "team", by, 5 * MINUTE)).unwrap();
        let first = claim(&world.store, "host1:1").unwrap();
        assert_eq!(claim(&other, "host2:1"), None);
        // It was sent, and its sender was killed before it could note that.
        world.advance(5 * MINUTE);
        let second = claim(&other, "host2:1").unwrap();
        assert_eq!((&second.uid, &second.content, second.tries), (&first.uid, &first.content, 2));
        other.write(|tx| messages::sent(tx, &second)).unwrap();
        assert_eq!(claim(&world.store, "host1:1"), None);
        assert!(!world.store.write(|tx| messages::compose(tx, &rule)).unwrap(), "there is nothing new");
    }
}

/// Thirty days: five outages, a short one, a flapping one among them; a series that opens; the mail server away for a day.
fn month(world: &World, days: i64) -> (Vec<(i64, Message)>, BTreeSet<String>) {
    let store = &world.store;
    let run = world.run();
    let (rule, start) = (rule("team"), world.store.read(|tx| tx.now()).unwrap());
    follow(store, &["team"]);
    store.write(|tx| meta::set(tx, meta::LAST_BACKUP, &start.to_string())).unwrap();
    let down = |name: &str| {
        let breaker = breaker::Rule::default();
        store
            .write(|tx| breaker::note(tx, name, (0, 9), Some("connection refused"), None, &breaker))
            .unwrap();
    };
    let up = |name: &str| {
        let breaker = breaker::Rule::default();
        store
            .write(|tx| {
                let it = breaker::get(tx, name)?.unwrap();
                breaker::probed(tx, it.id, None, &breaker)
            })
            .unwrap();
    };
    let (mut told, mut happened) = (Vec::new(), BTreeSet::new());
    let fail = |package: String, message: &str| {
        world.enqueue(&package, Lane::Upload);
        let claim = world.claim(run).unwrap();
        world.finish(&claim, Outcome::Failed, failure(Class::Permanent, message)).unwrap();
    };
    for step in 0..days * 24 * 6 {
        let (day, minute) = (step / 144, step % 144 * 10);
        match (day, minute) {
            // An outage of five hours; one of twenty minutes; one that comes and goes for an hour, every few minutes; one over
            // midnight and the digest; two hosts at once.
            (2, 480) => down("deb.example.org"),
            (2, 780) => up("deb.example.org"),
            (4, 100) => down("deb.example.org"),
            (4, 120) => up("deb.example.org"),
            (3, 1200) => down("mirror.example.net"),
            (4, 700) => up("mirror.example.net"),
            _ => {}
        }
        if day == 5 && (600..660).contains(&minute) {
            for _ in 0..5 {
                down("flap.example.org");
                world.advance(MINUTE);
                up("flap.example.org");
                world.advance(MINUTE);
            }
            told.extend(round(store, &rule, true).into_iter().map(|message| (day, message)));
            continue;
        }
        // A series opens: thousands of packages, some of which fail in new ways.
        if day == 1 && (600..700).contains(&minute) {
            for number in 0..30 {
                let package = format!("p{}", (minute - 600) * 3 + number);
                let message = format!(
                    "way {} of failing",
                    ["a", "b", "c", "d", "e", "f"][number as usize % 6]
                        .repeat(1 + (minute as usize - 600) / 10)
                );
                fail(package, &message);
            }
        }
        if minute % 60 == 0 {
            samples::take(store).unwrap();
        }
        if minute == 30 {
            store
                .write(|tx| {
                    let now = tx.now()?;
                    meta::set(tx, meta::LAST_BACKUP, &now.to_string())
                })
                .unwrap();
        }
        // The mail server is away for a day, with an outage in it.
        let takes = !(day == 2 && minute >= 300 || day == 3 && minute < 300);
        told.extend(round(store, &rule, takes).into_iter().map(|message| (day, message)));
        world.advance(10 * MINUTE);
    }
    let sql = "SELECT id FROM notice WHERE seq IS NOT NULL";
    happened.extend(store.read(|tx| tx.query(sql, &[])).unwrap().iter().map(|row| row.int(0).to_string()));
    (told, happened)
}

#[test]
fn a_month_is_a_few_messages_and_nothing_is_lost() {
    for (world, days) in [(sqlite(), 30), (crate::common::postgres(), 6)] {
        let (told, _) = month(&world, days);
        let mut digests = BTreeMap::<i64, usize>::new();
        let mut topics = BTreeMap::<(String, i64), usize>::new();
        let (mut uids, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut counted = 0;
        for (day, message) in &told {
            assert!(uids.insert(message.uid.clone()), "{message:?} is told twice");
            if message.kind == "digest" {
                *digests.entry(*day).or_default() += 1;
            }
            counted += message.content.counts.iter().map(|(_, count)| count).sum::<i64>();
            for notice in &message.content.notices {
                assert!(seen.insert(notice.id), "{notice:?} is told twice");
                if notice.kind == "outage" {
                    let began = notice.began.unwrap_or(notice.at);
                    *topics.entry((notice.topic.clone(), began)).or_default() += 1;
                }
            }
        }
        assert!(digests.values().all(|count| *count == 1), "one digest a day: {digests:?}");
        // Five outages, of which that of the day without mail is one message with both ends, as the short one is.
        let of = |name: &str| {
            topics
                .iter()
                .filter(|((topic, _), _)| topic.contains(name))
                .map(|(_, count)| *count)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("deb.example.org"), [1, 2], "{topics:?}");
        assert_eq!(of("mirror.example.net"), [2], "{topics:?}");
        assert!(of("flap.example.org").iter().sum::<usize>() <= 2, "{topics:?}");
        let outages =
            told.iter().filter(|(_, message)| message.content.notices.iter().any(|it| it.kind == "outage"));
        assert!(outages.count() <= 8, "two messages an outage at most");
        // Notices that a message does not show are counted: every notice is in a message, or joined with one that is.
        let placed = world.count("SELECT COUNT(*) FROM notice WHERE seq IS NOT NULL");
        let joined =
            told.iter().flat_map(|(_, message)| &message.content.notices).filter(|it| it.part == "passed");
        let joined = i64::try_from(joined.count()).unwrap();
        assert!(
            counted <= placed && placed <= counted + joined,
            "{placed} notices, {counted} told, {joined} joined"
        );
        // Hundreds of packages, a few dozen messages.
        let last = told.iter().map(|(day, _)| *day).max().unwrap();
        assert!(told.len() < 40, "{} messages until day {last}", told.len());
        let quiet = told.iter().filter(|(day, _)| *day > 8);
        assert_eq!(quiet.count(), 0, "nothing when nothing is new");
        assert!(world.store.largest_transaction() <= state::tx::LARGEST);
    }
}

#[test]
fn what_waits_for_a_person_is_in_the_next_digest() {
    for world in worlds() {
        follow(&world.store, &["team"]);
        let rule = rule("team");
        round(&world.store, &rule, true);
        for number in 0..130 {
            let name = format!("p{number}");
            let found = [Found {
                name: "refs/heads/debian/sid".into(),
                kind: "unmerged".into(),
                waits: true,
                who: Some("Mallory <mallory@example.com>".into()),
                theirs: Some(format!("{number:040}")),
                ..Found::default()
            }];
            let settled = world.store.write(|tx| {
                let package = queue::package_id(tx, &name)?;
                collisions::settle(tx, package, &found, &[])
            });
            settled.unwrap();
        }
        assert_eq!(round(&world.store, &rule, true), [], "it is not urgent");
        world.advance(8 * HOUR);
        let told = round(&world.store, &rule, true);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].content.counts, [("collision".to_owned(), 130)]);
        assert_eq!(told[0].content.notices.len(), rule.most);
        assert_eq!(
            told[0].content.notices[0].line,
            "p0: debian/sid unmerged by Mallory <mallory@example.com>"
        );
        world.advance(DAY);
        assert_eq!(round(&world.store, &rule, true), [], "nothing is new");
    }
}

#[test]
fn what_becomes_true_by_time_is_told() {
    for world in worlds() {
        follow(&world.store, &["team"]);
        let rule = rule("team");
        let days = |days: i64| {
            let mut told = Vec::new();
            for _ in 0..days * 24 {
                world.advance(HOUR);
                told.extend(round(&world.store, &rule, true));
            }
            told
        };
        let backup =
            |at: i64| world.store.write(|tx| meta::set(tx, meta::LAST_BACKUP, &at.to_string())).unwrap();
        backup(world.store.read(|tx| tx.now()).unwrap());
        assert_eq!(days(2), []);
        let told = days(2);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].content.notices[0].line.starts_with("no backup was taken since "), "{told:?}");
        backup(world.store.read(|tx| tx.now()).unwrap());
        let told = days(1);
        assert_eq!((told.len(), told[0].content.notices[0].part.as_str()), (1, "ended"));
    }
}

#[test]
fn a_channel_that_fails_pauses_is_said_and_gives_up_after_days() {
    for world in worlds() {
        follow(&world.store, &["team", "other"]);
        let (team, other) = (rule("team"), rule("other"));
        world.store.write(|tx| notices::begin(tx, &new("outage:a", Level::Critical))).unwrap();
        world.advance(SETTLING);
        assert_eq!(round(&world.store, &team, false), []);
        assert_eq!(round(&world.store, &other, true).len(), 1, "the other does not wait for it");
        let channel = || world.store.read(|tx| channels::get(tx, "team")).unwrap().unwrap();
        assert_eq!(
            (channel().failures, channel().error.as_deref(), channel().waiting),
            (1, Some("421 go away"), 1)
        );
        let since = channel().failing;
        assert_eq!(
            world.store.write(|tx| messages::claim(tx, "team", "x", HOUR)).unwrap(),
            None,
            "it pauses"
        );
        let mut tries = 1;
        for _ in 0..5 * 24 * 6 {
            world.advance(10 * MINUTE);
            let before = channel().failures;
            round(&world.store, &team, false);
            tries += channel().failures - before;
        }
        assert_eq!(channel().failing, since);
        assert!((150..300).contains(&tries), "every half an hour at most: {tries}");
        assert_eq!(world.count("SELECT COUNT(*) FROM event WHERE action = 'message-given-up'"), 1);
        // Somebody has mended it.
        world.store.write(|tx| notices::begin(tx, &new("outage:b", Level::Critical))).unwrap();
        world.advance(HOUR);
        assert_eq!(round(&world.store, &team, true).len(), 1);
        assert_eq!((channel().failing, channel().failures, channel().error), (None, 0, None));
    }
}

#[test]
fn a_new_channel_hears_what_comes_and_one_that_was_left_nothing() {
    for world in worlds() {
        let once = |name: &str| world.store.write(|tx| notices::once(tx, &texts::wedged(name, "x"))).unwrap();
        once("before");
        world.store.write(sequence).unwrap();
        follow(&world.store, &["team"]);
        let rule = Rule { now: Kind::ALL.to_vec(), pace: 0, ..rule("team") };
        assert_eq!(round(&world.store, &rule, true), []);
        once("after");
        let told = round(&world.store, &rule, true);
        assert_eq!(
            told[0].content.notices.iter().map(|it| it.subject.as_str()).collect::<Vec<_>>(),
            ["after"]
        );
        // Another host has other channels; this one has none any more.
        world.store.write(|tx| channels::follow(tx, &[("chat", "slack")], "host2")).unwrap();
        assert!(world.store.read(|tx| channels::is_news(tx, &[], "host1")).unwrap());
        follow(&world.store, &[]);
        let left: Vec<String> =
            world.store.read(channels::list).unwrap().into_iter().map(|it| it.channel).collect();
        assert_eq!(left, ["chat"]);
        once("later");
        assert_eq!(round(&world.store, &rule, true), []);
        assert!(!world.store.read(|tx| channels::is_news(tx, &[], "host1")).unwrap());
    }
}

#[test]
fn what_was_told_is_forgotten_and_what_goes_on_is_not() {
    for world in worlds() {
        follow(&world.store, &["team"]);
        let rule = Rule { now: Kind::ALL.to_vec(), pace: 0, ..rule("team") };
        world.store.write(|tx| notices::once(tx, &texts::wedged("hello", "x"))).unwrap();
        world.store.write(|tx| notices::begin(tx, &new("outage:a", Level::Critical))).unwrap();
        world.advance(HOUR);
        assert_eq!(round(&world.store, &rule, true).len(), 1);
        world.advance(100 * DAY);
        while world.store.write(|tx| retention::step(tx, &retention::Rule::default())).unwrap() {}
        assert_eq!(world.count("SELECT COUNT(*) FROM notice WHERE part = 'once'"), 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM notice WHERE topic = 'outage:a'"), 1);
        world.store.write(|tx| notices::end(tx, "outage:a", &[], |_| "back".into())).unwrap();
        world.advance(HOUR);
        let told = round(&world.store, &rule, true);
        assert_eq!(told.iter().flat_map(|it| &it.content.notices).filter(|it| it.part == "ended").count(), 1);
    }
}

#[test]
fn a_repair_that_was_applied_is_in_the_next_digest() {
    for world in worlds() {
        follow(&world.store, &["team"]);
        let rule = rule("team");
        round(&world.store, &rule, true);
        let by = By { actor: "olga@host1", reason: Some("a test") };
        let part = world
            .store
            .write(|tx| {
                let package = queue::package_id(tx, "hello")?;
                let plan = plans::begin(tx, PlanKind::Repair, None, by)?;
                plans::put(tx, (plan, package), PartState::Wanted, Some("{}"), None, by)?;
                Ok(plans::parts(tx, plan)?.remove(0))
            })
            .unwrap();
        for _ in 0..2 {
            world.store.write(|tx| plans::end(tx, &part, PartState::Applied, None, None)).unwrap();
        }
        world.advance(8 * HOUR);
        let told = round(&world.store, &rule, true);
        let lines: Vec<&str> = told[0].content.notices.iter().map(|it| it.line.as_str()).collect();
        assert_eq!(lines, [format!("hello: repaired by plan {}, for olga@host1", part.plan)]);
    }
}
