//! A file by its lines, and where in it a hunk fits.

use std::collections::HashMap;

use memchr::{memchr, memchr_iter, memrchr};

use super::hunk::{Hunk, Line};

/// Every how many lines the place of one is remembered: a file of line ends alone must not cost many times its size.
const STEP: usize = 64;

/// How many lines may be looked at in search of the places of all hunks of a file. A real patch needs a few
/// searches; a hostile one could ask for as many as it has hunks, each through the whole file.
const SEARCH_BUDGET: u64 = 1 << 28;

/// A file by its lines.
pub(super) struct Input {
    bytes: Vec<u8>,
    marks: Vec<usize>,
    /// The number of lines; the last one may lack its line end.
    pub(super) count: i64,
    budget: u64,
}

/// Why a hunk has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// It fits nowhere.
    Nowhere,
    /// The search would take too long.
    Budget,
}

impl Input {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let mut marks = vec![0];
        let mut ends = 0_usize;
        for end in memchr_iter(b'\n', &bytes) {
            ends += 1;
            if ends.is_multiple_of(STEP) {
                marks.push(end + 1);
            }
        }
        let open = bytes.last().is_some_and(|&byte| byte != b'\n');
        let count = (ends + usize::from(open)) as i64;
        Input { bytes, marks, count, budget: SEARCH_BUDGET }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the lines from `first` up to and with `last`, as far as the file has them.
    pub(super) fn lines(&self, first: i64, last: i64) -> &[u8] {
        let (first, last) = (first.max(1), last.min(self.count));
        if first > last { &[] } else { &self.bytes[self.start(first)..self.start(last + 1)] }
    }

    /// The offset at which a line begins; lines count from 1.
    fn start(&self, line: i64) -> usize {
        let index = usize::try_from(line - 1).unwrap_or(0);
        let Some(&mark) = self.marks.get(index / STEP) else { return self.bytes.len() };
        let mut offset = mark;
        for _ in 0..index % STEP {
            offset = self.end(offset);
        }
        offset
    }

    /// The offset behind the line that begins at an offset.
    fn end(&self, offset: usize) -> usize {
        memchr(b'\n', &self.bytes[offset..]).map_or(self.bytes.len(), |end| offset + end + 1)
    }

    /// Finds the place of a hunk as patch does without fuzz. `shift` is by how much the hunk before was off, and
    /// `frozen` the last line that has been dealt with.
    pub(super) fn locate(&mut self, hunk: &Hunk<'_>, shift: i64, frozen: i64) -> Result<i64, Missed> {
        let guess = hunk.first.saturating_add(shift);
        let pattern = &hunk.old.lines[..];
        let length = pattern.len() as i64;
        if length == 0 {
            return Ok(guess);
        }
        let (least, most) = (frozen + 1, self.count - length + 1);
        if hunk.leading < hunk.trailing && hunk.first <= 1 {
            // Less context in front: the hunk belongs to the beginning of the file.
            return self.only(1, frozen <= hunk.leading, pattern);
        }
        if hunk.trailing < hunk.leading {
            // Less context behind: it belongs to the end.
            return self.only(most, most >= least.max(1), pattern);
        }
        if guess < least {
            return self.locate_behind(pattern, guess, least, most);
        }
        if guess <= most && self.fits(pattern, guess) {
            return Ok(guess);
        }
        self.nearest(pattern, guess, least.max(1), most)
    }

