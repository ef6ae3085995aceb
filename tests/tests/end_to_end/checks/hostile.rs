//! Requirement 4: whatever stands in the database, what comes out is one clean line.

use crate::checks::world::{CHECKS, DAY, HOUR, World};

const NASTY: [&str; 6] = [
    "pipe | and=1;2;3",
    "line\nend\r\nIMPORT OK",
    "\u{1b}[2J\u{1b}]0;title\u{7}red\u{1b}[31m",
    "`touch /tmp/x` $(reboot) <b>&amp;\"'~;",
    "\u{202e}\u{0}\u{fffd}\u{e9}\u{1f600}",
    "IMPORT FAILURES OK - 0 failing | failing=0",
];

fn fill(world: &World, text: &str) {
    world.poll("debian", "sid", Some(text));
    world.poll(text, "sid", Some(text));
    let run = world.run(text, "service");
    world.failures(run, text, 3, text);
    world.wedge(text);
    world.outage(run, text, 21);
    world.enqueue(text, state::words::Lane::Upload);
    world.claim(run);
    world.set("integrity", text);
    world.execute(
        "UPDATE host SET state = 'offline', reason = (SELECT value FROM meta WHERE name = 'integrity')",
    );
    world.advance(DAY + HOUR);
}

fn is_clean(world: &World, arguments: &[&str]) {
    for check in CHECKS {
        let said = world.ask(check, arguments);
        let first = said.out.lines().next().unwrap();
        assert!(said.err.is_empty() && (0..=3).contains(&said.code), "{said:?}");
        assert!(said.out.is_ascii() && said.out.ends_with('\n'), "{said:?}");
        assert!(first.len() < 1023 && first.matches('|').count() == 1, "{said:?}");
        assert!(first.starts_with(&format!("IMPORT {} ", check.to_uppercase())), "{said:?}");
        assert!(!said.text().contains(|c| "`~$&|'\"<>;".contains(c)), "{said:?}");
        assert!(!said.out.chars().any(|c| c.is_control() && c != '\n'), "{said:?}");
        assert!(said.out.lines().skip(1).all(|line| !line.contains('|')), "{said:?}");
        if arguments.is_empty() {
            assert_eq!(said.out.matches('\n').count(), 1, "{said:?}");
        }
    }
}

#[test]
fn req4_names_messages_and_reasons() {
    for text in NASTY {
        let world = World::healthy();
        // A name that PostgreSQL would not take either is none; SQLite takes it.
        fill(&world, text);
        is_clean(&world, &[]);
        is_clean(&world, &["-vvv"]);
    }
}

#[test]
fn req4_a_megabyte_of_text() {
    let world = World::healthy();
    fill(&world, &"x\u{1b}[31m|\n".repeat(125_000));
    is_clean(&world, &[]);
    is_clean(&world, &["-vvv"]);
}

#[test]
fn req4_what_is_no_utf8() {
    let world = World::healthy();
    fill(&world, "plain");
    for (table, column) in [
        ("host", "name"),
        ("host", "reason"),
        ("suite", "archive"),
        ("suite", "error"),
        ("dependency", "name"),
        ("dependency", "cause"),
        ("failure", "code"),
        ("failure", "message"),
        ("package", "name"),
    ] {
        world.execute(&format!("UPDATE {table} SET {column} = CAST(x'ff80fe7c0a1b5b' || rowid AS TEXT) WHERE {column} IS NOT NULL"));
    }
    is_clean(&world, &[]);
    is_clean(&world, &["-vvv"]);
}
