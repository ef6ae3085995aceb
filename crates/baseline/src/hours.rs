//! A figure's history in hour buckets. An hour without a sample is missing; it is never zero.

use serde::{Deserialize, Serialize};

/// Hours that are kept: 15 weeks.
pub const KEPT: i64 = 15 * 168;

/// Number of days that are learned from: one less than the kept ones, so that a day that has only begun removes
/// nothing.
pub const LEARNED_DAYS: i64 = KEPT / 24 - 1;

/// Values by hour since 1970, the newest [`KEPT`] hours of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Hours {
    first: i64,
    /// `NAN` where there was no sample.
    values: Vec<f64>,
}

/// Hours as they are stored: JSON has no `NAN`.
#[derive(Serialize, Deserialize)]
struct Written {
    first: i64,
    values: Vec<Option<serde_json::Number>>,
}

impl From<Hours> for Written {
    fn from(hours: Hours) -> Written {
        Written { first: hours.first, values: hours.values.into_iter().map(number).collect() }
    }
}

impl From<Written> for Hours {
    fn from(written: Written) -> Hours {
        let value = |it: Option<serde_json::Number>| it.and_then(|it| it.as_f64()).unwrap_or(f64::NAN);
        Hours { first: written.first, values: written.values.into_iter().map(value).collect() }
    }
}

/// Whole numbers are written as such: they are shorter, and nearly all are.
fn number(value: f64) -> Option<serde_json::Number> {
    // Below 2^53 the cast is exact.
    #[allow(clippy::cast_possible_truncation)]
    if value.fract() == 0.0 && value.abs() < 9e15 {
        return Some((value as i64).into());
    }
    serde_json::Number::from_f64(value)
}

/// Sums of a stretch of hours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observed {
    /// The sum of the values.
    pub sum: f64,
    /// Sum that the profile expects of the same hours.
    pub share: f64,
    /// Number of hours with a sample.
    pub hours: u32,
}

impl Hours {
    /// Sets the value of an hour; a later sample of the same hour replaces an earlier one. An hour older than the
    /// kept ones is ignored.
    pub fn set(&mut self, hour: i64, value: f64) {
        let Some(newest) = self.newest() else {
            self.first = hour;
            self.values = vec![value];
            return;
        };
        if hour.saturating_sub(newest) > KEPT {
            // All earlier hours are too old now.
            self.first = hour;
            self.values = vec![value];
        } else if hour > newest {
            let missing = usize::try_from(hour - newest - 1).unwrap_or(0);
            self.values.extend(std::iter::repeat_n(f64::NAN, missing));
            self.values.push(value);
            self.forget();
        } else if let Some(slot) =
            usize::try_from(hour.saturating_sub(self.first)).ok().and_then(|at| self.values.get_mut(at))
        {
            *slot = value;
        }
    }

    /// Drops hours that are too old, in batches, because moving the rest has a price.
    fn forget(&mut self) {
        let kept = usize::try_from(KEPT).unwrap_or(usize::MAX);
        if self.values.len() > 2 * kept {
            let surplus = self.values.len() - kept;
            self.values.drain(..surplus);
            self.first += i64::try_from(surplus).unwrap_or(0);
        }
    }

    /// Newest kept hours, without those that are only still in memory.
    pub fn newest_kept(&self) -> Hours {
        let kept = usize::try_from(KEPT).unwrap_or(usize::MAX);
        let surplus = self.values.len().saturating_sub(kept);
        Hours {
            first: self.first + i64::try_from(surplus).unwrap_or(0),
            values: self.values.iter().skip(surplus).copied().collect(),
        }
    }

    /// The value of an hour.
    pub fn get(&self, hour: i64) -> Option<f64> {
        let at = usize::try_from(hour.checked_sub(self.first)?).ok()?;
        self.values.get(at).copied().filter(|value| !value.is_nan())
    }

