//! Puts the parts of a date together. The order in which forms are tried is that of the grammar that patch uses.

use super::calendar::{days, full_year, is_weekday, month, zone};
use super::tokens::Token;

/// Parts of a date that were read so far.
#[derive(Default)]
pub(super) struct Reading {
    year: Option<i64>,
    month_day: Option<(i64, i64)>,
    time: Option<i64>,
    zone: Option<i64>,
    weekday: bool,
}

/// Sets a part that a date may have once.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

impl Reading {
    /// The seconds since the epoch; `Some(None)` is a valid text that names no full date, which means today.
    pub(super) fn read(mut self, tokens: &[Token]) -> Option<Option<i64>> {
        if let [Token::Mark(b'@'), Token::Number { sign, value, .. }] = tokens {
            return Some(Some(if *sign == Some(b'-') { -value } else { *value }));
        }
        let mut rest = tokens;
        while !rest.is_empty() {
            let taken = self.take(rest)?;
            rest = rest.get(taken..)?;
        }
        let (Some(year), Some((month, day))) = (self.year, self.month_day) else { return Some(None) };
        Some(Some(days(year, month, day)? * 86_400 + self.time.unwrap_or(0) - self.zone.unwrap_or(0)))
    }

    /// Takes what begins here, and says of how many parts it is.
    fn take(&mut self, rest: &[Token]) -> Option<usize> {
        use Token::{Mark, Number, Word};
        match rest {
            [
                Number { sign: None, value: hour, .. },
                Mark(b':'),
                Number { sign: None, value: minute, .. },
                tail @ ..,
            ] => Some(3 + self.time(*hour, *minute, tail)?),
            [
                Number { sign: None, value: a, digits, .. },
                Mark(b'/'),
                Number { sign: None, value: b, .. },
                Mark(b'/'),
                Number { sign: None, value: c, digits: last, .. },
                ..,
            ] => {
                // Whichever end is written like a year is the year.
                let year_first = *digits >= 4;
                if year_first {
                    self.date(*a, *digits, *b, *c)?
                } else {
                    self.date(*c, *last, *a, *b)?
                }
                Some(5)
            }
            [
                Number { sign: None, value: year, digits },
                Number { sign: Some(b'-'), value: month, .. },
                Number { sign: Some(b'-'), value: day, .. },
                tail @ ..,
            ] => {
                self.date(*year, *digits, *month, *day)?;
                // A `T` in front of the time belongs to it; anywhere else it is a zone.
                let marked = matches!(tail, [Word(mark), Number { sign: None, .. }, ..] if mark == "t");
                Some(3 + usize::from(marked))
            }
            [Number { sign: None, value: day, .. }, Word(name), tail @ ..] if month(name).is_some() => {
                once(&mut self.month_day, (month(name)?, *day))?;
                Some(2 + self.dashed_year(tail))
            }
            [Word(name), Number { value: day, .. }, tail @ ..] if month(name).is_some() => {
                once(&mut self.month_day, (month(name)?, *day))?;
                Some(2 + self.year_behind(tail))
            }
            [Word(name), tail @ ..] => Some(1 + self.word(name, tail)?),
            [Number { sign: None, value, digits }, ..] => self.lone_number(*value, *digits),
            // A zone that stands apart from its time.
            [Number { sign: Some(sign), value, digits }, tail @ ..] if self.time.is_some() => {
                Some(1 + self.offset(*sign, *value, *digits, tail)?)
            }
            _ => None,
        }
    }

    fn date(&mut self, year: i64, digits: usize, month: i64, day: i64) -> Option<()> {
        self.year = Some(full_year(year, digits));
        once(&mut self.month_day, (month, day))
    }

    /// The year of a date that began with its month: behind a comma, as in `Jan 1, 1970`, or a dash.
    fn year_behind(&mut self, tail: &[Token]) -> usize {
        let [Token::Mark(b','), Token::Number { sign: None, value, digits }, ..] = tail else {
            return self.dashed_year(tail);
        };
        self.year = Some(full_year(*value, *digits));
        2
    }

    /// A year written with a dash, as in `1-Jan-1970`.
    fn dashed_year(&mut self, tail: &[Token]) -> usize {
        let [Token::Number { sign: Some(b'-'), value, digits }, ..] = tail else { return 0 };
        self.year = Some(full_year(*value, *digits));
        1
    }

    /// Seconds, half of the day and zone behind hours and minutes.
    fn time(&mut self, hour: i64, minute: i64, tail: &[Token]) -> Option<usize> {
        let mut taken = 0;
        let mut seconds = 0;
        if let [Token::Mark(b':'), Token::Number { sign: None, value, .. }, ..] = tail {
            seconds = *value;
            taken = 2;
        }
        let mut hour = hour;
        match tail.get(taken) {
            Some(Token::Word(half)) if half == "am" || half == "pm" => {
                if !(1..=12).contains(&hour)
                    || matches!(tail.get(taken + 1), Some(Token::Number { sign: Some(_), .. }))
                {
                    return None;
                }
                hour = hour % 12 + if half == "pm" { 12 } else { 0 };
                taken += 1;
            }
            Some(Token::Number { sign: Some(sign), value, digits }) => {
                taken += 1 + self.offset(*sign, *value, *digits, &tail[taken + 1..])?;
            }
            _ => {}
        }
        if hour > 23 || minute > 59 || seconds > 60 {
            return None;
        }
        once(&mut self.time, hour * 3600 + minute * 60 + seconds)?;
        Some(taken)
    }

    /// `+hh`, `+hhmm` or `+hh:mm`.
    fn offset(&mut self, sign: u8, value: i64, digits: usize, tail: &[Token]) -> Option<usize> {
        let (minutes, taken) = match tail {
            [Token::Mark(b':'), Token::Number { sign: None, value: minutes, .. }, ..] => {
                (value.checked_mul(60)?.checked_add(*minutes)?, 2)
            }
            _ if digits <= 2 => (value * 60, 0),
            _ => (value / 100 * 60 + value % 100, 0),
        };
        if minutes > 24 * 60 {
            return None;
        }
        once(&mut self.zone, minutes * if sign == b'-' { -60 } else { 60 })?;
        Some(taken)
    }

    /// A weekday or a zone.
    fn word(&mut self, word: &str, tail: &[Token]) -> Option<usize> {
        if is_weekday(word) {
            if std::mem::replace(&mut self.weekday, true) {
                return None;
            }
            return Some(usize::from(matches!(tail.first(), Some(Token::Mark(b',')))));
        }
        once(&mut self.zone, zone(word)? * 3600)?;
        Some(0)
    }

    /// A year if a date is waiting for one, else a date or a time written without marks.
    fn lone_number(&mut self, value: i64, digits: usize) -> Option<usize> {
        if self.month_day.is_some() && self.year.is_none() && (self.time.is_some() || digits > 2) {
            self.year = Some(full_year(value, digits));
        } else if digits > 4 {
            self.date(value / 10_000, digits - 4, value / 100 % 100, value % 100)?;
        } else {
            let (hour, minute) = if digits <= 2 { (value, 0) } else { (value / 100, value % 100) };
            self.time(hour, minute, &[])?;
        }
        Some(1)
    }
}
