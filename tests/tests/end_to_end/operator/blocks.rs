//! Commands in documents: blocks, and commands within the text.

use std::fs;
use std::path::{Path, PathBuf};

/// A block of a document.
pub struct Block {
    /// Place of the block, as `docs/operations.md:16`.
    pub place: String,
    /// `sh`, `toml`, `console`, nothing; `indented` for one without fences.
    pub language: String,
    /// Its lines, without the indentation of the block.
    pub text: String,
}

/// Root of this repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The documents for operators and packagers, below the repository.
pub fn documents() -> Vec<String> {
    let entries = fs::read_dir(repository().join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut found: Vec<String> =
        names.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    found.extend(["README.md".to_owned(), "SECURITY.md".to_owned()]);
    found.sort();
    found
}

/// Text of a document.
pub fn read(document: &str) -> String {
    fs::read_to_string(repository().join(document)).unwrap()
}

/// The blocks of a document.
pub fn blocks(document: &str) -> Vec<Block> {
    let text = read(document);
    let lines: Vec<&str> = text.lines().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let (start, line) = (at, lines[at]);
        let indent = line.len() - line.trim_start().len();
        at += 1;
        let (language, body) = if let Some(language) = line.trim().strip_prefix("```") {
            let from = at;
            while !lines[at].trim().starts_with("```") {
                at += 1;
            }
            at += 1;
            (
                language.to_owned(),
                lines[from..at - 1].iter().map(|line| line.get(indent..).unwrap_or("")).collect::<Vec<_>>(),
            )
        } else if indent == 4
            && start > 0
            && lines[start - 1].trim().is_empty()
            && line.trim().starts_with(char::is_alphabetic)
        {
            while at < lines.len() && lines[at].starts_with("    ") {
                at += 1;
            }
            ("indented".to_owned(), lines[start..at].iter().map(|line| &line[4..]).collect())
        } else {
            continue;
        };
        let text = body.iter().map(|line| format!("{line}\n")).collect();
        found.push(Block { place: format!("{document}:{}", start + 1), language, text });
    }
    found
}

/// Words between backquotes in a document outside of its blocks, each with its place.
pub fn quoted(document: &str) -> Vec<(String, String)> {
    let (mut found, mut is_block) = (Vec::new(), false);
    for (number, line) in read(document).lines().enumerate() {
        if line.trim().starts_with("```") {
            is_block = !is_block;
            continue;
        }
        if !is_block {
            let words = line.split('`').skip(1).step_by(2);
            found.extend(words.map(|words| (format!("{document}:{}", number + 1), words.to_owned())));
        }
    }
    found
}
