//! The age of content: a mirror that goes on answering, and has stopped where it was.

use package_import_tests::archive::{Suite, suite};

use super::world::World;

const DAY: i64 = 86_400_000;

/// Lets days pass for what is on record of suites.
fn let_pass(world: &World, days: i64) {
    let sql =
        "UPDATE suite SET content = content - ?1, changed = changed - ?1, release_date = release_date - ?1";
    world.queue.store().write(|tx| tx.execute(sql, state::values![days * DAY])).unwrap();
}

#[test]
fn a_limit_of_the_configuration() {
    let world = World::new(&["main"]);
    world.add("main", "aa", "1.0-1");
    world.publish();
    world.with("stale_after = '2d'");
    world.queue.well(&["run", "--poll"]);
    assert_eq!((world.verdict()["verdict"].as_str(), world.check("archive").0), (Some("ok"), 0));
    let_pass(&world, 3);
    let (state, line) = world.check("archive");
    assert_eq!(state, 1, "{line}");
    assert!(line.contains("a/sid: lists as they were 3d ago (limit 2d)"), "{line}");
    assert_eq!(world.verdict()["verdict"], "stale");
    for command in ["archives", "status"] {
        let said = world.queue.well(&[command]);
        assert!(said.contains("is the mirror still updated?"), "{command}: {said}");
    }
    // A new index over the same lists is no new content.
    world.publish();
    world.poll(&[]);
    assert_eq!(world.verdict()["verdict"], "stale");
    world.add("main", "bb", "1.0-1");
    world.publish();
    world.poll(&[]);
    assert_eq!((world.verdict()["verdict"].as_str(), world.check("archive").0), (Some("ok"), 0));
    // A suite may have its own limit, or none.
    let_pass(&world, 3);
    for (suite, verdict) in [("stale_after = '4d'", "ok"), ("end_of_life = true", "ok"), ("", "stale")] {
        let mirrors = format!("mirrors = ['{}']\nstale_after = '2d'", world.server.url());
        world.configure(&mirrors, &format!("[[archives.suites]]\nname = 'sid'\n{suite}"));
        world.poll(&[]);
        assert_eq!(world.verdict()["verdict"], verdict, "{suite}");
    }
    world.with("stale_after = 'soon'");
    assert!(world.poll(&[]).contains("or \"never\""));
}

#[test]
fn without_one_its_own_past_says_it() {
    let world = World::new(&["main"]);
    let dated = |day: u32| Suite { date: Some(format!("{day:02} Sep 2025 09:00:00 UTC")), ..suite("sid") };
    // Every second day something changes.
    for day in [1, 3, 5, 7, 9, 11, 13] {
        world.add("main", &format!("p{day:02}"), "1.0-1");
        world
            .archive
            .publish(&Suite { date: dated(day).date.map(|date| format!("Mon, {date}")), ..dated(day) });
        assert!(world.poll(&[]).contains("1 new"), "day {day}");
        if day < 11 {
            assert!(world.verdict()["stale_after"].is_null(), "two or three changes say nothing");
        }
    }
    assert_eq!(world.verdict()["stale_after"].as_i64(), Some(7 * DAY), "a week at least");
    // One long pause is an incident, and not the norm from then on.
    world.add("main", "zz", "1.0-1");
    world.publish();
    world.poll(&[]);
    assert_eq!(world.verdict()["stale_after"].as_i64(), Some(24 * DAY), "three times four times two days");
    assert_eq!(world.verdict()["verdict"], "ok");
    let_pass(&world, 25);
    assert_eq!(world.verdict()["verdict"], "stale");
}
