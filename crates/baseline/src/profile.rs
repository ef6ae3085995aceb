//! The pattern of a week: how much of the level each hour of the week usually has.
//!
//! Three layers, each kept only as far as it stands out of the noise: days of the week, hours of the day, and hours
//! of single days. Otherwise the pattern of a small or noisy figure would only repeat last month's accidents.

use crate::hours::Hours;
use crate::robust::count;
use crate::weekdays::{Prior, Weekdays};

const DAY: i64 = 24;
const WEEK: usize = 168;

/// A factor for each hour of the week, 1.0 on average.
#[derive(Clone, Debug)]
pub struct Profile {
    factors: Vec<f64>,
    /// Number of factors of weekdays that were learned, weighted by their reliability: 0 to 7.
    pub weekdays: f64,
}

/// Prior variance of a ratio, before there are data: 15 % either way.
const PRIOR_VARIANCE: f64 = 0.0225;

/// Weight of the prior, as a number of observations.
const PRIOR_WEIGHT: f64 = 6.0;

/// No hour is expected to have less than this part of the level, so that nothing divides by nearly zero.
const LEAST: f64 = 0.01;

impl Profile {
    /// No pattern: every hour is like every other.
    pub fn flat() -> Profile {
        Profile { factors: vec![1.0; WEEK], weekdays: 0.0 }
    }

    /// The factor of an hour since 1970.
    pub fn at(&self, hour: i64) -> f64 {
        let at = usize::try_from(hour.rem_euclid(168)).unwrap_or(0);
        self.factors.get(at).copied().unwrap_or(1.0)
    }

    /// The largest factor of an hour and its neighbours: clocks are changed by an hour in spring and autumn, and
    /// figures that follow their users' clock move with it.
    pub fn around(&self, hour: i64) -> f64 {
        self.at(hour).max(self.at(hour - 1)).max(self.at(hour + 1))
    }

    /// Learns the pattern from the days from `first` up to but not including `last`. `counts` says that the values
    /// are numbers of independent events, which vary by themselves.
    pub fn learn(hours: &Hours, first: i64, last: i64, counts: bool) -> Profile {
        let days = days(hours, first, last);
        if days.len() < 7 {
            return Profile::flat();
        }
        let mean = days.iter().map(|day| day.mean).sum::<f64>() / count(days.len());
        if mean <= 0.0 {
            return Profile::flat();
        }
        let noise = |hours: f64| if counts { 1.0 / (mean * hours) } else { 0.0 };
        let mut ratios = Vec::with_capacity(days.len());
        let mut clock = Layer::new(24);
        for (at, day) in days.iter().enumerate() {
            let usual = around(&days, at);
            if usual > 0.0 {
                ratios.push((weekday(day.number), day.mean / usual));
            }
            for (hour, value) in hours.between(day.number * DAY, (day.number + 1) * DAY) {
                if day.mean > 0.0 && day.hours >= 12 {
                    clock.add(slot(hour, DAY), value / day.mean);
                }
            }
        }
        let least = noise(24.0);
        let prior = Prior { variance: PRIOR_VARIANCE + least, weight: PRIOR_WEIGHT, least };
        let weekdays = Weekdays::learn(&ratios, prior);
        let clock = clock.shrunk(PRIOR_VARIANCE + noise(1.0));
        let single = single_hours(hours, &days, &clock, PRIOR_VARIANCE + noise(1.0));
        Profile { weekdays: weekdays.learned, ..Profile::compose(&weekdays.factors, &clock, &single) }
    }

    fn compose(weekdays: &[f64], clock: &[f64], single: &[f64]) -> Profile {
        let factor = |hour: usize| {
            // Hour 0 of the count since 1970 is a Thursday's first; `weekday` counts the same way.
            let day = weekdays.get(hour / 24).copied().unwrap_or(1.0);
            day * clock.get(hour % 24).copied().unwrap_or(1.0) * single.get(hour).copied().unwrap_or(1.0)
        };
        let factors: Vec<f64> = (0..WEEK).map(factor).map(|factor| factor.max(LEAST)).collect();
        let mean = factors.iter().sum::<f64>() / count(WEEK);
        Profile { factors: factors.into_iter().map(|factor| factor / mean).collect(), weekdays: 0.0 }
    }
}

/// Factors of single hours of the week, beyond those of their day and their hour of the day.
fn single_hours(hours: &Hours, days: &[Day], clock: &[f64], prior: f64) -> Vec<f64> {
    let mut single = Layer::new(WEEK);
    for day in days.iter().filter(|day| day.mean > 0.0 && day.hours >= 12) {
        for (hour, value) in hours.between(day.number * DAY, (day.number + 1) * DAY) {
            let usual = clock.get(slot(hour, DAY)).copied().unwrap_or(1.0).max(LEAST);
            single.add(slot(hour, 168), value / (day.mean * usual));
        }
    }
    single.shrunk(prior)
}

