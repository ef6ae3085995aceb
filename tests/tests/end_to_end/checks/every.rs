//! Properties of all checks.

use std::collections::BTreeSet;
use std::process::Command;

use state::driver::sqlite::Sqlite;
use state::words::Lane;

use crate::checks::world::{CHECKS, DAY, HOUR, Said, World, plugin};

/// States that are as different as can be.
fn worlds() -> Vec<World> {
    let healthy = World::healthy();
    let late = World::healthy();
    late.advance(60 * DAY);
    let busy = World::healthy();
    let run = busy.run("b", "service");
    busy.failures(run, "bad", 40, "bad-dsc");
    busy.failures(run, "moved", 4, "ref-moved");
    busy.wedge("moved");
    busy.suppress("bad1", busy.now() + DAY);
    busy.outage(run, "deb.debian.org", 25);
    for lane in Lane::ALL {
        busy.enqueue(&format!("waits-{lane}"), *lane);
    }
    busy.claim(run);
    busy.advance(8 * HOUR);
    vec![healthy, late, busy]
}

#[test]
fn req1_req2_req3_one_clean_line() {
    for world in worlds() {
        for check in CHECKS {
            let said = world.ask(check, &[]);
            let line = said.out.strip_suffix('\n').unwrap();
            assert!((0..=3).contains(&said.code) && said.err.is_empty(), "{said:?}");
            assert!(line.is_ascii() && !line.contains('\n') && said.out.len() <= 1023, "{said:?}");
            assert_eq!(line.matches('|').count(), 1, "{said:?}");
            let text = said.text();
            assert!(!text.contains(|c| "`~$&|'\"<>;".contains(c)), "{text}");
            let words = format!("IMPORT {} ", check.to_uppercase());
            assert!(
                text.starts_with(&words) && text.len() <= words.len() + "CRITICAL - ".len() + 240,
                "{text}"
            );
        }
    }
}

#[test]
fn req5_the_same_labels_in_the_same_order() {
    let worlds = worlds();
    for check in CHECKS {
        let said: Vec<Said> = worlds.iter().map(|world| world.ask(check, &[])).collect();
        let labels =
            |said: &Said| said.figures().iter().map(|(label, _)| (*label).to_owned()).collect::<Vec<_>>();
        let first = labels(&said[0]);
        assert!(!first.is_empty(), "{:?}", said[0]);
        for one in &said {
            assert_eq!(labels(one), first, "{one:?}");
            one.figures().iter().for_each(|(label, value)| figure(label, value));
        }
        let short: BTreeSet<&str> = first.iter().map(|label| label.get(..19).unwrap_or(label)).collect();
        assert_eq!(short.len(), first.len());
    }
}

