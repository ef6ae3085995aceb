//! Dates as people wrote them in changelogs and patches, made into seconds by rules that never ask the clock.

use std::fmt;

/// A time, and the author's offset from UTC, as a Git commit stores them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Date {
    /// Seconds since 1970-01-01 00:00:00 UTC, never negative.
    pub seconds: i64,
    /// Minutes east of UTC, at most 14 hours either way.
    pub offset_minutes: i32,
}

/// The most words that are read; a date has fewer, and what follows is not part of it.
const MAX_WORDS: usize = 16;

/// Last year that is accepted. Git's commit-graph has no room for dates after 2514.
const MAX_YEAR: i64 = 2499;

const MAX_OFFSET_MINUTES: i32 = 14 * 60;

impl Date {
    /// Reads a date in any of the forms that occur: RFC 2822, `date`'s output, ISO 8601, seconds with an `@`.
    ///
    /// Month and year must be there, else it is no date (`None`). Everything else is mended:
    /// - the words may stand in any order; a word that says nothing (a weekday, right or wrong) is skipped;
    /// - a day that the month does not have becomes its last one; a missing day, or 0, the first;
    /// - a missing time is 00:00:00; hours over 23, minutes and seconds over 59 become 23 and 59;
    /// - years: two digits below 50 are 20xx, else 19xx; three digits count from 1900; 191xx (a bug of 2000) is
    ///   20xx; after 2499 it is no date;
    /// - a missing or unknown zone, or an offset of more than 14 hours or with 60 minutes or more, is UTC;
    /// - a moment before 1970 becomes 1970-01-01 00:00:00 UTC, in the zone as written.
    pub fn parse(text: &str) -> Option<Date> {
        let mut parts = Parts::default();
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        for word in words.take(MAX_WORDS) {
            parts.read(word);
        }
        parts.date()
    }

    /// A date from its two numbers, brought into the range that Git accepts.
    pub fn new(seconds: i64, offset_minutes: i32) -> Date {
        let last = days_since_1970(MAX_YEAR, 12, 31) * 86_400 + 86_399;
        let fits = offset_minutes.abs() <= MAX_OFFSET_MINUTES;
        Date { seconds: seconds.clamp(0, last), offset_minutes: if fits { offset_minutes } else { 0 } }
    }
}

/// As in a Git object: `1136239445 -0700`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.unsigned_abs();
        write!(f, "{} {sign}{:02}{:02}", self.seconds, minutes / 60, minutes % 60)
    }
}

/// Parts of a date that its words have given so far.
#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    time: Option<(i64, i64, i64)>,
    afternoon: Option<bool>,
    offset: Option<i32>,
    named_offset: Option<i32>,
    seconds: Option<i64>,
}

impl Parts {
    fn read(&mut self, word: &str) {
        let first = word.bytes().next().unwrap_or_default();
        if word.contains(['(', ')']) {
            // A comment, such as the zone's name after its offset.
        } else if let Some(seconds) = word.strip_prefix('@') {
            self.seconds = self.seconds.or_else(|| number(seconds, 12));
        } else if first == b'+' || first == b'-' {
            self.offset = self.offset.or_else(|| offset(word));
        } else if first.is_ascii_digit() {
            self.read_figures(word);
        } else {
            self.read_name(word);
        }
    }

    fn read_figures(&mut self, word: &str) {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let (figures, rest) = word.split_at(digits);
        match rest.bytes().next() {
            None => self.read_number(figures),
            Some(b':') => self.read_time(word),
            Some(b'-' | b'/') => self.read_day(word),
            // `3rd`, `1.`
            Some(_) => self.read_number(figures),
        }
    }

    fn read_number(&mut self, figures: &str) {
        match figures.len() {
            1 | 2 if self.day.is_none() => self.day = number(figures, 2),
            1..=5 if self.year.is_none() => self.year = year(figures),
            8 if self.year.is_none() => {
                self.year = year(&figures[..4]);
                self.month = number(&figures[4..6], 2);
                self.day = number(&figures[6..], 2);
            }
            _ => {}
        }
    }

    /// `2006-01-02`, with a time after a `T`, or `02-Jan-2006`. Two figures first would be a guess.
    fn read_day(&mut self, word: &str) {
        let (day, time) = match word.find(['T', 't']) {
            Some(at) if word[..at].bytes().filter(|&b| b == b'-' || b == b'/').count() == 2 => {
                (&word[..at], Some(&word[at + 1..]))
            }
            _ => (word, None),
        };
        let fields: Vec<&str> = day.split(['-', '/']).take(3).collect();
        if let [first, second, third] = fields[..] {
            if let Some(month) = month(second) {
                (self.day, self.month, self.year) = (number(first, 2), Some(month), year(third));
            } else if first.len() == 4 {
                let digits = third.bytes().take_while(u8::is_ascii_digit).count();
                (self.year, self.month, self.day) =
                    (year(first), number(second, 2), number(&third[..digits], 2));
            }
        }
        if let Some(time) = time {
            self.read_time(time);
        }
    }

