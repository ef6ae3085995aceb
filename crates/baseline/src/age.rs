//! Age of a time. A time in the future has no age: some clock was wrong, and the record that bears it says nothing
//! about the present.

/// Milliseconds that a time may be ahead, because clocks differ a little.
pub const TOLERATED: i64 = 300_000;

/// Position of a time relative to now, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Milliseconds since a past time.
    Ago(i64),
    /// Milliseconds until a future time, which is not trusted.
    Ahead(i64),
}

impl Age {
    /// Of a time, both in milliseconds.
    pub fn of(now: i64, then: i64) -> Age {
        match now.saturating_sub(then) {
            ago if ago >= 0 => Age::Ago(ago),
            ahead if ahead >= -TOLERATED => Age::Ago(0),
            ahead => Age::Ahead(ahead.saturating_neg()),
        }
    }

    /// Milliseconds since then; negative for a time in the future.
    pub fn signed(self) -> i64 {
        match self {
            Age::Ago(ago) => ago,
            Age::Ahead(ahead) => -ahead,
        }
    }
}

/// True when a time is not in the future.
pub fn is_believed(now: i64, then: i64) -> bool {
    matches!(Age::of(now, then), Age::Ago(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ahead_by_more_than_clocks_differ_is_no_age() {
        assert_eq!((Age::of(9000, 4000), Age::of(0, TOLERATED)), (Age::Ago(5000), Age::Ago(0)));
        assert_eq!(Age::of(0, TOLERATED + 1), Age::Ahead(TOLERATED + 1));
        assert_eq!(Age::of(0, TOLERATED + 1).signed(), -TOLERATED - 1);
        assert_eq!(Age::of(0, i64::MIN).signed(), i64::MAX);
        assert_eq!(Age::of(i64::MIN, i64::MAX).signed(), -i64::MAX);
    }
}
