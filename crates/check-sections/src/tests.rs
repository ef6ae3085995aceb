#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn wrong(text: &str) -> String {
    let file: Table = toml::from_str(text).unwrap();
    let checks = file["checks"].as_table().unwrap();
    names_and_keys(checks).expect_err(text).to_string()
}

fn right(text: &str) {
    let file: Table = toml::from_str(text).unwrap();
    names_and_keys(file["checks"].as_table().unwrap()).expect(text);
}

#[test]
fn a_section_that_no_check_reads() {
    let said = "[checks.quue]: there is no such check; did you mean [checks.queue]?";
    assert_eq!(wrong("[checks.quue.upload]\nwarning = 1"), said);
    assert_eq!(wrong("[checks.quue]"), said);
    assert!(wrong("[checks.wroker]").ends_with("[checks.workers]?"));
    assert!(wrong("[checks.failure]").ends_with("[checks.failures]?"));
    assert!(wrong("[checks.disk]").ends_with("name it in [checks] own if it is one of yours"));
    assert!(wrong("[checks.state.backup]").contains("[checks.database]"));
    assert!(wrong("[checks.own]").contains("no such check"));
}

#[test]
fn a_check_of_ones_own() {
    right("[checks]\nown = ['example']\n[checks.example]\nwhatever = 1");
    let said = wrong("[checks]\nown = ['example']\n[checks.exmaple]");
    assert_eq!(said, "[checks.exmaple]: there is no such check; did you mean [checks.example]?");
    assert_eq!(wrong("[checks]\nown = 'example'"), "[checks] own must be a list of sections");
    assert_eq!(wrong("[checks]\nown = [1]"), "[checks] own must be a list of sections");
    // The check that asks need not be named for itself.
    let checks: Table = toml::from_str("[example]").unwrap();
    assert!(names(&checks, Some("example")).is_ok() && names(&checks, Some("queue")).is_err());
}

#[test]
fn a_key_that_nobody_reads() {
    let said = "[checks.failures] warnign: there is no such key; there are: failing";
    assert_eq!(wrong("[checks.failures]\nwarnign = 5"), said);
    let said = "[checks.queue.upload] warnign: there is no such key; did you mean warning?";
    assert_eq!(wrong("[checks.queue.upload]\nwarnign = 5"), said);
    let said = "[checks] url: there is no such key; there are: state, passfile, own";
    assert_eq!(wrong("[checks]\nurl = 5"), said);
    assert_eq!(
        wrong("[checks.queue]\nupload = 5"),
        "[checks.queue] upload must be a table with warning and critical"
    );
    assert!(wrong("[checks]\nqueue = 5").starts_with("[checks] queue must be a table"));
}

#[test]
fn everything_that_there_is() {
    let mut text = "[checks]\nstate = 'x'\npassfile = 'y'\nown = []\n".to_owned();
    for section in &SECTIONS {
        let name = section.name;
        text += &format!("[checks.{name}]\n");
        section.keys.iter().for_each(|key| text += &format!("{key} = 'x'\n"));
        for figure in section.figures {
            text += &format!("[checks.{name}.{figure}]\nwarning = 1\ncritical = 2\n");
        }
    }
    right(&text);
}

#[test]
fn the_parent() {
    assert!(parent(["import", "state", "archives", "cache", "limits", "checks", "newer"]).is_ok());
    let said = parent(["import", "cheks"]).unwrap_err().to_string();
    assert_eq!(said, "[cheks]: there is no such section; did you mean [checks]?");
    assert!(parent(["check"]).is_err());
}

#[test]
fn names_that_can_be_meant() {
    let known = SECTIONS.map(|section| section.name);
    for (name, meant) in [
        ("queue", Some("queue")),
        ("qeuue", Some("queue")),
        ("Queue", Some("queue")),
        ("databsae", Some("database")),
        ("freshnes", Some("freshness")),
        ("run", Some("runs")),
        ("q", None),
        ("", None),
        ("jobs", None),
    ] {
        assert_eq!(nearest(name, known), meant, "{name}");
    }
    assert_eq!(nearest("x", []), None);
}
