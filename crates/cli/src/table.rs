//! Tables for people: columns as wide as they need, and the last one as wide as the terminal leaves it.

use std::io::{self, Write};
use std::iter;

use crate::screen::{self, plain, width};

/// Space between columns.
const GAP: &str = "  ";

/// Width of the last column below which it goes under the others.
const LEAST_ROOM: usize = 24;

/// Indentation of rows below another.
const BELOW: usize = 4;

/// A table whose last column is wrapped.
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    lines: usize,
}

/// A table without rows, which prints nothing.
pub fn table(header: &[&str]) -> Table {
    Table { header: header.iter().map(ToString::to_string).collect(), rows: Vec::new(), lines: usize::MAX }
}

/// Prints a table.
pub fn print(table: &Table) -> io::Result<()> {
    let mut stdout = screen::stdout();
    table.lines_of(usize::from(width())).iter().try_for_each(|line| writeln!(stdout, "{line}"))
}

impl Table {
    /// Cuts texts of the last column to a number of lines.
    pub fn cut(mut self, lines: usize) -> Table {
        self.lines = lines;
        self
    }

    /// Adds a row.
    pub fn add_row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| plain(&cell.to_string())).collect());
    }

    fn lines_of(&self, width: usize) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let widths = self.widths();
        let (last, others) = widths.split_last().map_or((0, &[][..]), |(last, others)| (*last, others));
        let before: usize = others.iter().map(|width| width + GAP.len()).sum();
        let room = width.saturating_sub(before);
        let is_below = last > room && room < LEAST_ROOM;
        let (indent, room) = if is_below { (BELOW, width.saturating_sub(BELOW)) } else { (before, room) };
        let mut lines = Vec::new();
        for row in iter::once(&self.header).chain(&self.rows) {
            let Some((last, cells)) = row.split_last() else { continue };
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(others) {
                line.push_str(&format!("{cell:width$}{GAP}"));
            }
            let mut parts = cut(wrap(last, room, true), self.lines, room).into_iter();
            if !is_below {
                line.push_str(&parts.next().unwrap_or_default());
            }
            lines.push(line.trim_end().to_owned());
            lines.extend(parts.map(|part| format!("{:indent$}{part}", "")));
        }
        lines
    }

    /// The widest cell of each column.
    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.header.len()];
        for row in iter::once(&self.header).chain(&self.rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        widths
    }
}

/// A text in lines of at most `room` characters. A word that is longer is broken, or has a line of its own.
pub fn wrap(text: &str, room: usize, breaks: bool) -> Vec<String> {
    let room = room.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = line.chars().count();
        if length > 0 && length + 1 + word.chars().count() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for sign in word.chars() {
            if breaks && line.chars().count() == room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(sign);
        }
    }
    lines.extend(Some(line).filter(|line| !line.is_empty()));
    lines
}

/// At most `most` lines, with a mark if there were more.
fn cut(mut lines: Vec<String>, most: usize, room: usize) -> Vec<String> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let kept: String = last.chars().take(room.saturating_sub(3)).collect();
            *last = format!("{}...", kept.trim_end());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(last: &str) -> Table {
        let mut rows = table(&["PACKAGE", "CAUSE"]);
        rows.add_row(["hello", last]);
        rows.add_row(["libreoffice-dictionaries", "short"]);
        rows
    }

    #[test]
    fn the_last_column_has_what_the_others_leave() {
        let lines = example("a text that is longer than what is left of it").lines_of(52);
        assert_eq!(
            lines,
            [
                "PACKAGE                   CAUSE",
                "hello                     a text that is longer than",
                "                          what is left of it",
                "libreoffice-dictionaries  short",
            ]
        );
    }

    #[test]
    fn without_room_it_goes_below() {
        let lines = example("a text that is longer than what is left").cut(1).lines_of(34);
        assert_eq!(
            lines,
            [
                "PACKAGE",
                "    CAUSE",
                "hello",
                "    a text that is longer than...",
                "libreoffice-dictionaries",
                "    short",
            ]
        );
    }

    #[test]
    fn no_line_is_too_long() {
        let long = "https://example.org/a/very/long/path/that/has/no/space/at/all and words";
        for width in 20..100 {
            for line in example(long).lines_of(width).iter().skip(1) {
                assert!(line.chars().count() <= width.max(24), "{width}: {line}");
            }
        }
        assert_eq!(wrap("one two three", 7, true), ["one two", "three"]);
        assert_eq!(wrap("onetwothree x", 4, true), ["onet", "woth", "ree", "x"]);
        assert_eq!(wrap("onetwothree x", 4, false), ["onetwothree", "x"]);
    }

    #[test]
    fn without_rows_nothing_is_printed() {
        assert!(table(&["PACKAGE", "CAUSE"]).lines_of(80).is_empty());
    }
}
