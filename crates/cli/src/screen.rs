//! Output for people: tables as wide as the terminal, times with their zone, and no control characters from data.

use std::env;
use std::io::{self, Write};

use serde::Serialize;
use source_package::printable::{escaped, is_hidden};

pub use crate::out::page;
use crate::out::{Out, has_colour};
use crate::table::wrap;
pub use crate::table::{Table, print, table};

/// The version of everything that `--json` prints; it rises when a field goes or changes its meaning.
pub const JSON_VERSION: u32 = 1;

/// Without a terminal, lines are as long as this.
const WIDTH: u16 = 100;

/// As wide as `$COLUMNS` says, or the terminal is.
pub fn width() -> u16 {
    let given = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col);
    given.or_else(terminal).filter(|width| *width >= 20).unwrap_or(WIDTH)
}

/// Prints an object for programs, with the version of its form.
pub fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut value = serde_json::to_value(value)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("v".into(), JSON_VERSION.into());
    }
    writeln!(io::stdout(), "{value}")
}

/// Writer that makes control characters visible, wherever a text came from, except in the headlines of [`title`].
pub struct Clean<W>(W);

/// The standard output for people.
pub fn stdout() -> Clean<Out> {
    Clean(Out)
}

/// The standard error for people.
pub fn stderr() -> Clean<io::Stderr> {
    Clean(io::stderr())
}

impl<W: Write> Write for Clean<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let (mut rest, mut clean) = (&*text, String::with_capacity(text.len()));
        while let Some(at) = TITLE.iter().filter_map(|code| rest.find(code)).min() {
            let (before, behind) = rest.split_at(at);
            let code = TITLE.iter().find(|code| behind.starts_with(**code)).map_or("", |code| *code);
            clean.push_str(&escaped(before, is_hidden));
            clean.push_str(code);
            rest = behind.get(code.len()..).unwrap_or_default();
        }
        clean.push_str(&escaped(rest, is_hidden));
        self.0.write_all(clean.as_bytes())?;
        Ok(bytes.len())
    }

    /// A whole line at once: others may be printing, too.
    fn write_fmt(&mut self, arguments: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(arguments.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Prints a line on the standard error; a closed one is no reason to stop.
macro_rules! say {
    ($($arguments:tt)*) => {
        drop(std::io::Write::write_fmt(
            &mut $crate::screen::stderr(),
            format_args!("{}\n", format_args!($($arguments)*)),
        ))
    };
}
pub(crate) use say;

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[1;31m";
const GREEN: &str = "\u{1b}[1;32m";
const PLAIN: &str = "\u{1b}[0m";

/// Escape sequences of a headline.
const TITLE: [&str; 4] = [BOLD, RED, GREEN, PLAIN];

/// Text from the database as one line without control characters.
pub fn plain(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() || is_hidden(c) { ' ' } else { c }).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text of at most `most` characters.
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

/// Additional indentation of a paragraph's lines after the first.
const HANGING: usize = 2;

/// `1 package`, `2 packages`.
pub fn count(number: impl TryInto<i64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    match noun.strip_suffix("ry") {
        _ if number == 1 => format!("1 {noun}"),
        Some(noun) => format!("{number} {noun}ries"),
        None => format!("{number} {noun}s"),
    }
}

/// Tells the number of entries that are not listed, and how to list them.
pub fn more(listed: usize, all: i64, noun: &str) -> io::Result<()> {
    let listed = i64::try_from(listed).unwrap_or(i64::MAX);
    match all.saturating_sub(listed) {
        ..=0 => Ok(()),
        more => writeln!(stdout(), "{} (--limit {all})", count(more, &format!("more {noun}"))),
    }
}

/// A headline; bold on a terminal that wants it.
pub fn title(text: &str) -> String {
    marked(text, BOLD)
}

/// Headline about a present problem; red on a terminal with colours.
pub fn alarm(text: &str) -> String {
    marked(text, RED)
}

/// Headline without a problem; green on a terminal with colours.
pub fn good(text: &str) -> String {
    marked(text, GREEN)
}

fn marked(text: &str, code: &str) -> String {
    if has_colour() { format!("{code}{text}{PLAIN}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_from_outside_is_obeyed() {
        let shown = |text: &str| {
            let mut out = Clean(Vec::new());
            write!(out, "{text}").unwrap();
            String::from_utf8(out.0).unwrap()
        };
        assert_eq!(shown("aa 1.0\u{1b}]0;x\u{7}: failed\n"), "aa 1.0\\u{1b}]0;x\\u{7}: failed\n");
        assert_eq!(
            shown("\u{1b}[1mTitle\u{1b}[0m \u{1b}[31m\u{202e}"),
            "\u{1b}[1mTitle\u{1b}[0m \\u{1b}[31m\\u{202e}"
        );
        assert_eq!(shown("Größe\t日本\n"), "Größe\t日本\n");
    }
}
