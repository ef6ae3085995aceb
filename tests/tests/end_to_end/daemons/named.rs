//! Every alert that docs/monitoring.md names is seen by a test of this folder, and ends there; what tests see is named.

use std::fs;
use std::path::Path;

/// A row of the document's table.
struct Named {
    check: String,
    /// Words of the line, in this order.
    words: Vec<String>,
    states: Vec<String>,
}

impl Named {
    fn is(&self, seen: &Seen) -> bool {
        let mut rest = seen.text.as_str();
        let has_all = self.words.iter().all(|words| match rest.split_once(words.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        });
        self.check == seen.check && has_all && self.states.contains(&seen.state)
    }
}

/// A line in a snapshot.
#[derive(Clone, Debug)]
struct Seen {
    check: String,
    state: String,
    text: String,
    ends: bool,
}

fn named() -> Vec<Named> {
    let page = include_str!("../../../../docs/monitoring.md");
    let (_, table) = page.split_once("### Every alert, by its line\n").unwrap();
    let (table, _) = table.split_once("\n### ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `check_import_"));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
    rows.map(|row| {
        let cells: Vec<String> = cells(row);
        let words = cells[2].split("...").map(|words| words.trim().to_owned()).collect();
        let states = cells[3].split(", ").map(str::to_owned).collect();
        Named { check: cells[1].trim_start_matches("check_import_").to_uppercase(), words, states }
    })
    .collect()
}

/// The lines of one snapshot, such as `IMPORT QUEUE WARNING - 3 waiting`.
fn lines(snapshot: &str) -> Vec<Seen> {
    let parts = |line: &str| {
        let mut words = line.trim().strip_prefix("IMPORT ")?.splitn(3, ' ');
        Some((
            words.next()?.to_owned(),
            words.next()?.to_owned(),
            words.next().unwrap_or_default().to_owned(),
        ))
    };
    let all: Vec<_> = snapshot.lines().filter_map(parts).collect();
    let seen = all.iter().enumerate().map(|(at, (check, state, text))| Seen {
        check: check.clone(),
        state: state.clone(),
        text: text.clone(),
        ends: all.iter().skip(at).any(|(other, state, _)| other == check && state == "OK"),
    });
    seen.collect()
}

/// The alerts in the snapshots of this folder's tests.
fn seen() -> Vec<Seen> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/daemons");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let snapshots = text.split("insta::assert_snapshot!(").skip(1);
        let snapshots = snapshots.filter_map(|rest| rest.split_once("@\"")?.1.split_once('"'));
        found.extend(snapshots.flat_map(|(snapshot, _)| lines(snapshot)));
    }
    found.retain(|it| matches!(it.state.as_str(), "WARNING" | "CRITICAL"));
    found
}

#[test]
fn every_alert_that_is_named_is_caused_and_ended_and_every_one_that_is_caused_is_named() {
    let (named, seen) = (named(), seen());
    assert!(named.len() > 30 && seen.len() > 30, "{} named, {} seen", named.len(), seen.len());
    let mut wrong = Vec::new();
    for row in &named {
        for state in &row.states {
            let ends = seen.iter().any(|it| it.state == *state && row.is(it) && it.ends);
            if !ends {
                wrong.push(format!("no test causes and ends: {} {state} {:?}", row.check, row.words));
            }
        }
    }
    for it in seen.iter().filter(|it| !named.iter().any(|row| row.is(it))) {
        wrong.push(format!("docs/monitoring.md does not name: {it:?}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
