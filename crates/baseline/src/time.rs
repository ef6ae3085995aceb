//! A moment, and how it is written. Checks show it as well: a library for this would be a tenth of a check.

use std::fmt;

/// Milliseconds of a minute and of a day.
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// Time in Unix milliseconds. It is shown as `2026-11-24 08:32Z`, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// Time from Unix seconds.
    pub fn from_seconds(seconds: i64) -> Millis {
        Millis(seconds.saturating_mul(1000))
    }

    /// The day in UTC, `2026-11-24`.
    pub fn day(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `11-24 08:32Z`, and with its year if that is another than that of `now`: `2025-11-24 08:32Z`.
    pub fn short(self, now: Millis) -> String {
        let ((year, month, day), (this, ..)) = (self.civil(), now.civil());
        let year = if year == this { String::new() } else { format!("{year:04}-") };
        format!("{year}{month:02}-{day:02} {}", self.clock())
    }

    /// Time of day in UTC, as `08:32Z`.
    fn clock(self) -> String {
        let minute = self.0.rem_euclid(DAY) / MINUTE;
        format!("{:02}:{:02}Z", minute / 60, minute % 60)
    }

    /// Year, month and day in UTC. A year is counted from March, so that the leap day is its last one.
    fn civil(self) -> (i64, i64, i64) {
        const DAYS_OF_400_YEARS: i64 = 146_097;
        // Days since 0000-03-01.
        let days = self.0.div_euclid(DAY) + 719_468;
        let (era, days) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
        let year = (days - days / 1460 + days / 36_524 - days / 146_096) / 365;
        let day = days - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        (400 * era + year + next, month, day)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.day(), self.clock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for seconds in (-60_000_000_000..200_000_000_000).step_by(12_345_678) {
            let time = jiff::Timestamp::from_second(seconds);
            let expected = time.as_ref().map(|time| time.strftime("%Y-%m-%d %H:%MZ").to_string());
            let expected = expected.as_deref().map_err(|_| ());
            let moment = Millis::from_seconds(seconds);
            assert_eq!(Ok(moment.to_string().as_str()), expected, "{seconds}");
            assert_eq!(Ok(moment.day().as_str()), expected.map(|text| &text[..10]), "{seconds}");
            let later = Millis::from_seconds(seconds + 800 * 86_400);
            assert_eq!(Ok(moment.short(later).as_str()), expected, "{seconds}");
            assert_eq!(Ok(moment.short(moment).as_str()), expected.map(|text| &text[5..]), "{seconds}");
        }
        for far in [i64::MIN, i64::MAX] {
            assert!(Millis(far).to_string().ends_with('Z') && Millis::from_seconds(far) != Millis(0));
        }
    }
}
