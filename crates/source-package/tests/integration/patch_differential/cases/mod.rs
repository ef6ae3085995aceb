//! Patches written by hand, each for one rule.

mod git;
mod headers;
mod hunks;
mod text;
mod whole;

use crate::patch_differential::world::{Snapshot, What, executable, file, link};

pub struct Case {
    pub name: &'static str,
    pub entries: Snapshot,
    pub patch: Vec<u8>,
    /// True when it applies in format `3.0 (quilt)`.
    pub applies: bool,
}

pub fn all() -> Vec<Case> {
    let groups = [headers::cases(), hunks::cases(), whole::cases(), git::cases(), text::cases()];
    groups.into_iter().flatten().collect()
}

pub fn applied(name: &'static str, patch: impl AsRef<[u8]>) -> Case {
    Case { name, entries: base(), patch: patch.as_ref().to_vec(), applies: true }
}

pub fn refused(name: &'static str, patch: impl AsRef<[u8]>) -> Case {
    Case { applies: false, ..applied(name, patch) }
}

impl Case {
    /// Adds something to the tree.
    pub fn with(mut self, path: &str, what: What) -> Self {
        self.entries.insert(path.as_bytes().to_vec(), what);
        self
    }

    /// Adds a file to the tree.
    pub fn with_bytes(mut self, path: &[u8], content: &[u8]) -> Self {
        self.entries.insert(path.to_vec(), file(content));
        self
    }
}

/// A diff of one file with its usual headers.
pub fn edit(path: &str, hunks: &str) -> String {
    format!("--- a/{path}\n+++ b/{path}\n{hunks}")
}

/// A hunk that changes the first line of `f`.
pub const CHANGE: &str = "@@ -1,3 +1,3 @@\n-1\n+one\n 2\n 3\n";

pub fn base() -> Snapshot {
    let numbers: String = (1..=12).map(|n| format!("{n}\n")).collect();
    [
        ("f", file(numbers)),
        ("d/g", file("a\nb\nc\n")),
        ("d/e/h", file("h\n")),
        ("only/one", file("x\n")),
        ("run.sh", executable("#!/bin/sh\necho\n")),
        ("nonl", file("a\nb")),
        ("empty", file("")),
        ("crlf", file("a\r\nb\r\nc\r\n")),
        ("rep", file("x\na\nx\nx\na\nx\nx\nx\na\n")),
        ("sp ace", file("s\n")),
        ("link", link("f")),
        ("dlink", link("d")),
        ("dangling", link("nowhere")),
        ("fifo", What::Fifo),
        ("hollow", What::Folder),
    ]
    .into_iter()
    .map(|(path, what)| (path.as_bytes().to_vec(), what))
    .collect()
}
