//! Finds where in a file a hunk fits, at the place that GNU patch would choose.

use super::hunk::{Hunk, Line};
use super::input::Input;
use super::search::{Search, Way};

/// Reason why a hunk has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missed {
    /// It fits nowhere.
    Nowhere,
    /// The search would take too long.
    Budget,
}

impl Input {
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

    /// The guess is in the part that is done already. Patch then searches from as far in front of the guess as the
    /// first free line is behind it, and tries that line second.
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
        let mut search = Search::new(pattern, Way::Down, begin, most);
        search.until(self, i64::MAX)?.map(|steps| begin + steps).ok_or(Missed::Nowhere)
    }

    /// True when the lines at a place are those of the pattern. A line without content is in no file.
    fn fits(&self, pattern: &[Line<'_>], place: i64) -> bool {
        if place < 1 || place > self.count - pattern.len() as i64 + 1 {
            return false;
        }
        let mut offset = self.start(place);
        pattern.iter().all(|line| {
            let end = self.end(offset);
            let same = line.is(&self.bytes()[offset..end]);
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
        let mut down = Search::new(pattern, Way::Down, guess, most);
        let mut up = Search::new(pattern, Way::Up, up_from, least);
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
