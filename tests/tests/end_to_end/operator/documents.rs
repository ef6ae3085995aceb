//! What the documents say is what the program does, as far as that can be compared.

use std::fs;
use std::path::Path;

use importer::failure::{Failure, Stage};
use importer::queue::classify;
use state::policy::Retries;

use crate::operator::help::{printed, subcommands};

/// A document.
pub fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

/// The words that stand between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_class_of_a_failure_is_that_of_the_program() {
    let text = document("failures.md");
    let rows = text.lines().skip_while(|line| !line.starts_with("| stage/code")).skip(2);
    let mut compared = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let (codes, class) = (cells[0], cells[1]);
        if matches!(class, "none" | "varies") {
            continue;
        }
        let stage = quoted(codes).next().unwrap().split_once('/').unwrap().0;
        for code in quoted(codes).map(|code| code.rsplit('/').next().unwrap()) {
            let failure = Failure::new(Stage::from_word(stage).unwrap(), code, "");
            assert_eq!(classify::class(&failure).as_str(), class, "{stage}/{code}");
            compared += 1;
        }
    }
    assert!(compared > 40, "only {compared} codes were found");
}

#[test]
fn every_class_of_an_archives_failure_is_that_of_the_program() {
    let text = document("archives.md");
    let rows = text.lines().skip_while(|line| !line.starts_with("| code | class |")).skip(2);
    let mut compared = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        for code in quoted(cells[0]) {
            for stage in [Stage::Poll, Stage::Fetch] {
                let class = classify::class(&Failure::new(stage, code, ""));
                assert_eq!(class.as_str(), cells[1], "{code}");
            }
            compared += 1;
        }
    }
    assert!(compared > 50, "only {compared} codes were found");
}

#[test]
fn every_command_is_in_the_table() {
    let text = document("operations.md");
    for command in subcommands(&printed(&["--help"])) {
        let is_there = [format!("`{command}`"), format!("`{command} ")].iter().any(|it| text.contains(it));
        assert!(is_there, "docs/operations.md does not name {command}");
    }
}

#[test]
fn the_numbers_of_the_retry_policy_are_the_programs() {
    let text = document("operations.md");
    let retries = Retries::default();
    let minutes = |milliseconds: i64| milliseconds / 60_000;
    for words in [
        format!("after {} minutes", minutes(retries.first)),
        format!("| {} hours |", minutes(retries.longest) / 60),
        format!("with the {}th failure of one signature in a row", retries.same_in_row),
        format!("the {}th of any kind within {} hours", retries.any, minutes(retries.window) / 60),
    ] {
        assert!(text.contains(&words), "docs/operations.md does not say {words:?}");
    }
}