/// A plain decimal with a known unit, and thresholds that Icinga keeps.
fn figure(label: &str, text: &str) {
    assert!(label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_'), "{label}");
    let mut fields = text.split(';');
    let value = fields.next().unwrap();
    let number = value.trim_end_matches(['s', 'B', '%', 'c']);
    assert!(
        value.len() - number.len() <= 1 && number.bytes().all(|c| c.is_ascii_digit() || c == b'.'),
        "{text}"
    );
    for threshold in fields {
        assert!(threshold.bytes().all(|c| c.is_ascii_digit() || c == b'.'), "{label}={text}");
    }
}

#[test]
fn req6_help_is_at_most_80_columns_wide_with_examples() {
    let world = World::new();
    for check in CHECKS {
        let said = world.ask(check, &["--help"]);
        assert_eq!((said.code, said.err.as_str()), (3, ""));
        for line in said.out.lines() {
            assert!(line.chars().count() <= 80, "{check}: {line}");
        }
        assert!(said.out.contains(&format!("Examples:\n  check_import_{check}")), "{}", said.out);
        for option in
            ["-w, --warning", "-c, --critical", "-t, --timeout", "-v, --verbose", "--config", "--state"]
        {
            assert!(said.out.contains(option), "{check}: {option}");
        }
        assert_eq!(world.ask(check, &["-V"]).out, format!("check_import_{check} 0.1.0\n"));
        assert_eq!(world.ask(check, &["positional"]).code, 3);
    }
}

#[test]
fn req10_without_data_it_is_unknown_with_what_to_do() {
    for check in CHECKS {
        let world = World::new();
        let said = world.ask(check, &[]);
        assert!(said.code == 3 && said.out.contains("no run yet: start package-import run"), "{said:?}");
        assert_eq!(world.ask(check, &["--no-data", "critical"]).code, 2);
        std::fs::remove_file(world.root().join("state.db")).unwrap();
        let said = world.ask(check, &[]);
        assert!(said.code == 3 && said.out.contains("has the importer run?"), "{said:?}");
    }
}

/// One check alerts, the others point to it: one alert, not eight.
#[test]
fn req10_a_damaged_database_alerts_once() {
    let world = World::healthy();
    let path = world.root().join("copy.db");
    let sound = Sqlite::open(&world.root().join("state.db"), false).unwrap();
    let damage = |from: usize, to: usize| {
        let _ = std::fs::remove_file(&path);
        sound.copy_to(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let to = to.min(bytes.len());
        bytes[from..to].fill(0x55);
        std::fs::write(&path, bytes).unwrap();
    };
    let restore = "stop the importer, copy its folder away, package-import restore";
    let shown = path.display();
    for (from, to, how) in
        [(0, 100, format!(": {shown} is none of SQLite")), (4096, usize::MAX, String::new())]
    {
        damage(from, to);
        for check in CHECKS {
            let said = world.ask(check, &["--state", path.to_str().unwrap(), "--no-data", "ok"]);
            let (code, word, hint) = match check {
                "state" => (2, "CRITICAL", restore),
                _ => (3, "UNKNOWN", "see check_import_state"),
            };
            let line = format!("IMPORT {} {word} - database damaged{how}: {hint}\n", check.to_uppercase());
            assert_eq!((said.code, said.out, said.err), (code, line, String::new()), "{check}");
        }
    }
}

/// The same with a server, one of whose tables is spoilt on the disk.
#[test]
fn req10_a_damaged_table_of_a_server_alerts_once() {
    let cluster = throwaway_postgres::Cluster::start("");
    let world = World::on_server(cluster.schema());
    world.settle();
    let mut client = cluster.client();
    client.batch_execute("CHECKPOINT").unwrap();
    let sql = "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relname = 'meta'";
    let path: String = client.query_one(sql, &[]).unwrap().get(0);
    let file = cluster.socket().join("data").join(&path);
    let mut pages = std::fs::read(&file).unwrap();
    pages.chunks_mut(8192).for_each(|page| page[..24].fill(0x55));
    std::fs::write(&file, pages).unwrap();
    // The server's cache of it is dropped.
    cluster.restart();
    let how = format!("ERROR: invalid page in block 0 of relation {path} (XX001)");
    for check in CHECKS {
        let said = world.ask(check, &["--no-data", "ok"]);
        let (code, start) = if check == "state" { (2, "CRITICAL") } else { (3, "UNKNOWN") };
        let start = format!("IMPORT {} {start} - database damaged: {how}: ", check.to_uppercase());
        assert!(
            said.code == code && said.out.starts_with(&start) && said.err.is_empty(),
            "{check}: {said:?}"
        );
    }
}

#[test]
fn req10_a_state_that_has_moved_is_not_judged() {
    let world = World::healthy();
    world.set("moved_to", "postgresql://db.example.org/import");
    for check in CHECKS {
        let said = world.ask(check, &["--no-data", "ok"]);
        assert!(said.code == 3 && said.out.contains("set [checks] state to it"), "{said:?}");
    }
}

#[test]
fn req10_views_of_another_release() {
    let world = World::healthy();
    world.execute("DROP VIEW check_v1_counters");
    world.execute("DROP VIEW check_v1_state");
    for check in CHECKS {
        let said = world.ask(check, &[]);
        assert!(said.code == 3 && said.out.contains("the database has no check_v1_"), "{said:?}");
    }
}

#[test]
fn req8_thresholds_that_cannot_be_meant_are_refused() {
    let world = World::healthy();
    for check in CHECKS {
        for threshold in ["-5", "nan:", "~:1e400", "10:5", "x", ""] {
            let said = world.ask(check, &["-w", threshold]);
            assert!(
                said.code == 3 && said.out.contains(&threshold.replace('~', "-")),
                "{check} {threshold}: {said:?}"
            );
        }
    }
}

#[test]
fn req11_nothing_is_changed() {
    let world = World::healthy();
    let listing = || {
        let listed =
            Command::new("ls").args(["-lA", "--time-style=full-iso"]).arg(world.root()).output().unwrap();
        String::from_utf8(listed.stdout).unwrap()
    };
    let before = listing();
    for check in CHECKS {
        world.ask(check, &["-vvv"]);
        assert_eq!(listing(), before, "{check}");
    }
    assert!(plugin("state").exists());
}

/// The same words from a server, whose views are the same text.
#[test]
fn req15_the_same_from_both_databases() {
    let (file, server) = (World::healthy(), World::postgres());
    server.settle();
    for world in [&file, &server] {
        let run = world.run("b", "service");
        world.failures(run, "bad", 7, "bad-dsc");
        world.failures(run, "moved", 2, "ref-moved");
        world.wedge("moved");
        world.suppress("bad1", world.now() + DAY);
        world.suppress("moved1", world.now() + DAY);
        world.outage(run, "deb.debian.org", 25);
        world.enqueue("waits", Lane::Rescan);
        world.claim(run);
        world.advance(8 * HOUR);
    }
    for check in CHECKS {
        let (file, server) = (file.ask(check, &["-v"]), server.ask(check, &["-v"]));
        let without_disk = |said: &Said| {
            let lines = said.out.lines().filter(|line| !line.contains("% of disk"));
            lines.map(|line| line.split(", disk").next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!((file.code, without_disk(&file)), (server.code, without_disk(&server)), "{check}");
    }
}
