//! Tells whether a date in a file header is the epoch, which marks a file that does not exist.
//!
//! Only that answer matters, so only dates are read whose writers are known to use them: ISO 8601, what `diff`,
//! CVS and `ctime` write, dates with slashes, `@seconds`.

/// What a header says about the time of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stamp {
    /// Nothing, or nothing that can be read.
    #[default]
    Unknown,
    /// The epoch in some time zone: the file does not exist.
    Epoch,
    /// A time.
    Other,
}

/// A header names local time, so every time that is the epoch somewhere on earth counts.
const EARLIEST: i64 = -25 * 3600;
const LATEST: i64 = 26 * 3600;

#[derive(Debug, PartialEq)]
enum Token {
    Number { sign: Option<u8>, value: i64, digits: usize },
    Word(String),
    Mark(u8),
}

/// Reads the text behind a file name.
pub(super) fn stamp(text: &[u8]) -> Stamp {
    match tokens(text).and_then(|tokens| Reading::default().read(&tokens)) {
        None => Stamp::Unknown,
        Some(Some(seconds)) if seconds > EARLIEST && seconds < LATEST => Stamp::Epoch,
        Some(_) => Stamp::Other,
    }
}

/// Splits into numbers, words and marks. Text in brackets is a comment; a fraction of a second is dropped.
fn tokens(text: &[u8]) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'(' => at = behind_comment(text, at)?,
            b'+' | b'-' => {
                at += run(&text[at..], |b| b.is_ascii_whitespace());
                if text.get(at).is_some_and(u8::is_ascii_digit) {
                    at = number(text, at, Some(byte), &mut found)?;
                }
            }
            b'0'..=b'9' => at = number(text, at - 1, None, &mut found)?,
            b'a'..=b'z' | b'A'..=b'Z' => {
                let length = run(&text[at..], |b| b.is_ascii_alphabetic() || b == b'.');
                let word = &text[at - 1..at + length];
                found.push(Token::Word(String::from_utf8_lossy(word).to_ascii_lowercase().replace('.', "")));
                at += length;
            }
            _ if byte.is_ascii_whitespace() || byte == 0x0b => {}
            _ => found.push(Token::Mark(byte)),
        }
        // No date has so many parts; what has is not worth the memory.
        if found.len() > 64 {
            return None;
        }
    }
    Some(found)
}

fn run(text: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| belongs(byte)).count()
}

