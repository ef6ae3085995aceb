//! A time to look back to, as people say it.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::{Date, Time};

/// A time that is over, in Unix milliseconds: `2026-11-24T08:32:00Z`, `2026-11-24 08:32`, `2026-11-24` (its beginning), `08:32` (the
/// last one), `yesterday 08:32`, `2h ago`, `now`. All of it in UTC, unless another zone is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookBack(pub i64);

impl FromStr for LookBack {
    type Err = String;

    fn from_str(text: &str) -> Result<LookBack, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).map_err(|_| "the clock is out of this world".to_owned())?;
        at(text.trim(), now).map(LookBack).ok_or_else(|| {
            format!(
                "{text:?} is no time that is over: 2026-11-24T08:32:00Z, '2026-11-24 08:32', 08:32, 'yesterday 08:32', '2h ago'"
            )
        })
    }
}

const DAY: i64 = 86_400_000;

/// What is meant at a time.
fn at(text: &str, now: i64) -> Option<i64> {
    if text == "now" {
        return Some(now);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let span = text.strip_suffix("ago").unwrap_or(text).trim();
    if let Ok(span) = humantime::parse_duration(span) {
        return now.checked_sub(i64::try_from(span.as_millis()).ok()?).filter(|then| *then >= 0);
    }
    let text = text.strip_suffix('Z').unwrap_or(text).trim();
    if let Some(time) = time_of_day(text) {
        let today = now.div_euclid(DAY) * DAY + time;
        return Some(if today > now { today - DAY } else { today });
    }
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    let time = time_of_day(time.trim())?;
    let midnight = match day {
        "today" => now.div_euclid(DAY) * DAY,
        "yesterday" => (now.div_euclid(DAY) - 1) * DAY,
        day => {
            let day: Date = day.parse().ok()?;
            format!("{day}T00:00:00Z").parse::<Timestamp>().ok()?.as_millisecond()
        }
    };
    Some(midnight + time)
}

/// Milliseconds from midnight: `08:32`, `08:32:05`.
fn time_of_day(text: &str) -> Option<i64> {
    if !text.contains(':') {
        return None;
    }
    let time: Time = text.parse().ok()?;
    Some((i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())) * 1000)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// 2026-11-24 09:00:00Z.
    const NOW: i64 = 1_795_510_800_000;
    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_time_is_said_in_many_ways() {
        let half = NOW - 28 * 60_000;
        for text in [
            "2026-11-24T08:32:00Z",
            "2026-11-24T09:32:00+01:00",
            "2026-11-24 08:32",
            "2026-11-24 08:32:00",
            "2026-11-24 08:32Z",
            "08:32",
            "08:32:00",
            "08:32Z",
            "today 08:32",
            "28m ago",
            "28 min ago",
            "28min",
        ] {
            assert_eq!(at(text, NOW), Some(half), "{text}");
        }
        assert_eq!(at("yesterday 08:32", NOW), Some(half - DAY));
        assert_eq!(at("09:32", NOW), Some(half + HOUR - DAY), "the last one was yesterday");
        assert_eq!(at("yesterday", NOW), Some(NOW - 33 * HOUR));
        assert_eq!(at("2026-11-24", NOW), Some(NOW - 9 * HOUR));
        assert_eq!((at("2 h ago", NOW), at("3d", NOW)), (Some(NOW - 2 * HOUR), Some(NOW - 3 * DAY)));
        assert_eq!(at("now", NOW), Some(NOW));
        for wrong in [
            "",
            "soon",
            "25:00",
            "2026-13-01",
            "ago",
            "-2h",
            "08",
            "2026-11-24 soon",
            "99999999999y",
            "tomorrow 08:00",
        ] {
            assert_eq!(at(wrong, NOW), None, "{wrong}");
        }
    }
}
