//! Statements of the documents are true of the program, as far as they can be compared.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use importer::failure::{Code, Failure, Stage};
use importer::queue::classify;
use state::policy::Retries;

use crate::operator::help::{printed, subcommands};

/// Text of a document.
pub fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).unwrap()
}

/// The words that stand between backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The rows of a table of codes: the first two cells of each.
fn rows<'a>(text: &'a str, head: &str) -> Vec<(&'a str, &'a str)> {
    let rows = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let cells = |row: &'a str| {
        let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
        (cells.next().unwrap(), cells.next().unwrap())
    };
    rows.take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// Each code of the documents is in the program's table with its class and its stage, and each of the table in a document.
#[test]
fn every_code_is_documented_with_its_class() {
    let (failures, archives) = (document("failures.md"), document("archives.md"));
    let mut documented = BTreeSet::new();
    for (codes, class) in rows(&failures, "| stage/code") {
        let mut stage = None;
        for code in quoted(codes) {
            let (named, word) =
                code.split_once('/').map_or((None, code), |(stage, word)| (Some(stage), word));
            stage = named.map(|stage| Stage::from_word(stage).unwrap()).or(stage);
            let stage = stage.unwrap();
            if word == "..." {
                continue;
            }
            if word.starts_with("signal-") {
                assert_eq!(
                    classify::class(&Failure::reported(stage, word.into(), "")).as_str(),
                    class,
                    "{word}"
                );
                continue;
            }
            let code =
                Code::from_word(word).unwrap_or_else(|| panic!("{word} is in no table of the program"));
            assert!(code.stages().contains(&stage), "{stage}/{word}");
            assert!(class == "none" || code.class(stage).as_str() == class, "{stage}/{word}: {class}");
            documented.insert((stage, code));
        }
    }
    for (codes, class) in rows(&archives, "| code | class |") {
        for word in quoted(codes) {
            let code =
                Code::from_word(word).unwrap_or_else(|| panic!("{word} is in no table of the program"));
            for stage in [Stage::Poll, Stage::Fetch] {
                assert!(code.stages().contains(&stage), "{stage}/{word}");
                assert_eq!(code.class(stage).as_str(), class, "{word}");
                documented.insert((stage, code));
            }
        }
    }
    let table = Code::ALL.iter().flat_map(|code| code.stages().iter().map(|stage| (*stage, *code)));
    let missing: Vec<String> =
        table.filter(|it| !documented.contains(it)).map(|(stage, code)| format!("{stage}/{code}")).collect();
    assert!(missing.is_empty(), "docs/failures.md does not have {}", missing.join(", "));
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