fn behind_comment(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 1_usize;
    while depth > 0 {
        match text.get(at)? {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    Some(at)
}

fn number(text: &[u8], at: usize, sign: Option<u8>, found: &mut Vec<Token>) -> Option<usize> {
    let digits = run(&text[at..], |b| b.is_ascii_digit());
    let written = std::str::from_utf8(&text[at..at + digits]).ok()?;
    found.push(Token::Number { sign, value: written.parse().ok()?, digits });
    let mut end = at + digits;
    if matches!(text.get(end), Some(b'.' | b',')) && text.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1 + run(&text[end + 1..], |b| b.is_ascii_digit());
    }
    Some(end)
}

/// What has been understood so far.
#[derive(Default)]
struct Reading {
    year: Option<i64>,
    month_day: Option<(i64, i64)>,
    time: Option<i64>,
    zone: Option<i64>,
    weekday: bool,
}

/// Sets what a date may say once.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

impl Reading {
    /// The seconds since the epoch; `Some(None)` is a valid text that names no full date, which means today.
    fn read(mut self, tokens: &[Token]) -> Option<Option<i64>> {
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
                if *digits >= 4 {
                    self.date(*a, *digits, *b, *c)?;
                } else {
                    self.date(*c, *last, *a, *b)?;
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
                match tail {
                    [Mark(b','), Number { sign: None, value, digits }, ..] => {
                        self.year = Some(full_year(*value, *digits));
                        Some(4)
                    }
                    _ => Some(2 + self.dashed_year(tail)),
                }
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

    fn word(&mut self, word: &str, tail: &[Token]) -> Option<usize> {
        const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
        if DAYS.iter().any(|day| word.starts_with(day)) {
            if std::mem::replace(&mut self.weekday, true) {
                return None;
            }
            return Some(usize::from(matches!(tail.first(), Some(Token::Mark(b',')))));
        }
        let hours = match word {
            "t" => -7,
            "utc" | "gmt" | "ut" | "z" | "wet" => 0,
            "cet" | "met" | "bst" => 1,
            "cest" | "mest" | "eet" => 2,
            "est" => -5,
            "edt" => -4,
            "cst" => -6,
            "cdt" => -5,
            "mst" => -7,
            "mdt" => -6,
            "pst" => -8,
            "pdt" => -7,
            "jst" => 9,
            _ => return None,
        };
        once(&mut self.zone, hours * 3600)?;
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

fn full_year(value: i64, digits: usize) -> i64 {
    match value {
        _ if digits > 2 => value,
        0..69 => value + 2000,
        _ => value + 1900,
    }
}

fn month(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let index = MONTHS.iter().position(|name| word.starts_with(name))?;
    Some(index as i64 + 1)
}

/// Days since the epoch in the Gregorian calendar, or `None` if there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let index = usize::try_from(month - 1).ok().filter(|&index| index < 12)?;
    let length = LENGTHS[index] + i64::from(leap && month == 2);
    if !(1..=length).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let before = LENGTHS[..index].iter().sum::<i64>() + i64::from(leap && month > 2);
    let years = year - 1;
    let leaps = years / 4 - years / 100 + years / 400;
    Some(years * 365 + leaps + before + day - 1 - 719_162)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn the_epoch_in_every_zone_and_dress() {
        for text in [
            "\t1970-01-01 00:00:00.000000000 +0000\n",
            "\t1970-01-01 01:00:00.000000000 +0100",
            "\t1969-12-31 19:00:00 -0500",
            " Thu Jan  1 01:00:00 1970",
            " Thu Jan 01 00:00:00 1970 +0000",
            " 1 Jan 1970 00:00:00 -0000",
            " Thu, 01 Jan 1970 00:00:00 +0000",
            " 1970/01/01 00:00:00",
            " 1/1/1970",
            " 1-Jan-70 00:00",
            " Jan 1, 1970 12:00 am",
            " @0",
            " 1970-01-01T00:00:00Z",
            " 19700101 0000",
            " 1970-01-01 00:00:00 +00:00 (a comment)",
        ] {
            assert_eq!(stamp(text.as_bytes()), Stamp::Epoch, "{text}");
        }
    }

    #[test]
    fn other_times_and_other_texts() {
        for text in ["", " 1970-01-03 00:00:00 +0000", " (revision 0)", " 2024-02-29 12:00:00", " 1:2:3"] {
            assert_eq!(stamp(text.as_bytes()), Stamp::Other, "{text}");
        }
        for text in
            [" nonsense", " 1970-02-30", " 2023-02-29", " (open", " 99999999999999999999", " 25:00:00"]
        {
            assert_eq!(stamp(text.as_bytes()), Stamp::Unknown, "{text}");
        }
    }

    /// Found by fuzzing.
    #[test]
    fn zones_of_many_digits_are_none() {
        for zone in ["+000999999999999999900:00", "-199999999999999999:00", "+1:9223372036854775807"] {
            let text = format!(" 1970-01-01 00:00:00 {zone}");
            assert_eq!(stamp(text.as_bytes()), Stamp::Unknown, "{text}");
            assert_eq!(oracle(&text), Stamp::Unknown, "{text}");
        }
    }

    /// `date` reads its `-d` with the same grammar as patch reads its headers.
    #[test]
    fn date_agrees() {
        let dates =
            ["", "1970-01-01", "1/1/1970", "Jan 1 1970", "1 Jan 1970", "Thu, 01 Jan 1970", "19700101"];
        let more =
            ["70-1-1", "01-Jan-1970", "Jan 1, 1970", "1970/1/1", "2020-02-30", "Thu Jan  1", "1970-13-01"];
        let times = ["", "00:00", "12:00 am", "01:00:00", "0:0:0.5", "2400", "T00:00:00"];
        let zones = ["", "+0000", "-0500", "+05:30", "Z", "EST", "+25", "(x)", "1970", "XYZ"];
        let agrees = |text: String| {
            let ours = stamp(text.as_bytes());
            assert_eq!(ours == Stamp::Epoch, oracle(&text) == Stamp::Epoch, "{text} is {ours:?}");
        };
        for date in dates.iter().chain(&more) {
            for time in times {
                zones.iter().for_each(|zone| agrees(format!("{date} {time} {zone}")));
            }
        }
    }

    fn oracle(text: &str) -> Stamp {
        let output = std::process::Command::new("date")
            .args(["-u", "+%s", "-d", text])
            .env("LC_ALL", "C")
            .output()
            .expect("this test needs date from coreutils");
        match String::from_utf8_lossy(&output.stdout).trim().parse::<i64>() {
            Ok(seconds) if seconds > EARLIEST && seconds < LATEST => Stamp::Epoch,
            Ok(_) => Stamp::Other,
            Err(_) => Stamp::Unknown,
        }
    }
}
