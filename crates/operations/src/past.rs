//! A time that is over, as people write it.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Time in Unix milliseconds: a span ago (`2h`, `3d`), a day (its beginning in UTC), or RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past(pub i64);

impl FromStr for Past {
    type Err = String;

    fn from_str(text: &str) -> Result<Past, String> {
        if let Ok(span) = humantime::parse_duration(text) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let then = now.saturating_sub(span).as_millis();
            return i64::try_from(then).map(Past).map_err(|_| "the clock is out of this world".to_owned());
        }
        let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        whole.parse::<Timestamp>().map(|time| Past(time.as_millisecond())).map_err(|_| {
            format!("{text:?} is neither a span (3d, 12h), nor a day (2026-12-01), nor a time (2026-12-01T08:00:00Z)")
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_over_can_be_a_span_a_day_or_a_time() {
        let past = |text: &str| text.parse::<Past>().map(|it| it.0);
        assert_eq!(past("2026-01-05"), Ok(1_767_571_200_000));
        assert_eq!(past("2026-01-05T01:00:00+01:00"), Ok(1_767_571_200_000));
        assert_eq!(past("99999d"), Ok(0), "nothing is older than the clock");
        assert!(past("2h").unwrap() > past("3h").unwrap());
        for wrong in ["yesterday", "2026-13-01", "", "3", "-2h"] {
            assert!(past(wrong).is_err(), "{wrong}");
        }
    }
}
