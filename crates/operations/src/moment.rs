//! Times as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use baseline::time::Millis;
use jiff::Timestamp;
use jiff::civil::Date;

/// A time that may be past: `now`, a day (its beginning in UTC), or RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Millis);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        if text == "now" {
            let now = i64::try_from(now().as_millis());
            return now
                .map(|now| Moment(Millis(now)))
                .map_err(|_| "the clock is out of this world".to_owned());
        }
        let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        let time: Result<Timestamp, _> = whole.parse();
        time.map(|time| Moment(Millis(time.as_millisecond()))).map_err(|_| {
            format!("{text:?} is neither now, nor a day (2026-12-01), nor a time (2026-12-01T08:00:00Z)")
        })
    }
}

/// End of something: a span from now (`3d`), a day (its end in UTC), or a time (RFC 3339), none of
/// them in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until(Millis);

impl Until {
    /// The time.
    pub fn at(self) -> Millis {
        self.0
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Until, String> {
        let now = now();
        let end = if let Ok(span) = humantime::parse_duration(text) {
            now + span
        } else if let (10, Ok(day)) = (text.len(), text.parse::<Date>()) {
            let midnight = day.tomorrow().and_then(|next| format!("{next}T00:00:00Z").parse::<Timestamp>());
            let midnight = midnight.map_err(|error| format!("{text} is no day: {error}"))?;
            since_epoch(midnight)
        } else {
            let time: Timestamp = text.parse().map_err(|_| {
                format!(
                    "{text:?} is neither a span (3d, 12h), nor a day (2026-12-01), nor a time (2026-12-01T08:00:00Z)"
                )
            })?;
            since_epoch(time)
        };
        if end <= now {
            return Err(format!("{text} is over"));
        }
        i64::try_from(end.as_millis())
            .map(|end| Until(Millis(end)))
            .map_err(|_| format!("{text} is too far away"))
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn since_epoch(time: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millisecond()).unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_end_can_be_a_span_a_day_or_a_time() {
        let until = |text: &str| text.parse::<Until>().map(Until::at);
        let now = i64::try_from(now().as_millis()).unwrap();
        let in_three_days = until("3d").unwrap().0 - now;
        assert!((in_three_days - 3 * 86_400_000).abs() < 60_000);
        assert_eq!(until("2999-12-31").unwrap().to_string(), "3000-01-01 00:00Z");
        assert_eq!(until("2999-12-31T08:00:00+01:00").unwrap().to_string(), "2999-12-31 07:00Z");
        for wrong in ["1999-01-01", "soon", "", "2999-02-30", "1000000000y"] {
            assert!(until(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_can_be_past() {
        let moment = |text: &str| text.parse::<Moment>().map(|it| it.0.0);
        assert_eq!(moment("2026-01-05"), Ok(1_767_571_200_000));
        assert_eq!(moment("2026-01-05T01:00:00+01:00"), Ok(1_767_571_200_000));
        assert!(moment("now").unwrap() > 1_767_571_200_000);
        for wrong in ["yesterday", "2026-13-01", "", "3d"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