struct Day {
    number: i64,
    mean: f64,
    hours: u32,
}

fn days(hours: &Hours, first: i64, last: i64) -> Vec<Day> {
    (first..last)
        .filter_map(|number| {
            let seen = hours.observe(number * DAY, (number + 1) * DAY, |_| 1.0);
            (seen.hours > 0).then(|| Day {
                number,
                mean: seen.sum / f64::from(seen.hours),
                hours: seen.hours,
            })
        })
        .collect()
}

/// Factor between the weeks before and after a day from which on the level has stepped, and not only its noise.
const STEP: f64 = 1.5;

/// Mean of the seven days around a day, or of the first or last seven: each has every weekday once. Where the level has
/// stepped, the week before or after is used: the one that the day belongs to.
fn around(days: &[Day], at: usize) -> f64 {
    let week = |start: usize| {
        let start = start.min(days.len().saturating_sub(7));
        days.iter().skip(start).take(7).map(|day| day.mean).sum::<f64>() / 7.0
    };
    let (before, after) = (week(at.saturating_sub(6)), week(at));
    if before.max(after) <= STEP * before.min(after) {
        return week(at.saturating_sub(3));
    }
    let value = days.get(at).map_or(0.0, |day| day.mean);
    if value * value > before * after { before.max(after) } else { before.min(after) }
}

fn weekday(day: i64) -> usize {
    usize::try_from(day.rem_euclid(7)).unwrap_or(0)
}

fn slot(hour: i64, period: i64) -> usize {
    usize::try_from(hour.rem_euclid(period)).unwrap_or(0)
}

/// Ratios in groups, all of which would be 1.0 if there were no pattern.
struct Layer {
    sums: Vec<f64>,
    squares: Vec<f64>,
    counts: Vec<f64>,
}

impl Layer {
    fn new(size: usize) -> Layer {
        Layer { sums: vec![0.0; size], squares: vec![0.0; size], counts: vec![0.0; size] }
    }

    fn add(&mut self, group: usize, ratio: f64) {
        let fields = (self.sums.get_mut(group), self.squares.get_mut(group), self.counts.get_mut(group));
        if let (Some(sum), Some(square), Some(number)) = fields {
            *sum += ratio;
            *square += ratio * ratio;
            *number += 1.0;
        }
    }

    /// The mean of each group, drawn towards 1.0: by nothing where the differences between the groups are large beside
    /// those within, entirely where they are what noise alone would make (the estimate of James and Stein).
    fn shrunk(&self, prior: f64) -> Vec<f64> {
        let seen: Vec<f64> = self.counts.iter().copied().filter(|number| *number > 0.0).collect();
        let total: f64 = seen.iter().sum();
        let groups = count(seen.len());
        if groups < 2.0 {
            return vec![1.0; self.counts.len()];
        }
        let overall = (self.sums.iter().sum::<f64>() / total).max(LEAST);
        let mean = |group: usize| -> Option<f64> {
            let number = self.counts.get(group).copied().filter(|number| *number > 0.0)?;
            Some(self.sums.get(group)? / number)
        };
        let mut within = prior * PRIOR_WEIGHT;
        let mut between = 0.0;
        for group in 0..self.counts.len() {
            let (Some(mean), Some(number), Some(square)) =
                (mean(group), self.counts.get(group), self.squares.get(group))
            else {
                continue;
            };
            within += (square - number * mean * mean).max(0.0);
            between += number * (mean - overall).powi(2);
        }
        let within = within / (total - groups + PRIOR_WEIGHT);
        let between = between / (groups - 1.0);
        let kept = if between > within { 1.0 - within / between } else { 0.0 };
        let drawn = |group: usize| mean(group).map_or(1.0, |mean| 1.0 + kept * (mean / overall - 1.0));
        (0..self.counts.len()).map(drawn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_the_level_leaves_no_pattern() {
        let weekday = |hour: i64| if [2, 3].contains(&(hour / DAY % 7)) { 0.3 } else { 1.0 };
        for step in 7..11 {
            let mut hours = Hours::default();
            let mut weekly = Hours::default();
            for hour in 0..17 * DAY {
                let level = if hour < step * DAY { 500.0 } else { 40.0 };
                hours.set(hour, level);
                weekly.set(hour, level * weekday(hour));
            }
            let flat = Profile::learn(&hours, 0, 17, false);
            assert!((0..168).all(|hour| (flat.at(hour) - 1.0).abs() < 0.02), "step on day {step}");
            let week = Profile::learn(&weekly, 0, 17, false);
            let weekend = week.at(2 * DAY) / week.at(0);
            assert!((0.2..0.4).contains(&weekend), "step on day {step}: {weekend}");
        }
    }
}
