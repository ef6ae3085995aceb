//! Times as people read them in one line.

use std::time::Duration;

use baseline::age::Age;
pub use baseline::age::is_believed;
use baseline::time::Millis;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Milliseconds of a second, of an hour and of a day.
pub const SECOND: i64 = 1000;
/// Milliseconds of an hour; see [`SECOND`].
pub const HOUR: i64 = 3600 * SECOND;
/// Milliseconds of a day; see [`SECOND`].
pub const DAY: i64 = 24 * HOUR;

/// A time span in the configuration: `5m`, `1d`, or a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(i64);

impl Span {
    /// Length in milliseconds.
    pub fn milliseconds(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a time span such as \"5m\"")]
        enum Form {
            Text(String),
            Seconds(u32),
        }
        let duration = match Form::deserialize(deserializer)? {
            Form::Text(text) => humantime::parse_duration(&text)
                .map_err(|error| D::Error::custom(format!("{text:?} is no time span: {error}")))?,
            Form::Seconds(seconds) => Duration::from_secs(seconds.into()),
        };
        match i64::try_from(duration.as_millis()) {
            Ok(milliseconds) if milliseconds > 0 => Ok(Span(milliseconds)),
            _ => Err(D::Error::custom("a time span must be more than nothing")),
        }
    }
}

/// Age of a time in seconds. A time that is ahead by more than five minutes has a negative age, which is outside of
/// every range that is a plain number, so it alerts.
pub fn age(now: i64, then: i64) -> f64 {
    // An age of milliseconds is far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    let seconds = Age::of(now, then).signed() as f64 / 1000.0;
    seconds.floor()
}

/// `3h 20m ago`, or `in the future by 399d`.
pub fn ago(now: i64, then: i64) -> String {
    match Age::of(now, then) {
        Age::Ago(_) => format!("{} ago", span(age(now, then))),
        Age::Ahead(_) => span(age(now, then)),
    }
}

/// A time span in seconds with its two largest units at most: `45s`, `12m`, `3h 20m`, `2d 4h`; a negative age is
/// `in the future by 399d`.
pub fn span(seconds: f64) -> String {
    if seconds < 0.0 {
        return format!("in the future by {}", span(-seconds));
    }
    // Ages are far below 2^63.
    #[allow(clippy::cast_possible_truncation)]
    let seconds = seconds as i64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: i64, unit: &str, rest: i64, small: &str| match rest {
        0 => format!("{large}{unit}"),
        rest => format!("{large}{unit} {rest}{small}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => two(hours, "h", minutes % 60, "m"),
        (days, hours, _) => two(days, "d", hours % 24, "h"),
    }
}

/// `11-24 08:32Z`, and with its year if that is another than that of `now`: `2025-11-24 08:32Z`.
pub fn moment(milliseconds: i64, now: i64) -> String {
    Millis(milliseconds).short(Millis(now))
}

/// Day in UTC, as `2026-11-24`.
pub fn date(milliseconds: i64) -> String {
    Millis(milliseconds).day()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        assert_eq!(span(-34_500_000.0), "in the future by 399d 7h");
        assert_eq!((ago(9000, 2000), ago(0, 3 * DAY)), ("7s ago".into(), "in the future by 3d".into()));
        let spans = [0.4, 0.0, 59.9, 60.0, 3599.0, 3600.0, 12_000.0, 86_400.0, 187_300.0].map(span);
        assert_eq!(spans, ["0s", "0s", "59s", "1m", "59m", "1h", "3h 20m", "1d", "2d 4h"]);
        assert_eq!((age(5000, 2500), age(0, 9), age(0, DAY)), (2.0, 0.0, -86_400.0));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!((moment(0, 5), moment(0, 400 * DAY)), ("01-01 00:00Z".into(), "1970-01-01 00:00Z".into()));
        assert_eq!(moment(1_764_000_000_000 - 1, 1_764_000_000_000), "11-24 15:59Z");
        let dates = [951_782_400_000, 951_868_800_000, 4_107_542_400_000, 1_796_083_200_000, -1].map(date);
        assert_eq!(dates, ["2000-02-29", "2000-03-01", "2100-03-01", "2026-12-01", "1969-12-31"]);
    }
}
