//! Requirement 7: everything works with no arguments; what is policy stands in the importer's own `config.toml`.

use std::collections::BTreeSet;

use crate::checks::world::{CHECKS, DAY, HOUR, World};

/// One that the importer takes, too.
const CONFIG: &str = "
[import]
distro = 'debian'

[checks.failures.failing]
warning = 10
critical = 20

[checks.queue.upload]
warning = '30m'
critical = '1d'

[checks.queue.rescan]
warning = '10d'

[checks.freshness.p95]
warning = '1h'

[checks.archive.intervals]
warning = 3

[checks.runs]
interval = '10m'

[checks.runs.stalled]
warning = '1h'

[checks.workers]
hosts = ['a']
silent_after = '10m'

[checks.wedged.oldest]
warning = '3d'

[checks.database.backup]
warning = '36h'
critical = '3d'

[checks.database.disk]
warning = '99%'
critical = '99%'
";

#[test]
fn req7_the_sections_of_all_checks() {
    let world = World::healthy();
    world.configure(CONFIG);
    let effective = |check: &str| {
        let said = world.ask(check, &[]);
        assert!(!said.figures().is_empty(), "{said:?}");
        said.figures()[0].1.split_once(';').map_or(String::new(), |(_, limits)| limits.to_owned())
    };
    let found = CHECKS.map(|check| format!("{check} {}", effective(check))).join("\n");
    insta::assert_snapshot!(found, @r"
    failures 10;20
    queue 1800;86400
    freshness 3600;86400
    archive 3;6
    runs 1200;2400
    workers 0;0
    wedged 259200;604800
    state 129600;259200
    ");
    // The importer itself takes it as it is.
    let text = std::fs::read_to_string(world.root().join("config.toml")).unwrap();
    assert!(importer::config::Config::load(None, world.root()).is_ok(), "{text}");
}

#[test]
fn req7_a_key_that_does_not_exist_is_refused_by_the_check_whose_it_is() {
    let world = World::healthy();
    for check in CHECKS {
        let section = if check == "state" { "database" } else { check };
        world.configure(&format!("[checks.{section}]\nwarnning = 1\n"));
        let said = world.ask(check, &[]);
        assert!(said.code == 3 && said.out.contains("warnning"), "{said:?}");
    }
}

#[test]
fn req7_a_section_that_does_not_exist_is_said_by_every_check() {
    let world = World::healthy();
    world.configure("[checks.quue.upload]\nwarning = '30m'\n");
    for check in CHECKS {
        let said = world.ask(check, &[]);
        let wanted = "config.toml: [checks.quue]: there is no such check, did you mean [checks.queue]?\n";
        assert!(said.code == 3 && said.out.ends_with(wanted), "{check} {said:?}");
    }
    let refused = importer::config::Config::load(None, world.root()).unwrap_err().to_string();
    assert!(
        refused.ends_with("[checks.quue]: there is no such check; did you mean [checks.queue]?"),
        "{refused}"
    );
}

/// Keys that the importer accepts must be those that the checks read, and those of the documentation.
#[test]
fn req7_every_key_is_known_to_its_check() {
    let world = World::healthy();
    let docs = include_str!("../../../../docs/monitoring.md");
    for section in &check_sections::SECTIONS {
        let check = if section.name == "database" { "state" } else { section.name };
        world.configure(&format!("[checks.{}]\nno_such_key = 1\n", section.name));
        let said = world.ask(check, &[]).out;
        let (_, expected) = said.split_once(", expected ").unwrap_or_else(|| panic!("{said}"));
        let expected = expected.trim().trim_start_matches("one of ");
        let read: BTreeSet<&str> = expected.split(", ").flat_map(|names| names.split(" or ")).collect();
        let known: BTreeSet<&str> = section.figures.iter().chain(section.keys).copied().collect();
        assert_eq!(read, known, "{said}");
        let row =
            docs.lines().find(|line| line.starts_with(&format!("| `[checks.{}]`", section.name))).unwrap();
        known.iter().for_each(|key| assert!(row.contains(&format!("`{key}`")), "{key}: {row}"));
        for figure in section.figures {
            world.configure(&format!("[checks.{}.{figure}]\nwarning = 1\ncritical = 2\n", section.name));
            let said = world.ask(check, &[]);
            assert!(!said.figures().is_empty(), "{said:?}");
        }
    }
}

#[test]
fn req7_options_go_before_the_configuration() {
    let world = World::healthy();
    world.configure(CONFIG);
    world.advance(2 * HOUR);
    assert_eq!(world.ask("runs", &[]).code, 2);
    assert_eq!(world.ask("runs", &["-w", "1d", "-c", "2d"]).code, 0);
    world.advance(2 * DAY);
    assert_eq!(world.ask("runs", &["-w", "1d", "-c", "1d"]).code, 2);
}

#[test]
fn req8_one_of_a_pair_is_compared_with_the_default_of_the_other() {
    let world = World::healthy();
    for (check, section, said) in [
        (
            "state",
            "database.backup]\nwarning = '10d'",
            "the threshold 10d for WARNING is above 7d, the default for CRITICAL",
        ),
        (
            "queue",
            "queue.upload]\ncritical = '30m'",
            "the threshold 30m for CRITICAL is below 1h, the default for WARNING",
        ),
    ] {
        world.configure(&format!("[checks.{section}\n"));
        let answer = world.ask(check, &[]);
        assert!(
            answer.code == 3 && answer.out.contains(said) && answer.out.contains("set both"),
            "{answer:?}"
        );
    }
    world.configure("[checks.queue.upload]\nwarning = '30m'\n[checks.database.backup]\nwarning = '1d'\n");
    assert_eq!(world.ask("queue", &[]).code, 0);
    let options = world.ask("queue", &["-w", "5h"]);
    assert!(options.code == 3 && options.out.contains("the default for CRITICAL"), "{options:?}");
}