    fn only(&self, place: i64, allowed: bool, pattern: &[Line<'_>]) -> Result<i64, Missed> {
        if allowed && self.fits(pattern, place) { Ok(place) } else { Err(Missed::Nowhere) }
    }

    /// The guess lies in what has been dealt with. Patch then looks from as far in front of the guess as the first
    /// free line is behind it, and tries that line second.
    fn locate_behind(
        &mut self,
        pattern: &[Line<'_>],
        guess: i64,
        least: i64,
        most: i64,
    ) -> Result<i64, Missed> {
        if most < guess {
            return Err(Missed::Nowhere);
        }
        let begin = guess.saturating_sub(least - guess);
        for place in [begin, least] {
            if self.fits(pattern, place) {
                return Ok(place);
            }
        }
        let begin = begin.saturating_add(1).max(1);
        let mut scan = Scan::new(pattern, Way::Down, begin, most);
        scan.until(self, i64::MAX)?.map(|steps| begin + steps).ok_or(Missed::Nowhere)
    }

    /// Whether the lines at a place are those of the pattern. A line that is nothing stands in no file.
    fn fits(&self, pattern: &[Line<'_>], place: i64) -> bool {
        if place < 1 || place > self.count - pattern.len() as i64 + 1 {
            return false;
        }
        let mut offset = self.start(place);
        pattern.iter().all(|line| {
            let end = self.end(offset);
            let same = line.is(&self.bytes[offset..end]);
            offset = end;
            same
        })
    }

    /// The place nearest to the guess; of two equally near ones the later.
    fn nearest(&mut self, pattern: &[Line<'_>], guess: i64, least: i64, most: i64) -> Result<i64, Missed> {
        if pattern.iter().any(Line::is_nothing) || most < least {
            return Err(Missed::Nowhere);
        }
        let up_from = guess.min(most);
        let mut down = Scan::new(pattern, Way::Down, guess, most);
        let mut up = Scan::new(pattern, Way::Up, up_from, least);
        let mut reach = 64_i64;
        loop {
            let below = down.until(self, reach)?;
            let above = up.until(self, reach - (guess - up_from))?.map(|steps| steps + guess - up_from);
            match (below, above) {
                (Some(below), Some(above)) if above < below => return Ok(guess - above),
                (Some(below), _) => return Ok(guess + below),
                (None, Some(above)) => return Ok(guess - above),
                (None, None) if down.done && up.done => return Err(Missed::Nowhere),
                (None, None) => reach = reach.max(guess - up_from).saturating_mul(2),
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// A search for a pattern in one direction that can be interrupted. Lines are turned into small numbers, and a
/// table (of Knuth, Morris and Pratt) keeps it from looking at a line twice.
struct Scan<'p> {
    ids: HashMap<Line<'p>, usize>,
    pattern: Vec<usize>,
    back: Vec<usize>,
    way: Way,
    /// How many lines of the pattern match what was read last.
    matched: usize,
    /// Lines read, and how many there are to read.
    read: i64,
    total: i64,
    offset: Option<usize>,
    first_line: i64,
    found: Option<i64>,
    done: bool,
}

impl<'p> Scan<'p> {
    /// A search over the places from `from` to `to`.
    fn new(pattern: &[Line<'p>], way: Way, from: i64, to: i64) -> Self {
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
        Scan {
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

    /// Searches the places that are at most `steps` away from the first; says how far away the match is.
    fn until(&mut self, input: &mut Input, steps: i64) -> Result<Option<i64>, Missed> {
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
                &input.bytes[begin..end]
            }
            Way::Up => {
                let end = self.offset.unwrap_or_else(|| input.start(self.first_line + 1));
                let inner = &input.bytes[..end.saturating_sub(1)];
                let begin = memrchr(b'\n', inner).map_or(0, |before| before + 1);
                self.offset = Some(begin);
                &input.bytes[begin..end]
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::super::hunk::Side;
    use super::*;

    fn hunk(first: i64, old: &[u8], leading: i64, trailing: i64) -> Hunk<'_> {
        let lines: Vec<_> = old
            .split_inclusive(|&b| b == b'\n')
            .map(|l| Line { text: &l[..l.len() - 1], ended: true })
            .collect();
        let changed = vec![true; lines.len()];
        Hunk { first, leading, trailing, old: Side { lines, changed }, ..Hunk::default() }
    }

    #[test]
    fn lines_are_found_in_long_files() {
        let text: Vec<u8> = (1..=1000).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        let input = Input::new(text);
        assert_eq!(input.count, 1000);
        for line in [1, 63, 64, 65, 128, 999, 1000] {
            assert_eq!(input.lines(line, line), format!("{line}\n").as_bytes());
        }
        assert_eq!(input.lines(1001, 2000), b"");
    }

    #[test]
    fn the_later_of_two_equally_near_places_is_taken() {
        let mut input = Input::new(b"x\na\nx\nx\nx\na\nx\n".to_vec());
        assert_eq!(input.locate(&hunk(4, b"a\n", 0, 0), 0, 0), Ok(6));
        assert_eq!(input.locate(&hunk(3, b"a\n", 0, 0), 0, 0), Ok(2));
        assert_eq!(input.locate(&hunk(99, b"a\n", 0, 0), 0, 0), Ok(6));
        assert_eq!(input.locate(&hunk(99, b"b\n", 0, 0), 0, 0), Err(Missed::Nowhere));
    }

    #[test]
    fn the_ends_of_the_file_bind() {
        let mut input = Input::new(b"a\nb\na\nb\na\n".to_vec());
        assert_eq!(input.locate(&hunk(1, b"a\nb\n", 0, 1), 0, 0), Ok(1));
        assert_eq!(input.locate(&hunk(1, b"b\na\n", 1, 0), 0, 0), Ok(4));
        assert_eq!(input.locate(&hunk(1, b"a\nb\n", 1, 0), 0, 0), Err(Missed::Nowhere));
    }

    #[test]
    fn the_search_costs_its_distance_and_ends_with_its_budget() {
        let mut input = Input::new([&b"\n".repeat(5000)[..], b"x\n", &b"\n".repeat(5000)].concat());
        let before = input.budget;
        assert_eq!(input.locate(&hunk(4990, b"x\n", 0, 0), 0, 0), Ok(5001));
        assert!(before - input.budget < 1000);
        input.budget = 100;
        assert_eq!(input.locate(&hunk(1, b"x\n", 0, 0), 0, 0), Err(Missed::Budget));
        // The expected place costs nothing.
        assert_eq!(input.locate(&hunk(5001, b"x\n", 0, 0), 0, 0), Ok(5001));
    }

    /// The search as patch does it, place by place.
    fn slowly(input: &Input, pattern: &[Line<'_>], guess: i64, frozen: i64) -> Option<i64> {
        let (least, most) = (frozen + 1, input.count - pattern.len() as i64 + 1);
        let (below, above) = (most - guess, guess - least);
        let above = if guess <= above { guess - 1 } else { above };
        let from = if below < 0 {
            -below
        } else if above < 0 {
            above
        } else {
            0
        };
        for offset in from..=below.max(above) {
            if offset <= below && input.fits(pattern, guess + offset) {
                return Some(guess + offset);
            }
            if offset <= above && input.fits(pattern, guess - offset) {
                return Some(guess - offset);
            }
        }
        None
    }

    proptest! {
        #[test]
        fn the_quick_search_agrees_with_the_slow_one(
            text in proptest::collection::vec(0..2_u8, 0..200),
            pattern in proptest::collection::vec(0..2_u8, 1..6),
            first in 0..210_i64,
            frozen in 0..60_i64,
        ) {
            let lines = |v: &[u8]| v.iter().flat_map(|n| [b'a' + n, b'\n']).collect::<Vec<u8>>();
            let mut input = Input::new(lines(&text));
            let old = lines(&pattern);
            let hunk = hunk(first, &old, 0, 0);
            let expected = slowly(&input, &hunk.old.lines, first, frozen);
            prop_assert_eq!(input.locate(&hunk, 0, frozen).ok(), expected);
        }
    }
}