    /// `15:04`, `15:04:05`, `15:04:05.678`, with an offset or a `Z` right behind it.
    fn read_time(&mut self, word: &str) {
        if self.time.is_some() {
            return;
        }
        let end = word.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(word.len());
        let (time, rest) = word.split_at(end);
        let mut fields = time.split(':').map(|field| {
            let whole = field.split('.').next().unwrap_or_default();
            number(whole, 2).unwrap_or_default()
        });
        let mut next = || fields.next().unwrap_or_default();
        self.time = Some((next(), next(), next()));
        if !rest.is_empty() {
            self.read(rest);
        }
    }

    /// A month, a zone, AM or PM; the last month counts, as `mar` is a weekday in some languages.
    fn read_name(&mut self, word: &str) {
        if let Some(sign) = word.find(['+', '-']) {
            if matches!(&word[..sign], "GMT" | "UTC" | "UT") {
                self.offset = self.offset.or_else(|| offset(&word[sign..]));
            }
        } else if word.eq_ignore_ascii_case("am") || word.eq_ignore_ascii_case("pm") {
            self.afternoon = Some(word.eq_ignore_ascii_case("pm"));
        } else if let Some(minutes) = named_offset(word) {
            self.named_offset = Some(minutes);
        } else if let Some(month) = month(word) {
            self.month = Some(month);
        }
    }

    fn date(self) -> Option<Date> {
        let offset = self.offset.or(self.named_offset).unwrap_or(0);
        if let Some(seconds) = self.seconds {
            return Some(Date::new(seconds, offset));
        }
        let (year, month) = (self.year?, self.month?.clamp(1, 12));
        let day = self.day.unwrap_or(1).clamp(1, days_in_month(year, month));
        let (hour, minute, second) = self.time.unwrap_or_default();
        let hour = match self.afternoon {
            Some(true) if hour < 12 => hour + 12,
            Some(false) if hour == 12 => 0,
            _ => hour,
        };
        let of_day = hour.min(23) * 3600 + minute.min(59) * 60 + second.min(59);
        let seconds = days_since_1970(year, month, day) * 86_400 + of_day - i64::from(offset) * 60;
        Some(Date::new(seconds, offset))
    }
}

/// A number of up to `max` digits and nothing else.
fn number(text: &str, max: usize) -> Option<i64> {
    let fits = !text.is_empty() && text.len() <= max && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

fn year(text: &str) -> Option<i64> {
    let number = number(text, 5)?;
    let year = match text.len() {
        1 | 2 if number < 50 => 2000 + number,
        1..=3 => 1900 + number,
        4 => number,
        _ if (19_000..20_000).contains(&number) => number - 19_000 + 1900,
        _ => return None,
    };
    Some(year).filter(|&year| (1..=MAX_YEAR).contains(&year))
}

/// A month by its first three letters: in English, and where other languages of old changelogs differ.
fn month(word: &str) -> Option<i64> {
    let prefix = word.get(..3)?.to_ascii_lowercase();
    let month = match prefix.as_str() {
        "jan" | "ene" => 1,
        "feb" => 2,
        "mar" | "mrz" => 3,
        "apr" | "avr" | "abr" => 4,
        "may" | "mai" => 5,
        "jun" => 6,
        "jul" => 7,
        "aug" | "ago" => 8,
        "sep" => 9,
        "oct" | "okt" => 10,
        "nov" => 11,
        "dec" | "dez" | "dic" => 12,
        _ => return None,
    };
    Some(month)
}

/// `+0530`, `+05:30`, `-7`, `+05`, `-700`.
fn offset(word: &str) -> Option<i32> {
    let (sign, figures) = match word.strip_prefix('-') {
        Some(figures) => (-1, figures),
        None => (1, word.strip_prefix('+')?),
    };
    let figures = figures.replacen(':', "", 1);
    let number = i32::try_from(number(&figures, 4)?).ok()?;
    let (hours, minutes) = if figures.len() <= 2 { (number, 0) } else { (number / 100, number % 100) };
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= MAX_OFFSET_MINUTES).then_some(sign * total)
}

/// The zones that mails and changelogs name; ambiguous ones (IST, BRT and the like) are left out.
fn named_offset(word: &str) -> Option<i32> {
    let hours = match word {
        "UT" | "UTC" | "GMT" | "Z" | "WET" => 0,
        "BST" | "CET" | "MET" | "MEZ" | "WEST" => 1,
        "CEST" | "MEST" | "MESZ" | "EET" | "SAST" => 2,
        "EEST" | "MSK" => 3,
        "MSD" => 4,
        "HKT" | "SGT" | "AWST" => 8,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "NZST" => 12,
        "NZDT" => 13,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" | "AKDT" => -8,
        "AKST" => -9,
        "HST" => -10,
        _ => return None,
    };
    Some(hours * 60)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, for years from 1 on.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let whole_years = before * 365 + before / 4 - before / 100 + before / 400;
    let whole_months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    whole_years + whole_months + day - 1 - 719_162
}

#[cfg(test)]
#[path = "date_tests.rs"]
mod tests;
