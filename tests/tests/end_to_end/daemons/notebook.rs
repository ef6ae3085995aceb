//! Lines that a person on call has seen, for snapshots: without the times, names and places of one run of the tests.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// Lines in order: each alert, and that it has ended.
#[derive(Default)]
pub struct Notebook {
    lines: RefCell<Vec<String>>,
    states: RefCell<BTreeMap<String, i32>>,
}

impl Notebook {
    /// Notes a line, if it is an alert or ends one; the names are replaced.
    pub fn note(&self, check: &str, code: i32, line: &str, names: &[(String, &str)]) {
        let before = self.states.borrow_mut().insert(check.to_owned(), code).unwrap_or(0);
        let mut line = line.split(" | ").next().unwrap_or_default().trim_end().to_owned();
        for (name, shown) in names {
            line = line.replace(name, shown);
        }
        let line =
            if code == 0 { line.split(" - ").next().unwrap_or_default().to_owned() } else { steady(&line) };
        let is_known = self.lines.borrow().last() == Some(&line);
        if (code != 0 || before != 0) && !is_known {
            self.lines.borrow_mut().push(line);
        }
    }

    /// All lines.
    pub fn lines(&self) -> String {
        self.lines.borrow().join("\n")
    }
}

/// The line without times, seconds and the use of this machine's disk.
fn steady(line: &str) -> String {
    let words = line.split(", ").filter_map(part).collect::<Vec<_>>().join(", ");
    let mut shown: Vec<String> = words.split(' ').map(word).collect();
    shown.dedup_by(|one, before| one.starts_with("Ns") && before.as_str() == "Ns");
    shown.join(" ")
}

/// Part of a line. How full the disk is matters only if it is full.
fn part(part: &str) -> Option<String> {
    let (before, use_) = part.split_once(" - ").map_or(("", part), |(before, rest)| (before, rest));
    let shown = match use_ {
        _ if use_.starts_with("disk ") && use_.ends_with("% full") => "disk N% full",
        _ if use_.ends_with("% of inodes used") => "N% of inodes used",
        _ if use_.starts_with("disk ") || use_.starts_with("inodes ") => return None,
        _ => return Some(part.to_owned()),
    };
    Some(if before.is_empty() { shown.to_owned() } else { format!("{before} - {shown}") })
}

fn word(word: &str) -> String {
    let bare = word.trim_end_matches([',', ':', ')']);
    let end = word.get(bare.len()..).unwrap_or_default();
    let shape: String = bare.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let shown = match shape.as_str() {
        "99-99" | "9999-99-99" => "MM-DD",
        "99:99Z" => "hh:mmZ",
        "9s" | "99s" | "9m" | "99m" => "Ns",
        _ => bare,
    };
    // Which of several packages is named may depend on the order in which they end.
    match shown.split_once("pkg") {
        Some((before, after)) if after.len() >= 4 => {
            format!("{before}pkgNNNN{}{end}", after.get(4..).unwrap_or_default())
        }
        _ => format!("{shown}{end}"),
    }
}

#[test]
fn what_changes_from_run_to_run_is_not_noted() {
    let book = Notebook::default();
    let names = [("importer.example.org".to_owned(), "HOST")];
    book.note("runs", 0, "IMPORT RUNS OK - all well | age=3s", &names);
    book.note(
        "runs",
        1,
        "IMPORT RUNS WARNING - importer.example.org silent since 2025-12-04 08:01Z, 12s | x=1",
        &names,
    );
    book.note("runs", 0, "IMPORT RUNS OK - all well, disk 4%, inodes 1%", &names);
    assert_eq!(book.lines(), "IMPORT RUNS WARNING - HOST silent since MM-DD hh:mmZ, Ns\nIMPORT RUNS OK");
}
