//! What a person reads: tables as wide as the terminal, times with their zone, and nothing that a terminal obeys.

use std::env;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::table::wrap;
pub use crate::table::{Table, print, table};
pub use crate::terminal::{plain, width};

/// The version of everything that `--json` prints; it rises when a field goes or changes its meaning.
pub const JSON_VERSION: u32 = 1;

/// Prints an object for programs, with the version of its form.
pub fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut value = serde_json::to_value(value)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("v".into(), JSON_VERSION.into());
    }
    writeln!(io::stdout(), "{value}")
}

/// A text of at most so many characters.
pub fn short(text: &str, most: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// Prose of any length: lines as wide as the terminal, indented, those after the first a little more. A long word such as
/// a path or a URL stays whole, so that it can be copied.
pub fn paragraph(indent: usize, text: &str) -> String {
    let room = usize::from(width()).saturating_sub(indent + HANGING);
    let (first, rest) = (" ".repeat(indent), " ".repeat(indent + HANGING));
    let lines = wrap(&plain(text), room, false);
    let indented = lines.iter().enumerate().map(|(number, line)| match number {
        0 => format!("{first}{line}"),
        _ => format!("{rest}{line}"),
    });
    indented.collect::<Vec<_>>().join("\n")
}

/// How much further the lines of a paragraph are indented after its first.
const HANGING: usize = 2;

/// `1 package`, `2 packages`.
pub fn count(number: impl TryInto<i64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A headline; bold on a terminal that wants it.
pub fn title(text: &str) -> String {
    let colour = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
    if colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
}
