//! The calendar: the meaning of its words and numbers, whatever form a date has.

/// A year that may be written with two digits: up to 68 it is one of this century.
pub(super) fn full_year(value: i64, digits: usize) -> i64 {
    match value {
        _ if digits > 2 => value,
        0..69 => value + 2000,
        _ => value + 1900,
    }
}

/// The number of a month by its name, short or long.
pub(super) fn month(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let index = MONTHS.iter().position(|name| word.starts_with(name))?;
    Some(index as i64 + 1)
}

/// True when a word is a day of the week, short or long.
pub(super) fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    DAYS.iter().any(|day| word.starts_with(day))
}

/// The hours by which a zone is ahead of UTC.
pub(super) fn zone(word: &str) -> Option<i64> {
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
    Some(hours)
}

/// Days since the epoch in the Gregorian calendar, or `None` if there is no such day.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
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
