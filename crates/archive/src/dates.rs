//! Dates in the forms of archives and web servers.

use source_package::date::Date;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads a date in one of the forms that apt reads, in seconds since 1970: `Sat, 06 Sep 2025 9:33:48 UTC` with or without
/// the day of the week, `Saturday, 06-Sep-25 09:33:48 GMT`, `Sat Sep  6 09:33:48 2025`. The zone is UTC by one of its
/// names, or a number such as `+0100`. Nothing is guessed: a date that was misread could make an old index a new one.
pub fn parse_date(text: &str) -> Option<i64> {
    let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
    let weekday = words.first().map(|word| word.trim_end_matches(',').to_ascii_lowercase())?;
    let is_weekday =
        DAYS.iter().any(|day| weekday.starts_with(day)) && weekday.bytes().all(|b| b.is_ascii_alphabetic());
    if is_weekday {
        words.remove(0);
    }
    match words[..] {
        [day, month, year, time, zone] => seconds(day, month, year, time, zone),
        [date, time, zone] if is_weekday && weekday.len() > 3 => {
            let [day, month, year] = date.split('-').collect::<Vec<_>>()[..] else { return None };
            // Two digits: the century from 1970 on.
            let year = if year.len() == 2 { format!("20{year}") } else { year.to_owned() };
            seconds(day, month, &year, time, zone)
        }
        [month, day, time, year] if is_weekday => seconds(day, month, year, time, "UTC"),
        _ => None,
    }
}

fn seconds(day: &str, month: &str, year: &str, time: &str, zone: &str) -> Option<i64> {
    let number = |text: &str, least: usize, most: usize, max: u32| {
        let digits = (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| digits && *number <= max)
    };
    let day = number(day, 1, 2, 31).filter(|day| *day > 0)?;
    let month = MONTHS.iter().position(|name| month.eq_ignore_ascii_case(name))?;
    number(year, 4, 4, 9999)?;
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>()[..] else { return None };
    let (hour, minute) = (number(hour, 1, 2, 23)?, number(minute, 2, 2, 59)?);
    let second = number(second, 2, 2, 60)?;
    let zone = match zone.to_ascii_uppercase().as_str() {
        "UTC" | "GMT" | "Z" => "+0000".to_owned(),
        other => offset(other)?,
    };
    let month = capital(MONTHS.get(month)?);
    let text = format!("{day} {month} {year} {hour:02}:{minute:02}:{second:02} {zone}");
    Date::parse(&text).map(|date| date.seconds)
}

/// `+0100` and its like.
fn offset(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['+', '-'])?;
    let fits = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let hours = digits.get(..2)?.parse::<u32>().ok()?;
    let minutes = digits.get(2..)?.parse::<u32>().ok()?;
    (fits && hours <= 14 && minutes <= 59).then(|| text.to_owned())
}

fn capital(month: &str) -> String {
    let (first, rest) = month.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}

/// Time for operators: `2025-09-06 09:33:48Z`.
pub fn show_date(seconds: i64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_one_moment() {
        for text in [
            "Tue, 05 Nov 2024 09:03:43 UTC",
            "Tue, 5 Nov 2024 9:03:43 UTC",
            "5 Nov 2024 09:03:43 Z",
            "Tue Nov  5 09:03:43 2024",
            "Tuesday, 05-Nov-24 09:03:43 GMT",
            "Tue, 05 Nov 2024 10:03:43 +0100",
            "tue, 05 nov 2024 09:03:43 gmt",
            "Tue, 05 Nov 2024 03:33:43 -0530",
        ] {
            assert_eq!(parse_date(text), Some(1_730_797_423), "{text}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "",
            "yesterday",
            "Mon, Jan 08 2024 15:24:22 +0000",
            "Thu., 09 May 2024 06:03:43 GMT",
            "Tue, 05 Nov 2024 10:03:43 CET",
            "Tue, 05 Nov 2024 10:03:43",
            "Tue, 05 Nov 2024 10:03 UTC",
            "Tue, 05 Nov 24 10:03:43 UTC",
            "Tue, 32 Nov 2024 10:03:43 UTC",
            "Tue, 05 Nov 2024 24:03:43 UTC",
            "Tue, 05 Nov 2024 10:03:43 +2500",
            "Tue, 0x Nov 2024 10:03:43 UTC",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
