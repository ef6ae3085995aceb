//! A job's row has one writer, so that no counter that changes with it can be forgotten.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// Whether a text contains a statement that writes a table: its words with any white space between them.
fn writes(text: &str, table: &str) -> bool {
    let words: Vec<&str> =
        text.split(|at: char| !(at.is_alphanumeric() || at == '_')).filter(|it| !it.is_empty()).collect();
    let is = |at: usize, word: &str| words.get(at).is_some_and(|it| it.eq_ignore_ascii_case(word));
    (0..words.len()).any(|at| {
        let verb = match (is(at, "INSERT") && is(at + 1, "INTO")) || (is(at, "DELETE") && is(at + 1, "FROM"))
        {
            true => 2,
            false if is(at, "UPDATE") => 1,
            false => return false,
        };
        words.get(at + verb).is_some_and(|it| *it == table)
    })
}

#[test]
fn one_file_writes_the_table_of_jobs() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut all = Vec::new();
    for entry in fs::read_dir(crates).unwrap() {
        let src = entry.unwrap().path().join("src");
        if src.is_dir() {
            sources(&src, &mut all);
        }
    }
    assert!(all.len() > 100, "the sources are found: {}", all.len());
    let writers: Vec<PathBuf> =
        all.into_iter().filter(|path| writes(&fs::read_to_string(path).unwrap(), "job")).collect();
    assert_eq!(writers, [crates.join("state/src/job/transition.rs")]);
}
