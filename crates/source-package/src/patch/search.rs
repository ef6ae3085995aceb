//! A search for lines in one direction that looks at no line of the file twice: a hostile patch must not make it long.

use std::collections::HashMap;

use memchr::memrchr;

use super::hunk::Line;
use super::input::Input;
use super::locate::Missed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// A search for a pattern in one direction that can be interrupted. Lines are turned into small numbers, and a
/// table (of Knuth, Morris and Pratt) keeps it from looking at a line twice.
pub(super) struct Search<'p> {
    ids: HashMap<Line<'p>, usize>,
    pattern: Vec<usize>,
    back: Vec<usize>,
    way: Way,
    /// Number of lines of the pattern that match the lines read last.
    matched: usize,
    /// Lines read, and how many there are to read.
    read: i64,
    total: i64,
    offset: Option<usize>,
    first_line: i64,
    found: Option<i64>,
    /// True when all places have been looked at.
    pub(super) done: bool,
}

impl<'p> Search<'p> {
    /// A search over the places from `from` to `to`.
    pub(super) fn new(pattern: &[Line<'p>], way: Way, from: i64, to: i64) -> Self {
        let length = pattern.len() as i64;
        let places = match way {
            Way::Down => to - from + 1,
            Way::Up => from - to + 1,
        };
        let mut ids = HashMap::new();
        let mut numbers = Vec::with_capacity(pattern.len());
        for line in pattern {
            let next = ids.len();
            numbers.push(*ids.entry(*line).or_insert(next));
        }
        if way == Way::Up {
            numbers.reverse();
        }
        Search {
            ids,
            back: table(&numbers),
            pattern: numbers,
            way,
            matched: 0,
            read: 0,
            total: if places > 0 { places + length - 1 } else { 0 },
            offset: None,
            first_line: if way == Way::Down { from } else { from + length - 1 },
            found: None,
            done: places <= 0,
        }
    }

    /// Searches the places at most `steps` away from the first; returns the distance of the match.
    pub(super) fn until(&mut self, input: &mut Input, steps: i64) -> Result<Option<i64>, Missed> {
        let length = self.pattern.len() as i64;
        let end = steps.saturating_add(length).min(self.total);
        while self.found.is_none() && self.read < end {
            input.budget = input.budget.checked_sub(1).ok_or(Missed::Budget)?;
            let line = self.next_line(input);
            let number = self.ids.get(&line).copied();
            self.read += 1;
            if self.step(number) {
                self.found = Some(self.read - length);
            }
        }
        self.done |= self.read >= self.total;
        Ok(self.found)
    }

    fn step(&mut self, number: Option<usize>) -> bool {
        while self.matched > 0 && Some(self.pattern[self.matched]) != number {
            self.matched = self.back[self.matched - 1];
        }
        if Some(self.pattern[self.matched]) == number {
            self.matched += 1;
        }
        self.matched == self.pattern.len()
    }

    fn next_line<'i>(&mut self, input: &'i Input) -> Line<'i> {
        let line = match self.way {
            Way::Down => {
                let begin = self.offset.unwrap_or_else(|| input.start(self.first_line));
                let end = input.end(begin);
                self.offset = Some(end);
                &input.bytes()[begin..end]
            }
            Way::Up => {
                let end = self.offset.unwrap_or_else(|| input.start(self.first_line + 1));
                let inner = &input.bytes()[..end.saturating_sub(1)];
                let begin = memrchr(b'\n', inner).map_or(0, |before| before + 1);
                self.offset = Some(begin);
                &input.bytes()[begin..end]
            }
        };
        match line.strip_suffix(b"\n") {
            Some(text) => Line { text, ended: true },
            None => Line { text: line, ended: false },
        }
    }
}

/// For each beginning of the pattern, how long its longest end is that is also its beginning.
fn table(pattern: &[usize]) -> Vec<usize> {
    let mut back = vec![0; pattern.len()];
    let mut matched = 0;
    for at in 1..pattern.len() {
        while matched > 0 && pattern[matched] != pattern[at] {
            matched = back[matched - 1];
        }
        matched += usize::from(pattern[matched] == pattern[at]);
        back[at] = matched;
    }
    back
}
