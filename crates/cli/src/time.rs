//! Times as people read them. They are stored in UTC and shown in UTC, with the zone.

use ::baseline::age::Age;
use ::baseline::time::Millis;

/// Time in UTC, as `2026-11-24 08:32Z`.
pub fn at(milliseconds: i64) -> String {
    Millis(milliseconds).to_string()
}

/// Span in its largest unit: `42s`, `7m`, `3h`, `12d`. The span since a future time is negative.
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

/// Duration as `0.04s`, and from ten seconds on as [`span`].
pub fn took(milliseconds: i64) -> String {
    match milliseconds {
        0..10_000 => format!("{}.{:02}s", milliseconds / 1000, milliseconds % 1000 / 10),
        _ => span(milliseconds),
    }
}

/// Age of a past time: `3h ago`. A time that is ahead by more than clocks differ is `in the future by 399d`.
pub fn ago(now: i64, then: i64) -> String {
    match Age::of(now, then) {
        Age::Ago(ago) => format!("{} ago", span(ago)),
        Age::Ahead(ahead) => format!("in the future by {}", span(ahead)),
    }
}

/// Distance of a time that is due: `in 7m`; an overdue one was due `3h ago`.
pub fn until(now: i64, then: i64) -> String {
    if then <= now { format!("{} ago", span(now - then)) } else { format!("in {}", span(then - now)) }
}

#[cfg(test)]
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
}
