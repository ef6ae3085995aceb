//! A check that is newer than its importer does without what that has not: it has to know with which step of the schema a
//! table came.

use std::fs;
use std::path::{Path, PathBuf};

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

/// The number of the step that has these words.
fn step_with(words: &str) -> i64 {
    let steps = fs::read_dir(crates().join("state/src/schema")).unwrap();
    let mut found = steps.map(|entry| entry.unwrap().path()).filter(|path| {
        let is_step = path.file_name().unwrap().to_string_lossy().starts_with('0');
        is_step && fs::read_to_string(path).unwrap().contains(words)
    });
    let path = found.next().unwrap_or_else(|| panic!("no step has {words}"));
    path.file_name().unwrap().to_string_lossy()[..4].parse().unwrap()
}

#[test]
fn checks_know_with_which_step_a_table_came() {
    for (file, name, words) in [
        ("failures.rs", "FOREIGN_REFS", "CREATE TABLE foreign_ref "),
        ("failures.rs", "COLLISIONS", "CREATE TABLE collision "),
        ("queue.rs", "REMOTES", "CREATE TABLE remote "),
        ("archives.rs", "CONTENT", "ADD COLUMN stale_after"),
    ] {
        let text = fs::read_to_string(crates().join("plugin/src/views").join(file)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("const {name}: i64 = ")));
        let known: i64 = line.unwrap().trim_end_matches(';').parse().unwrap();
        assert_eq!(known, step_with(words), "{file}: {name}");
    }
}
