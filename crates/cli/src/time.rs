//! Times as people write and read them. They are stored in UTC and shown in UTC, with the zone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::baseline::age::Age;
use jiff::Timestamp;
use jiff::civil::Date;

/// `2026-11-24 08:32Z`.
pub fn at(milliseconds: i64) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%MZ").to_string(),
        Err(_) => format!("{milliseconds} ms"),
    }
}

/// The day in UTC: `2026-11-24`.
pub fn day(milliseconds: i64) -> String {
    at(milliseconds).get(..10).unwrap_or_default().to_owned()
}

/// A span by its largest unit: `42s`, `7m`, `3h`, `12d`. A span since something that is still to come is negative, and says
/// so.
pub fn span(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        ..0 => format!("in the future by {}", span(milliseconds.saturating_neg())),
        0..=119 => format!("{seconds}s"),
        120..=7199 => format!("{}m", seconds / 60),
        7200..=172_799 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// What something took: `0.04s`, and from ten seconds on as [`span`].
pub fn took(milliseconds: i64) -> String {
    match milliseconds {
        0..10_000 => format!("{}.{:02}s", milliseconds / 1000, milliseconds % 1000 / 10),
        _ => span(milliseconds),
    }
}

/// When something that has happened did: `3h ago`. What is ahead by more than clocks differ is `in the future by 399d`.
pub fn ago(now: i64, then: i64) -> String {
    match Age::of(now, then) {
        Age::Ago(ago) => format!("{} ago", span(ago)),
        Age::Ahead(ahead) => format!("in the future by {}", span(ahead)),
    }
}

/// When something that is due happens: `in 7m`; what is overdue was due `3h ago`.
pub fn until(now: i64, then: i64) -> String {
    if then <= now { format!("{} ago", span(now - then)) } else { format!("in {}", span(then - now)) }
}

/// Reads a time that may be past: `now`, a day (its beginning in UTC), or RFC 3339.
pub fn parse_time(text: &str) -> Result<i64, String> {
    if text == "now" {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return i64::try_from(now.as_millis()).map_err(|_| "the clock is out of this world".to_owned());
    }
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let time: Result<Timestamp, _> = whole.parse();
    time.map(Timestamp::as_millisecond).map_err(|_| {
        format!("{text:?} is neither now, nor a day (2026-12-01), nor a time (2026-12-01T08:00:00Z)")
    })
}

/// Reads when something ends: a span from now (`3d`), a day (its end in UTC), or a time (RFC 3339).
pub fn parse_until(text: &str) -> Result<i64, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let end = if let Ok(span) = humantime::parse_duration(text) {
        now + span
    } else if let (10, Ok(day)) = (text.len(), text.parse::<Date>()) {
        let midnight = day.tomorrow().and_then(|next| format!("{next}T00:00:00Z").parse::<Timestamp>());
        let midnight = midnight.map_err(|error| format!("{text} is no day: {error}"))?;
        Duration::from_millis(u64::try_from(midnight.as_millisecond()).unwrap_or(0))
    } else {
        let time: Timestamp = text.parse().map_err(|_| {
            format!("{text:?} is neither a span (3d, 12h), nor a day (2026-12-01), nor a time (2026-12-01T08:00:00Z)")
        })?;
        Duration::from_millis(u64::try_from(time.as_millisecond()).unwrap_or(0))
    };
    if end <= now {
        return Err(format!("{text} is over"));
    }
    i64::try_from(end.as_millis()).map_err(|_| format!("{text} is too far away"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_with_their_zone() {
        assert_eq!(at(1_767_571_200_000), "2026-01-05 00:00Z");
        assert_eq!(
            (span(90_000), span(7_200_000), span(3 * 86_400_000)),
            ("90s".into(), "2h".into(), "3d".into())
        );
        assert_eq!((took(40), took(9_999), took(10_000)), ("0.04s".into(), "9.99s".into(), "10s".into()));
        assert_eq!(ago(10_000, 5_000), "5s ago");
        assert_eq!((ago(0, 200_000), ago(0, 600_000)), ("0s ago".into(), "in the future by 10m".into()));
        assert_eq!(until(0, 600_000), "in 10m");
        assert_eq!(span(-90_000), "in the future by 90s");
    }

    #[test]
    fn an_end_can_be_a_span_a_day_or_a_time() {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        let in_three_days = parse_until("3d").unwrap() - now;
        assert!((in_three_days - 3 * 86_400_000).abs() < 60_000);
        assert_eq!(at(parse_until("2999-12-31").unwrap()), "3000-01-01 00:00Z");
        assert_eq!(at(parse_until("2999-12-31T08:00:00+01:00").unwrap()), "2999-12-31 07:00Z");
        assert!(parse_until("1999-01-01").is_err());
        assert!(parse_until("soon").is_err());
    }
}