    /// The newest hour with a sample.
    pub fn newest(&self) -> Option<i64> {
        let length = i64::try_from(self.values.len()).ok().filter(|length| *length > 0)?;
        Some(self.first + length - 1)
    }

    /// The newest hour before `to` with a sample.
    pub fn newest_before(&self, to: i64) -> Option<i64> {
        let newest = self.newest()?.min(to - 1);
        let length = usize::try_from(newest - self.first + 1).ok()?;
        let at = self.values.iter().take(length).rposition(|value| !value.is_nan())?;
        Some(self.first + i64::try_from(at).unwrap_or(0))
    }

    /// Newest samples before `to`, at most `number`, newest first.
    pub fn newest_of(&self, to: i64, number: usize) -> impl Iterator<Item = (i64, f64)> + '_ {
        let length = usize::try_from(to.saturating_sub(self.first)).unwrap_or(0).min(self.values.len());
        let values = self.values.iter().take(length).enumerate().rev().filter(|(_, value)| !value.is_nan());
        values.take(number).map(|(at, value)| (self.first + i64::try_from(at).unwrap_or(0), *value))
    }

    /// Hours and values from `from` up to but not including `to`.
    pub fn between(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, f64)> + '_ {
        let start = from.max(self.first);
        let skip = usize::try_from(start.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let take = usize::try_from(to.saturating_sub(start)).unwrap_or(0);
        let values = self.values.iter().skip(skip).take(take).enumerate();
        values
            .filter(|(_, value)| !value.is_nan())
            .map(move |(at, value)| (start + i64::try_from(at).unwrap_or(0), *value))
    }

    /// The kept hours before `to`, without those of the given stretches (first and last hour of each).
    pub fn without(&self, stretches: &[(i64, i64)], to: i64) -> Hours {
        // Hours older than the kept ones may still be in memory, and are gone after saving and loading.
        let kept = self.newest().map_or(self.first, |newest| newest - KEPT + 1);
        let from = (to - 24 * LEARNED_DAYS).max(self.first).max(kept);
        let mut rest = Hours { first: from, values: Vec::new() };
        let inside = |hour: i64| stretches.iter().any(|(first, last)| (*first..=*last).contains(&hour));
        for (hour, value) in self.between(from, to) {
            if !inside(hour) {
                rest.set(hour, value);
            }
        }
        rest
    }

    /// Sums of the hours from `from` up to but not including `to`, with those that `profile` expects.
    pub fn observe(&self, from: i64, to: i64, profile: impl Fn(i64) -> f64) -> Observed {
        let mut observed = Observed::default();
        for (hour, value) in self.between(from, to) {
            observed.sum += value;
            observed.share += profile(hour);
            observed.hours += 1;
        }
        observed
    }
}

/// Running sums of a history, so that the sum of a window is a difference of two of them.
pub struct Sums {
    first: i64,
    sums: Vec<Observed>,
}

impl Sums {
    /// Sums from `first` up to but not including `last`.
    pub fn new(hours: &Hours, first: i64, last: i64, profile: impl Fn(i64) -> f64) -> Sums {
        let mut running = Observed::default();
        let mut sums = vec![running];
        for hour in first..last {
            if let Some(value) = hours.get(hour) {
                running.sum += value;
                running.share += profile(hour);
                running.hours += 1;
            }
            sums.push(running);
        }
        Sums { first, sums }
    }

    fn until(&self, hour: i64) -> Observed {
        let at = usize::try_from(hour - self.first).unwrap_or(0).min(self.sums.len().saturating_sub(1));
        self.sums.get(at).copied().unwrap_or_default()
    }

    /// Sums of the hours from `from` up to but not including `to`.
    pub fn observe(&self, from: i64, to: i64) -> Observed {
        let (low, high) = (self.until(from), self.until(to));
        Observed {
            sum: high.sum - low.sum,
            share: high.share - low.share,
            hours: high.hours.saturating_sub(low.hours),
        }
    }
}
