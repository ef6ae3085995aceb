//! A password stands nowhere: not in the root, not in a backup, not in what is printed.

use std::fs;
use std::path::Path;

use throwaway_git_servers::PASSWORD;

use super::world::*;

fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&path, found);
        } else if kind.is_file() {
            let text = fs::read(&path).unwrap();
            if text.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn a_password_stands_in_no_file_of_ours() {
    let mut site = Site::new(Kind::Web);
    site.import("hello", 1);
    let mut said = site.queue.well(&["run"]);
    // A failure is written down with what the server said.
    site.close();
    site.import("hello", 2);
    said += &site.queue.well(&["run"]);
    said += &site.queue.well(&["remotes", "git", "--json"]);
    said += &site.queue.well(&["show", "hello", "--json"]);
    let backup = tempfile::tempdir().unwrap();
    said += &site.queue.well(&["backup", &backup.path().join("b").to_string_lossy()]);
    assert!(!said.contains(PASSWORD));
    let mut found = Vec::new();
    files(&site.queue.installation.root(), &mut found);
    files(backup.path(), &mut found);
    assert_eq!(found, Vec::<String>::new());
}
