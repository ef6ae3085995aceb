//! A history day by day, and its level: the present one, and the one that was known on each day of the past.

use crate::fit::Kind;
use crate::hours::Hours;
use crate::profile::Profile;
use crate::robust::{count, median, spread};
use crate::rule;
use crate::scale::Scale;

const DAY: i64 = 24;

/// One day.
pub struct Day {
    /// Days since 1970.
    pub number: i64,
    /// The level an hour, without the pattern of the week.
    pub level: f64,
    /// Number of its hours, weighted by the pattern.
    pub share: f64,
    /// Of how many hours it is.
    pub hours: f64,
}

/// The levels of the past.
pub struct Levels {
    /// For each day, and for the one after the last: the level known before it, and the number of days behind it.
    levels: Vec<Option<(f64, usize)>>,
    /// The first day after the last fall.
    pub start: usize,
    noise: f64,
}

/// Days with samples, in order.
pub struct Days {
    /// The days, oldest first.
    pub days: Vec<Day>,
}

impl Days {
    /// Reads the days from `first` up to but not including `last`.
    pub fn read(hours: &Hours, first: i64, last: i64, profile: &Profile) -> Days {
        let days = (first..last).filter_map(|number| {
            let seen = hours.observe(number * DAY, (number + 1) * DAY, |hour| profile.at(hour));
            (seen.share > 0.0).then(|| Day {
                number,
                level: seen.sum / seen.share,
                share: seen.share,
                hours: f64::from(seen.hours),
            })
        });
        Days { days: days.collect() }
    }

    /// Level that was known on each day, and the day on which the present level begins.
    pub fn levels(&self, kind: Kind) -> Levels {
        let noise = self.noise();
        let mut start = 0;
        let mut levels = Vec::with_capacity(self.days.len() + 1);
        for at in 0..=self.days.len() {
            if at >= start + 2 * rule::LEARNING_DAYS && self.fell(kind, start, at, noise) {
                start = at - rule::LEARNING_DAYS;
            }
            let from = start.max(at.saturating_sub(level_days(noise)));
            levels.push(self.level(kind, from, at, noise).map(|level| (level, at - from)));
        }
        Levels { levels, start, noise }
    }

    /// Level of the days before `number` that belong to the present regime.
    pub fn present(&self, kind: Kind, levels: &Levels, number: i64, regime: i64) -> Option<(f64, usize)> {
        let to = self.days.partition_point(|day| day.number < number);
        let since = self.days.partition_point(|day| day.number < regime);
        let from = levels.start.max(since).max(to.saturating_sub(level_days(levels.noise)));
        Some((self.level(kind, from, to, levels.noise)?, to - from))
    }

    /// The level that was known before the day `number`, in the past.
    pub fn past(&self, levels: &Levels, number: i64) -> Option<f64> {
        let at = self.days.partition_point(|day| day.number < number);
        let (level, days) = levels.levels.get(at).copied().flatten()?;
        (days >= rule::LEAST_DAYS).then_some(level)
    }

    /// Difference of single days from the median of the days around them, as a fraction of it.
    fn noise(&self) -> f64 {
        let ratios: Vec<f64> = self
            .days
            .iter()
            .enumerate()
            .filter_map(|(at, day)| {
                let from = at.saturating_sub(7);
                let near: Vec<f64> = self.days.iter().skip(from).take(15).map(|day| day.level).collect();
                median(&near).filter(|level| *level > 0.0).map(|level| (day.level / level - 1.0).abs())
            })
            .collect();
        (1.4826 * median(&ratios).unwrap_or(0.0)).clamp(0.02, 0.6)
    }

    /// Difference of days from the day before, as the deviation that noise of some days' duration would have. A level
    /// that changes slowly has small steps, however far it moves.
    pub fn steps(&self) -> Option<f64> {
        let last = self.days.get(self.days.len().saturating_sub(rule::LEVEL_DAYS + 1)..)?;
        let steps: Vec<f64> = last
            .iter()
            .zip(last.iter().skip(1))
            .map(|(one, other)| Scale::Stock.distance(other.level, one.level))
            .collect();
        let seen = spread(&steps, rule::LEAST_SPREAD).filter(|_| steps.len() >= rule::LEARNING_DAYS)?;
        Some((rule::STEPS * seen.deviation / std::f64::consts::SQRT_2).max(rule::LEAST_SPREAD))
    }

    fn fell(&self, kind: Kind, start: usize, at: usize, noise: f64) -> bool {
        let week = at - rule::LEARNING_DAYS;
        let from = start.max(week.saturating_sub(level_days(noise)));
        if self.plain(from, week) < 1.2 * self.plain(week, at) {
            return false;
        }
        let (Some(before), Some(after)) =
            (self.level(kind, from, week, noise), self.level(kind, week, at, noise))
        else {
            return false;
        };
        let week_days = self.days.get(week..at).unwrap_or_default();
        if week_days.iter().any(|day| day.level > before / 1.2) {
            return false;
        }
        let errors = 1.0 / count(rule::LEARNING_DAYS) + 1.0 / count(week - from);
        let fall = Scale::Stock.distance(before, after);
        fall > rule::FALL.ln().max(rule::FALL_ERRORS * noise * errors.sqrt())
    }

    /// Plain mean of some days: quick, and enough to see that there was no fall.
    fn plain(&self, from: usize, to: usize) -> f64 {
        let days = self.days.get(from..to).unwrap_or_default();
        days.iter().map(|day| day.level).sum::<f64>() / count(days.len()).max(1.0)
    }

    /// Mean of some days. A day that is more than two deviations away counts as if it were at that distance.
    fn level(&self, kind: Kind, from: usize, to: usize, noise: f64) -> Option<f64> {
        let days = self.days.get(from..to).filter(|days| !days.is_empty())?;
        let levels: Vec<f64> = days.iter().map(|day| day.level).collect();
        let mut level = median(&levels)?;
        for _ in 0..2 {
            let mut sum = 0.0;
            let mut weight = 0.0;
            for day in days {
                let poisson = if kind == Kind::Flow { level / day.share } else { 0.0 };
                let reach = 2.0 * (poisson + (noise * level).powi(2)).sqrt()
                    + if kind == Kind::Flow { 1.0 / day.share } else { 0.0 };
                sum += day.share * day.level.clamp(level - reach, level + reach);
                weight += day.share;
            }
            level = sum / weight;
        }
        Some(level)
    }
}

/// Number of days from which the level is computed: more where single days are noisy.
fn level_days(noise: f64) -> usize {
    if noise > rule::NOISY { rule::NOISY_LEVEL_DAYS } else { rule::LEVEL_DAYS }
}
